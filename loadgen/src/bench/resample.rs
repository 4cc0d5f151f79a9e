//! The bootstrap: how far an estimate moves when the same measurements are drawn again.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// How often measurements are drawn again.
const RESAMPLES: usize = 1_000;
/// How many resampled estimates lie below the interval, and above it: it holds 95 in 100.
const TAIL: usize = RESAMPLES / 40;

/// Where 95 in 100 estimates lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Interval {
    pub(super) low: f64,
    pub(super) high: f64,
}

/// The mean of the middle half: neither a pause of the machine nor a lucky burst moves it.
/// Nothing has the mean zero.
pub(super) fn midmean(values: &mut [f64]) -> f64 {
    let quarter = values.len() / 4;
    let (low, high) = (quarter, values.len() - quarter);
    if low > 0 {
        values.select_nth_unstable_by(low, f64::total_cmp);
        values[low..].select_nth_unstable_by(high - low - 1, f64::total_cmp);
    }
    let middle = &values[low..high];
    middle.iter().sum::<f64>() / middle.len().max(1) as f64
}

/// Draws rows again, from a seed, in blocks of neighbours, because what slows a measurement down
/// slows its neighbours down too.
pub(super) struct Resampler {
    stream: Xoshiro256PlusPlus,
}

impl Resampler {
    pub(super) fn new(seed: u64) -> Resampler {
        Resampler { stream: Xoshiro256PlusPlus::seed_from_u64(seed) }
    }

    /// Where 95 in 100 estimates lie, `estimate` being called with a source of redrawn rows.
    pub(super) fn interval(&mut self, mut estimate: impl FnMut(&mut Resampler) -> f64) -> Interval {
        let mut estimates: Vec<f64> = (0..RESAMPLES).map(|_| estimate(self)).collect();
        estimates.sort_unstable_by(f64::total_cmp);
        Interval { low: estimates[TAIL], high: estimates[RESAMPLES - 1 - TAIL] }
    }

    /// As many values as there are, drawn from them with repetition into `into`.
    pub(super) fn redraw(&mut self, values: &[f64], into: &mut Vec<f64>) {
        into.clear();
        let block = (1..).find(|block: &usize| block.pow(3) >= values.len()).unwrap_or(1);
        while into.len() < values.len() {
            let start = self.below(values.len());
            let rest = values.len() - into.len();
            into.extend(values.iter().cycle().skip(start).take(block.min(rest)));
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.stream.next_u64()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_do_not_move_the_midmean() {
        assert_eq!(midmean(&mut [1e9, 2.0, 1.0, 3.0, -1e9, 2.0, 1.0, 3.0]), 2.0);
        assert_eq!(midmean(&mut [4.0, 2.0]), 3.0);
        assert_eq!(midmean(&mut []), 0.0);
    }

    #[test]
    fn the_same_seed_draws_the_same_interval() {
        let values: Vec<f64> = (0..200).map(|n| f64::from(n % 17)).collect();
        let interval = |seed| {
            let mut row = Vec::new();
            Resampler::new(seed).interval(|source| {
                source.redraw(&values, &mut row);
                midmean(&mut row)
            })
        };
        assert_eq!(interval(1), interval(1));
        assert_ne!(interval(1), interval(2));
        assert!(interval(1).low < interval(1).high);
    }
}
