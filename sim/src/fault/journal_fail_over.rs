//! The journal moves to another machine. The old one is fenced before the new one begins, so there are
//! never two; what was not durable by then is lost, and nobody was promised it.
//!
//! The model has one machine a journal, so a move is its end and its beginning with the same disk.

use crate::clock::SimTime;
use crate::fault::outages::Outages;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, NodeAction, Window};
use crate::place::{NodeId, Role, Selector, Topology};
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "journal-fail-over",
    doc: "Moves a journal to another machine, which begins with what was durable.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug)]
pub struct JournalFailOver {
    window: Window,
    journals: Selector,
    outages: Outages,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::JournalFailOver, at: &Placement<'_>) -> Placed {
    let region = words.region.as_ref();
    let fault = JournalFailOver {
        window: at.window,
        journals: Selector {
            role: Some(Role::Journal),
            region: region.map(|name| at.region(name)),
        },
        outages: Outages::new(at.window, words.every, words.takes),
    };
    Placed::about(fault, "journals", region)
}

impl Fault for JournalFailOver {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn next(&self) -> Option<SimTime> {
        self.outages.next()
    }

    fn act(&mut self, now: SimTime, topology: &Topology, stream: &mut Stream) -> Vec<NodeAction> {
        let journals = self.journals;
        self.outages.act(now, stream, |down, stream| {
            let up: Vec<NodeId> =
                topology.select(journals).filter(|node| !down.contains(node)).collect();
            stream.pick(&up).copied().into_iter().collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::placed;
    use crate::fault::outages::tests::{journals, play};
    use std::time::Duration;

    #[test]
    fn one_journal_ends_and_begins_again() {
        let takes = Duration::from_secs(1);
        let words = scenarios::JournalFailOver { region: None, every: None, takes };
        let acts = play(&mut *placed(|at| place(&words, at)));
        let [(from, down), (until, up)] = &acts[..] else { panic!("{acts:?}") };
        assert_eq!(until.since(*from), takes);
        let [NodeAction::Crash(node)] = down[..] else { panic!("{down:?}") };
        assert_eq!(*up, [NodeAction::Restart(node)]);
        assert!(journals().contains(&node));
    }
}
