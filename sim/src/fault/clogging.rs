//! Swizzled clogging, after FoundationDB: nodes are clogged one after another, in a random order, and
//! unclogged in another, so that the network is never twice in the same disorder.

use crate::clock::{SimTime, from_nanos_f64, nanos};
use crate::fault::placement::{Placed, Placement, nodes_of};
use crate::fault::silence::Silences;
use crate::fault::{Fault, FaultInfo, NodeAction, Verdict, Window};
use crate::net::Envelope;
use crate::place::{Selector, Topology};
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "clogging",
    doc: "Clogs a random share of the nodes, one by one, and unclogs them in another order.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug)]
pub struct Clogging {
    window: Window,
    nodes: Selector,
    share: f64,
    silences: Silences,
    drawn: bool,
}

impl Clogging {
    /// The fault with these parameters; `share` is the chance of each node.
    pub fn new(window: Window, nodes: Selector, share: f64) -> Self {
        Self { window, nodes, share, silences: Silences::default(), drawn: false }
    }
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::Clogging, at: &Placement<'_>) -> Placed {
    let nodes = at.select(words.role, words.region.as_ref());
    let fault = Clogging::new(at.window, nodes, words.share.get());
    Placed::about(fault, &nodes_of(words.role), words.region.as_ref())
}

impl Fault for Clogging {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn next(&self) -> Option<SimTime> {
        (!self.drawn && self.window.from < self.window.until).then_some(self.window.from)
    }

    /// Each clogged node is clogged in the first half of the window and unclogged in the second.
    fn act(&mut self, _: SimTime, topology: &Topology, stream: &mut Stream) -> Vec<NodeAction> {
        self.drawn = true;
        let half = nanos(self.window.until.since(self.window.from)) as f64 / 2.0;
        for node in topology.select(self.nodes) {
            if stream.chance(self.share) {
                let from = self.window.from.after(from_nanos_f64(half * stream.unit()));
                let until = self.window.from.after(from_nanos_f64(half * (1.0 + stream.unit())));
                self.silences.add(node, Window { from, until });
            }
        }
        Vec::new()
    }

    fn message(&mut self, envelope: &Envelope, _: &Topology, _: &mut Stream) -> Verdict {
        self.silences.judge(envelope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::{play, verdicts_at};

    #[test]
    fn everybody_is_clogged_in_the_middle_and_nobody_at_the_ends() {
        let window = Window { from: SimTime::from_secs(10), until: SimTime::from_secs(20) };
        let mut fault = Clogging::new(window, Selector::default(), 1.0);
        assert_eq!(play(&mut fault).len(), 1);
        let mut at = |millis| verdicts_at(&mut fault, 0, 5, [SimTime::from_millis(millis)])[0];
        assert_eq!(at(9_999), Verdict::Pass);
        assert_ne!(at(15_000), Verdict::Pass);
        assert_eq!(at(20_000), Verdict::Pass);
    }
}
