//! bandwidth: links that carry only so much.

use super::Links;
use crate::kind::SizeIn;
use crate::reader::Reader;
use crate::units::Bytes;

/// Links on which messages queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Bandwidth {
    /// Which links.
    pub links: Links,
    /// What each link between two nodes carries in a second, one way.
    pub per_second: Bytes,
}

impl Bandwidth {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let sizes = SizeIn { min: Bytes(1_024), max: Bytes(1 << 40) };
        Self {
            links: Links::read(reader),
            per_second: reader.required(
                "per_second",
                &sizes,
                "100KiB",
                "What each link between two nodes carries in a second, one way.",
            ),
        }
    }
}
