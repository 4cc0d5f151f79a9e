//! The totals of a run and the latency of its operations, as the history goes on.

use super::is_load;
use crate::clock::SimTime;
use crate::history::{Event, Record};
use crate::place::{NodeId, Topology};
use hdrhistogram::Histogram;
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use reports::data::{Counts, Latency};
use std::collections::BTreeMap;

/// What the client that counts says of a call: its node, and the number it gave the call.
type CallId = (NodeId, u64);

/// A call that has begun.
#[derive(Clone)]
struct Call {
    operation: &'static str,
    began: SimTime,
    /// Whether its latest attempt was answered; a call whose last attempt timed out ends without an
    /// answer, and the error it ends with is the client's own.
    answered: bool,
}

/// The totals so far.
#[derive(Clone)]
pub(super) struct Totals {
    topology: Topology,
    counts: Counts,
    calls: BTreeMap<CallId, Call>,
    attempts: BTreeMap<RequestId, CallId>,
    latencies: BTreeMap<&'static str, Histogram<u64>>,
}

impl Totals {
    pub(super) fn new(topology: &Topology) -> Totals {
        Totals {
            topology: topology.clone(),
            counts: Counts::default(),
            calls: BTreeMap::new(),
            attempts: BTreeMap::new(),
            latencies: BTreeMap::new(),
        }
    }

    pub(super) fn note(&mut self, record: &Record) {
        match is_load(&self.topology, record) {
            true => self.client(record),
            false if record.at > SimTime::ZERO => self.service(&record.event),
            false => {}
        }
    }

    /// The totals, and the latency of each operation whose calls were answered.
    pub(super) fn counts(&self, messages: u64) -> (Counts, Vec<Latency>) {
        let latencies = self.latencies.iter();
        let latencies = latencies.map(|(name, values)| Latency::from_histogram(*name, values));
        (Counts { messages, ..self.counts.clone() }, latencies.collect())
    }

    fn client(&mut self, record: &Record) {
        match &record.event {
            Event::Called { request, call, attempt, facts, .. } => {
                let id = (record.node, *call);
                self.attempts.insert(*request, id);
                match *attempt {
                    0 | 1 => self.begin(id, facts.wanted.operation(), record.at),
                    _ => self.counts.retries += 1,
                }
                self.attempted(id, false);
            }
            Event::Returned { request, .. } => {
                if let Some(id) = self.attempts.remove(request) {
                    self.attempted(id, true);
                }
            }
            Event::TimedOut { request } => drop(self.attempts.remove(request)),
            Event::Ended { call, error } => self.end((record.node, *call), *error, record.at),
            _ => {}
        }
    }

    fn begin(&mut self, id: CallId, operation: &'static str, began: SimTime) {
        self.counts.requests += 1;
        self.calls.insert(id, Call { operation, began, answered: false });
    }

    fn attempted(&mut self, id: CallId, answered: bool) {
        if let Some(call) = self.calls.get_mut(&id) {
            call.answered = answered;
        }
    }

    fn end(&mut self, id: CallId, error: Option<ErrorCode>, at: SimTime) {
        let Some(call) = self.calls.remove(&id).filter(|call| call.answered) else { return };
        self.counts.answered += 1;
        match error {
            None => self.counts.succeeded += 1,
            Some(ErrorCode::Throttling) => self.counts.throttled += 1,
            Some(other) => {
                *self.counts.failed.entry(other.wire_name().to_owned()).or_default() += 1;
            }
        }
        let took = at.since(call.began).as_micros();
        let histogram = self.latencies.entry(call.operation).or_insert_with(microseconds);
        histogram.saturating_record(u64::try_from(took).unwrap_or(u64::MAX));
    }

    fn service(&mut self, event: &Event) {
        match event {
            Event::Committed { id, .. } => {
                self.counts.changes += 1;
                if is_of_another_region(*id) {
                    self.ask("other Region, committed");
                }
            }
            Event::TaskTried { error: None, .. } => self.counts.tasks += 1,
            Event::Executed { .. } => self.ask("HSM"),
            _ => {}
        }
    }

    fn ask(&mut self, peer: &str) {
        match self.counts.asks.get_mut(peer) {
            Some(count) => *count += 1,
            None => drop(self.counts.asks.insert(peer.to_owned(), 1)),
        }
    }
}

/// From a microsecond to a day, with three digits.
fn microseconds() -> Histogram<u64> {
    const DAY: u64 = 86_400_000_000;
    Histogram::new_with_max(DAY, 3).expect("three digits up to a day are within its limits")
}

/// The engine marks a command to another Region above the bits that attempts and tasks have.
fn is_of_another_region(id: RequestId) -> bool {
    id.0 >> 96 != 0
}
