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

/// Measurements, ready to be drawn from again: in order, and the place of each in that order.
pub(super) struct Row {
    sorted: Vec<f64>,
    places: Vec<usize>,
}

impl Row {
    pub(super) fn new(values: &[f64]) -> Row {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_unstable_by(|one, other| values[*one].total_cmp(&values[*other]));
        let mut places = vec![0; values.len()];
        order.iter().enumerate().for_each(|(place, index)| places[*index] = place);
        Row { sorted: order.into_iter().map(|index| values[index]).collect(), places }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The mean of the middle half: neither a pause of the machine nor a lucky burst moves it.
    /// Nothing has the mean zero.
    pub(super) fn midmean(&self) -> f64 {
        self.midmean_of(&vec![1; self.len()])
    }

    /// The same, when each value in order occurs so many times; as many as there are, together.
    fn midmean_of(&self, times: &[u32]) -> f64 {
        let quarter = self.len() / 4;
        let (mut skip, mut left, mut sum) = (quarter, self.len() - 2 * quarter, 0.0);
        for (value, times) in self.sorted.iter().zip(times) {
            let mut times = *times as usize;
            let skipped = times.min(skip);
            skip -= skipped;
            times = (times - skipped).min(left);
            left -= times;
            sum += value * times as f64;
        }
        sum / (self.len() - 2 * quarter).max(1) as f64
    }
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

    /// The midmean of as many values as there are, drawn from them with repetition. Sorting once and
    /// counting is far cheaper than to sort what was drawn each time.
    pub(super) fn midmean(&mut self, row: &Row) -> f64 {
        let length = row.len();
        let block = (1..).find(|block: &usize| block.pow(3) >= length).unwrap_or(1);
        let (mut times, mut left) = (vec![0; length], length);
        while left > 0 {
            let (start, taken) = (self.below(length), block.min(left));
            let end = start + taken;
            let (straight, around) = (start..end.min(length), 0..end.saturating_sub(length));
            for place in row.places[straight].iter().chain(&row.places[around]) {
                times[*place] += 1;
            }
            left -= taken;
        }
        row.midmean_of(&times)
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
        let midmean = |values: &[f64]| Row::new(values).midmean();
        assert_eq!(midmean(&[1e9, 2.0, 1.0, 3.0, -1e9, 2.0, 1.0, 3.0]), 2.0);
        assert_eq!(midmean(&[4.0, 2.0]), 3.0);
        assert_eq!(midmean(&[]), 0.0);
    }

    #[test]
    fn what_occurs_twice_counts_twice() {
        let row = Row::new(&[9.0, 5.0, 7.0, 1.0]);
        assert_eq!(row.midmean(), 6.0);
        assert_eq!(row.midmean_of(&[0, 0, 2, 2]), Row::new(&[7.0, 9.0, 7.0, 9.0]).midmean());
        assert_eq!(row.midmean_of(&[3, 0, 0, 1]), 1.0);
    }

    #[test]
    fn as_many_are_drawn_as_there_are_and_each_as_often_as_any() {
        let row = Row::new(&(0..10).map(f64::from).collect::<Vec<_>>());
        let mut resampler = Resampler::new(1);
        let mean = (0..2_000).map(|_| resampler.midmean(&row)).sum::<f64>() / 2_000.0;
        assert!((mean - 4.5).abs() < 0.1, "{mean}");
    }

    #[test]
    fn the_same_seed_draws_the_same_interval() {
        let row = Row::new(&(0..200).map(|n| f64::from(n % 17)).collect::<Vec<_>>());
        let interval = |seed| Resampler::new(seed).interval(|source| source.midmean(&row));
        assert_eq!(interval(1), interval(1));
        assert_ne!(interval(1), interval(2));
        assert!(interval(1).low < interval(1).high);
    }
}
