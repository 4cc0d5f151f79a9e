//! What can go wrong around a request that no request asks for.

use super::Local;
use crate::env::Call;
use crate::hsm::Fault;
use crate::name::RegionName;
use crate::step::{Append, Conflict, Precondition, Reply, UniqueName};

pub(super) type Appended = Result<(), Conflict>;

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

impl Local {
    pub(super) fn append(&mut self, region: RegionName, call: &Call, append: &Append) -> Appended {
        #[cfg(test)]
        crate::record::tests::keeps(region, append);
        let (id, head) = (call.request_id, self.journal_of(region).head());
        match self.trouble.and_then(|trouble| trouble.conflict(id.0, head)) {
            Some(conflict) => Err(conflict),
            None => self.region_mut(region).append(id, append, call.now),
        }
    }
}
