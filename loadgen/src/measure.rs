//! What a load came to: how long each answer took, and what was no success.

use hdrhistogram::Histogram;
use kms_core::error::ErrorCode;
use std::collections::BTreeMap;
use std::time::Duration;

/// Nanoseconds to an hour, with three digits.
const LONGEST: u64 = 3_600_000_000_000;

/// A measured load.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// Service times in nanoseconds.
    pub service: Histogram<u64>,
    /// Answers that were errors, by error.
    pub errors: BTreeMap<ErrorCode, u64>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
}

impl Measurement {
    /// Nothing measured yet.
    ///
    /// # Panics
    /// Never: the bounds are constants that the histogram accepts.
    pub fn new() -> Measurement {
        Measurement {
            service: Histogram::new_with_bounds(1, LONGEST, 3).expect("constant bounds"),
            errors: BTreeMap::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// Notes an answer.
    pub fn answered(&mut self, took: Duration, error: Option<ErrorCode>) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(LONGEST);
        self.service.saturating_record(nanos.max(1));
        if let Some(error) = error {
            *self.errors.entry(error).or_default() += 1;
        }
    }

    /// Answers a second.
    pub fn rate(&self) -> f64 {
        self.service.len() as f64 / self.elapsed.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

impl Default for Measurement {
    fn default() -> Measurement {
        Measurement::new()
    }
}
