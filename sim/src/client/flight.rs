//! The calls of a client that are under way, and when the client stops waiting for them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use scenarios::Planned;

use crate::clock::SimTime;
use crate::place::NodeId;

/// A call under way.
pub(super) struct Flight {
    /// Which share it belongs to.
    pub(super) share: usize,
    /// What it asks.
    pub(super) planned: Planned,
    /// Its current attempt, from 1.
    pub(super) attempt: u8,
    /// Whether an answer to that attempt is awaited; if not, the next attempt is.
    pub(super) waiting: bool,
    /// The host of the current attempt.
    pub(super) host: Option<NodeId>,
    /// What its last retry cost.
    pub(super) paid: Option<u32>,
}

/// Attempts by the time they are given up. All wait equally long, so they come in order, and one
/// timer serves them all.
pub(super) struct Deadlines {
    timeout: Duration,
    queue: VecDeque<(SimTime, u64, u8)>,
    /// Whether the timer is running.
    armed: bool,
}

impl Deadlines {
    pub(super) fn new(timeout: Duration) -> Deadlines {
        Deadlines { timeout, queue: VecDeque::new(), armed: false }
    }

    /// An attempt starts to wait; how long the timer must run, if it is not running.
    pub(super) fn push(&mut self, now: SimTime, call: u64, attempt: u8) -> Option<Duration> {
        self.queue.push_back((now.after(self.timeout), call, attempt));
        self.rearm(now)
    }

    /// The timer has run out.
    pub(super) fn fired(&mut self) {
        self.armed = false;
    }

    /// How long the timer must run until the first deadline; nothing when it is running, or when
    /// there is no deadline.
    pub(super) fn rearm(&mut self, now: SimTime) -> Option<Duration> {
        let (at, _, _) = self.queue.front().filter(|_| !self.armed)?;
        self.armed = true;
        Some(at.since(now))
    }

    /// The next attempt that has waited too long.
    pub(super) fn pop(
        &mut self,
        now: SimTime,
        flights: &BTreeMap<u64, Flight>,
    ) -> Option<(u64, u8)> {
        while let Some((at, call, attempt)) = self.queue.front().copied() {
            let awaited = is_awaited(flights, call, attempt);
            if awaited && at > now {
                return None;
            }
            self.queue.pop_front();
            if awaited {
                return Some((call, attempt));
            }
        }
        None
    }

    /// Forgets all deadlines.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.armed = false;
    }
}

/// Whether this attempt still waits for its answer.
pub(super) fn is_awaited(flights: &BTreeMap<u64, Flight>, call: u64, attempt: u8) -> bool {
    flights.get(&call).is_some_and(|flight| flight.waiting && flight.attempt == attempt)
}
