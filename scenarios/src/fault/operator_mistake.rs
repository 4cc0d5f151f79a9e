//! operator-mistake: rotations of the domain key out of turn.

use crate::kind::{INTERVAL, REGION, RegionName};
use crate::reader::Reader;
use std::time::Duration;

/// Operators have the domain key rotated out of turn.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorMistake {
    /// Only in this Region.
    pub region: Option<RegionName>,
    /// The mean time between two orders; the first one comes at the start.
    pub every: Duration,
}

impl OperatorMistake {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let doc = "The mean time between two orders; the first one comes at the start.";
        Self {
            region: reader.optional("region", &REGION, "Only in this Region."),
            every: reader.or("every", &INTERVAL, "10s", doc),
        }
    }
}
