//! Bits flip on the way. The channel between two nodes is authenticated, so the receiver learns only
//! that something damaged came from somebody.

use crate::fault::links::Links;
use crate::fault::placement::{Placed, Placement, as_role};
use crate::fault::{Fault, FaultInfo, Verdict, Window};
use crate::net::Envelope;
use crate::place::{Role, Topology};
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "message-corruption",
    doc: "Damages messages, of all nodes or of those of a role, each with the same chance.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageCorruption {
    /// When it happens.
    pub window: Window,
    /// On which links.
    pub links: Links,
    /// Only to what nodes of this role say.
    pub from: Option<Role>,
    /// The chance of each message.
    pub probability: f64,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::MessageCorruption, at: &Placement<'_>) -> Placed {
    let fault = MessageCorruption {
        window: at.window,
        links: Links::place(&words.links, at),
        from: words.from.map(as_role),
        probability: words.probability.get(),
    };
    Links::placed(&words.links, fault)
}

impl Fault for MessageCorruption {
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
        let role = topology.place(envelope.from).role;
        let meant = self.from.is_none_or(|from| from == role);
        let hit = meant && self.links.carry(envelope, topology) && stream.chance(self.probability);
        if hit { Verdict::Corrupt } else { Verdict::Pass }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::verdicts;

    #[test]
    fn only_what_the_role_says_is_damaged() {
        let (window, from) = (Window::ALWAYS, Some(Role::Hsm));
        let mut fault = MessageCorruption { window, links: Links::All, from, probability: 1.0 };
        assert_eq!(verdicts(&mut fault, 0, 3, 2), [Verdict::Corrupt; 2], "an HSM's answer");
        assert_eq!(verdicts(&mut fault, 3, 0, 2), [Verdict::Pass; 2], "a host's question");
    }
}
