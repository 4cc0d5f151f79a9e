//! The core in this process as a target: real cryptography, no network and no disk.
//!
//! The core is one state that one caller at a time changes, so every thread has a core of its own with
//! the same keys: N threads are N services of one host each, and no thread waits for another.

use crate::drive::Target;
use crate::upkeep::{deletion, settled};
use entropy::SecureRandom;
use kms_core::Result;
use kms_core::crypto::{CryptoBackend, Production};
use kms_core::env::{Caller, Timestamp};
use kms_core::local::Local;
use kms_core::name::KeyArn;
use kms_core::ops::{Request, Response};
use kms_core::quota::{Meter, Profile, Share};
use scenarios::{KeyBook, Planned, Scenario, Who};
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
    /// Keys that the load parts with and that are not gone.
    leaving: Vec<KeyArn>,
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
        local.remember_what_is_seen();
        let (tidied, leaving) = (Duration::ZERO, Vec::new());
        Ok(InProcess { local, book, principals, tidied, leaving })
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

    /// Does what has fallen due, and forgets what nobody asks for.
    fn tidy(&mut self) {
        let InProcess { local, leaving, principals, .. } = self;
        leaving.retain(|key| !leaves(local, principals, *key));
        local.forget_history();
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
            self.tidy();
            self.tidied = at;
        }
        self.local.set_time(now);
        let (caller, service) = (self.caller(planned), planned.service.as_deref().cloned());
        self.local.outcome_through(planned.region, &caller, service, &planned.request).result
    }

    /// Beside the quotas. A key is gone at once, for otherwise a long load would be about keys that wait for
    /// their end.
    fn part(&mut self, _: Duration, planned: &Planned) -> bool {
        if let Request::ScheduleKeyDeletion(_) = *planned.request
            && let Some(key) = planned.key()
        {
            if !leaves(&mut self.local, &self.principals, key) {
                self.leaving.push(key);
            }
            return true;
        }
        let caller = self.caller(planned);
        settled(&self.local.unmetered(planned.region, &caller, &planned.request).result)
    }
}

/// Has a key deleted without its waiting period. Whether it is gone; a primary is not while it has replicas.
fn leaves(local: &mut Local, principals: &Principals, key: KeyArn) -> bool {
    local.end_waiting_period(key) || {
        let admin = principals.get(key.account, Who::Admin).caller.clone();
        local.unmetered(key.region, &admin, &deletion(key));
        local.end_waiting_period(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rota::Rota;
    use crate::upkeep::KEPT;
    use kms_core::ErrorCode;
    use kms_core::step::Counter;
    use sim::stage::players;

    /// Clients that make keys, replicas and grants, and hardly take any back.
    const LOAD: &str = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1', 'eu-west-1']\n\
        keys.symmetric = 2\n[[phase]]\nname = 'a'\nduration = '20s'\n\
        [[phase.workload]]\nkind = 'key-creation'\n\
        arrivals = { kind = 'constant', per_second = 30 }\n\
        [[phase.workload]]\nkind = 'grants'\nmix = { create = 5, use_grant = 1, revoke = 0 }\n\
        arrivals = { kind = 'constant', per_second = 30 }\n\
        [[phase.workload]]\nkind = 'multi-region'\nmix = { create = 4, replicate = 4, encrypt = 8, update_primary = 0 }\n\
        arrivals = { kind = 'constant', per_second = 30 }\n";

    /// What a core holds.
    #[derive(Debug)]
    struct Held {
        keys: usize,
        grants: u64,
    }

    impl Held {
        fn by(target: &InProcess) -> Held {
            let mut held = Held { keys: 0, grants: 0 };
            for region in target.book.regions() {
                let state = target.local.journal_of(*region).state();
                held.keys += state.keys_after(None).count();
                let grants = |id| state.count(Counter::Grants(id));
                held.grants += state.keys_after(None).map(|key| grants(key.id())).sum::<u64>();
            }
            held
        }
    }

    /// Plays the load without waiting; what the core holds at the end, and the answers that missed
    /// something that was parted with.
    fn play(parts: bool) -> (Held, Vec<String>) {
        let vocabulary = sim::vocabulary::vocabulary();
        let scenario = Scenario::parse("x.toml", LOAD, &[], &vocabulary).unwrap();
        let mut target = InProcess::new(&scenario, Seed(7), Production::default()).unwrap();
        let players = players(&scenario, &target.book).unwrap();
        let mut rota = Rota::new(Seed(7), target.book(), players);
        let (mut parted, mut missed) = (Vec::new(), Vec::new());
        while let Some(start) = rota.take() {
            let planned = rota.plan(start);
            let result = target.call(start.at, &planned);
            let parting = rota.ended(start, start.at, &planned, &result);
            for parting in parting.into_iter().filter(|_| parts) {
                assert!(target.part(start.at, &parting), "{parting:?}");
                if let Request::ScheduleKeyDeletion(_) = *parting.request {
                    parted.extend(parting.key().map(|key| key.to_string()));
                }
            }
            if let Err(error) = result {
                let message = error.to_string();
                let gone = parted.iter().any(|key| message.contains(key));
                missed.extend(
                    Some(message).filter(|_| gone || error.code == ErrorCode::InvalidGrantId),
                );
            }
        }
        target.tidy();
        (Held::by(&target), missed)
    }

    #[test]
    fn a_long_load_parts_with_what_no_client_remembers() {
        let (all, _) = play(false);
        assert!(all.keys > 750 && all.grants > 250, "{all:?}");
        let (held, missed) = play(true);
        // Two keys in each of two Regions that were there, those of two workloads, each with a replica in one
        // of them, and a few primaries that wait for theirs to go.
        assert!(held.keys <= 2 * 2 + 3 * KEPT + KEPT / 4, "{held:?}");
        assert!(held.grants <= KEPT as u64, "{held:?}");
        assert_eq!(missed, Vec::<String>::new());
    }
}
