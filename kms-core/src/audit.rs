//! What is kept of every request: who asked for what, and what came of it.
//!
//! Of a change, the record is written with the change itself. Of a read it is buffered by the shell,
//! with a loss window the shell states. No record holds a plaintext, a ciphertext or a key.

use crate::env::{Call, RequestId, Timestamp};
use crate::error::ErrorCode;
use crate::name::{self, AccountId, GrantId, KeyArn, PrincipalArn};
use crate::policy::{Action, Allowed, Pairs};
use crate::price::Class;
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// The id of an event: a request has one in the audit of every account that it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u128);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name::write_uuid(f, &self.0.to_be_bytes())
    }
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// The request.
    pub request: RequestId,
    /// The host's clock when it was decided.
    pub at: Timestamp,
    /// The operation, or the task.
    pub operation: &'static str,
    /// Who asked.
    pub principal: PrincipalArn,
    /// The keys it was about, as far as they were found.
    pub keys: SmallVec<[KeyArn; 1]>,
    /// The grant that permitted it, if one did.
    pub granted_by: Option<GrantId>,
    /// Each permission that was asked for and given, and why: the statement or the grant. The caller
    /// is never told.
    pub allowed_because: SmallVec<[(Action, Allowed<'static>); 1]>,
    /// Why authorization refused it. The caller is never told.
    pub denied_because: Option<String>,
    /// Who pays for it and in which class, once it was admitted.
    pub billed: Option<(AccountId, Class)>,
    /// What a genuine attestation document says of the recipient that the request names, as
    /// `additionalEventData.recipient` of AWS CloudTrail has it.
    pub recipient: Option<Arc<Pairs>>,
    /// The error it was answered with, if it was.
    pub error: Option<ErrorCode>,
}

impl AuditRecord {
    /// The record of a request that has just come in.
    pub fn begin(call: &Call, operation: &'static str) -> AuditRecord {
        AuditRecord {
            request: call.request_id,
            at: call.now,
            operation,
            principal: call.caller.principal.clone(),
            keys: SmallVec::new(),
            granted_by: None,
            allowed_because: SmallVec::new(),
            denied_because: None,
            billed: None,
            recipient: None,
            error: None,
        }
    }

    /// The id of the event in the audit of an account. It follows from the request, so that whoever
    /// writes the audit and whoever names the event agree without talking.
    pub fn event_id(&self, account: AccountId) -> EventId {
        let mut hash = Sha256::new_with_prefix(b"keyquake audit event 1\0");
        hash.update(self.request.0.to_be_bytes());
        hash.update(account.to_string());
        let digest: [u8; 32] = hash.finalize().into();
        EventId(u128::from_be_bytes(digest.first_chunk().copied().unwrap_or_default()))
    }
}
