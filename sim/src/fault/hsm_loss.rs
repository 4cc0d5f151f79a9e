//! HSMs lose their volatile memory: one, or all of a Region at the same moment.
//!
//! An HSM keeps domain keys and parsed keys only in memory, so it must be given its domain again
//! when it comes back. The hosts give it to it: the log of the Region keeps the domain sealed for each HSM,
//! so the loss of all HSMs at once only lasts until they are back.

use std::time::Duration;

use crate::clock::SimTime;
use crate::fault::outages::Outages;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, NodeAction, Window};
use crate::place::{NodeId, RegionIndex, Role, Selector, Topology};
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "hsm-loss",
    doc: "Takes one HSM, or all HSMs of a Region at once, which lose their memory.",
    hinders: true,
};

/// How many HSMs are lost at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// One.
    One,
    /// All of a Region.
    WholeRegion,
}

/// Which HSMs are lost, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// When HSMs are lost. All are back by the end of it.
    pub window: Window,
    /// In which Region; any when `None`.
    pub region: Option<RegionIndex>,
    /// How many at a time.
    pub extent: Extent,
    /// The mean time between two losses; one loss at the start of the window when `None`.
    pub every: Option<Duration>,
    /// How long an HSM is away.
    pub down: Duration,
}

/// The fault.
#[derive(Clone, Debug)]
pub struct HsmLoss {
    parameters: Parameters,
    outages: Outages,
}

impl HsmLoss {
    /// The fault with these parameters.
    pub fn new(parameters: Parameters) -> Self {
        let Parameters { window, every, down, .. } = parameters;
        Self { parameters, outages: Outages::new(window, every, down) }
    }
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::HsmLoss, at: &Placement<'_>) -> Placed {
    let fault = HsmLoss::new(Parameters {
        window: at.window,
        region: words.region.as_ref().map(|name| at.region(name)),
        extent: if words.whole_region { Extent::WholeRegion } else { Extent::One },
        every: words.every,
        down: words.down,
    });
    Placed::about(fault, "HSMs", words.region.as_ref())
}

impl Fault for HsmLoss {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.parameters.window
    }

    fn next(&self) -> Option<SimTime> {
        self.outages.next()
    }

    fn act(&mut self, now: SimTime, topology: &Topology, stream: &mut Stream) -> Vec<NodeAction> {
        let Parameters { region, extent, .. } = self.parameters;
        self.outages.act(now, stream, |down, stream| {
            let hsms = Selector { role: Some(Role::Hsm), region };
            let up: Vec<NodeId> =
                topology.select(hsms).filter(|node| !down.contains(node)).collect();
            let Some(first) = stream.pick(&up) else {
                return Vec::new();
            };
            match extent {
                Extent::One => vec![*first],
                Extent::WholeRegion => neighbours(topology, *first, &up),
            }
        })
    }
}

fn neighbours(topology: &Topology, first: NodeId, up: &[NodeId]) -> Vec<NodeId> {
    let region = topology.place(first).region;
    up.iter().copied().filter(|node| topology.place(*node).region == region).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::play;

    const AT: SimTime = SimTime::from_secs(60);

    fn loss(extent: Extent, region: Option<RegionIndex>) -> HsmLoss {
        HsmLoss::new(Parameters {
            window: Window { from: AT, until: SimTime::from_secs(600) },
            region,
            extent,
            every: None,
            down: Duration::from_secs(30),
        })
    }

    #[test]
    fn a_whole_region_goes_and_returns_at_once() {
        let acts = play(&mut loss(Extent::WholeRegion, Some(RegionIndex(1))));
        let europe = [NodeId(5), NodeId(6), NodeId(7)];
        let crashes = (AT, europe.map(NodeAction::Crash).to_vec());
        let restarts = (SimTime::from_secs(90), europe.map(NodeAction::Restart).to_vec());
        assert_eq!(acts, [crashes, restarts]);
    }

    #[test]
    fn one_loss_is_one_hsm() {
        let acts = play(&mut loss(Extent::One, None));
        let [NodeAction::Crash(node)] = acts[0].1[..] else { panic!("{acts:?}") };
        assert!([0, 1, 2, 5, 6, 7].contains(&node.0));
        assert_eq!(acts[1].1, [NodeAction::Restart(node)]);
    }
}
