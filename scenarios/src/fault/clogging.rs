//! clogging: links that stop and start again in another order.

use super::{ROLE, Role};
use crate::kind::{PROBABILITY, REGION, RegionName};
use crate::reader::Reader;
use crate::units::Probability;

/// Nodes whose messages wait, each for a part of the fault's time.
#[derive(Debug, Clone, PartialEq)]
pub struct Clogging {
    /// Only nodes of this role.
    pub role: Option<Role>,
    /// Only nodes of this Region.
    pub region: Option<RegionName>,
    /// The chance that a node is clogged.
    pub share: Probability,
}

impl Clogging {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            role: reader.optional("role", &ROLE, "Only nodes of this role."),
            region: reader.optional("region", &REGION, "Only nodes of this Region."),
            share: reader.or("share", &PROBABILITY, 0.5, "The chance that a node is clogged."),
        }
    }
}
