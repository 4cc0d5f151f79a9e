//! quorum-loss: nobody consents to orders.

use crate::kind::{REGION, RegionName};
use crate::reader::Reader;

/// The consent that orders to HSMs need is not to be had.
#[derive(Debug, Clone, PartialEq)]
pub struct QuorumLoss {
    /// Only in this Region.
    pub region: Option<RegionName>,
}

impl QuorumLoss {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self { region: reader.optional("region", &REGION, "Only in this Region.") }
    }
}
