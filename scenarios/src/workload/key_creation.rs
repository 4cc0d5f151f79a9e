//! A flood of new keys: the smallest quota, the largest write.

use super::WorkloadKind;
use crate::kind::PROBABILITY;
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::Probability;

/// Create keys and nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyCreation {
    /// The share of keys that are multi-Region primaries.
    pub multi_region_share: Probability,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "key-creation",
    doc: "Create keys and nothing else.",
    read: |reader| WorkloadKind::KeyCreation(KeyCreation::read(reader)),
};

impl KeyCreation {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            multi_region_share: reader.or(
                "multi_region_share",
                &PROBABILITY,
                0.0,
                "The share of keys that are multi-Region primaries.",
            ),
        }
    }
}
