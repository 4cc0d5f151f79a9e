//! slow-cpu: machines that need longer for whatever they do.

use super::{ROLE, Role};
use crate::kind::{POSITIVE_DURATION, REGION, RegionName};
use crate::reader::Reader;
use std::time::Duration;

/// Machines whose processor has too much to do, or too little power.
#[derive(Debug, Clone, PartialEq)]
pub struct SlowCpu {
    /// Which nodes.
    pub role: Role,
    /// Only nodes of this Region.
    pub region: Option<RegionName>,
    /// How long each message keeps the processor busy.
    pub busy: Duration,
}

impl SlowCpu {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let doc = "How long each message that is sent keeps the processor busy.";
        Self {
            role: reader.required("role", &ROLE, "api-host", "Which nodes are slow."),
            region: reader.optional("region", &REGION, "Only nodes of this Region."),
            busy: reader.or("busy", &POSITIVE_DURATION, "5ms", doc),
        }
    }
}
