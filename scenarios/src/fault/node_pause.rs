//! node-pause: nodes that stop for a while.

use super::{ROLE, Role};
use crate::kind::{INTERVAL, POSITIVE_DURATION, REGION, RegionName};
use crate::reader::Reader;
use std::time::Duration;

/// Nodes that neither hear nor speak for a while, and lose nothing: a long collection of garbage, a
/// machine that is moved.
#[derive(Debug, Clone, PartialEq)]
pub struct NodePause {
    /// Which nodes.
    pub role: Role,
    /// Only nodes of this Region.
    pub region: Option<RegionName>,
    /// How often each node pauses, on average.
    pub every: Duration,
    /// How long.
    pub pause: Duration,
}

impl NodePause {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            role: reader.required("role", &ROLE, "api-host", "Which nodes pause."),
            region: reader.optional("region", &REGION, "Only nodes of this Region."),
            every: reader.required("every", &INTERVAL, "20s", "How often each node pauses."),
            pause: reader.or("pause", &POSITIVE_DURATION, "2s", "How long a node pauses."),
        }
    }
}
