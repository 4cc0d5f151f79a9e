//! The same scenario without the simulation: its keys in the smallest shell of the core, and its
//! clients with their intended starts, for whoever drives real load.
//!
//! Clients are the nodes that they are in a simulation, so equal seeds give equal schedules, and
//! equal requests as far as these do not depend on answers.

use std::sync::Arc;

use kms_core::crypto::CryptoBackend;
use kms_core::local::Local;
use kms_core::quota::Profile;
use scenarios::{KeyBook, Scenario};

use crate::client::{Principals, Share, cast};
use crate::genesis::{Made, Order, accounts, make};
use crate::history::{History, Keep};
use crate::parameters::Parameters;
use crate::place::NodeId;
use crate::random::Seed;
use crate::world::{regions, servers, settings};

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
        let regions = regions(scenario)?;
        let profile = Profile::named(&scenario.quota.profile);
        let parameters = Parameters::with(&scenario.parameters);
        let settings = settings(scenario, seed, &parameters, &regions, profile.as_deref());
        let principals = Principals::of(&accounts(scenario), &regions);
        let order = Order { scenario, seed, regions: &regions, settings: &settings };
        let history = &mut History::keeping(Keep::Last(1));
        let made = make(&order, &servers(scenario)?, &principals, backend, history)?;
        let Made { local, book, .. } = made;
        Ok(Stage { local, book: Arc::new(book), principals })
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
