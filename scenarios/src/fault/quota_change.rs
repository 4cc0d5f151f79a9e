//! quota-change: request quotas that are raised or lowered while they are in use.

use crate::kind::{Number, REGION, RegionName};
use crate::reader::Reader;

/// Request quotas that are others for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaChange {
    /// Only those of this Region.
    pub region: Option<RegionName>,
    /// How many times as much is admitted.
    pub factor: f64,
}

impl QuotaChange {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let factors = Number { min: 0.001, max: 1_000.0 };
        Self {
            region: reader.optional("region", &REGION, "Only those of this Region."),
            factor: reader.or("factor", &factors, 0.5, "How many times as much is admitted."),
        }
    }
}
