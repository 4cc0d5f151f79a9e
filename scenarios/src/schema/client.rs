//! How the callers' SDK behaves: retries and timeouts.

use std::time::Duration;

use crate::kind::{Count, POSITIVE_DURATION, Word};
use crate::reader::Reader;

/// The behaviour of every client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Which retry rules it follows.
    pub retry: RetryMode,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Attempts of one request, the first included.
    pub max_attempts: u32,
}

/// The retry rules of the AWS SDKs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryMode {
    /// Standard mode as updated in 2026 (retry behaviour 2.1).
    Standard2026,
    /// Standard mode before that (retry behaviour 2.0).
    Standard,
    /// No retries.
    None,
}

const RETRY: Word<RetryMode> = Word {
    what: "retry mode",
    words: &[
        ("standard-2026", RetryMode::Standard2026),
        ("standard", RetryMode::Standard),
        ("none", RetryMode::None),
    ],
};

impl Client {
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        reader.table("client", "How the callers' SDK behaves.", |reader| Self {
            retry: reader.or(
                "retry",
                &RETRY,
                "standard-2026",
                "The AWS SDKs' retry rules of 2026, those before, or none.",
            ),
            timeout: reader.or(
                "timeout",
                &POSITIVE_DURATION,
                "10s",
                "How long one attempt may take.",
            ),
            max_attempts: reader.or(
                "max_attempts",
                &Count { min: 1, max: 100 },
                3,
                "Attempts of one request, the first included.",
            ),
        })
    }
}
