//! surge: clients that call many times as often.

use crate::kind::{Count, REGION, RegionName};
use crate::reader::Reader;

/// Traffic that is many times what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Surge {
    /// Only clients of this Region.
    pub region: Option<RegionName>,
    /// How many calls come of one.
    pub factor: u32,
}

impl Surge {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let factors = Count { min: 2, max: 1_000 };
        Self {
            region: reader.optional("region", &REGION, "Only clients of this Region."),
            factor: reader.or("factor", &factors, 10, "How many calls come of each that is due."),
        }
    }
}
