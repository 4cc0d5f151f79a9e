//! Nodes crash and come back: power, kernel, deployment.

use std::time::Duration;

use crate::clock::SimTime;
use crate::fault::outages::Outages;
use crate::fault::placement::{Placed, Placement, nodes_of};
use crate::fault::{Fault, FaultInfo, NodeAction, Window};
use crate::place::{NodeId, Selector, Topology};
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "node-crash",
    doc: "Crashes one node of a role at a time and restarts it.",
    hinders: true,
};

/// Which nodes crash, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// When nodes crash. All are back by the end of it.
    pub window: Window,
    /// Among which nodes.
    pub nodes: Selector,
    /// The mean time between two crashes, exponentially distributed.
    pub every: Duration,
    /// How long a node is down.
    pub down: Duration,
}

/// The fault.
#[derive(Clone, Debug)]
pub struct NodeCrash {
    parameters: Parameters,
    outages: Outages,
}

impl NodeCrash {
    /// The fault with these parameters.
    pub fn new(parameters: Parameters) -> Self {
        let Parameters { window, every, down, .. } = parameters;
        Self { parameters, outages: Outages::new(window, Some(every), down) }
    }
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::NodeCrash, at: &Placement<'_>) -> Placed {
    let fault = NodeCrash::new(Parameters {
        window: at.window,
        nodes: at.select(Some(words.role), words.region.as_ref()),
        every: words.every,
        down: words.down,
    });
    Placed::about(fault, &nodes_of(Some(words.role)), words.region.as_ref())
}

impl Fault for NodeCrash {
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
        let nodes = self.parameters.nodes;
        self.outages.act(now, stream, |down, stream| {
            let up: Vec<NodeId> =
                topology.select(nodes).filter(|node| !down.contains(node)).collect();
            stream.pick(&up).copied().into_iter().collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::play;
    use crate::place::Role;

    #[test]
    fn crashes_only_the_chosen_and_never_one_that_is_down() {
        let mut fault = NodeCrash::new(Parameters {
            window: Window { from: SimTime::ZERO, until: SimTime::from_secs(1000) },
            nodes: Selector { role: Some(Role::ApiHost), region: None },
            every: Duration::from_secs(5),
            down: Duration::from_secs(20),
        });
        let mut down = Vec::new();
        let mut crashed = 0;
        for action in play(&mut fault).into_iter().flat_map(|(_, actions)| actions) {
            match action {
                NodeAction::Crash(node) => {
                    assert!(!down.contains(&node));
                    assert!([3, 4, 8, 9].contains(&node.0));
                    down.push(node);
                    crashed += 1;
                }
                NodeAction::Restart(node) => down.retain(|held| *held != node),
                other => panic!("it only crashes and restarts: {other:?}"),
            }
        }
        assert!(crashed > 80, "{crashed}");
        assert!(down.is_empty());
    }
}
