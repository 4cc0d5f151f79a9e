//! hsm-hang: HSMs that stop without going down.

use super::Hsms;
use crate::reader::Reader;

/// HSMs that take commands and answer none.
#[derive(Debug, Clone, PartialEq)]
pub struct HsmHang {
    /// Which.
    pub hsms: Hsms,
}

impl HsmHang {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self { hsms: Hsms::read(reader) }
    }
}
