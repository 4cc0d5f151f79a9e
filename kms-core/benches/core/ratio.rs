//! Two things measured against each other on a machine that others use too.

use std::time::Duration;

/// How many rounds of each there are; the best counts.
const ROUNDS: usize = 40;
/// About how long a round takes.
const ROUND: Duration = Duration::from_millis(4);

/// How long each of so many calls takes on average.
#[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "a bench has a clock")]
fn round(calls: u32, mut call: impl FnMut()) -> Duration {
    let began = std::time::Instant::now();
    (0..calls).for_each(|_| call());
    began.elapsed() / calls
}

/// Rounds of both, in turn, so that a busy machine slows down both. Prints the best round of each, and
/// the middle one of the ratios of neighbours.
#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
pub(crate) fn ratio(what: &str, mut base: impl FnMut(), mut whole: impl FnMut()) {
    let calls = |once: Duration| (ROUND.as_nanos() / once.as_nanos().max(1)).clamp(1, 5_000);
    let calls = u32::try_from(calls(round(3, &mut base))).expect("a few thousand");
    let rounds = [(); ROUNDS].map(|()| (round(calls, &mut base), round(calls, &mut whole)));
    let mut ratios = rounds.map(|(base, whole)| whole.as_secs_f64() / base.as_secs_f64());
    ratios.sort_by(f64::total_cmp);
    let best = |side: fn(&(Duration, Duration)) -> Duration| rounds.iter().map(side).min();
    let (least, most) = (best(|round| round.0), best(|round| round.1));
    let (least, most) = (least.unwrap_or_default(), most.unwrap_or_default());
    println!("{what}: {least:?} and {most:?}, ratio {:.2}", ratios[ROUNDS / 2]);
}
