//! Which links of the network a fault is about.

use crate::kind::{List, REGION, RegionName};
use crate::reader::Reader;

/// Which links of the network a fault is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Links {
    /// All of them.
    All,
    /// Those that begin or end in a Region, the ones inside it included.
    Of(RegionName),
    /// Those between two Regions, both ways.
    Between(RegionName, RegionName),
}

impl Links {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let pair = List { of: REGION, min: 1, max: 2 };
        let between = reader.optional("between", &pair, "Only messages between these two Regions.");
        let region =
            reader.optional("region", &REGION, "Only messages from, to or inside this Region.");
        match (between.as_deref(), region) {
            (None, None) => Self::All,
            (None, Some(region)) => Self::Of(region),
            (Some([a, b]), None) => Self::Between(a.clone(), b.clone()),
            (Some([_, _]), Some(_)) => {
                reader
                    .complain("region", "a fault of links has either between or region, not both");
                Self::All
            }
            (Some(_), _) => {
                reader.complain("between", "between needs two Regions");
                Self::All
            }
        }
    }
}
