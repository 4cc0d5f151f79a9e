//! How often changes are seen where there is none, and found where there is one: the figures that
//! `keyquake bench history --help` states, on 500 made series of each kind. It takes a minute.
//!
//! ```text
//! cargo run --release -p loadgen --example change_rates
//! ```

#[path = "../src/bench/change/series.rs"]
mod series;

use loadgen::bench::{Change, changes};
use series::{FRESH, series};
use std::io::Write;

/// Series of each kind.
const SERIES: u64 = 500;
/// A change is found when it is placed this near.
const NEAR: usize = 3;

fn main() -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{:>7}  {:>12}  found at 3 %, 5 %, 10 %", "results", "false alarms")?;
    for length in [12, 30, 50, 100] {
        let half = length / 2;
        let alarms = share(&[(100.0, length)], |changes| !changes.is_empty());
        let found = [103.0, 105.0, 110.0].map(|to| {
            let near = |change: &Change| change.at.abs_diff(half) <= NEAR;
            let levels = [(100.0, half), (to, length - half)];
            share(&levels, |changes| changes.iter().any(near))
        });
        let found = found.map(|share| format!("{share:.1} %")).join(", ");
        writeln!(output, "{length:>7}  {:>12}  {found}", format!("{alarms:.1} %"))?;
    }
    Ok(())
}

/// In how many of a hundred series something holds.
fn share(levels: &[(f64, usize)], holds: impl Fn(&[Change]) -> bool) -> f64 {
    let seeds = FRESH..FRESH + SERIES;
    let holding = seeds.filter(|seed| holds(&changes(&series(levels, *seed), *seed))).count();
    100.0 * holding as f64 / SERIES as f64
}
