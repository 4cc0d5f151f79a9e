//! hsm-cold-cache: HSMs that have to unwrap every key again.

use super::Hsms;
use crate::kind::Count;
use crate::reader::Reader;

/// HSMs that forget the keys they have unwrapped, all at the same moment.
#[derive(Debug, Clone, PartialEq)]
pub struct HsmColdCache {
    /// Which.
    pub hsms: Hsms,
    /// How many times as long the first command with each key takes.
    pub factor: u32,
}

impl HsmColdCache {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let factors = Count { min: 2, max: 10_000 };
        let doc = "How many times as long the first command with each key takes.";
        Self { hsms: Hsms::read(reader), factor: reader.or("factor", &factors, 50, doc) }
    }
}
