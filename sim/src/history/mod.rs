//! What happened: events with their source, in the one order they were recorded, and a digest of all.
//!
//! Oracles see nothing but this. Events say what a client asked and got, where a host decided, what a
//! journal committed, what a task did; never a plaintext or a key, only keyed digests of plaintexts,
//! so that "the same bytes came back" can be judged and nothing leaks.

mod changed;
mod convert;
mod encode;
mod facts;
mod kept;
mod line;
mod ordinary;
mod policy;
#[cfg(all(feature = "sim", madsim))]
mod settled;

pub use facts::{CallFacts, Digest, Facts, Got, Grantee, PolicyWords, Target, Wanted};
pub use kept::{History, Keep};
pub use line::{fingerprint, line};

#[cfg(all(feature = "sim", madsim))]
pub(crate) use settled::{settle, settlement};

use crate::clock::SimTime;
use crate::fault::NodeAction;
use crate::place::NodeId;
use kms_core::env::{RequestId, Timestamp};
use kms_core::error::ErrorCode;
use kms_core::key::KeyState;
use kms_core::name::{AccountId, KeyArn, KeyId, MaterialId, RegionName};
use kms_core::price::Class;
use kms_core::task::Task;
use kms_core::token::DomainEpoch;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Who can say something. An oracle names the sources it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A client of the service.
    Client,
    /// An API host.
    Host,
    /// An HSM.
    Hsm,
    /// A journal.
    Journal,
    /// Who knows every secret key.
    Witness,
    /// A worker.
    Worker,
    /// The audit trail.
    Audit,
    /// The world itself: crashes, restarts, clocks.
    World,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Audit => "an audit trail",
            Source::Client => "a client",
            Source::Host => "an API host",
            Source::Hsm => "an HSM",
            Source::Journal => "a journal",
            Source::Witness => "a witness who knows the keys",
            Source::Worker => "a worker",
            Source::World => "the world",
        })
    }
}

/// Something that happened. Small, because every one is moved several times and most of a history is
/// this; what is large or rare is behind a pointer.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A client sends an attempt. Attempts of one call share `call`.
    Called {
        /// Names the attempt.
        request: RequestId,
        /// Counts the calls of this client.
        call: u64,
        /// From 1.
        attempt: u8,
        /// Where it is sent.
        region: RegionName,
        /// What it asks, and who.
        facts: Arc<CallFacts>,
    },
    /// A client has an answer to an attempt.
    Returned {
        /// The attempt.
        request: RequestId,
        /// The answer.
        got: Result<Box<Got>, ErrorCode>,
    },
    /// A client gives an attempt up; whether it took effect, it does not know.
    TimedOut {
        /// The attempt.
        request: RequestId,
    },
    /// A call is over, whatever came of it.
    Ended {
        /// Counts the calls of this client.
        call: u64,
        /// The error it ended with, if it did.
        error: Option<ErrorCode>,
    },
    /// A host answers an attempt.
    Answered {
        /// The attempt.
        request: RequestId,
        /// The log position of the state it was decided on.
        position: u64,
        /// The host's clock at that decision.
        now: Timestamp,
        /// The quota pool it was charged to or refused by, if any.
        pool: Option<&'static str>,
        /// The error, if it is one.
        error: Option<ErrorCode>,
    },
    /// A host charged a request, so it was admitted under its quota. Pools count by intervals of the
    /// host's monotonic clock, which is true time.
    Admitted {
        /// The account.
        account: AccountId,
        /// The pool.
        pool: &'static str,
    },
    /// A host refused a command of another Region because of a request quota.
    CommandThrottled {
        /// The attempt that the command belongs to.
        request: RequestId,
        /// The pool.
        pool: &'static str,
    },
    /// A journal made an entry durable.
    Committed {
        /// The Region.
        region: RegionName,
        /// The entry.
        position: u64,
        /// The append, which is the request or the task that asked for it.
        id: RequestId,
        /// What changed.
        changes: Box<[Changed]>,
    },
    /// A worker or host tried a task.
    TaskTried {
        /// The Region.
        region: RegionName,
        /// The append it would make.
        id: RequestId,
        /// The task.
        task: Box<Task>,
        /// The error, if it failed.
        error: Option<ErrorCode>,
    },
    /// Records of the audit trail were written: of a change by its journal, together with the change;
    /// of everything else by the host that answered, from time to time.
    Audited(Box<[Audited]>),
    /// The journal said no to a stale decision. The host decides again, if it has not done so too often.
    Conflicted {
        /// The attempt.
        request: RequestId,
        /// Where the log was when it said so.
        head: u64,
    },
    /// An HSM executed a command.
    Executed {
        /// The command.
        command: &'static str,
        /// Whether it did.
        done: bool,
    },
    /// A host or worker did something out of the ordinary about an HSM.
    Routed {
        /// The request or task that the command belongs to.
        request: RequestId,
        /// The HSM; none when there was none to ask.
        hsm: Option<NodeId>,
        /// What.
        what: Routing,
    },
    /// At the very end: what an HSM had to do.
    Loaded(Box<HsmLoad>),
    /// At the very end: a follower's or a journal's state.
    Settled(Box<Settlement>),
    /// At the very end: a follower's or a journal's key tokens, and the work it knows of that is late.
    Kept(Box<Holdings>),
    /// A fault acted on a node, the subject of the record.
    Acted(NodeAction),
    /// A secret key shows in what this node was answered, or keeps.
    Exposed {
        /// The request or task that it belongs to.
        request: RequestId,
        /// Where it shows.
        place: Exposure,
    },
    /// A fault point fired here.
    Fired(&'static str),
    /// A planted bug struck here.
    Sabotaged(&'static str),
}

/// A record of the audit trail, as far as a judge reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// The request.
    pub request: RequestId,
    /// What it asked for.
    pub operation: &'static str,
    /// The first key it was about, if one was found.
    pub key: Option<KeyId>,
    /// Who pays for it and in which class, if anybody does.
    pub billed: Option<(AccountId, Class)>,
    /// The error it was answered with, if it was.
    pub error: Option<ErrorCode>,
}

/// Where a secret key shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// In the answer to a client.
    Answer,
    /// In a key token that a journal keeps.
    KeyToken,
}

impl Exposure {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Exposure::Answer => "the answer",
            Exposure::KeyToken => "a key token",
        }
    }
}

/// What a host does about an HSM beyond asking it and taking its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Routing {
    /// It asked this one beside another that is late.
    Hedged,
    /// It asked this one after another had failed.
    Retried,
    /// This one has not answered in time.
    TimedOut,
    /// It leaves this one alone for a while.
    Quarantined,
    /// It dropped an answer of this one: late, a second copy, or not to what it was asked.
    Discarded,
    /// This one has as much before it as it may.
    Refused,
    /// Every HSM has as much before it as it may.
    Saturated,
    /// This one answered what cannot be the answer.
    Distrusted,
    /// It has begun a session with this one, and had none.
    InSession,
    /// It has begun a session with this one before the last one was over.
    Renewed,
    /// This one does not know the session that it was asked in.
    NoSession,
}

impl Routing {
    /// All of them, in order.
    pub const ALL: [Routing; 11] = [
        Routing::Hedged,
        Routing::Retried,
        Routing::TimedOut,
        Routing::Quarantined,
        Routing::Discarded,
        Routing::Refused,
        Routing::Saturated,
        Routing::Distrusted,
        Routing::InSession,
        Routing::Renewed,
        Routing::NoSession,
    ];

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Routing::Hedged => "hedged",
            Routing::Retried => "retried",
            Routing::TimedOut => "timed out",
            Routing::Quarantined => "quarantined",
            Routing::Discarded => "discarded",
            Routing::Refused => "refused",
            Routing::Saturated => "saturated",
            Routing::Distrusted => "distrusted",
            Routing::InSession => "in session",
            Routing::Renewed => "session renewed",
            Routing::NoSession => "session unknown",
        }
    }
}

/// What an HSM had to do in a run, over all of its lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HsmLoad {
    /// How many commands it can carry out at once.
    pub lanes: u32,
    /// How many it took.
    pub commands: u64,
    /// How many it refused because too many waited.
    pub refused: u64,
    /// How long it worked, all lanes together.
    pub busy: Duration,
    /// How long commands waited before it began, all together.
    pub waited: Duration,
    /// How many commands waited or were carried out at most.
    pub deepest: u64,
}

impl HsmLoad {
    /// One more command: how long it waited and took, and how many there are now.
    pub fn note(&mut self, waited: Duration, takes: Duration, waiting: usize) {
        self.commands += 1;
        self.busy += takes;
        self.waited += waited;
        self.deepest = self.deepest.max(waiting as u64);
    }
}

/// The state that a follower or a journal has reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// The Region.
    pub region: RegionName,
    /// How far it is.
    pub position: u64,
    /// The fingerprint of its state.
    pub digest: [u8; 32],
    /// The set memberships of its multi-Region keys.
    pub sets: Vec<SetMember>,
}

/// The key tokens that a follower or a journal has, and what it has left undone.
#[derive(Clone, Debug, PartialEq)]
pub struct Holdings {
    /// The Region.
    pub region: RegionName,
    /// How far its log is.
    pub position: u64,
    /// How many key tokens there are.
    pub tokens: u64,
    /// Of all tokens, in order.
    pub digest: [u8; 32],
    /// Keys with a material whose token is not there.
    pub missing: Vec<KeyId>,
    /// How many tokens are under a domain key that the domain has dropped.
    pub unopenable: u64,
    /// Tasks that are long overdue.
    pub overdue: Vec<Task>,
}

/// What a log entry does to a record, for oracles.
#[derive(Clone, Debug, PartialEq)]
pub enum Changed {
    /// A key exists from now on, or is another now.
    Key {
        /// Which.
        id: KeyId,
        /// Its state.
        state: KeyState,
        /// Its current material.
        material: Option<MaterialId>,
        /// Its part in a set of multi-Region keys.
        role: Option<SetRole>,
        /// Whether a new material waits for the replicas.
        pending: bool,
        /// The period of its automatic rotation, in days.
        rotation_days: Option<u32>,
        /// When its waiting period ends, in `PendingDeletion`.
        deletion: Option<Timestamp>,
        /// What has been imported, if that is where its material comes from.
        imports: Option<Arc<Imports>>,
    },
    /// A key is gone.
    KeyErased(KeyId),
    /// The domain's record, with the domain key that is active from now on.
    Domain(DomainEpoch),
    /// Something else.
    Other,
}

/// The imported materials of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports {
    /// Those that belong to the key for good, oldest first.
    pub belonging: Vec<Held>,
    /// The one that awaits its rotation.
    pub awaiting: Option<Held>,
}

/// An imported material of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub material: MaterialId,
    /// Whether it is here.
    pub here: bool,
    /// When it expires, if it is here and does.
    pub expires: Option<Timestamp>,
}

/// A key's part in a set of multi-Region keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetRole {
    /// The primary, and the replicas it knows of.
    Primary(BTreeSet<RegionName>),
    /// A replica, where its primary is, and the replicas it has heard of.
    Replica(RegionName, BTreeSet<RegionName>),
}

/// A multi-Region key at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct SetMember {
    /// The key.
    pub key: KeyArn,
    /// Whether it is the primary.
    pub primary: bool,
    /// Where the replicas of the set are, as far as the key knows.
    pub replicas: BTreeSet<RegionName>,
    /// The current material.
    pub material: Option<MaterialId>,
}

impl Event {
    /// Whether the planted bug of this name struck.
    pub fn is_sabotage(&self, name: &str) -> bool {
        matches!(self, Event::Sabotaged(sabotage) if *sabotage == name)
    }

    /// The request or task it is about, if it is about one.
    pub fn request(&self) -> Option<RequestId> {
        match self {
            Event::Called { request, .. }
            | Event::Returned { request, .. }
            | Event::TimedOut { request }
            | Event::Answered { request, .. }
            | Event::CommandThrottled { request, .. }
            | Event::Committed { id: request, .. }
            | Event::TaskTried { id: request, .. }
            | Event::Conflicted { request, .. }
            | Event::Exposed { request, .. }
            | Event::Routed { request, .. } => Some(*request),
            Event::Ended { .. }
            | Event::Admitted { .. }
            | Event::Audited(_)
            | Event::Executed { .. }
            | Event::Loaded(_)
            | Event::Settled(_)
            | Event::Kept(_)
            | Event::Acted(_)
            | Event::Fired(_)
            | Event::Sabotaged(_) => None,
        }
    }

    /// Who said it.
    pub fn source(&self) -> Source {
        match self {
            Event::Called { .. }
            | Event::Returned { .. }
            | Event::TimedOut { .. }
            | Event::Ended { .. } => Source::Client,
            Event::Answered { .. }
            | Event::Admitted { .. }
            | Event::CommandThrottled { .. }
            | Event::Routed { .. }
            | Event::Conflicted { .. } => Source::Host,
            Event::Executed { .. } | Event::Loaded(_) => Source::Hsm,
            Event::Committed { .. } | Event::Settled(_) | Event::Kept(_) => Source::Journal,
            Event::TaskTried { .. } => Source::Worker,
            Event::Exposed { .. } => Source::Witness,
            Event::Audited(_) => Source::Audit,
            Event::Acted(_) | Event::Fired(_) | Event::Sabotaged(_) => Source::World,
        }
    }
}

/// An event, when and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// True time.
    pub at: SimTime,
    /// The node that said it, or that it is about.
    pub node: NodeId,
    /// What.
    pub event: Event,
}
