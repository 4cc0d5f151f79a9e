//! A client's share of a load: when its calls are meant to start, and what they are.

use std::collections::VecDeque;
use std::time::Duration;

use scenarios::{Arrivals, Generator, Schedule};

use crate::clock::SimTime;
use crate::place::NodeId;
use crate::random::{Name, Seed, Site, Stream};

const SCHEDULE: Site = Site::new("client schedule");
const CALL: Site = Site::new("client call");

/// The randomness of one call of a client; calls are numbered from 0.
pub fn call_draw(seed: Seed, node: NodeId, call: u64) -> Stream {
    Stream::named(Name::new(seed, CALL).node(node).request(call))
}

/// One client's part of a workload, or the explicit calls it makes.
pub struct Share {
    /// When the phase begins.
    pub from: SimTime,
    /// When it ends; no call is meant to start then or later.
    pub until: SimTime,
    /// The intended starts.
    pub starts: Starts,
    /// The calls.
    pub generator: Box<dyn Generator>,
}

impl Share {
    /// Takes up the share as that of this number, from 0, of a client: its intended starts and its
    /// calls. Equal seeds, nodes and numbers give equal starts, in a simulation and out of it.
    pub fn begin(self, seed: Seed, node: NodeId, number: u64) -> (Clock, Box<dyn Generator>) {
        let draw = Stream::named(Name::new(seed, SCHEDULE).node(node).ordinal(number));
        (Clock::new(self.from, self.until, self.starts, draw), self.generator)
    }
}

/// When calls are meant to start, counted from the beginning of the phase.
#[derive(Clone, Debug, PartialEq)]
pub enum Starts {
    /// By a schedule that begins this long after the phase does.
    Arrivals(Arrivals, Duration),
    /// At these times, which never decrease.
    Listed(VecDeque<Duration>),
}

/// The intended starts of a share that is under way.
pub struct Clock {
    from: SimTime,
    until: SimTime,
    starts: Running,
    next: Option<SimTime>,
}

enum Running {
    Open(Schedule<Uniform>, Duration),
    /// The next start is known when the last call has ended.
    Closed(Schedule<Uniform>),
    Listed(VecDeque<Duration>),
}

type Uniform = Box<dyn FnMut() -> f64>;

impl Clock {
    /// The clock of a share, with the randomness of its schedule.
    fn new(from: SimTime, until: SimTime, starts: Starts, draw: Stream) -> Clock {
        let starts = match starts {
            Starts::Arrivals(arrivals @ Arrivals::Closed { .. }, _) => {
                Running::Closed(schedule(&arrivals, draw))
            }
            Starts::Arrivals(arrivals, offset) => Running::Open(schedule(&arrivals, draw), offset),
            Starts::Listed(times) => Running::Listed(times),
        };
        let mut clock = Clock { from, until, starts, next: None };
        clock.advance();
        clock
    }

    /// The next intended start, if there is one before the phase ends.
    pub fn next(&self) -> Option<SimTime> {
        self.next
    }

    /// Goes on to the start after the next.
    pub fn advance(&mut self) {
        let start = match &mut self.starts {
            Running::Open(schedule, offset) => {
                schedule.next().map(|start| start.saturating_add(*offset))
            }
            Running::Closed(schedule) => schedule.next(),
            Running::Listed(times) => times.pop_front(),
        };
        self.set(start);
    }

    /// Takes note that a call of this share has ended; whether that gave a new start.
    pub fn ended(&mut self, now: SimTime) -> bool {
        let Running::Closed(schedule) = &mut self.starts else { return false };
        let start = schedule.after(now.since(self.from));
        self.set(Some(start));
        self.next.is_some()
    }

    fn set(&mut self, start: Option<Duration>) {
        self.next = start.map(|start| self.from.after(start)).filter(|at| *at < self.until);
    }
}

fn schedule(arrivals: &Arrivals, mut draw: Stream) -> Schedule<Uniform> {
    Schedule::new(arrivals, Box::new(move || draw.unit()))
}
