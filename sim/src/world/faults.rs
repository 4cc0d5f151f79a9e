//! The faults of a scenario, placed in time and in the topology.

use crate::clock::SimTime;
use crate::fault::{self, FaultId, FaultInfo, Faults, Placement, Window};
use crate::place::Topology;
use crate::random::Seed;
use scenarios::Scenario;
use std::time::Duration;

/// A fault of a scenario, as reports show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What it is called and does.
    pub info: FaultInfo,
    /// What it is about, in words.
    pub target: String,
    /// The Regions it is about; none means all.
    pub regions: Vec<String>,
    /// When it acts.
    pub window: Window,
}

/// The faults of a scenario, and what to show of them.
pub(super) fn faults(
    scenario: &Scenario,
    topology: &Topology,
    seed: Seed,
) -> (Faults, Vec<Placed>) {
    let mut faults = Faults::new(seed);
    let mut placed = Vec::new();
    let mut begins = Duration::ZERO;
    let mut id = 0;
    for phase in &scenario.phases {
        for words in &phase.faults {
            let from = SimTime::ZERO.after(begins + words.at);
            let window = Window { from, until: from.after(words.lasts) };
            let made = fault::place(&words.kind, &Placement { window, topology });
            let fault::Placed { fault, target, regions } = made;
            placed.push(Placed { info: fault.info(), target, regions, window });
            faults = faults.with(FaultId(id), fault);
            id += 1;
        }
        begins += phase.duration;
    }
    (faults, placed)
}
