//! link-cut: two Regions that do not hear each other.

use crate::kind::{BOOLEAN, List, REGION, RegionName};
use crate::reader::Reader;

/// Two Regions between which messages are lost: a mesh with a hole.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkCut {
    /// The Regions; `None` when the file does not name two.
    pub between: Option<(RegionName, RegionName)>,
    /// Whether only messages from the first to the second are lost.
    pub one_way: bool,
}

impl LinkCut {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let pair = List { of: REGION, min: 1, max: 2 };
        let between = reader.optional("between", &pair, "The two Regions.");
        let between = match between.as_deref() {
            Some([a, b]) => Some((a.clone(), b.clone())),
            _ => {
                reader.complain("between", "between needs two Regions");
                None
            }
        };
        let doc = "Whether only messages from the first to the second are lost.";
        Self { between, one_way: reader.or("one_way", &BOOLEAN, false, doc) }
    }
}
