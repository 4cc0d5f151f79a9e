//! Wall clocks are wrong, and at the end step back to the truth, as when time synchronisation fails
//! and returns.

use crate::clock::{ClockChange, SimTime};
use crate::fault::placement::{Placed, Placement, as_role};
use crate::fault::{Fault, FaultInfo, NodeAction, Window};
use crate::place::{Selector, Topology};
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "clock-skew",
    doc: "Sets wall clocks off and lets them drift, then steps them back to the truth.",
    hinders: true,
};

/// Whose clocks are wrong, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// When they are wrong.
    pub window: Window,
    /// Whose clocks.
    pub nodes: Selector,
    /// Microseconds ahead of the truth at the start; negative is behind.
    pub offset_micros: i64,
    /// Parts per million too fast from then on; negative is too slow.
    pub drift_ppm: i64,
}

/// The fault.
#[derive(Clone, Debug)]
pub struct ClockSkew {
    parameters: Parameters,
    next: Option<SimTime>,
}

impl ClockSkew {
    /// The fault with these parameters.
    pub fn new(parameters: Parameters) -> Self {
        let Window { from, until } = parameters.window;
        Self { parameters, next: (from < until).then_some(from) }
    }
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::ClockSkew, at: &Placement<'_>) -> Placed {
    let fault = ClockSkew::new(Parameters {
        window: at.window,
        nodes: at.select(words.role, words.region.as_ref()),
        offset_micros: words.offset.0 / 1_000,
        drift_ppm: i64::from(words.drift_ppm),
    });
    let whose = words.role.map_or("node", |role| as_role(role).word());
    Placed::about(fault, &format!("{whose} clocks"), words.region.as_ref())
}

impl Fault for ClockSkew {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.parameters.window
    }

    fn next(&self) -> Option<SimTime> {
        self.next
    }

    fn act(&mut self, now: SimTime, topology: &Topology, _: &mut Stream) -> Vec<NodeAction> {
        let Parameters { window, nodes, offset_micros, drift_ppm } = self.parameters;
        let (change, next) = if window.contains(now) {
            (ClockChange::Skew { offset_micros, drift_ppm }, Some(window.until))
        } else {
            (ClockChange::Correct, None)
        };
        self.next = next;
        topology.select(nodes).map(|node| NodeAction::Skew(node, change)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::play;
    use crate::place::{NodeId, RegionIndex, Role};

    #[test]
    fn clocks_go_wrong_and_step_back() {
        let window = Window { from: SimTime::from_secs(2), until: SimTime::from_secs(9) };
        let nodes = Selector { role: Some(Role::ApiHost), region: Some(RegionIndex(0)) };
        let (offset_micros, drift_ppm) = (-5, 100);
        let mut fault = ClockSkew::new(Parameters { window, nodes, offset_micros, drift_ppm });
        let skew = ClockChange::Skew { offset_micros, drift_ppm };
        let hosts = [NodeId(3), NodeId(4)];
        let wrong = (window.from, hosts.map(|node| NodeAction::Skew(node, skew)).to_vec());
        let right = hosts.map(|node| NodeAction::Skew(node, ClockChange::Correct)).to_vec();
        assert_eq!(play(&mut fault), [wrong, (window.until, right)]);
    }
}
