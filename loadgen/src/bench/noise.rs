//! The statistics on timings that a real, busy machine made: the same work, over and over.
//!
//! `noise.txt` is one row of timings in nanoseconds, made by `cargo run --release -p loadgen --example
//! noise`. A test cuts stretches out of it and says which
//! of the timings were A's and which were B's, as if two things had been compared.

use super::statistics::{Rule, Verdict};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::time::Duration;

/// Timings in `noise.txt`.
const RECORDED: usize = 16_000;
/// Quads of one comparison.
const QUADS: usize = 250;
/// Comparisons of one test.
const COMPARISONS: u64 = 100;

fn recorded() -> Vec<f64> {
    let lines = include_str!("noise.txt").lines().filter(|line| !line.starts_with('#'));
    let times: Vec<f64> = lines.map(|line| line.parse().unwrap()).collect();
    assert_eq!(times.len(), RECORDED);
    times
}

/// How many of a hundred comparisons end in a verdict, when B takes `factor` times as long and the
/// machine as a whole slows down by `drift` over each of them.
fn verdicts(factor: f64, drift: f64, wanted: Verdict) -> usize {
    let times = recorded();
    (0..COMPARISONS).filter(|&seed| verdict(&times, seed, factor, drift) == wanted).count()
}

fn verdict(times: &[f64], seed: u64, factor: f64, drift: f64) -> Verdict {
    let mut stream = Xoshiro256PlusPlus::seed_from_u64(seed);
    let start = usize::try_from(stream.next_u64() >> 1).unwrap() % (times.len() - 4 * QUADS);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (number, quad) in times[start..start + 4 * QUADS].chunks_exact(4).enumerate() {
        let slot = |slot: usize| {
            let passed = (number * 4 + slot) as f64 / (4 * QUADS) as f64;
            quad[slot] * (1.0 + drift * passed)
        };
        let (outer, inner) = ([slot(0), slot(3)], [slot(1), slot(2)]);
        let (ours, theirs) = match stream.next_u64() >> 63 {
            0 => (outer, inner),
            _ => (inner, outer),
        };
        a.extend(ours);
        b.extend(theirs.map(|time| time * factor));
    }
    Rule { tolerance: 0.01, seed }.interleaved(&a, &b, Duration::from_secs(1)).verdict
}

#[test]
fn the_same_thing_twice_is_equivalent() {
    let equivalent = verdicts(1.0, 0.0, Verdict::Equivalent);
    assert!(equivalent >= 95, "{equivalent} of 100");
}

#[test]
fn a_slowdown_of_three_in_a_hundred_is_found() {
    let found = verdicts(1.03, 0.0, Verdict::Slower);
    assert!(found >= 95, "{found} of 100");
}

#[test]
fn a_machine_that_slows_down_by_half_changes_neither() {
    let (same, slower) =
        (verdicts(1.0, 0.5, Verdict::Equivalent), verdicts(1.03, 0.5, Verdict::Slower));
    assert!(same >= 95 && slower >= 95, "{same} and {slower} of 100");
}
