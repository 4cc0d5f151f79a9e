//! What becomes of messages and timers, for whoever draws them: nobody listens unless asked to.
//!
//! Whatever a node handles has a number, and whatever the node then does is caused by that number, so
//! that causes can be followed back through a run. The numbers are counted whether anybody listens
//! or not: listening changes nothing.

use crate::place::NodeId;

/// Numbers what nodes handle, in the order in which a run made it: messages, timers, starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(pub u64);

impl InputId {
    /// No input: the world itself, which starts nodes and breaks them.
    pub const NONE: InputId = InputId(0);

    /// The next number.
    pub(super) fn next(&mut self) -> InputId {
        self.0 += 1;
        *self
    }
}

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loss {
    /// A fault dropped it.
    Fault,
    /// The network lost it.
    Network,
    /// Its sender crashed before it left.
    Sender,
    /// Its receiver was down, or had crashed since it was sent.
    Receiver,
}

impl Loss {
    /// All of them, in order.
    pub const ALL: [Loss; 4] = [Loss::Fault, Loss::Network, Loss::Sender, Loss::Receiver];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Loss::Fault => "a fault dropped it",
            Loss::Network => "the network lost it",
            Loss::Sender => "its sender crashed before it left",
            Loss::Receiver => "its receiver was down or had crashed",
        }
    }
}

/// Something that becomes of a message or a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'m, M> {
    /// A message leaves its sender.
    Sent {
        /// Its number.
        id: InputId,
        /// What its sender was handling.
        cause: InputId,
        /// Who sends it.
        from: NodeId,
        /// Who shall get it.
        to: NodeId,
        /// What it says.
        body: &'m M,
    },
    /// The network makes a second message of one.
    Copied {
        /// The number of the second.
        id: InputId,
        /// The first.
        of: InputId,
    },
    /// A message is damaged on its way.
    Damaged {
        /// Its number.
        id: InputId,
    },
    /// A message does not arrive.
    Lost {
        /// Its number.
        id: InputId,
        /// Why.
        why: Loss,
    },
    /// A timer fires, or a node starts.
    Rang {
        /// Its number.
        id: InputId,
        /// What the node was handling when it armed the timer.
        cause: InputId,
        /// Whose it is.
        node: NodeId,
        /// What the node called it; a start has no name.
        token: Option<u64>,
    },
    /// A node handles an input. What it records, sends and arms from here on is caused by it.
    Handled {
        /// The number of the input.
        id: InputId,
        /// Which node.
        node: NodeId,
    },
}
