//! The clock of the operating system, as the core wants to be told the time.

use kms_core::Timestamp;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// When the server started, which its monotonic time counts from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Clock {
        Clock(Instant::now())
    }

    /// The time of day; a clock before 1970 reads as 1970.
    pub(crate) fn now(self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::EPOCH.after(since)
    }

    /// How long the server has been running.
    pub(crate) fn monotonic(self) -> Duration {
        self.0.elapsed()
    }
}
