//! region-partition: a Region that is cut off.

use crate::kind::{REGION, RegionName, Word};
use crate::reader::Reader;

/// Which messages across the border of a Region are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Those in and out.
    Both,
    /// Those into the Region.
    In,
    /// Those out of the Region.
    Out,
}

const DIRECTION: Word<Direction> = Word {
    what: "direction",
    words: &[("both", Direction::Both), ("in", Direction::In), ("out", Direction::Out)],
};

/// A Region that is cut off.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionPartition {
    /// The Region.
    pub region: RegionName,
    /// Which messages are lost.
    pub direction: Direction,
}

impl RegionPartition {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            region: reader.required("region", &REGION, "us-east-1", "The Region that is cut off."),
            direction: reader.or(
                "direction",
                &DIRECTION,
                "both",
                "Which messages across its border are lost.",
            ),
        }
    }
}
