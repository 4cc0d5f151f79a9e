//! journal-slow: a journal whose disk is slow.

use crate::kind::{Count, REGION, RegionName};
use crate::reader::Reader;

/// Journals that take longer to write and to make durable.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalSlow {
    /// Only the journal of this Region.
    pub region: Option<RegionName>,
    /// How many times as long.
    pub factor: u32,
}

impl JournalSlow {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let factors = Count { min: 2, max: 1_000_000 };
        Self {
            region: reader.optional("region", &REGION, "Only the journal of this Region."),
            factor: reader.or("factor", &factors, 100, "How many times as long its disk takes."),
        }
    }
}
