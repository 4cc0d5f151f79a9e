//! Waiting for a moment: sleep while it is far, spin when it is near.
//!
//! A sleep ends some tens of microseconds late, so it ends early on purpose and the rest is spun.

use std::hint::spin_loop;
use std::thread;
use std::time::{Duration, Instant};

/// Waits for intended starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacer {
    spin: Duration,
}

impl Pacer {
    /// Sleeps, and spins for the last 120 µs: what a sleep on an idle Linux may be late by.
    pub const HYBRID: Pacer = Pacer { spin: Duration::from_micros(120) };
    /// Never sleeps. Exact, and a core for itself.
    pub const SPIN: Pacer = Pacer { spin: Duration::MAX };

    /// Waits until a moment; the time when that is over, which is `until` or a little later.
    pub fn wait(self, until: Instant) -> Instant {
        loop {
            let now = Instant::now();
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return now;
            }
            match left.checked_sub(self.spin) {
                Some(far) if !far.is_zero() => thread::sleep(far),
                _ => spin_loop(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_ends_early() {
        for pacer in [Pacer::HYBRID, Pacer::SPIN] {
            let until = Instant::now() + Duration::from_millis(3);
            assert!(pacer.wait(until) >= until);
        }
    }

    #[test]
    fn a_moment_that_has_passed_is_not_waited_for() {
        let past = Instant::now();
        let now = Pacer::HYBRID.wait(past);
        assert!(now.duration_since(past) < Duration::from_millis(50));
    }
}
