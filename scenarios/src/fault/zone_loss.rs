//! zone-loss: every server of a zone at once.

use crate::kind::{Count, INTERVAL, POSITIVE_DURATION, REGION, RegionName};
use crate::reader::Reader;
use std::time::Duration;

/// A zone that goes down.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneLoss {
    /// Of which Region; any when not said.
    pub region: Option<RegionName>,
    /// Which zone, from 0; any when not said.
    pub zone: Option<u32>,
    /// The mean time between losses; without it, one at the start.
    pub every: Option<Duration>,
    /// How long the zone stays down.
    pub down: Duration,
}

impl ZoneLoss {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let zones = Count { min: 0, max: reader.session.zones.saturating_sub(1) };
        Self {
            region: reader.optional("region", &REGION, "Of which Region; any when not said."),
            zone: reader.optional("zone", &zones, "Which zone, from 0; any when not said."),
            every: reader.optional(
                "every",
                &INTERVAL,
                "The mean time between losses; without it, one loss at the start.",
            ),
            down: reader.or("down", &POSITIVE_DURATION, "1m", "How long the zone stays down."),
        }
    }
}
