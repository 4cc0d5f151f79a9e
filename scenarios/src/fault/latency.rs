//! latency: messages that take longer.

use super::Links;
use crate::kind::{ANY_DURATION, Number, PROBABILITY};
use crate::reader::Reader;
use crate::units::Probability;
use std::time::Duration;

/// Messages that take longer.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    /// Which links.
    pub links: Links,
    /// The time added to each message.
    pub add: Duration,
    /// The factor on the usual delay, applied before the addition.
    pub factor: f64,
    /// The chance of each message; less than 1 makes spikes.
    pub probability: Probability,
}

impl Latency {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            links: Links::read(reader),
            add: reader.or("add", &ANY_DURATION, "0s", "The time added to each message."),
            factor: reader.or(
                "factor",
                &Number { min: 1.0, max: 1_000.0 },
                1.0,
                "The factor on the usual delay, applied before the addition.",
            ),
            probability: reader.or(
                "probability",
                &PROBABILITY,
                1.0,
                "The chance of each message; less than 1 makes spikes.",
            ),
        }
    }
}
