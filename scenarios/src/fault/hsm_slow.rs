//! hsm-slow: HSMs that take longer.

use super::Hsms;
use crate::kind::Count;
use crate::reader::Reader;

/// HSMs that take longer for everything.
#[derive(Debug, Clone, PartialEq)]
pub struct HsmSlow {
    /// Which.
    pub hsms: Hsms,
    /// How many times as long.
    pub factor: u32,
}

impl HsmSlow {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let factors = Count { min: 2, max: 1_000_000 };
        Self {
            hsms: Hsms::read(reader),
            factor: reader.or("factor", &factors, 20, "How many times as long they take."),
        }
    }
}
