//! message-corruption: bits that flip on the way.

use super::{Links, ROLE, Role};
use crate::kind::PROBABILITY;
use crate::reader::Reader;
use crate::units::Probability;

/// Messages that arrive damaged.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageCorruption {
    /// Which links.
    pub links: Links,
    /// Only messages of nodes of this role.
    pub from: Option<Role>,
    /// The chance of each message.
    pub probability: Probability,
}

impl MessageCorruption {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            links: Links::read(reader),
            from: reader.optional("from", &ROLE, "Only messages of nodes of this role."),
            probability: reader.required(
                "probability",
                &PROBABILITY,
                0.01,
                "The chance of each message.",
            ),
        }
    }
}
