//! Two Regions do not hear each other, while both hear the others: a mesh with a hole.

use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, Verdict, Window};
use crate::net::Envelope;
use crate::place::{RegionIndex, Topology};
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "link-cut",
    doc: "Cuts what two Regions say to each other, in one direction or both.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkCut {
    /// When the link is cut.
    pub window: Window,
    /// From where.
    pub from: RegionIndex,
    /// To where.
    pub to: RegionIndex,
    /// Whether the way back is cut, too.
    pub back: bool,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::LinkCut, at: &Placement<'_>) -> Placed {
    let named = words.between.iter().flat_map(|(a, b)| [a, b]).collect::<Vec<_>>();
    let index = |n: usize| named.get(n).map_or(RegionIndex(0), |name| at.region(name));
    let fault = LinkCut { window: at.window, from: index(0), to: index(1), back: !words.one_way };
    let regions: Vec<String> = named.iter().map(ToString::to_string).collect();
    let target = regions.join(if words.one_way { " → " } else { " – " });
    Placed { fault: Box::new(fault), target, regions }
}

impl Fault for LinkCut {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn message(&mut self, envelope: &Envelope, topology: &Topology, _: &mut Stream) -> Verdict {
        let region = |node| topology.place(node).region;
        let way = (region(envelope.from), region(envelope.to));
        let cut = way == (self.from, self.to) || self.back && way == (self.to, self.from);
        if cut { Verdict::Drop } else { Verdict::Pass }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::verdicts;

    #[test]
    fn one_way_or_both_and_nothing_within() {
        let (from, to) = (RegionIndex(0), RegionIndex(1));
        for back in [false, true] {
            let mut cut = LinkCut { window: Window::ALWAYS, from, to, back };
            let mut dropped = |from, to| verdicts(&mut cut, from, to, 1) == [Verdict::Drop];
            assert!(dropped(0, 5));
            assert_eq!(dropped(5, 0), back);
            assert!(!dropped(0, 1) && !dropped(5, 6));
        }
    }
}
