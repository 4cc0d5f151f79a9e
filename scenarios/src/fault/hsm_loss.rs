//! hsm-loss: HSMs that go down.

use crate::kind::{BOOLEAN, INTERVAL, POSITIVE_DURATION, REGION, RegionName};
use crate::reader::Reader;
use std::time::Duration;

/// HSMs that go down.
#[derive(Debug, Clone, PartialEq)]
pub struct HsmLoss {
    /// Only HSMs of this Region.
    pub region: Option<RegionName>,
    /// The mean time between losses; without it, one loss at the start.
    pub every: Option<Duration>,
    /// How long an HSM stays down.
    pub down: Duration,
    /// Whether all HSMs of the Region go down at once.
    pub whole_region: bool,
}

impl HsmLoss {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            region: reader.optional("region", &REGION, "Only HSMs of this Region."),
            every: reader.optional(
                "every",
                &INTERVAL,
                "The mean time between losses; without it, one loss at the start.",
            ),
            down: reader.or("down", &POSITIVE_DURATION, "30s", "How long an HSM stays down."),
            whole_region: reader.or(
                "whole_region",
                &BOOLEAN,
                false,
                "Whether all HSMs of the Region go down at once.",
            ),
        }
    }
}
