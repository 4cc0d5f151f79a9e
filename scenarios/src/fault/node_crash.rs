//! node-crash: nodes that crash and restart.

use super::{ROLE, Role};
use crate::kind::{INTERVAL, POSITIVE_DURATION, REGION, RegionName};
use crate::reader::Reader;
use std::time::Duration;

/// Nodes that crash and restart.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeCrash {
    /// Which nodes.
    pub role: Role,
    /// Only nodes of this Region.
    pub region: Option<RegionName>,
    /// The mean time between crashes.
    pub every: Duration,
    /// How long a node stays down.
    pub down: Duration,
}

impl NodeCrash {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            role: reader.required("role", &ROLE, "api-host", "Which nodes crash."),
            region: reader.optional("region", &REGION, "Only nodes of this Region."),
            every: reader.required("every", &INTERVAL, "20s", "The mean time between crashes."),
            down: reader.or("down", &POSITIVE_DURATION, "5s", "How long a node stays down."),
        }
    }
}
