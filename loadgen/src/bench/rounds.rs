//! The measurement: block after block, in turn.
//!
//! A round visits the cases in a drawn order. At each visit the sides take turns, A B C and then
//! C B A, so that whatever drifts slows all of them alike, and any two of them make a quad. Each case
//! gets the same time: a slow one sits rounds out.

use super::case::Case;
use super::side::Side;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How long all of it may take.
    pub duration: Duration,
    /// About how long a block of calls takes.
    pub block: Duration,
    /// The seed of the order.
    pub seed: u64,
}

/// The timings of one case on one side.
#[derive(Clone, Debug)]
pub struct Row {
    /// The case.
    pub case: Case,
    /// The position of the side.
    pub side: usize,
    /// Calls of a block.
    pub calls: u32,
    /// Nanoseconds a call, block by block; two blocks belong to one visit.
    pub nanos: Vec<f64>,
    /// How long the visits to the case took, those to other sides included.
    pub spent: Duration,
}

/// What was measured.
#[derive(Debug, Default)]
pub struct Measured {
    /// One row a case and side that can do it.
    pub rows: Vec<Row>,
    /// Cases that somebody can do and the time did not suffice for.
    pub unreached: Vec<Case>,
    /// How long it took.
    pub took: Duration,
}

/// How far a measurement is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// How long it has taken.
    pub elapsed: Duration,
    /// Visits to cases so far.
    pub visits: usize,
    /// The case that is next.
    pub case: Case,
}

/// A case under measurement.
struct Track {
    case: Case,
    /// The rows by side, once the case was visited.
    rows: Option<Vec<Row>>,
    spent: Duration,
}

/// Measures until the time is over or `stop` is set.
///
/// # Errors
/// When a side fails.
pub fn measure(
    sides: &mut [Box<dyn Side + '_>],
    cases: &[Case],
    plan: Plan,
    stop: &AtomicBool,
    told: &mut dyn FnMut(Progress),
) -> Result<Measured, String> {
    let new = |case: &Case| Track { case: *case, rows: None, spent: Duration::ZERO };
    let mut tracks: Vec<Track> = cases.iter().map(new).collect();
    let mut stream = Xoshiro256PlusPlus::seed_from_u64(plan.seed);
    let (began, mut visits) = (Instant::now(), 0);
    let over = || began.elapsed() >= plan.duration || stop.load(Ordering::Relaxed);
    let mut round = 0;
    while !over() && !tracks.is_empty() {
        shuffle(&mut tracks, &mut stream);
        let allowance = plan.block * round * 2 * u32::try_from(sides.len()).unwrap_or(1);
        for track in tracks.iter_mut().filter(|track| track.spent <= allowance) {
            if over() {
                break;
            }
            told(Progress { elapsed: began.elapsed(), visits, case: track.case });
            let backwards = stream.next_u64() >> 63 == 1;
            track.visit(sides, plan.block, backwards)?;
            visits += 1;
        }
        tracks.retain(|track| track.rows.as_ref().is_none_or(|rows| !rows.is_empty()));
        round += 1;
    }
    let position = |case: &Case| cases.iter().position(|other| other == case);
    tracks.sort_by_key(|track| position(&track.case));
    let unreached = tracks.iter().filter(|track| track.rows.is_none()).map(|track| track.case);
    let unreached = unreached.collect();
    let rows = tracks.into_iter().filter_map(Track::finished).flatten().collect();
    Ok(Measured { rows, unreached, took: began.elapsed() })
}

impl Track {
    /// Two blocks of each side, there and back.
    fn visit(
        &mut self,
        sides: &mut [Box<dyn Side + '_>],
        block: Duration,
        backwards: bool,
    ) -> Result<(), String> {
        if self.rows.is_none() {
            self.rows = Some(calibrated(self.case, sides, block)?);
        }
        let began = Instant::now();
        let rows = self.rows.as_mut().map_or(&mut [][..], Vec::as_mut_slice);
        let turns = 0..rows.len();
        let there: Vec<usize> = if backwards { turns.rev().collect() } else { turns.collect() };
        let mut taken: Vec<(usize, f64)> = Vec::new();
        for turn in there.iter().chain(there.iter().rev()) {
            let row = &rows[*turn];
            let took = sides[row.side].block(&self.case, row.calls)?;
            taken.push((*turn, nanos(took) / f64::from(row.calls)));
        }
        taken.into_iter().for_each(|(turn, nanos)| rows[turn].nanos.push(nanos));
        self.spent += began.elapsed();
        Ok(())
    }

    fn finished(self) -> Option<Vec<Row>> {
        let Track { rows, spent, .. } = self;
        Some(rows?.into_iter().map(|row| Row { spent, ..row }).collect())
    }
}

/// The sides that can do a case, each with as many calls as fill a block.
fn calibrated(
    case: Case,
    sides: &mut [Box<dyn Side + '_>],
    block: Duration,
) -> Result<Vec<Row>, String> {
    let mut rows = Vec::new();
    for (number, side) in sides.iter_mut().enumerate() {
        if !side.ready(&case)? {
            continue;
        }
        let (mut calls, mut took) = (1, side.block(&case, 1)?);
        while took < block / 4 && calls < u32::MAX / 16 {
            calls *= 4;
            took = side.block(&case, calls)?;
        }
        let wanted = f64::from(calls) * nanos(block) / nanos(took).max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is clamped"
        )]
        let calls = wanted.round().clamp(1.0, f64::from(u32::MAX)) as u32;
        let (nanos, spent) = (Vec::new(), Duration::ZERO);
        rows.push(Row { case, side: number, calls, nanos, spent });
    }
    Ok(rows)
}

fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

fn shuffle(tracks: &mut [Track], stream: &mut Xoshiro256PlusPlus) {
    for end in (2..=tracks.len()).rev() {
        let at = (u128::from(stream.next_u64()) * end as u128) >> 64;
        tracks.swap(end - 1, usize::try_from(at).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::Case;
    use super::*;

    /// A side whose blocks take as long as it says, and that notes the order of all of them.
    struct Told<'o> {
        name: &'static str,
        nanos: u64,
        order: &'o std::cell::RefCell<Vec<&'static str>>,
    }

    impl Side for Told<'_> {
        fn label(&self) -> &str {
            self.name
        }

        fn ready(&mut self, case: &Case) -> Result<bool, String> {
            Ok(!(self.name == "b" && case.to_string() == "mac/HMAC_224"))
        }

        fn block(&mut self, _: &Case, calls: u32) -> Result<Duration, String> {
            self.order.borrow_mut().push(self.name);
            Ok(Duration::from_nanos(self.nanos) * calls)
        }
    }

    fn measured(duration: Duration, order: &std::cell::RefCell<Vec<&'static str>>) -> Measured {
        let side = |name, nanos| Box::new(Told { name, nanos, order }) as Box<dyn Side>;
        let mut sides = vec![side("a", 1_000), side("b", 2_000)];
        let cases = Case::chosen(&["mac/*".to_owned()]).unwrap();
        let plan = Plan { duration, block: Duration::from_micros(100), seed: 1 };
        measure(&mut sides, &cases, plan, &AtomicBool::new(false), &mut |_| {}).unwrap()
    }

    #[test]
    fn sides_take_turns_and_fill_blocks_alike() {
        let order = std::cell::RefCell::default();
        let measured = measured(Duration::from_millis(30), &order);
        assert_eq!(measured.rows.len(), 7);
        for row in &measured.rows {
            assert_eq!(row.nanos.len() % 2, 0);
            assert!(row.nanos.len() > 4, "{row:?}");
            let expected = [1_000.0, 2_000.0][row.side];
            assert!(row.nanos.iter().all(|nanos| (nanos - expected).abs() < 1e-6), "{row:?}");
            assert_eq!(row.calls, [100, 50][row.side]);
        }
        let order = order.borrow();
        let quads = ["a", "b", "b", "a", "a", "b", "b", "a"];
        assert!(order.windows(8).any(|window| window == quads), "{order:?}");
        assert!(order.windows(4).any(|window| window == ["b", "a", "a", "b"]));
    }

    #[test]
    fn what_the_time_does_not_suffice_for_is_named() {
        let measured = measured(Duration::ZERO, &std::cell::RefCell::default());
        assert_eq!((measured.rows.len(), measured.unreached.len()), (0, 4));
    }
}
