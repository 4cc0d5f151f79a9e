//! stale-follower: hosts that hear of what was committed much later.

use crate::kind::{Count, POSITIVE_DURATION, REGION, RegionName};
use crate::reader::Reader;
use std::time::Duration;

/// Hosts that hear everything from their journal late.
#[derive(Debug, Clone, PartialEq)]
pub struct StaleFollower {
    /// Only hosts of this Region.
    pub region: Option<RegionName>,
    /// How many in a Region.
    pub hosts: u32,
    /// How much later.
    pub lag: Duration,
}

impl StaleFollower {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let doc = "How much later they hear what their journal says.";
        Self {
            region: reader.optional("region", &REGION, "Only hosts of this Region."),
            hosts: reader.or("hosts", &Count { min: 1, max: 64 }, 1, "How many in a Region."),
            lag: reader.or("lag", &POSITIVE_DURATION, "2s", doc),
        }
    }
}
