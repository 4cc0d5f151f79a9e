//! What is known of every attempt: what it asked, who answered it, and what it committed.

use crate::clock::SimTime;
use crate::history::{CallFacts, Event};
use crate::oracle::Seen;
use kms_core::env::{RequestId, Timestamp};
use kms_core::error::ErrorCode;
use kms_core::name::RegionName;
use std::collections::BTreeMap;

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
pub(crate) struct Attempt<'h> {
    /// When it was sent.
    pub(crate) at: SimTime,
    /// Where.
    pub(crate) region: RegionName,
    /// What.
    pub(crate) facts: &'h CallFacts,
    /// Whether a host had to decide again.
    pub(crate) conflicted: bool,
    /// The log entry it made.
    pub(crate) committed: Option<u64>,
    /// The answers; more than one when a message was duplicated.
    pub(crate) answers: Vec<Answer>,
}

/// Every attempt of a history so far.
#[derive(Debug, Default)]
pub(crate) struct Attempts<'h>(BTreeMap<RequestId, Attempt<'h>>);

impl<'h> Attempts<'h> {
    /// An attempt.
    pub(crate) fn get(&self, request: RequestId) -> Option<&Attempt<'h>> {
        self.0.get(&request)
    }

    /// Takes note of a record.
    pub(crate) fn note(&mut self, seen: Seen<'h>) {
        match &seen.record.event {
            Event::Called { request, region, facts, .. } => {
                let (at, region) = (seen.record.at, *region);
                let attempt = Attempt {
                    at,
                    region,
                    facts,
                    conflicted: false,
                    committed: None,
                    answers: Vec::new(),
                };
                self.0.insert(*request, attempt);
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

    fn change(&mut self, request: RequestId, change: impl FnOnce(&mut Attempt<'h>)) {
        if let Some(attempt) = self.0.get_mut(&request) {
            change(attempt);
        }
    }
}
