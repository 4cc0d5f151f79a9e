//! Links carry only so many bytes a second, and messages queue for them.

use crate::clock::SimTime;
use crate::fault::links::Links;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, Verdict, Window};
use crate::net::Envelope;
use crate::place::{NodeId, Topology};
use crate::random::Stream;
use std::collections::BTreeMap;
use std::time::Duration;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "bandwidth",
    doc: "Limits what each link between two nodes carries in a second; the rest queues.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Bandwidth {
    /// When it happens.
    pub window: Window,
    /// On which links.
    pub links: Links,
    /// Bytes that a directed link between two nodes carries in a second; at least 1.
    pub per_second: u64,
    /// Until when each link is busy.
    busy: BTreeMap<(NodeId, NodeId), SimTime>,
}

impl Bandwidth {
    /// The fault with these parameters.
    pub fn new(window: Window, links: Links, per_second: u64) -> Self {
        Self { window, links, per_second: per_second.max(1), busy: BTreeMap::new() }
    }
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::Bandwidth, at: &Placement<'_>) -> Placed {
    let links = Links::place(&words.links, at);
    Links::placed(&words.links, Bandwidth::new(at.window, links, words.per_second.0))
}

impl Fault for Bandwidth {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn message(&mut self, envelope: &Envelope, topology: &Topology, _: &mut Stream) -> Verdict {
        if !self.links.carry(envelope, topology) {
            return Verdict::Pass;
        }
        let busy = self.busy.entry((envelope.from, envelope.to)).or_insert(SimTime::ZERO);
        let takes = u64::from(envelope.size).saturating_mul(1_000_000_000) / self.per_second;
        *busy = (*busy).max(envelope.sent_at).after(Duration::from_nanos(takes));
        Verdict::Delay(busy.since(envelope.sent_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::verdicts;

    #[test]
    fn messages_of_one_link_queue_and_those_of_others_do_not() {
        let mut fault = Bandwidth::new(Window::ALWAYS, Links::All, 1_000);
        let waits = |millis: [u64; 3]| millis.map(|ms| Verdict::Delay(Duration::from_millis(ms)));
        assert_eq!(verdicts(&mut fault, 0, 1, 3), waits([100, 200, 300]), "100 bytes each");
        assert_eq!(verdicts(&mut fault, 1, 0, 3), waits([100, 200, 300]), "the other way");
    }
}
