//! The same scenario without the simulation: its keys in the smallest shell of the core, and its
//! clients with their intended starts, for whoever drives real load.
//!
//! Clients are the nodes that they are in a simulation, so equal seeds give equal schedules, and
//! equal requests as far as these do not depend on answers.

use std::sync::Arc;
use std::time::Duration;

use kms_core::crypto::CryptoBackend;
use kms_core::local::Local;
use kms_core::ops::Response;
use kms_core::quota::Profile;
use scenarios::{KeyBook, Planned, Scenario};

use crate::client::{Principals, Share, cast};
use crate::genesis::{Made, Order, accounts, journals, make};
use crate::history::{Facts, History, Keep};
use crate::oracle::{Context, Judged, Judges};
use crate::parameters::Parameters;
use crate::place::NodeId;
use crate::random::Seed;
use crate::rehearsal::Rehearsal;
use crate::run::Scene;
use crate::world::{SETTLING, regions, servers, settings};

/// A client: the node that it would be in a simulation, and what it does.
pub struct Player {
    /// Which node it is.
    pub node: NodeId,
    /// What it does.
    pub shares: Vec<Share>,
}

/// The core of a scenario, with its keys and everybody who calls.
pub struct Stage {
    /// The core, at time zero of the scenario.
    pub local: Local,
    /// The keys that exist from the start.
    pub book: Arc<KeyBook>,
    /// Everybody who may call.
    pub principals: Principals,
}

impl Stage {
    /// Sets the stage. Equal seeds give equal keys, on every backend.
    ///
    /// # Errors
    /// When a request of the set-up is refused: the scenario wants what the service does not allow.
    pub fn set(
        scenario: &Scenario,
        seed: Seed,
        backend: &Arc<dyn CryptoBackend>,
    ) -> Result<Stage, String> {
        Stage::set_before(scenario, seed, backend, &mut History::keeping(Keep::Last(1)))
    }

    /// As [`Stage::set`], and a history hears how.
    ///
    /// # Errors
    /// As [`Stage::set`].
    pub fn set_before(
        scenario: &Scenario,
        seed: Seed,
        backend: &Arc<dyn CryptoBackend>,
        history: &mut History,
    ) -> Result<Stage, String> {
        let regions = regions(scenario)?;
        let profile = Profile::named(&scenario.quota.profile);
        let parameters = Parameters::with(&scenario.parameters);
        let settings = settings(scenario, seed, &parameters, &regions, profile.as_deref());
        let principals = Principals::of(&accounts(scenario), &regions);
        let order = Order { scenario, seed, regions: &regions, settings: &settings };
        let made = make(&order, &servers(scenario)?, &principals, backend, history)?;
        let Made { local, book, .. } = made;
        Ok(Stage { local, book: Arc::new(book), principals })
    }
}

/// A load under the eyes of the oracles: the core of one host a Region, and a history that they hear.
pub struct Observed<'a> {
    rehearsal: Rehearsal<'a>,
    judges: Judges,
    context: Context<'a>,
    heard: usize,
}

impl<'a> Observed<'a> {
    /// How much of a history stays in memory: what one call may add, and more.
    pub const KEEP: Keep = Keep::Last(1 << 14);

    /// Lets the oracles hear how the stage was set, and everything from here on.
    pub fn new(
        local: Local,
        scene: &'a Scene,
        principals: &'a Principals,
        history: &'a mut History,
    ) -> Observed<'a> {
        let context = scene.context();
        let mut judges = Judges::new(&context);
        history.records().iter().for_each(|record| judges.record(record, &context));
        *history = std::mem::take(history).keep(Observed::KEEP);
        let (facts, journals) = (Facts::new(scene.seed), journals(&scene.regions, &scene.topology));
        let rehearsal = Rehearsal::again(local, facts, principals, journals, history);
        let heard = rehearsal.history().len();
        Observed { rehearsal, judges, context, heard }
    }

    /// The core.
    pub fn local(&mut self) -> &mut Local {
        &mut self.rehearsal.local
    }

    /// A call, judged when it has been answered.
    ///
    /// # Errors
    /// What the service answers.
    pub fn call(&mut self, planned: &Planned) -> kms_core::Result<Response> {
        let (who, service) = ((planned.account, planned.caller), planned.service.as_deref());
        let request = &planned.request;
        let result = self.rehearsal.call_through(planned.region, who, service.cloned(), request);
        self.hear();
        result
    }

    /// Lets time pass, and what falls due happen.
    pub fn advance(&mut self, by: Duration) {
        self.rehearsal.advance(by);
        self.hear();
    }

    /// What the oracles say of it all, once what was under way has settled.
    pub fn judged(mut self) -> Vec<Judged> {
        self.context.calm_at = self.rehearsal.now();
        self.advance(SETTLING);
        self.rehearsal.settle();
        self.hear();
        self.context.ended_at = self.rehearsal.now();
        self.judges.finish(&self.context)
    }

    fn hear(&mut self) {
        let history = self.rehearsal.history();
        for index in self.heard..history.len() {
            if let Some(record) = history.get(index) {
                self.judges.record(record, &self.context);
            }
        }
        self.heard = history.len();
    }
}

/// The clients of a scenario, in the order of their nodes.
///
/// # Errors
/// When the scenario has more nodes than a world can have.
pub fn players(scenario: &Scenario, book: &KeyBook) -> Result<Vec<Player>, String> {
    let first = servers(scenario)?.len();
    let parts = cast(scenario, book).into_iter().enumerate();
    let player = |(number, part): (usize, crate::client::Part)| {
        let node =
            u16::try_from(first + number).map_err(|_| "the scenario has too many clients")?;
        Ok(Player { node: NodeId(node), shares: part.shares })
    };
    parts.map(player).collect()
}
