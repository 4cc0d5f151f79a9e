//! When requests are meant to start.
//!
//! A schedule is exact and skips no start, however late the answers come: latency is measured from
//! the intended start, so that a slow service cannot hide its queue. The same draws give the same
//! schedule in the simulator and in the load generator, on every platform.

use std::time::Duration;

use crate::kind::{ANY_DURATION, INTERVAL, POSITIVE_COUNT, RATE};
use crate::reader::Entry;
use crate::units::Rate;

/// How the starts of a workload's requests are spread over time, all its clients together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Arrivals {
    /// Evenly.
    Constant {
        /// Requests per second.
        per_second: Rate,
    },
    /// Independently of each other, with exponential gaps.
    Poisson {
        /// Requests per second, on average.
        per_second: Rate,
    },
    /// Evenly, and many more at once now and then.
    Bursts {
        /// Requests per second between the bursts.
        per_second: Rate,
        /// Requests that start together in a burst.
        burst: u32,
        /// The time from one burst to the next; the first comes after this long.
        every: Duration,
    },
    /// Each client starts its next request some time after the answer to its last.
    Closed {
        /// The time between an answer and the next request.
        think: Duration,
    },
}

/// Every kind of arrivals.
pub const ARRIVALS: &[Entry<Arrivals>] = &[
    Entry {
        name: "bursts",
        doc: "Evenly spaced starts, and many at once now and then.",
        read: |reader| Arrivals::Bursts {
            per_second: reader.required(
                "per_second",
                &RATE,
                20,
                "Requests per second between the bursts.",
            ),
            burst: reader.required("burst", &POSITIVE_COUNT, 100, "Requests that start together."),
            every: reader.required(
                "every",
                &INTERVAL,
                "10s",
                "The time from one burst to the next; the first comes after this long.",
            ),
        },
    },
    Entry {
        name: "closed",
        doc: "Each client starts its next request after the answer to its last.",
        read: |reader| Arrivals::Closed {
            think: reader.or(
                "think",
                &ANY_DURATION,
                "0s",
                "The time between an answer and the next request.",
            ),
        },
    },
    Entry {
        name: "constant",
        doc: "Evenly spaced starts.",
        read: |reader| Arrivals::Constant {
            per_second: reader.required(
                "per_second",
                &RATE,
                80,
                "Requests per second, all clients together.",
            ),
        },
    },
    Entry {
        name: "poisson",
        doc: "Starts that are independent of each other.",
        read: |reader| Arrivals::Poisson {
            per_second: reader.required(
                "per_second",
                &RATE,
                80,
                "Requests per second on average, all clients together.",
            ),
        },
    },
];

/// The intended starts of one workload, as offsets from its own start, never decreasing.
///
/// Open arrivals never end. Closed arrivals have one start; the next depends on the answer, which
/// [`Schedule::after`] takes into account.
#[derive(Debug)]
pub struct Schedule<D> {
    arrivals: Arrivals,
    draw: D,
    started: u64,
    bursts: u64,
    in_burst: u32,
    last: Duration,
}

impl<D: FnMut() -> f64> Schedule<D> {
    /// A schedule whose randomness comes from `draw`, uniform in [0, 1).
    pub fn new(arrivals: &Arrivals, draw: D) -> Self {
        let (started, bursts, in_burst) = (0, 0, 0);
        Self { arrivals: *arrivals, draw, started, bursts, in_burst, last: Duration::ZERO }
    }

    /// The intended start of the request after one that was answered at `ended`.
    ///
    /// Only closed arrivals look at `ended`; open arrivals keep their schedule, which may lie in
    /// the past when the service is slow.
    pub fn after(&mut self, ended: Duration) -> Duration {
        match self.arrivals {
            Arrivals::Closed { think } => ended.saturating_add(think),
            _ => self.next().unwrap_or(Duration::MAX),
        }
    }

    /// The exponential gap that one draw stands for.
    fn gap(&mut self, per_second: Rate) -> Duration {
        let draw = (self.draw)().clamp(0.0, 1.0 - f64::EPSILON);
        nanoseconds(-libm::log1p(-draw) * NANOSECONDS / per_second.0)
    }

    /// The next start of even spacing or of a burst, whichever is earlier.
    fn even_or_burst(&mut self, per_second: Rate, burst: u32, every: Duration) -> Duration {
        let (even, next_burst) =
            (spaced(self.started, per_second), multiple(every, self.bursts + 1));
        if even <= next_burst {
            self.started += 1;
            return even;
        }
        self.in_burst += 1;
        if self.in_burst == burst {
            self.in_burst = 0;
            self.bursts += 1;
        }
        next_burst
    }
}

impl<D: FnMut() -> f64> Iterator for Schedule<D> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.last = match self.arrivals {
            Arrivals::Constant { per_second } => {
                self.started += 1;
                spaced(self.started - 1, per_second)
            }
            Arrivals::Poisson { per_second } => self.last.saturating_add(self.gap(per_second)),
            Arrivals::Bursts { per_second, burst, every } => {
                self.even_or_burst(per_second, burst, every)
            }
            Arrivals::Closed { .. } => {
                self.started += 1;
                return (self.started == 1).then_some(Duration::ZERO);
            }
        };
        Some(self.last)
    }
}

const NANOSECONDS: f64 = 1e9;

/// The start with this number, counted from the beginning so that rounding never adds up.
#[expect(clippy::cast_precision_loss, reason = "2^53 requests are beyond any run")]
fn spaced(number: u64, per_second: Rate) -> Duration {
    nanoseconds(number as f64 * NANOSECONDS / per_second.0)
}

fn multiple(every: Duration, times: u64) -> Duration {
    u32::try_from(times).map_or(Duration::MAX, |times| every.saturating_mul(times))
}

/// The nearest whole nanosecond; the cast saturates, and no gap is negative.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturation is meant")]
fn nanoseconds(nanoseconds: f64) -> Duration {
    Duration::from_nanos(libm::round(nanoseconds) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small generator of its own, so that the test needs no crate of randomness.
    fn draws(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    fn count_before(arrivals: Arrivals, seed: u64, end: Duration) -> usize {
        Schedule::new(&arrivals, draws(seed)).take_while(|start| *start < end).count()
    }

    #[test]
    fn constant_arrivals_are_exact() {
        for per_second in [1.0, 3.0, 80.0, 333.0, 1000.0] {
            let arrivals = Arrivals::Constant { per_second: Rate(per_second) };
            let in_an_hour = count_before(arrivals, 1, Duration::from_secs(3_600));
            assert_eq!(in_an_hour as f64, 3_600.0 * per_second);
        }
        let slow = Arrivals::Constant { per_second: Rate(0.1) };
        let starts: Vec<_> = Schedule::new(&slow, || 0.0).take(3).collect();
        assert_eq!(starts, [0, 10, 20].map(Duration::from_secs));
    }

    #[test]
    fn poisson_arrivals_keep_their_mean_and_their_variance() {
        let arrivals = Arrivals::Poisson { per_second: Rate(100.0) };
        let starts: Vec<f64> =
            Schedule::new(&arrivals, draws(7)).take(200_000).map(|s| s.as_secs_f64()).collect();
        let gaps: Vec<f64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((mean - 0.01).abs() < 0.01 * 0.01, "mean gap {mean}");
        assert!((variance - 1e-4).abs() < 1e-4 * 0.03, "variance {variance}");
    }

    #[test]
    fn bursts_come_on_time_and_whole() {
        let every = Duration::from_secs(10);
        let arrivals = Arrivals::Bursts { per_second: Rate(2.0), burst: 50, every };
        let starts: Vec<_> =
            Schedule::new(&arrivals, || 0.0).take_while(|s| *s < Duration::from_secs(25)).collect();
        assert_eq!(starts.len(), 50 + 2 * 50);
        assert_eq!(starts.iter().filter(|start| **start == every).count(), 51);
        assert!(starts.is_sorted());
    }

    #[test]
    fn closed_arrivals_wait_for_the_answer() {
        let arrivals = Arrivals::Closed { think: Duration::from_secs(2) };
        let mut schedule = Schedule::new(&arrivals, || 0.5);
        assert_eq!(schedule.next(), Some(Duration::ZERO));
        assert_eq!(schedule.next(), None);
        assert_eq!(schedule.after(Duration::from_secs(5)), Duration::from_secs(7));
    }

    #[test]
    fn open_arrivals_do_not_wait() {
        let arrivals = Arrivals::Constant { per_second: Rate(1.0) };
        let mut schedule = Schedule::new(&arrivals, || 0.5);
        assert_eq!(schedule.after(Duration::from_secs(500)), Duration::ZERO);
        assert_eq!(schedule.after(Duration::from_secs(900)), Duration::from_secs(1));
    }

    #[test]
    fn the_same_draws_give_the_same_schedule() {
        let arrivals = Arrivals::Poisson { per_second: Rate(42.0) };
        let starts = |seed| Schedule::new(&arrivals, draws(seed)).take(1_000).collect::<Vec<_>>();
        assert_eq!(starts(3), starts(3));
        assert_ne!(starts(3), starts(4));
    }

    #[test]
    fn the_extremes_of_a_draw_are_finite() {
        let arrivals = Arrivals::Poisson { per_second: Rate(1e-6) };
        let next = |draw: f64| Schedule::new(&arrivals, move || draw).next();
        assert_eq!(next(0.0), Some(Duration::ZERO));
        assert!(next(1.0).is_some_and(|start| start > Duration::from_secs(1_000_000)));
    }
}
