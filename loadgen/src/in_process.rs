//! The core in this process as a target: real cryptography, no network and no disk.
//!
//! The core is one state that one caller at a time changes, so every thread has a core of its own with
//! the same keys: N threads are N services of one host each, and no thread waits for another.

use crate::drive::Target;
use entropy::SecureRandom;
use kms_core::Result;
use kms_core::crypto::{CryptoBackend, Production};
use kms_core::env::{Caller, Timestamp};
use kms_core::local::Local;
use kms_core::ops::Response;
use kms_core::quota::{Meter, Profile, Share};
use scenarios::{KeyBook, Planned, Scenario};
use sim::client::Principals;
use sim::clock::START_MICROS;
use sim::history::History;
use sim::random::Seed;
use sim::run::Scene;
use sim::stage::{Observed, Stage};
use std::sync::Arc;
use std::time::Duration;

/// How often what has fallen due is done.
const TIDY: Duration = Duration::from_secs(1);

/// A core of a thread's own.
pub struct InProcess {
    local: Local,
    book: Arc<KeyBook>,
    principals: Principals,
    tidied: Duration,
}

impl InProcess {
    /// The core of a scenario with its keys, on a library, with the random bytes of production; the
    /// keys are those of the simulation with that seed.
    ///
    /// # Errors
    /// When a request of the set-up is refused: the scenario wants what the service does not allow.
    pub fn new(
        scenario: &Scenario,
        seed: Seed,
        backend: Production,
    ) -> std::result::Result<InProcess, String> {
        let backend: Arc<dyn CryptoBackend> = Arc::new(backend);
        let Stage { mut local, book, principals } = Stage::set(scenario, seed, &backend)?;
        let start = Timestamp::from_micros(START_MICROS);
        let until_start = start.since(local.now());
        local.advance(until_start);
        local.set_random(Box::new(SecureRandom::default()));
        Ok(InProcess { local, book, principals, tidied: Duration::ZERO })
    }

    /// Puts the request quotas of the scenario in force, of which this core has a share.
    pub fn meter(&mut self, scenario: &Scenario, share: Share) {
        let Some(profile) = Profile::named(&scenario.quota.profile) else { return };
        for region in self.book.regions() {
            let scale = scenario.quota.scale;
            self.local.set_meter(*region, Meter::new(profile.clone(), *region, scale, share));
        }
    }

    /// The keys that exist from the start.
    pub fn book(&self) -> Arc<KeyBook> {
        self.book.clone()
    }

    fn caller(&self, planned: &Planned) -> Arc<Caller> {
        self.principals.get(planned.account, planned.caller).caller.clone()
    }
}

/// The core under the eyes of the oracles. What they do is part of the service time.
pub(crate) struct Judged<'a> {
    observed: Observed<'a>,
    tidied: Duration,
}

impl<'a> Judged<'a> {
    /// The core of a stage that a history heard being set.
    pub(crate) fn new(
        local: Local,
        scene: &'a Scene,
        principals: &'a Principals,
        history: &'a mut History,
    ) -> Judged<'a> {
        let mut observed = Observed::new(local, scene, principals, history);
        let until_start = Timestamp::from_micros(START_MICROS).since(observed.local().now());
        observed.advance(until_start);
        observed.local().set_random(Box::new(SecureRandom::default()));
        Judged { observed, tidied: Duration::ZERO }
    }

    /// What the oracles say.
    pub(crate) fn judged(self) -> Vec<sim::oracle::Judged> {
        self.observed.judged()
    }
}

impl Target for Judged<'_> {
    fn call(&mut self, at: Duration, planned: &Planned) -> Result<Response> {
        let now = Timestamp::from_micros(START_MICROS).after(at);
        if at.saturating_sub(self.tidied) >= TIDY {
            let since = now.since(self.observed.local().now());
            self.observed.advance(since);
            self.tidied = at;
        }
        self.observed.local().set_time(now);
        self.observed.call(planned)
    }
}

impl Target for InProcess {
    fn call(&mut self, at: Duration, planned: &Planned) -> Result<Response> {
        let now = Timestamp::from_micros(START_MICROS).after(at);
        if at.saturating_sub(self.tidied) >= TIDY {
            self.local.advance(now.since(self.local.now()));
            self.local.forget_history();
            self.tidied = at;
        }
        self.local.set_time(now);
        let (caller, service) = (self.caller(planned), planned.service.as_deref().cloned());
        self.local.outcome_through(planned.region, &caller, service, &planned.request).result
    }
}
