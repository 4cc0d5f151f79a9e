//! What is kept of every request: who asked for what, and what came of it.
//!
//! Of a change, the record is written with the change itself. Of a read it is buffered by the shell,
//! with a loss window the shell states. No record holds a plaintext, a ciphertext or a key.

use crate::env::{Call, RequestId, Timestamp};
use crate::error::ErrorCode;
use crate::name::{GrantId, KeyArn, PrincipalArn};

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
    pub keys: Vec<KeyArn>,
    /// The grant that permitted it, if one did.
    pub granted_by: Option<GrantId>,
    /// Why authorization refused it. The caller is never told.
    pub denied_because: Option<String>,
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
            keys: Vec::new(),
            granted_by: None,
            denied_because: None,
            error: None,
        }
    }
}
