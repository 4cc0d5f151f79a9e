//! The clock of the operating system, as the core wants to be told the time.

use kms_core::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time of day; a clock before 1970 reads as 1970.
pub(crate) fn time_of_day() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.after(since)
}

/// The clock of an engine: that of the operating system, and by how much it was moved ahead.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    /// In microseconds.
    ahead: AtomicU64,
}

impl Clock {
    /// A clock that starts now.
    pub(crate) fn start() -> Clock {
        Clock { started: Instant::now(), ahead: AtomicU64::new(0) }
    }

    /// The time of day, as far as this clock is concerned.
    pub(crate) fn now(&self) -> Timestamp {
        time_of_day().after(self.ahead())
    }

    /// How long the server has been running.
    pub(crate) fn monotonic(&self) -> Duration {
        self.started.elapsed() + self.ahead()
    }

    /// Moves the clock ahead.
    pub(crate) fn advance(&self, by: Duration) {
        let micros = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.ahead.fetch_add(micros, Ordering::Relaxed);
    }

    fn ahead(&self) -> Duration {
        Duration::from_micros(self.ahead.load(Ordering::Relaxed))
    }
}
