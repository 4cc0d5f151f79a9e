//! What two rows of timings prove.
//!
//! Timings come in quads: A B B A or B A A B. Whatever drifts steadily over a quad slows both sides
//! alike and leaves the ratio. The estimate is the mean of the middle half of the quads' log-ratios,
//! and its interval a bootstrap over blocks of neighbouring quads.

use super::resample::{Interval, Resampler, Row};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Fewer quads than this prove nothing.
const FEWEST: usize = 20;

/// B against A.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The time of B divided by the time of A.
    pub ratio: f64,
    /// The lower end of the ratio's 95 % interval.
    pub low: f64,
    /// The upper end of the ratio's 95 % interval.
    pub high: f64,
    /// On how many quads, or on how many timings of the shorter row, it stands.
    pub samples: usize,
    /// What that proves.
    pub verdict: Verdict,
}

/// What a comparison proves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// B takes less time, by more than the tolerance.
    Faster,
    /// B takes more time, by more than the tolerance.
    Slower,
    /// The whole interval lies within the tolerance.
    Equivalent,
    /// Neither, on this many measurements.
    Inconclusive {
        /// Seconds to measure on until a verdict can be expected; none when there were too few
        /// measurements to tell.
        seconds_needed: Option<f64>,
    },
}

/// How comparisons are judged.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// A difference up to this share of A's time is none: 0.01 is one in a hundred.
    pub tolerance: f64,
    /// The seed of the bootstrap.
    pub seed: u64,
}

impl Default for Rule {
    fn default() -> Rule {
        Rule { tolerance: 0.01, seed: 0 }
    }
}

impl Rule {
    /// Judges timings that were taken in turn: two of A and two of B make a quad, in their order.
    /// `took` is how long the measurement was.
    pub fn interleaved(&self, a: &[f64], b: &[f64], took: Duration) -> Comparison {
        let pairs = a.chunks_exact(2).zip(b.chunks_exact(2));
        let quads = Row::new(&pairs.map(log_ratio).collect::<Vec<_>>());
        let interval = Resampler::new(self.seed).interval(|source| source.midmean(&quads));
        self.judged(quads.midmean(), interval, quads.len(), took)
    }

    /// Judges timings of two runs, one after the other. What the machine did between the two counts
    /// as a difference.
    pub fn apart(&self, a: &[f64], b: &[f64], took: Duration) -> Comparison {
        let logs = |row: &[f64]| row.iter().map(|time| time.ln()).collect::<Vec<f64>>();
        let (a, b) = (Row::new(&logs(a)), Row::new(&logs(b)));
        let interval =
            Resampler::new(self.seed).interval(|source| source.midmean(&b) - source.midmean(&a));
        self.judged(b.midmean() - a.midmean(), interval, a.len().min(b.len()), took)
    }

    fn judged(&self, log: f64, interval: Interval, samples: usize, took: Duration) -> Comparison {
        let verdict = match samples < FEWEST {
            true => Verdict::Inconclusive { seconds_needed: None },
            false => self.verdict(log, interval, took),
        };
        let (ratio, low, high) = (log.exp(), interval.low.exp(), interval.high.exp());
        Comparison { ratio, low, high, samples, verdict }
    }

    fn verdict(&self, log: f64, interval: Interval, took: Duration) -> Verdict {
        let tolerance = self.tolerance.ln_1p();
        if interval.low >= -tolerance && interval.high <= tolerance {
            return Verdict::Equivalent;
        }
        if log > tolerance && interval.low > 0.0 {
            return Verdict::Slower;
        }
        if log < -tolerance && interval.high < 0.0 {
            return Verdict::Faster;
        }
        let seconds = needed(log, interval, tolerance) * took.as_secs_f64();
        Verdict::Inconclusive { seconds_needed: Some(seconds) }
    }
}

/// How many times as long as so far to measure on: an interval is half as wide after four times as
/// many quads.
fn needed(log: f64, interval: Interval, tolerance: f64) -> f64 {
    let reach = (interval.high - log).max(log - interval.low);
    let wanted = match log.abs() > tolerance {
        true => log.abs(),
        // An estimate at the very tolerance would need for ever.
        false => (tolerance - log.abs()).max(tolerance / 4.0),
    };
    ((reach / wanted).powi(2) - 1.0).max(0.5)
}

fn log_ratio((a, b): (&[f64], &[f64])) -> f64 {
    (b[0].ln() + b[1].ln() - a[0].ln() - a[1].ln()) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Timings around `around` that scatter by `scatter` to each side.
    fn row(around: f64, scatter: f64, length: usize) -> Vec<f64> {
        let step = |n: usize| ((n * 7919) % 101) as f64 / 50.0 - 1.0;
        (0..length).map(|n| around * (1.0 + scatter * step(n))).collect()
    }

    #[test]
    fn a_drift_within_quads_leaves_the_ratio() {
        let drifting = |slot: usize| (0..200).map(move |quad| (quad * 4 + slot) as f64 * 1e-3);
        let times = |slots: [usize; 2]| -> Vec<f64> {
            let pairs = drifting(slots[0]).zip(drifting(slots[1]));
            pairs.flat_map(|(first, second)| [first.exp(), second.exp()]).collect()
        };
        let compared = Rule::default().interleaved(&times([0, 3]), &times([1, 2]), SECOND);
        assert!((compared.ratio - 1.0).abs() < 1e-9, "{compared:?}");
        assert_eq!(compared.verdict, Verdict::Equivalent);
    }

    #[test]
    fn faster_and_slower_are_told_apart() {
        let (slow, fast) = (row(110.0, 0.02, 400), row(100.0, 0.02, 400));
        let rule = Rule::default();
        assert_eq!(rule.interleaved(&fast, &slow, SECOND).verdict, Verdict::Slower);
        assert_eq!(rule.interleaved(&slow, &fast, SECOND).verdict, Verdict::Faster);
        assert_eq!(rule.apart(&fast, &slow, SECOND).verdict, Verdict::Slower);
        assert_eq!(rule.apart(&slow, &slow, SECOND).verdict, Verdict::Equivalent);
    }

    #[test]
    fn what_is_too_noisy_says_how_long_to_go_on() {
        let (a, b) = (row(100.0, 0.9, 60), row(101.0, 0.8, 60));
        let compared = Rule::default().apart(&a, &b, SECOND);
        let Verdict::Inconclusive { seconds_needed: Some(seconds) } = compared.verdict else {
            panic!("{compared:?}")
        };
        assert!(seconds > 1.0, "{seconds}");
    }

    #[test]
    fn a_handful_of_timings_proves_nothing() {
        let compared = Rule::default().interleaved(&[1.0; 8], &[2.0; 8], SECOND);
        assert_eq!(compared.verdict, Verdict::Inconclusive { seconds_needed: None });
        let none = Rule::default().interleaved(&[], &[], SECOND);
        assert_eq!((none.samples, none.ratio), (0, 1.0));
    }
}
