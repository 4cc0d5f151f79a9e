//! Where a series of figures changed, and by how much.
//!
//! The method is E-divisive: a series is cut where the distance between the distributions before and
//! after is largest, if hardly any shuffle of the series has as large a distance anywhere; then the
//! parts are cut in the same way (Matteson and James, 2014). Distances are between ranks, so that an
//! outlier is no farther than any other largest value. Nothing is assumed of the noise.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde::Serialize;

/// How many values there are at least on each side of a change.
const FEWEST: usize = 4;
/// How many shuffles a cut is held against.
const SHUFFLES: usize = 199;
/// How many of them may have as large a distance: two in a hundred, the series itself included.
const EXCEEDING: usize = 3;

/// A change.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The position of the first value after it.
    pub at: usize,
    /// The middle value since then, over the middle value from the change before on.
    pub ratio: f64,
}

/// The changes of a series of positive values, from first to last; a seed draws the shuffles.
pub fn changes(values: &[f64], seed: u64) -> Vec<Change> {
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let mut stream = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut cuts = vec![0, logs.len()];
    let mut open = vec![(0, logs.len())];
    while let Some((from, to)) = open.pop() {
        let Some(at) = cut(&logs[from..to], &mut stream) else { continue };
        cuts.push(from + at);
        open.extend([(from, from + at), (from + at, to)]);
    }
    cuts.sort_unstable();
    let change = |around: &[usize]| {
        let before = middle(&logs[around[0]..around[1]]);
        let after = middle(&logs[around[1]..around[2]]);
        Change { at: around[1], ratio: (after - before).exp() }
    };
    cuts.windows(3).map(change).collect()
}

/// Where a part is cut, if it is.
fn cut(part: &[f64], stream: &mut Xoshiro256PlusPlus) -> Option<usize> {
    let mut shuffled = ranks(part);
    let (at, distance) = farthest_in_windows(&shuffled)?;
    let mut exceeding = 0;
    for _ in 0..SHUFFLES {
        shuffle(&mut shuffled, stream);
        let other = farthest_in_windows(&shuffled);
        exceeding += usize::from(other.is_some_and(|(_, other)| other >= distance));
        if exceeding > EXCEEDING {
            return None;
        }
    }
    Some(at)
}

/// The farthest cut of the whole and of three halves of it: what goes up and comes down again is no
/// large difference between any two sides of the whole.
fn farthest_in_windows(values: &[f64]) -> Option<(usize, f64)> {
    let (length, half) = (values.len(), values.len() / 2);
    let windows = [(0, length), (0, half), (half / 2, half / 2 + half), (length - half, length)];
    let cuts = windows.into_iter().filter_map(|(from, to)| {
        farthest(&values[from..to]).map(|(at, distance)| (from + at, distance))
    });
    cuts.max_by(|one, other| one.1.total_cmp(&other.1))
}

/// The rank of each value; equal values share one.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let below = values.iter().filter(|other| *other < value).count();
        let equal = values.iter().filter(|other| *other == value).count();
        below as f64 + equal as f64 / 2.0
    };
    values.iter().map(rank).collect()
}

/// The cut with the largest distance between both sides, and that distance. Moving one value from
/// the right to the left changes three sums of distances, so all cuts together take n² steps.
fn farthest(values: &[f64]) -> Option<(usize, f64)> {
    let sum = |of: &[f64], to: f64| of.iter().map(|value| (value - to).abs()).sum::<f64>();
    let all = || values.iter().enumerate();
    let (mut within_left, mut between) = (0.0, 0.0);
    let mut within_right: f64 = all().map(|(at, value)| sum(&values[at + 1..], *value)).sum();
    let mut best = None;
    for (at, value) in all() {
        let (left, right) = (sum(&values[..at], *value), sum(&values[at + 1..], *value));
        within_left += left;
        within_right -= right;
        between += right - left;
        let (n, m) = (at + 1, values.len() - at - 1);
        if n < FEWEST || m < FEWEST {
            continue;
        }
        let (n, m) = (n as f64, m as f64);
        let energy = 2.0 * between / (n * m)
            - 2.0 * within_left / (n * (n - 1.0))
            - 2.0 * within_right / (m * (m - 1.0));
        let distance = energy * n * m / (n + m);
        if best.is_none_or(|(_, most)| distance > most) {
            best = Some((at + 1, distance));
        }
    }
    best
}

fn middle(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get(last / 2).zip(sorted.get(last.div_ceil(2))).map_or(0.0, |(a, b)| (a + b) / 2.0)
}

fn shuffle(values: &mut [f64], stream: &mut Xoshiro256PlusPlus) {
    for end in (2..=values.len()).rev() {
        let at = (u128::from(stream.next_u64()) * end as u128) >> 64;
        values.swap(end - 1, usize::try_from(at).unwrap_or(0));
    }
}

#[cfg(test)]
mod series;

#[cfg(test)]
mod tests {
    use super::series::{FRESH, series};
    use super::*;

    /// Series of one test.
    const SERIES: u64 = 100;

    /// In how many of a hundred series something holds.
    fn in_a_hundred(levels: &[(f64, usize)], holds: impl Fn(&[Change]) -> bool) -> usize {
        let seeds = FRESH..FRESH + SERIES;
        seeds.filter(|seed| holds(&changes(&series(levels, *seed), *seed))).count()
    }

    #[test]
    fn noise_alone_is_no_change() {
        let quiet = in_a_hundred(&[(100.0, 50)], <[Change]>::is_empty);
        assert!(quiet >= 95, "{quiet}");
    }

    #[test]
    fn a_step_is_found_where_it_is_and_a_small_one_near_there() {
        let found = |to: f64, within: usize| {
            in_a_hundred(&[(100.0, 25), (to, 25)], |changes| {
                let near = |change: &Change| {
                    change.at.abs_diff(25) <= within && (change.ratio - to / 100.0).abs() < 0.02
                };
                changes.iter().any(near)
            })
        };
        let [small, middling, large] =
            [(103.0, 8), (105.0, 3), (110.0, 3)].map(|(to, w)| found(to, w));
        assert!(small >= 80 && middling >= 93 && large >= 95, "{small}, {middling}, {large}");
    }

    #[test]
    fn what_goes_up_and_down_again_is_two_changes() {
        let found = in_a_hundred(&[(100.0, 20), (110.0, 15), (100.0, 20)], |changes| {
            let near = |at: usize| changes.iter().any(|change| change.at.abs_diff(at) <= 3);
            changes.len() >= 2 && near(20) && near(35)
        });
        assert!(found >= 95, "{found}");
    }

    #[test]
    fn a_few_values_have_no_change() {
        assert_eq!(changes(&[], 1), []);
        assert_eq!(changes(&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0], 1), []);
        assert_eq!(changes(&[1.0; 40], 1), []);
    }
}
