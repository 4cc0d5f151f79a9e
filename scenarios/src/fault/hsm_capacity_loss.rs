//! hsm-capacity-loss: HSMs that do less at once.

use super::Hsms;
use crate::kind::Count;
use crate::reader::Reader;

/// HSMs that carry out fewer commands at once.
#[derive(Debug, Clone, PartialEq)]
pub struct HsmCapacityLoss {
    /// Which.
    pub hsms: Hsms,
    /// How many commands at once are left.
    pub lanes: u32,
}

impl HsmCapacityLoss {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let lanes = Count { min: 1, max: 64 };
        Self {
            hsms: Hsms::read(reader),
            lanes: reader.or("lanes", &lanes, 1, "How many commands at once are left."),
        }
    }
}
