//! hsm-wrong-epoch: HSMs that stay behind.

use super::Hsms;
use crate::reader::Reader;

/// HSMs that stay in the state of the domain they are in and claim to be up to date.
#[derive(Debug, Clone, PartialEq)]
pub struct HsmWrongEpoch {
    /// Which.
    pub hsms: Hsms,
}

impl HsmWrongEpoch {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self { hsms: Hsms::read(reader) }
    }
}
