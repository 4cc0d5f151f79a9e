//! What is known of every attempt: what it asked, who answered it, and what it committed.
//!
//! An attempt is remembered for as long as anything may still come of it, which is a matter of
//! time-outs and outages and not of how long the run is.

use crate::clock::SimTime;
use crate::history::{CallFacts, Event, Record, Routing};
use kms_core::env::{RequestId, Timestamp};
use kms_core::error::ErrorCode;
use kms_core::name::RegionName;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// A host's answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    /// The log position it was decided on.
    pub(crate) position: u64,
    /// The host's clock then.
    pub(crate) now: Timestamp,
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
    /// Where.
    pub(crate) region: RegionName,
    /// What.
    pub(crate) facts: Arc<CallFacts>,
    /// Whether a quota of another Region refused a command of it.
    pub(crate) throttled_elsewhere: bool,
    /// Whether an HSM or all of them had too much before them to take a command of it.
    pub(crate) crowded: bool,
    /// Whether a host had to decide again.
    pub(crate) conflicted: bool,
    /// The log entry it made.
    pub(crate) committed: Option<u64>,
    /// The answers; more than one when a message was duplicated.
    pub(crate) answers: Vec<Answer>,
}

/// The attempts of a history so far, except those that are over long since.
#[derive(Debug)]
pub(crate) struct Attempts {
    known: BTreeMap<RequestId, Attempt>,
    /// In the order in which they were sent.
    sent: VecDeque<(SimTime, RequestId)>,
    /// How long an attempt is remembered.
    memory: Duration,
}

impl Attempts {
    /// Nothing yet; each attempt will be remembered this long.
    pub(crate) fn new(memory: Duration) -> Attempts {
        Attempts { known: BTreeMap::new(), sent: VecDeque::new(), memory }
    }

    /// An attempt.
    pub(crate) fn get(&self, request: RequestId) -> Option<&Attempt> {
        self.known.get(&request)
    }

    /// Takes note of a record.
    pub(crate) fn note(&mut self, record: &Record) {
        match &record.event {
            Event::Called { request, region, facts, .. } => {
                let (at, region, facts) = (record.at, *region, facts.clone());
                self.forget(at);
                let attempt = Attempt {
                    at,
                    region,
                    facts,
                    throttled_elsewhere: false,
                    crowded: false,
                    conflicted: false,
                    committed: None,
                    answers: Vec::new(),
                };
                self.known.insert(*request, attempt);
                self.sent.push_back((at, *request));
            }
            Event::Answered { request, position, now, pool, error } => {
                let answer = Answer {
                    position: *position,
                    now: *now,
                    charged: pool.is_some(),
                    error: *error,
                };
                self.change(*request, |attempt| attempt.answers.push(answer));
            }
            Event::CommandThrottled { request, .. } => {
                self.change(*request, |attempt| attempt.throttled_elsewhere = true);
            }
            Event::Routed { request, what: Routing::Refused | Routing::Saturated, .. } => {
                self.change(*request, |attempt| attempt.crowded = true);
            }
            Event::Conflicted { request } => {
                self.change(*request, |attempt| attempt.conflicted = true);
            }
            Event::Committed { id, position, region, .. } => {
                self.change(*id, |attempt| {
                    if attempt.region == *region {
                        attempt.committed = Some(*position);
                    }
                });
            }
            _ => {}
        }
    }

    fn forget(&mut self, now: SimTime) {
        while let Some((at, request)) = self.sent.front().copied()
            && at.after(self.memory) < now
        {
            self.sent.pop_front();
            self.known.remove(&request);
        }
    }

    fn change(&mut self, request: RequestId, change: impl FnOnce(&mut Attempt)) {
        if let Some(attempt) = self.known.get_mut(&request) {
            change(attempt);
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
