//! The KMS without a network, under observation: requests go through the smallest shell of the core,
//! and the history hears of them as it does in a run, so that the same oracles can judge.

use crate::client::Principals;
use crate::clock::{START_MICROS, SimTime};
use crate::driver::Now;
use crate::history::{Changed, Event, Facts, History, settlement};
use crate::place::NodeId;
use kms_core::Result;
use kms_core::env::{CallingService, RequestId};
use kms_core::local::Local;
use kms_core::name::{AccountId, RegionName};
use kms_core::ops::{Request, Response};
use scenarios::Who;
use std::collections::BTreeMap;
use std::time::Duration;

/// Calls of a later rehearsal count from here, beyond those of any set-up.
const LATER: u64 = 1 << 32;

/// A shell under observation.
pub struct Rehearsal<'a> {
    /// The shell.
    pub local: Local,
    facts: Facts,
    principals: &'a Principals,
    journals: BTreeMap<RegionName, NodeId>,
    history: &'a mut History,
    /// How many log entries the history has.
    told: usize,
    calls: u64,
}

impl<'a> Rehearsal<'a> {
    /// Observes a shell from here on. `journals` are the nodes that the history shall name.
    pub fn new(
        local: Local,
        facts: Facts,
        principals: &'a Principals,
        journals: BTreeMap<RegionName, NodeId>,
        history: &'a mut History,
    ) -> Rehearsal<'a> {
        let mut rehearsal =
            Rehearsal { local, facts, principals, journals, history, told: 0, calls: 0 };
        rehearsal.tell();
        rehearsal
    }

    /// Observes a shell that an earlier rehearsal observed until here.
    pub fn again(
        local: Local,
        facts: Facts,
        principals: &'a Principals,
        journals: BTreeMap<RegionName, NodeId>,
        history: &'a mut History,
    ) -> Rehearsal<'a> {
        let told = local.entries().len();
        Rehearsal { local, facts, principals, journals, history, told, calls: LATER }
    }

    /// What the history has so far.
    pub fn history(&self) -> &History {
        self.history
    }

    /// A request, with everything the history has to say of it.
    ///
    /// # Errors
    /// What the service answers.
    pub fn call(
        &mut self,
        region: RegionName,
        account: AccountId,
        who: Who,
        request: &Request,
    ) -> Result<Response> {
        self.call_through(region, (account, who), None, request)
    }

    /// As [`Rehearsal::call`], made or forwarded by an AWS service.
    ///
    /// # Errors
    /// What the service answers.
    pub fn call_through(
        &mut self,
        region: RegionName,
        (account, who): (AccountId, Who),
        service: Option<CallingService>,
        request: &Request,
    ) -> Result<Response> {
        let principal = self.principals.get(account, who);
        self.calls += 1;
        let call = self.calls;
        let facts = principal.asks(self.facts, request);
        let (position, now) = (self.local.journal_of(region).head(), self.local.now());
        let outcome = self.local.outcome_through(region, &principal.caller, service, request);
        let id = outcome.audit.request;
        let got = outcome.result.as_ref().map(|response| Box::new(self.facts.got(response)));
        let got = got.map_err(|error| error.code);
        let error = got.as_ref().err().copied();
        self.say(region, Event::Called { request: id, call, attempt: 1, region, facts });
        self.tell();
        self.say(region, Event::Answered { request: id, position, now, pool: None, error });
        self.say(region, Event::Returned { request: id, got });
        self.say(region, Event::Ended { call, error });
        outcome.result
    }

    /// A request before the history begins to listen to requests: it hears of the log entry alone.
    ///
    /// # Errors
    /// What the service answers.
    pub fn prepare(
        &mut self,
        region: RegionName,
        account: AccountId,
        request: &Request,
    ) -> Result<Response> {
        let caller = &self.principals.get(account, Who::Admin).caller;
        let outcome = self.local.outcome(region, caller, request);
        self.tell();
        outcome.result
    }

    /// Lets time pass, and what falls due happen.
    pub fn advance(&mut self, by: Duration) {
        self.local.advance(by);
        self.tell();
    }

    /// Says what every journal has come to. Nothing follows.
    pub fn settle(&mut self) {
        for (region, node) in self.journals.clone() {
            let wall_micros = self.local.now().as_micros();
            let now = Now { wall_micros, monotonic: self.now(), node };
            let journal = self.local.journal_of(region);
            for event in settlement(now, journal.state(), journal.tokens()) {
                self.say(region, event);
            }
        }
    }

    /// The time since the run began; what was before it is at its beginning.
    pub fn now(&self) -> SimTime {
        let since = self.local.now().as_micros().saturating_sub(START_MICROS);
        SimTime::from_nanos(since.saturating_mul(1_000))
    }

    fn say(&mut self, region: RegionName, event: Event) {
        let at = self.now();
        if let Some(node) = self.journals.get(&region) {
            self.history.push(at, *node, event);
        }
    }

    /// Tells the history what the journals committed since the last time, in that order.
    fn tell(&mut self) {
        let news: Vec<_> = self.local.entries()[self.told..].into();
        for (region, position) in news {
            self.told += 1;
            let before = self.local.journal_of(region).entries_after(position - 1);
            let Some(entry) = before.first().cloned() else { continue };
            let changes = entry.changes.iter().map(Changed::of).collect();
            let id = RequestId(entry.id);
            self.say(region, Event::Committed { region, position, id, changes });
        }
    }
}
