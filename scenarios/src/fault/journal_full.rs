//! journal-full: a journal whose disk is full.

use crate::kind::{REGION, RegionName};
use crate::reader::Reader;

/// Journals that can write nothing more.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalFull {
    /// Only the journal of this Region.
    pub region: Option<RegionName>,
}

impl JournalFull {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self { region: reader.optional("region", &REGION, "Only the journal of this Region.") }
    }
}
