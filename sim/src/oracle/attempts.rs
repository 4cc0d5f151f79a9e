//! What is known of every attempt: what it asked, who answered it, and what it committed.
//!
//! An attempt is remembered for as long as anything may still come of it, which is a matter of
//! time-outs and outages and not of how long the run is.

use crate::clock::SimTime;
use crate::history::{CallFacts, Event, Record, Routing};
use crate::node::asker;
use crate::place::NodeId;
use crate::recent::Recent;
use kms_core::env::{RequestId, Timestamp};
use kms_core::error::ErrorCode;
use kms_core::name::RegionName;
use std::sync::Arc;
use std::time::Duration;

/// A host's answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// The log position it was decided on.
    pub(crate) position: u64,
    /// The host's clock then.
    pub(crate) now: Timestamp,
    /// When it was told.
    pub(crate) at: SimTime,
    /// Whether a request quota concerned it.
    pub(crate) charged: bool,
    /// The error, if it is one.
    pub(crate) error: Option<ErrorCode>,
}

/// An attempt.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// When it was sent.
    pub(crate) at: SimTime,
    /// The client, and which of its calls it belongs to.
    pub(crate) call: (NodeId, u64),
    /// Where.
    pub(crate) region: RegionName,
    /// What.
    pub(crate) facts: Arc<CallFacts>,
    /// Whether a quota of another Region refused a command of it.
    pub(crate) throttled_elsewhere: bool,
    /// Whether an HSM or all of them had too much before them to take a command of it.
    pub(crate) crowded: bool,
    /// How many decisions were stale because something had changed since the last one.
    pub(crate) conflicts: u8,
    /// Where the log was when the journal refused the last decision.
    refused_at: Option<u64>,
    /// The log entry it made.
    pub(crate) committed: Option<u64>,
    /// The answers; more than one when a message was duplicated.
    pub(crate) answers: Vec<Answer>,
}

/// The attempts of a history so far, except those that are over long since.
#[derive(Debug)]
pub(crate) struct Attempts {
    known: Recent<RequestId, Attempt>,
    /// The attempt that the last record is about, which every oracle asks for, and its place.
    current: Option<(RequestId, u64)>,
    /// How long an attempt is remembered.
    memory: Duration,
}

impl Attempts {
    /// Nothing yet; each attempt will be remembered this long.
    pub(crate) fn new(memory: Duration) -> Attempts {
        Attempts { known: Recent::new(usize::MAX), current: None, memory }
    }

    /// An attempt.
    pub(crate) fn get(&self, request: RequestId) -> Option<&Attempt> {
        match self.current {
            Some((current, place)) if current == request => self.known.at(place),
            _ => self.known.get(&request),
        }
    }

    /// What the attempt that the last record is about has asked, and who.
    pub(super) fn describe_current(&self) -> String {
        let current = self.current.and_then(|(_, place)| self.known.at(place));
        current.map_or_else(String::new, Attempt::describe)
    }

    /// Takes note of a record.
    pub(crate) fn note(&mut self, record: &Record) {
        if let Event::Called { .. } = record.event {
            self.called(record);
        }
        // What another Region does for a request, it does under an id that leads back to it.
        let request = match record.event {
            Event::Routed { request, .. } => Some(asker(request)),
            _ => record.event.request(),
        };
        let place = |request| Some((request, self.known.place(&request)?));
        self.current = request.and_then(place);
        if let Some((_, place)) = self.current
            && let Some(attempt) = self.known.at_mut(place)
        {
            attempt.heed(record.at, &record.event);
        }
    }

    fn called(&mut self, record: &Record) {
        let Event::Called { request, call, region, facts, .. } = &record.event else { return };
        let (at, region, facts) = (record.at, *region, facts.clone());
        self.forget(at);
        let attempt = Attempt {
            at,
            call: (record.node, *call),
            region,
            facts,
            throttled_elsewhere: false,
            crowded: false,
            conflicts: 0,
            refused_at: None,
            committed: None,
            answers: Vec::new(),
        };
        self.known.insert(*request, attempt);
    }

    fn forget(&mut self, now: SimTime) {
        while self.known.oldest().is_some_and(|attempt| attempt.at.after(self.memory) < now) {
            self.known.forget_oldest();
        }
    }
}

impl Attempt {
    /// Takes note of what happened to it.
    fn heed(&mut self, at: SimTime, event: &Event) {
        match event {
            Event::Answered { position, now, pool, error, .. } => {
                let (position, now, charged) = (*position, *now, pool.is_some());
                // Most have one and never another.
                self.answers.reserve_exact(1);
                self.answers.push(Answer { position, now, at, charged, error: *error });
            }
            Event::CommandThrottled { .. } => self.throttled_elsewhere = true,
            Event::Routed { what: Routing::Refused | Routing::Saturated, .. } => {
                self.crowded = true;
            }
            Event::Conflicted { head, .. } if self.refused_at.is_none_or(|last| last < *head) => {
                self.refused_at = Some(*head);
                self.conflicts = self.conflicts.saturating_add(1);
            }
            Event::Committed { position, region, .. } if self.region == *region => {
                self.committed = Some(*position);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Wanted;
    use crate::oracle::scene::Scene;

    #[test]
    fn attempts_are_remembered_for_as_long_as_they_matter() {
        let mut scene = Scene::new();
        for request in 0..1_000 {
            scene.at(request * 1_000).call(u128::from(request), Wanted::ListKeys);
        }
        let mut attempts = Attempts::new(Duration::from_secs(60));
        scene.records().iter().for_each(|record| attempts.note(record));
        assert_eq!(attempts.known.len(), 61);
        assert!(attempts.get(RequestId(938)).is_none() && attempts.get(RequestId(939)).is_some());
    }
}
