//! Nodes stop for a while and go on as if nothing had happened: a gray failure that no crash detector
//! sees.
//!
//! A pause is modelled at the node's edge: nothing leaves it and nothing reaches it, while its own
//! timers run on, so that it wakes up with questions that have long been given up.

use crate::clock::{SimTime, from_nanos_f64, nanos};
use crate::fault::placement::{Placed, Placement, nodes_of};
use crate::fault::silence::Silences;
use crate::fault::{Fault, FaultInfo, NodeAction, Verdict, Window};
use crate::net::Envelope;
use crate::place::{NodeId, Selector, Topology};
use crate::random::Stream;
use std::time::Duration;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "node-pause",
    doc: "Pauses nodes of a role: they neither hear nor speak, and lose nothing.",
    hinders: true,
};

/// Which nodes pause, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// When nodes pause.
    pub window: Window,
    /// Which.
    pub nodes: Selector,
    /// The mean time from the end of a pause of a node to its next one.
    pub every: Duration,
    /// How long a pause is.
    pub pause: Duration,
}

/// The fault.
#[derive(Clone, Debug)]
pub struct NodePause {
    parameters: Parameters,
    silences: Silences,
    drawn: bool,
}

impl NodePause {
    /// The fault with these parameters.
    pub fn new(parameters: Parameters) -> Self {
        Self { parameters, silences: Silences::default(), drawn: false }
    }

    fn draw(&mut self, node: NodeId, stream: &mut Stream) {
        let Parameters { window, every, pause, .. } = self.parameters;
        let mut now = window.from;
        loop {
            let gap = from_nanos_f64(stream.exponential(nanos(every) as f64));
            let from = now.after(gap.max(Duration::from_nanos(1)));
            if from >= window.until {
                return;
            }
            now = from.after(pause).min(window.until);
            self.silences.add(node, Window { from, until: now });
        }
    }
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::NodePause, at: &Placement<'_>) -> Placed {
    let fault = NodePause::new(Parameters {
        window: at.window,
        nodes: at.select(Some(words.role), words.region.as_ref()),
        every: words.every,
        pause: words.pause,
    });
    Placed::about(fault, &nodes_of(Some(words.role)), words.region.as_ref())
}

impl Fault for NodePause {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.parameters.window
    }

    fn next(&self) -> Option<SimTime> {
        let Window { from, until } = self.parameters.window;
        (!self.drawn && from < until).then_some(from)
    }

    fn act(&mut self, _: SimTime, topology: &Topology, stream: &mut Stream) -> Vec<NodeAction> {
        self.drawn = true;
        for node in topology.select(self.parameters.nodes) {
            self.draw(node, stream);
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
    use crate::place::Role;

    #[test]
    fn chosen_nodes_are_silent_about_as_often_as_asked_and_others_never() {
        let mut fault = NodePause::new(Parameters {
            window: Window { from: SimTime::ZERO, until: SimTime::from_secs(1_000) },
            nodes: Selector { role: Some(Role::ApiHost), region: None },
            every: Duration::from_secs(9),
            pause: Duration::from_secs(1),
        });
        assert_eq!(play(&mut fault), [(SimTime::ZERO, Vec::new())], "it acts on no node");
        let mut late = |from| {
            let at = (0..1_000).map(SimTime::from_secs);
            let verdicts = verdicts_at(&mut fault, from, 5, at);
            verdicts.iter().filter(|verdict| **verdict != Verdict::Pass).count()
        };
        let paused = late(3);
        assert!((60..140).contains(&paused), "a tenth of the time: {paused}");
        assert_eq!(late(0), 0, "an HSM");
    }
}
