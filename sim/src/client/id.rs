//! Names of attempts: the id that client, host and history all know a request by.
//!
//! ```text
//! 0 … 0 (40 bits) │ node (16) │ call (64) │ attempt (8)
//! ```
//! The upper bits are 0, so that the ids of tasks and of other Regions' commands never meet these.

use kms_core::env::RequestId;

use crate::place::NodeId;

/// An id, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptId {
    /// The client.
    pub node: NodeId,
    /// Counts the calls of the client, from 0.
    pub call: u64,
    /// Counts the attempts of the call, from 1.
    pub attempt: u8,
}

/// The id of an attempt.
pub fn request_id(node: NodeId, call: u64, attempt: u8) -> RequestId {
    RequestId(u128::from(node.0) << 72 | u128::from(call) << 8 | u128::from(attempt))
}

impl AttemptId {
    /// The attempt of this id; nothing if a client did not make it.
    #[allow(clippy::cast_possible_truncation, reason = "the parts are cut out of the whole")]
    pub fn parse(id: RequestId) -> Option<AttemptId> {
        let (node, call, attempt) = ((id.0 >> 72) as u16, (id.0 >> 8) as u64, id.0 as u8);
        let parts = AttemptId { node: NodeId(node), call, attempt };
        (request_id(parts.node, call, attempt) == id).then_some(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_apart_again() {
        let id = request_id(NodeId(u16::MAX), u64::MAX - 1, 7);
        let parts = AttemptId { node: NodeId(u16::MAX), call: u64::MAX - 1, attempt: 7 };
        assert_eq!(AttemptId::parse(id), Some(parts));
        assert_eq!(AttemptId::parse(RequestId(1 << 88)), None);
    }
}
