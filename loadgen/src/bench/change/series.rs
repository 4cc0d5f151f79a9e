//! Made series, to judge on them how well changes are found: by tests, and by the example `change_rates`.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Where the seeds of series begin: the method was made with none of them.
pub(crate) const FRESH: u64 = 918_273_000;

/// A series around the given levels, each for so many values, with noise of about two in a hundred
/// and now and then an outlier of half as much again.
pub(crate) fn series(levels: &[(f64, usize)], seed: u64) -> Vec<f64> {
    let mut stream = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = move || (stream.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    let mut noisy = |level: f64| {
        let noise: f64 = (0..4).map(|_| uniform() - 0.5).sum::<f64>() * 0.035;
        let outlier = if uniform() < 0.03 { 1.5 } else { 1.0 };
        level * (1.0 + noise) * outlier
    };
    levels.iter().flat_map(|(level, length)| vec![*level; *length]).map(&mut noisy).collect()
}
