//! message-loss: messages that do not arrive.

use super::Links;
use crate::kind::PROBABILITY;
use crate::reader::Reader;
use crate::units::Probability;

/// Messages that do not arrive.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageLoss {
    /// Which links.
    pub links: Links,
    /// The chance of each message.
    pub probability: Probability,
}

impl MessageLoss {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            links: Links::read(reader),
            probability: reader.required(
                "probability",
                &PROBABILITY,
                0.01,
                "The chance of each message.",
            ),
        }
    }
}
