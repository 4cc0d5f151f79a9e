//! Messages are lost.

use crate::fault::links::Links;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, Verdict, Window};
use crate::net::Envelope;
use crate::place::Topology;
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "message-loss",
    doc: "Loses messages, each with the same chance.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageLoss {
    /// When it happens.
    pub window: Window,
    /// On which links.
    pub links: Links,
    /// The chance of each message.
    pub probability: f64,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::MessageLoss, at: &Placement<'_>) -> Placed {
    let links = Links::place(&words.links, at);
    let fault = MessageLoss { window: at.window, links, probability: words.probability.get() };
    Links::placed(&words.links, fault)
}

impl Fault for MessageLoss {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn message(
        &mut self,
        envelope: &Envelope,
        topology: &Topology,
        stream: &mut Stream,
    ) -> Verdict {
        let hit = self.links.carry(envelope, topology) && stream.chance(self.probability);
        if hit { Verdict::Drop } else { Verdict::Pass }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::verdicts;
    use crate::place::RegionIndex;

    #[test]
    fn a_share_of_the_messages_is_lost() {
        let (window, links) = (Window::ALWAYS, Links::Of(RegionIndex(1)));
        let mut fault = MessageLoss { window, links, probability: 0.25 };
        let hit = |verdicts: Vec<Verdict>| {
            verdicts.iter().filter(|verdict| **verdict == Verdict::Drop).count()
        };
        let inside = hit(verdicts(&mut fault, 5, 6, 4_000));
        assert!((800..1_200).contains(&inside), "{inside}");
        assert_eq!(hit(verdicts(&mut fault, 0, 1, 1_000)), 0, "another Region");
    }
}
