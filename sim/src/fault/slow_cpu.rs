//! Machines are slow: a neighbour takes the processor, or its frequency is cut.
//!
//! Modelled where it can be seen from outside: each message that a node sends keeps its one processor
//! busy for a while, and the next one waits for it.

use crate::clock::SimTime;
use crate::fault::placement::{Placed, Placement, nodes_of};
use crate::fault::{Fault, FaultInfo, Verdict, Window};
use crate::net::Envelope;
use crate::place::{NodeId, Selector, Topology};
use crate::random::Stream;
use std::collections::BTreeMap;
use std::time::Duration;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "slow-cpu",
    doc: "Keeps the processor of a node busy for each message it sends, so that the next one waits.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug)]
pub struct SlowCpu {
    window: Window,
    nodes: Selector,
    busy: Duration,
    /// When each processor is free again.
    free: BTreeMap<NodeId, SimTime>,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::SlowCpu, at: &Placement<'_>) -> Placed {
    let fault = SlowCpu {
        window: at.window,
        nodes: at.select(Some(words.role), words.region.as_ref()),
        busy: words.busy,
        free: BTreeMap::new(),
    };
    Placed::about(fault, &nodes_of(Some(words.role)), words.region.as_ref())
}

impl Fault for SlowCpu {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn message(&mut self, envelope: &Envelope, topology: &Topology, _: &mut Stream) -> Verdict {
        if !self.nodes.matches(topology.place(envelope.from)) {
            return Verdict::Pass;
        }
        let free = self.free.entry(envelope.from).or_insert(SimTime::ZERO);
        *free = (*free).max(envelope.sent_at).after(self.busy);
        Verdict::Delay(free.since(envelope.sent_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::placed;
    use crate::fault::outages::tests::verdicts_at;

    #[test]
    fn what_a_slow_node_says_queues() {
        let busy = Duration::from_millis(10);
        let role = scenarios::Role::ApiHost;
        let words = scenarios::SlowCpu { role, region: None, busy };
        let mut fault = placed(|at| place(&words, at));
        let at = || [0, 0, 5, 100].map(SimTime::from_millis);
        let late = [10, 20, 25, 10].map(|ms| Verdict::Delay(Duration::from_millis(ms)));
        assert_eq!(verdicts_at(&mut *fault, 3, 5, at()), late);
        assert_eq!(verdicts_at(&mut *fault, 0, 5, at()), [Verdict::Pass; 4], "an HSM");
    }
}
