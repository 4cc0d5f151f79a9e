//! True time, and the clocks that nodes believe.
//!
//! [`SimTime`] is the one true time of a run. A node's wall clock is a linear function of it: an
//! offset, and a drift since the last change. Timers that are due at a wall time are armed through
//! the inverse, so a node whose clock runs ahead acts early, as a real one would.
//!
//! The monotonic clock of a node is true time itself: it never steps, and the drift of a real
//! monotonic clock (tens of parts per million) is far below what a quota window could notice. Quota
//! windows and time-outs use it; deletion dates, grants and token expiry use the wall clock.

use std::fmt;
use std::time::Duration;

/// 2026-01-01T00:00:00Z in microseconds since the Unix epoch: where every run starts.
pub const START_MICROS: u64 = 1_767_225_600_000_000;

/// True time: nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

impl SimTime {
    /// The start of the run.
    pub const ZERO: Self = Self(0);
    /// The end of time, 584 years after the start.
    pub const MAX: Self = Self(u64::MAX);

    /// This many nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// This many milliseconds after the start.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// This many seconds after the start.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }

    /// Nanoseconds since the start.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the start.
    pub const fn micros(self) -> u64 {
        self.0 / 1_000
    }

    /// The time this much later; the end of time when there is none.
    #[inline]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// How long ago `earlier` was; zero when it is not earlier.
    #[inline]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// A duration in whole nanoseconds, at most 584 years.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A non-negative number of nanoseconds as a duration; fractions are dropped.
#[inline]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
pub(crate) fn from_nanos_f64(nanos: f64) -> Duration {
    Duration::from_nanos(nanos as u64)
}

/// What a fault does to a node's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockChange {
    /// From now on the clock is this far from the truth, and moves away from it at this rate.
    Skew {
        /// Microseconds ahead of the truth; negative is behind.
        offset_micros: i64,
        /// Parts per million that the clock runs too fast; negative is too slow. At most 500,000
        /// either way.
        drift_ppm: i64,
    },
    /// The clock steps to the truth and stays with it.
    Correct,
}

/// The wall clock of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeClock {
    offset_micros: i64,
    drift_ppm: i64,
    since: SimTime,
}

impl NodeClock {
    /// Applies the change at this moment. The wall time may step, forwards or back.
    pub fn change(&mut self, now: SimTime, change: ClockChange) {
        *self = match change {
            ClockChange::Correct => Self::default(),
            ClockChange::Skew { offset_micros, drift_ppm } => {
                let drift_ppm = drift_ppm.clamp(-MAX_DRIFT_PPM, MAX_DRIFT_PPM);
                Self { offset_micros, drift_ppm, since: now }
            }
        };
    }

    /// True when the clock shows the truth.
    pub fn is_true(&self) -> bool {
        self.offset_micros == 0 && self.drift_ppm == 0
    }

    /// What the clock shows at a true time: microseconds since the Unix epoch, never below it.
    #[inline]
    pub fn wall_micros(&self, now: SimTime) -> u64 {
        if self.is_true() {
            return START_MICROS.saturating_add(now.micros());
        }
        saturate(self.wall_nanos(now).div_euclid(1_000))
    }

    /// The first true time, not before `now`, at which the clock shows `wall_micros` or later.
    pub fn due(&self, now: SimTime, wall_micros: u64) -> SimTime {
        let missing = i128::from(wall_micros) * 1_000 - self.wall_nanos(now);
        if missing <= 0 {
            return now;
        }
        let rate = i128::from(MILLION + self.drift_ppm);
        let elapsed = (missing * i128::from(MILLION) + rate - 1).div_euclid(rate);
        self.settle(SimTime(now.0.saturating_add(saturate(elapsed))), wall_micros)
    }

    /// Takes off the nanoseconds that rounding the drift added or lost.
    fn settle(&self, estimate: SimTime, wall_micros: u64) -> SimTime {
        let shows = |at: u64| self.wall_nanos(SimTime(at)) >= i128::from(wall_micros) * 1_000;
        let mut due = estimate.0;
        while !shows(due) && due < u64::MAX {
            due += 1;
        }
        while due > 0 && shows(due - 1) {
            due -= 1;
        }
        SimTime(due)
    }

    fn wall_nanos(&self, now: SimTime) -> i128 {
        let drifting = i128::from(now.0) - i128::from(self.since.0);
        let drifted = (drifting * i128::from(self.drift_ppm)).div_euclid(i128::from(MILLION));
        let offset = i128::from(self.offset_micros) * 1_000;
        i128::from(START_MICROS) * 1_000 + i128::from(now.0) + offset + drifted
    }
}

const MILLION: i64 = 1_000_000;
/// Half or one and a half times the right speed: beyond any quartz. A clock that stood still or ran
/// backwards would have no inverse.
const MAX_DRIFT_PPM: i64 = 500_000;

fn saturate(value: i128) -> u64 {
    u64::try_from(value.max(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skewed(offset_micros: i64, drift_ppm: i64, at: SimTime) -> NodeClock {
        let mut clock = NodeClock::default();
        clock.change(at, ClockChange::Skew { offset_micros, drift_ppm });
        clock
    }

    #[test]
    fn a_true_clock_starts_in_2026() {
        let clock = NodeClock::default();
        assert_eq!(clock.wall_micros(SimTime::ZERO), START_MICROS);
        assert_eq!(clock.wall_micros(SimTime::from_nanos(1_999)), START_MICROS + 1);
        assert!(clock.is_true());
    }

    #[test]
    fn drift_counts_from_the_change() {
        let clock = skewed(-500, 100, SimTime::from_secs(10));
        let at = |secs| clock.wall_micros(SimTime::from_secs(secs)) - START_MICROS;
        assert_eq!(at(10), 10_000_000 - 500);
        assert_eq!(at(20), 20_000_000 - 500 + 1_000);
    }

    #[test]
    fn due_is_the_first_moment_the_clock_shows_it() {
        let now = SimTime::from_nanos(12_345_678_901);
        for (offset, drift) in [(0, 0), (7, 0), (-3_600_000_000, 250), (86_400_000_000, -499)] {
            let clock = skewed(offset, drift, SimTime::from_secs(3));
            for ahead in [1, 2, 999, 1_000_001, 86_400_000_000, 30 * 86_400_000_000] {
                let wall = clock.wall_micros(now) + ahead;
                let due = clock.due(now, wall);
                assert!(clock.wall_micros(due) >= wall);
                assert!(clock.wall_micros(SimTime(due.0 - 1)) < wall, "{offset} {drift} {ahead}");
            }
        }
    }

    #[test]
    fn what_is_past_is_due_now_and_a_correction_steps_back() {
        let now = SimTime::from_secs(5);
        let mut clock = skewed(1_000_000, 0, now);
        assert_eq!(clock.due(now, START_MICROS), now);
        let wall = clock.wall_micros(now);
        clock.change(now, ClockChange::Correct);
        assert_eq!(clock.wall_micros(now), wall - 1_000_000);
        assert_eq!(clock.due(now, wall), SimTime::from_secs(6));
    }

    #[test]
    fn absurd_changes_saturate() {
        let clock = skewed(i64::MIN, i64::MIN, SimTime::ZERO);
        assert_eq!(clock.wall_micros(SimTime::from_secs(1)), 0);
        assert_eq!(clock.due(SimTime::ZERO, u64::MAX), SimTime::MAX);
        assert_eq!(SimTime::MAX.after(Duration::MAX), SimTime::MAX);
        assert_eq!(SimTime::from_millis(1_500).to_string(), "1.500000000s");
    }
}
