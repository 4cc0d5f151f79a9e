//! clock-skew: clocks that are wrong.

use super::ROLE;
use super::Role;
use crate::kind::{Integer, OFFSET, REGION, RegionName};
use crate::reader::Reader;
use crate::units::ClockOffset;

/// Clocks that are wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockSkew {
    /// Only nodes of this role.
    pub role: Option<Role>,
    /// Only nodes of this Region.
    pub region: Option<RegionName>,
    /// How far the clocks jump at the start.
    pub offset: ClockOffset,
    /// How fast they run away from there, in parts per million; negative is slow.
    pub drift_ppm: i32,
}

impl ClockSkew {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let drift = Integer { min: -100_000, max: 100_000 };
        Self {
            role: reader.optional("role", &ROLE, "Only nodes of this role."),
            region: reader.optional("region", &REGION, "Only nodes of this Region."),
            offset: reader.or(
                "offset",
                &OFFSET,
                "0s",
                "How far the clocks jump at the start; negative is behind.",
            ),
            drift_ppm: reader.or(
                "drift_ppm",
                &drift,
                0,
                "How fast they run away, in parts per million; negative is slow.",
            ),
        }
    }
}
