//! What a decision comes to: an outcome, or a question to a peer and how to go on with the answer.

use crate::audit::AuditRecord;
use crate::error::{Error, Result};
use crate::hsm;
use crate::key_store::{self, KeyStoreId};
use crate::kms::{Effects, Kms};
use crate::multi_region::{RegionCommand, RegionReply};
use crate::name::{AccountId, AliasName, GrantId, KeyId, RegionName};
use crate::ops::Response;
use crate::state::Change;
use crate::token::{KeyToken, TokenChange};
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

mod answers;

pub use answers::Answers;

/// The most questions one operation may ask; more is a fault in the operation.
pub const MOST_ASKS: u8 = 6;

/// One step of an operation.
#[derive(Debug)]
pub enum Step {
    /// The operation is decided. Changes, if any, still have to be appended.
    Done(Box<Outcome>),
    /// A peer must be asked first.
    Ask(Ask, Then),
    /// The request proves that this host is behind the journal: catch up with it, decide again.
    CatchUp,
}

/// What an operation came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The answer.
    pub result: Result<Response>,
    /// What must be appended before the answer may be given.
    pub append: Option<Append>,
    /// The record of it.
    pub audit: AuditRecord,
}

/// Changes of durable state, valid only while every precondition holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Append {
    /// Changes of records, which go into the log.
    pub changes: Vec<Change>,
    /// Changes of key tokens, which take effect with the log entry but are not in it.
    pub tokens: Vec<TokenChange>,
    /// What must still be true. Reads gather these too, and append nothing.
    pub preconditions: SmallVec<[Precondition; 2]>,
}

impl Append {
    /// Whether there is nothing to append.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.tokens.is_empty()
    }
}

/// A record that a decision may have read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RecordId {
    /// A key.
    Key(KeyId),
    /// An alias.
    Alias(AccountId, AliasName),
    /// A grant.
    Grant(GrantId),
    /// The domain of the Region.
    Domain,
    /// A custom key store.
    KeyStore(KeyStoreId),
}

/// A name that only one record may have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UniqueName {
    /// The id of a key; two Regions may want to create the same replica.
    Key(KeyId),
    /// An alias.
    Alias(AccountId, AliasName),
    /// A named grant with these very parameters.
    Grant(KeyId, [u8; 16]),
    /// Something that custom key stores do not share.
    KeyStore(key_store::Unique),
    /// An external key, in its store.
    XksKey(KeyStoreId, key_store::XksKeyId),
    /// The id of an append, which only its journal knows.
    Append(u128),
}

/// Something that is counted and limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Counter {
    /// Customer managed keys of an account.
    Keys(AccountId),
    /// Aliases of a key.
    Aliases(KeyId),
    /// Grants on a key.
    Grants(KeyId),
    /// Custom key stores of an account.
    KeyStores(AccountId),
    /// Keys in a custom key store, whatever their state.
    KeysInStore(KeyStoreId),
}

/// What a decision relied on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The record is as it was when the log was at this position.
    VersionIs(RecordId, u64),
    /// Nobody has the name.
    Absent(UniqueName),
    /// One more does not exceed the limit. Two of these do not conflict with each other.
    CountBelow(Counter, u64),
}

/// Whom to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Any HSM of the Region's domain.
    Hsm,
    /// The KMS of another Region.
    Region(RegionName),
    /// What is behind a custom key store.
    KeyStore(KeyStoreId),
}

/// A question. Equal questions have interchangeable answers, so that a decision taken again after a
/// conflict does not make an HSM generate a key twice.
#[derive(Clone, Debug)]
pub enum Ask {
    /// To an HSM, with the key tokens the command works on.
    Hsm {
        /// The command.
        command: Arc<hsm::Command>,
        /// The key tokens, beside it.
        tokens: Vec<Arc<KeyToken>>,
    },
    /// To another Region.
    Region {
        /// Which.
        region: RegionName,
        /// What.
        command: Arc<RegionCommand>,
    },
    /// To what is behind a custom key store.
    KeyStore {
        /// Which; of one that is being created, the id it will have.
        store: KeyStoreId,
        /// What, with everything that is needed to ask it.
        command: Arc<key_store::Command>,
    },
}

impl Ask {
    /// Whom the question is for.
    pub fn peer(&self) -> Peer {
        match self {
            Ask::Hsm { .. } => Peer::Hsm,
            Ask::Region { region, .. } => Peer::Region(*region),
            Ask::KeyStore { store, .. } => Peer::KeyStore(*store),
        }
    }

    /// Whether the answer to `other` answers this too.
    fn same_question(&self, other: &Ask) -> bool {
        match (self, other) {
            (Ask::Hsm { command: a, .. }, Ask::Hsm { command: b, .. }) => a == b,
            (Ask::Region { region: a, command: x }, Ask::Region { region: b, command: y }) => {
                a == b && x == y
            }
            (Ask::KeyStore { command: a, .. }, Ask::KeyStore { command: b, .. }) => a == b,
            _ => false,
        }
    }
}

/// A peer's answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An HSM did it.
    Hsm(hsm::Reply),
    /// Another Region did it, or said why not.
    Region(Result<RegionReply>),
    /// What is behind a custom key store did it, or did not.
    KeyStore(std::result::Result<key_store::Reply, key_store::Fault>),
    /// An HSM refused, for a reason the shell cannot mend.
    HsmFault(hsm::Fault),
    /// Nobody answered in time.
    TimedOut,
}

/// What an operation comes to next.
pub(crate) enum Next {
    /// The answer.
    Done(Response),
    /// A question.
    Ask(Ask, Continuation),
}

/// How an operation goes on with an answer.
pub(crate) type Continuation = Box<dyn FnOnce(Reply, Effects<'_, '_>) -> Result<Next> + Send>;

/// An operation that waits for an answer.
pub struct Then {
    pub(crate) continuation: Continuation,
    pub(crate) plan: crate::kms::Plan,
}

impl Then {
    /// Goes on with the answer, on the state as it is by now.
    pub fn resume(
        self,
        reply: Reply,
        kms: &Kms,
        call: &crate::env::Call,
        random: &mut dyn crate::env::Random,
    ) -> Step {
        crate::kms::resume(self, reply, kms, call, random)
    }
}

impl fmt::Debug for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Then({})", self.plan.outcome.audit.operation)
    }
}

/// An append that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What no longer holds.
    pub broken: Precondition,
    /// Where the log is; deciding again makes sense from there on.
    pub head: u64,
}

impl Conflict {
    /// What the caller hears when deciding again and again did not help. A limit that is reached, a
    /// name that is taken and a record that is gone are found by the next decision itself.
    pub fn exhausted() -> Error {
        crate::error::ErrorCode::KmsInternal.says("The request could not be completed. Try again.")
    }
}
