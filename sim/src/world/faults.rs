//! The faults of a scenario, placed in time and in the topology.

use crate::clock::SimTime;
use crate::fault::clock_skew::{self, ClockSkew};
use crate::fault::hsm_loss::{self, Extent, HsmLoss};
use crate::fault::latency::{Latency, Links};
use crate::fault::node_crash::{self, NodeCrash};
use crate::fault::region_partition::{Direction, RegionPartition};
use crate::fault::{Fault, FaultId, Faults, Window};
use crate::place::{RegionIndex, Role, Selector, Topology};
use crate::random::Seed;
use scenarios::{FaultKind, Scenario};
use std::time::Duration;

/// A fault of a scenario, as reports show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// What it is called.
    pub name: &'static str,
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
        for fault in &phase.faults {
            let from = at(begins + fault.at);
            let window = Window { from, until: from.after(fault.lasts) };
            let made = place(&fault.kind, window, topology);
            placed.push(Placed { name: made.info().name, window, ..describe(&fault.kind) });
            faults = faults.with(FaultId(id), made);
            id += 1;
        }
        begins += phase.duration;
    }
    (faults, placed)
}

fn at(since: Duration) -> SimTime {
    SimTime::ZERO.after(since)
}

fn place(kind: &FaultKind, window: Window, topology: &Topology) -> Box<dyn Fault> {
    let index = |name: &scenarios::RegionName| topology.region(name.as_str());
    let known = |name: &scenarios::RegionName| index(name).unwrap_or(RegionIndex(0));
    let select = |role: Option<scenarios::Role>, region: &Option<scenarios::RegionName>| Selector {
        role: role.map(as_role),
        region: region.as_ref().and_then(index),
    };
    match kind {
        FaultKind::RegionPartition(fault) => Box::new(RegionPartition {
            window,
            region: known(&fault.region),
            direction: match fault.direction {
                scenarios::Direction::Both => Direction::Both,
                scenarios::Direction::In => Direction::In,
                scenarios::Direction::Out => Direction::Out,
            },
        }),
        FaultKind::NodeCrash(fault) => Box::new(NodeCrash::new(node_crash::Parameters {
            window,
            nodes: select(Some(fault.role), &fault.region),
            every: fault.every,
            down: fault.down,
        })),
        FaultKind::HsmLoss(fault) => Box::new(HsmLoss::new(hsm_loss::Parameters {
            window,
            region: fault.region.as_ref().and_then(index),
            extent: if fault.whole_region { Extent::WholeRegion } else { Extent::One },
            every: fault.every,
            down: fault.down,
        })),
        FaultKind::Latency(fault) => Box::new(Latency {
            window,
            links: match &fault.links {
                scenarios::Links::All => Links::All,
                scenarios::Links::Of(region) => Links::Of(known(region)),
                scenarios::Links::Between(a, b) => Links::Between(known(a), known(b)),
            },
            factor: fault.factor,
            add: fault.add,
        }),
        FaultKind::ClockSkew(fault) => Box::new(ClockSkew::new(clock_skew::Parameters {
            window,
            nodes: select(fault.role, &fault.region),
            offset_micros: fault.offset.0 / 1_000,
            drift_ppm: i64::from(fault.drift_ppm),
        })),
    }
}

fn as_role(role: scenarios::Role) -> Role {
    match role {
        scenarios::Role::ApiHost => Role::ApiHost,
        scenarios::Role::Client => Role::Client,
        scenarios::Role::Hsm => Role::Hsm,
        scenarios::Role::Journal => Role::Journal,
        scenarios::Role::Worker => Role::Worker,
    }
}

fn describe(kind: &FaultKind) -> Placed {
    let some = |role: &str, region: &Option<scenarios::RegionName>| match region {
        Some(region) => format!("{role} in {}", region.as_str()),
        None => format!("{role} everywhere"),
    };
    let (target, regions) = match kind {
        FaultKind::RegionPartition(fault) => {
            (fault.region.as_str().to_owned(), vec![fault.region.clone()])
        }
        FaultKind::NodeCrash(fault) => {
            let role = as_role(fault.role).word();
            (some(&format!("{role}s"), &fault.region), fault.region.iter().cloned().collect())
        }
        FaultKind::HsmLoss(fault) => {
            (some("HSMs", &fault.region), fault.region.iter().cloned().collect())
        }
        FaultKind::Latency(fault) => match &fault.links {
            scenarios::Links::All => ("all links".to_owned(), Vec::new()),
            scenarios::Links::Of(region) => {
                (format!("links of {}", region.as_str()), vec![region.clone()])
            }
            scenarios::Links::Between(a, b) => {
                (format!("{} – {}", a.as_str(), b.as_str()), vec![a.clone(), b.clone()])
            }
        },
        FaultKind::ClockSkew(fault) => {
            let role = fault.role.map_or("node", |role| as_role(role).word());
            (some(&format!("{role} clocks"), &fault.region), fault.region.iter().cloned().collect())
        }
    };
    let regions = regions.iter().map(|region| region.as_str().to_owned()).collect();
    let window = Window { from: SimTime::ZERO, until: SimTime::ZERO };
    Placed { name: "", target, regions, window }
}
