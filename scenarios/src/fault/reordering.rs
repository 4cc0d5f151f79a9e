//! reordering: messages that others overtake.

use super::Links;
use crate::kind::{POSITIVE_DURATION, PROBABILITY};
use crate::reader::Reader;
use crate::units::Probability;
use std::time::Duration;

/// Messages that are held back.
#[derive(Debug, Clone, PartialEq)]
pub struct Reordering {
    /// Which links.
    pub links: Links,
    /// The chance of each message.
    pub probability: Probability,
    /// How long a message is held back at most; how long is drawn evenly.
    pub by: Duration,
}

impl Reordering {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            links: Links::read(reader),
            probability: reader.or("probability", &PROBABILITY, 0.1, "The chance of each message."),
            by: reader.required(
                "by",
                &POSITIVE_DURATION,
                "200ms",
                "How long a message is held back at most.",
            ),
        }
    }
}
