//! What can go wrong around a request that no request asks for.

use crate::hsm::Fault;
use crate::step::{Conflict, Precondition, Reply, UniqueName};

/// A trouble that a [`Local`](super::Local) has until it is told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No peer answers in time.
    Silence,
    /// Every HSM refuses with this fault.
    Hsm(Fault),
    /// Whatever a request is decided on has changed when it is appended.
    Conflicts,
}

impl Trouble {
    /// What a peer answers, if the trouble is with the peers.
    pub(super) fn reply(self) -> Option<Reply> {
        match self {
            Trouble::Silence => Some(Reply::TimedOut),
            Trouble::Hsm(fault) => Some(Reply::HsmFault(fault)),
            Trouble::Conflicts => None,
        }
    }

    /// What the journal answers, if the trouble is with the journal.
    pub(super) fn conflict(self, append: u128, head: u64) -> Option<Conflict> {
        let broken = Precondition::Absent(UniqueName::Append(append));
        (self == Trouble::Conflicts).then_some(Conflict { broken, head })
    }
}
