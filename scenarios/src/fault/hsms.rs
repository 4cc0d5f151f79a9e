//! Which HSMs a fault is about.

use crate::kind::{Count, REGION, RegionName};
use crate::reader::Reader;

/// Some HSMs of a Region, or of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hsms {
    /// Only HSMs of this Region.
    pub region: Option<RegionName>,
    /// How many in a Region.
    pub hsms: u32,
}

impl Hsms {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            region: reader.optional("region", &REGION, "Only HSMs of this Region."),
            hsms: reader.or("hsms", &Count { min: 1, max: 64 }, 1, "How many in a Region."),
        }
    }
}
