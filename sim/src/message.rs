//! What nodes say to each other.
//!
//! Bodies are shared behind `Arc` where a copy would cost, since everything lives in one process; the
//! size a message has on a wire is said beside it, for bandwidth.

use crate::history::Audited;
use kms_core::Result as KmsResult;
use kms_core::env::{Caller, CallingService, RequestId};
use kms_core::hsm;
use kms_core::key_store;
use kms_core::multi_region::{RegionCommand, RegionReply};
use kms_core::ops::{Request, Response};
use kms_core::state::LogEntry;
use kms_core::step::{Append, Conflict};
use kms_core::token::{DomainEpoch, KeyToken, TokenChange, TokenStore};
use std::sync::Arc;

/// Numbers a question of one node, so that it knows the answer.
pub type AskId = u64;

/// A message.
#[derive(Clone, Debug)]
pub enum Message {
    /// Client to host: one attempt of a call.
    Request {
        /// Names the attempt.
        id: RequestId,
        /// Who calls.
        caller: Arc<Caller>,
        /// The AWS service in between, or the one that calls.
        service: Option<Arc<CallingService>>,
        /// What.
        request: Arc<Request>,
    },
    /// Host to client.
    Response {
        /// The attempt.
        id: RequestId,
        /// The answer.
        result: Arc<KmsResult<Response>>,
    },
    /// Host or worker to HSM.
    HsmCommand {
        /// The question.
        ask: AskId,
        /// Names the random draws: the request and which of its commands this is.
        draw: (RequestId, u32),
        /// What.
        command: Arc<hsm::Command>,
        /// The key tokens it works on.
        tokens: Vec<Arc<KeyToken>>,
        /// The domain key the asker knows to be active.
        domain: DomainEpoch,
        /// For an order about the domain: the service host's consent.
        mandate: Option<Arc<hsm::Mandate>>,
        /// For anything else but what begins a session: the one it comes in. What it would seal is the
        /// message itself, which is a model: one that is changed on the way is garbled, and dropped.
        session: Option<Arc<hsm::Credential>>,
    },
    /// HSM to host or worker.
    HsmReply {
        /// The question.
        ask: AskId,
        /// The draw it was asked with, which binds the answer to one sending of one request.
        draw: (RequestId, u32),
        /// The answer.
        result: Result<hsm::Reply, hsm::Fault>,
    },
    /// Host or worker to what is behind a custom key store.
    KeyStoreCommand {
        /// The question.
        ask: AskId,
        /// Names the random draws, as for an HSM.
        draw: (RequestId, u32),
        /// What.
        command: Arc<key_store::Command>,
    },
    /// The answer to it.
    KeyStoreReply {
        /// The question.
        ask: AskId,
        /// The answer.
        result: Result<key_store::Reply, key_store::Fault>,
    },
    /// Host or worker to its Region's journal.
    Append {
        /// The question.
        ask: AskId,
        /// The idempotency key.
        id: RequestId,
        /// What.
        append: Arc<Append>,
        /// The record of the request, which is written with its changes.
        audit: Option<Audited>,
    },
    /// Journal to host or worker.
    Appended {
        /// The question.
        ask: AskId,
        /// The position, or what is no longer true.
        result: Result<u64, Box<Conflict>>,
    },
    /// Journal to follower: what it has not acknowledged.
    Feed(Arc<Feed>),
    /// Follower to journal: how far it is.
    Follow {
        /// The position it has applied.
        position: u64,
        /// The token changes it has applied.
        tokens: TokenPosition,
        /// Why it says so.
        purpose: Follow,
    },
    /// Host or worker to a host of another Region.
    RegionCommand {
        /// The question.
        ask: AskId,
        /// Names the request there.
        id: RequestId,
        /// Who calls.
        caller: Arc<Caller>,
        /// What.
        command: Arc<RegionCommand>,
    },
    /// The answer to it.
    RegionReply {
        /// The question.
        ask: AskId,
        /// The answer.
        result: KmsResult<RegionReply>,
    },
    /// Host or worker to a host of a Region that was silent of late: whether it hears and is heard.
    HealthCheck {
        /// The question that waits for this.
        ask: AskId,
    },
    /// The answer to it.
    Healthy {
        /// The question.
        ask: AskId,
    },
}

/// Why a follower says how far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It has taken over what it was sent.
    Acknowledge,
    /// It wants to hear what it lacks and where the journal is: it has just started, could not use
    /// what it was sent, or must not go on without being up to date.
    Ask(
        /// Counts the questions of the follower, so that it knows which one is answered.
        u64,
    ),
}

/// Entries and token changes for a follower, in order and without gaps behind what it has.
#[derive(Clone, Debug)]
pub struct Feed {
    /// Where the journal is.
    pub head: u64,
    /// The question this answers; 0 is none, for what was sent without one.
    pub answers: u64,
    /// The entries.
    pub entries: Vec<Arc<LogEntry>>,
    /// The token changes, or all tokens.
    pub tokens: TokenFeed,
}

/// Key tokens on their way to a follower.
#[derive(Clone, Debug)]
pub enum TokenFeed {
    /// These changes follow the one counted `after`, in the journal's life `life`.
    Changes {
        /// Counted from the start of the journal's life.
        after: TokenPosition,
        /// The changes.
        changes: Vec<TokenChange>,
    },
    /// Everything, for a follower that has nothing to build on.
    Snapshot {
        /// What it includes.
        at: TokenPosition,
        /// All tokens.
        tokens: Arc<TokenStore>,
    },
}

/// How many token changes somebody has seen, and of which life of the journal. Token changes are not
/// in the log, so a journal that restarts counts them anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenPosition {
    /// The journal's life; 0 is none.
    pub life: u64,
    /// The changes seen in it.
    pub count: u64,
}
