//! Every server of a zone goes down at once: power or cooling of a building.

use crate::clock::SimTime;
use crate::fault::outages::Outages;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, NodeAction, Window};
use crate::place::{NodeId, RegionIndex, Role, Selector, Topology, ZoneIndex};
use crate::random::Stream;
use std::time::Duration;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "zone-loss",
    doc: "Takes every server of a zone at once: hosts, HSMs, and the journal or worker there.",
    hinders: true,
};

/// Which zones are lost, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// When zones are lost. All are back by the end of it.
    pub window: Window,
    /// Of which Region; any when `None`.
    pub region: Option<RegionIndex>,
    /// Which; any when `None`.
    pub zone: Option<ZoneIndex>,
    /// The mean time between two losses; one at the start of the window when `None`.
    pub every: Option<Duration>,
    /// How long a zone is away.
    pub down: Duration,
}

/// The fault.
#[derive(Clone, Debug)]
pub struct ZoneLoss {
    parameters: Parameters,
    outages: Outages,
}

impl ZoneLoss {
    /// The fault with these parameters.
    pub fn new(parameters: Parameters) -> Self {
        let Parameters { window, every, down, .. } = parameters;
        Self { parameters, outages: Outages::new(window, every, down) }
    }
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::ZoneLoss, at: &Placement<'_>) -> Placed {
    let zone = words.zone.and_then(|zone| u8::try_from(zone).ok());
    let fault = ZoneLoss::new(Parameters {
        window: at.window,
        region: words.region.as_ref().map(|name| at.region(name)),
        zone: zone.map(ZoneIndex),
        every: words.every,
        down: words.down,
    });
    let what = zone.map_or("a zone".to_owned(), |zone| format!("zone {zone}"));
    Placed::about(fault, &what, words.region.as_ref())
}

impl Fault for ZoneLoss {
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
        let Parameters { region, zone, .. } = self.parameters;
        self.outages.act(now, stream, |down, stream| {
            let servers = topology.select(Selector { role: None, region });
            let servers = servers.filter(|node| topology.place(*node).role != Role::Client);
            let up: Vec<NodeId> = servers.filter(|node| !down.contains(node)).collect();
            let place = |node: NodeId| (topology.place(node).region, topology.place(node).zone);
            let of_zone = |node: &NodeId| zone.is_none_or(|zone| place(*node).1 == zone);
            let candidates: Vec<NodeId> = up.iter().copied().filter(of_zone).collect();
            let Some(first) = stream.pick(&candidates).copied() else { return Vec::new() };
            up.into_iter().filter(|node| place(*node) == place(first)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::play;

    #[test]
    fn a_zone_goes_and_returns_as_a_whole() {
        let acts = play(&mut ZoneLoss::new(Parameters {
            window: Window { from: SimTime::from_secs(5), until: SimTime::from_secs(99) },
            region: Some(RegionIndex(1)),
            zone: Some(ZoneIndex(0)),
            every: None,
            down: Duration::from_secs(10),
        }));
        let servers = [NodeId(5), NodeId(8), NodeId(12)];
        let crashes = (SimTime::from_secs(5), servers.map(NodeAction::Crash).to_vec());
        let restarts = (SimTime::from_secs(15), servers.map(NodeAction::Restart).to_vec());
        assert_eq!(acts, [crashes, restarts]);
    }
}
