//! A run over time in bounded memory: when there are too many intervals, neighbours become one.
//!
//! Intervals are kept as packed histograms, so that the percentiles of a merged interval are those of all
//! its calls and not a guess from two others.

use crate::outcome::Sample;
use crate::recorder::{Packed, Recorder};

/// How many intervals there may be.
const MOST: usize = 1_200;
/// How many bytes they may take. Packed, one takes some kilobytes, and 200 at the very most.
const MOST_BYTES: usize = 8 << 20;

/// The intervals of a run, each as long as every other.
pub(crate) struct Series {
    /// How many intervals there may be.
    most: usize,
    /// Seconds of an interval.
    width: u64,
    /// Intervals that are over.
    kept: Vec<(f64, Packed)>,
    /// The one that is not, and how many seconds it has.
    open: Recorder,
    offered: f64,
    seconds: u64,
}

impl Default for Series {
    fn default() -> Series {
        Series::of_at_most(MOST)
    }
}

impl Series {
    fn of_at_most(most: usize) -> Series {
        let (kept, open) = (Vec::new(), Recorder::new());
        Series { most, width: 1, kept, open, offered: 0.0, seconds: 0 }
    }

    /// Adds the next second, with the calls that the schedule offered in it.
    pub(crate) fn push(&mut self, offered: f64, recorder: &Recorder) {
        self.open.add(recorder);
        self.open.under_way(recorder.in_flight);
        self.offered += offered;
        self.seconds += 1;
        if self.seconds == self.width {
            self.close();
        }
        while self.kept.len() > self.most || (self.bytes() > MOST_BYTES && self.kept.len() > 1) {
            self.merge();
        }
    }

    /// Every interval; the last may be shorter.
    pub(crate) fn samples(mut self) -> Vec<Sample> {
        let last = self.seconds;
        if last > 0 {
            self.close();
        }
        let width = self.width;
        let count = self.kept.len();
        let samples = self.kept.iter().enumerate().map(|(number, (offered, packed))| {
            let seconds = if number + 1 == count && last > 0 { last } else { width };
            let offered = offered / seconds as f64;
            Sample { seconds, ..Sample::of(number as u64 * width, offered, &packed.unpack()) }
        });
        samples.collect()
    }

    fn bytes(&self) -> usize {
        self.kept.iter().map(|(_, packed)| packed.bytes()).sum()
    }

    fn close(&mut self) {
        self.kept.push((self.offered, self.open.pack()));
        self.open.clear();
        (self.offered, self.seconds) = (0.0, 0);
    }

    /// Makes every two intervals one; an odd one out is open again.
    fn merge(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        let odd = kept.len() % 2 == 1;
        for pair in kept.chunks(2) {
            for (offered, packed) in pair {
                let recorder = packed.unpack();
                self.open.add(&recorder);
                self.open.under_way(recorder.in_flight);
                self.offered += offered;
            }
            if pair.len() == 2 {
                self.close();
            }
        }
        self.seconds = if odd { self.width } else { 0 };
        self.width *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// As many intervals as these runs may have.
    const FEW: usize = 40;

    /// A run of so many seconds, in each of which one call took so many milliseconds.
    fn run(seconds: u64) -> Vec<Sample> {
        let mut series = Series::of_at_most(FEW);
        for second in 0..seconds {
            let mut recorder = Recorder::new();
            recorder.note(Duration::ZERO, Duration::from_millis(1 + second % 2), None);
            recorder.under_way(second);
            series.push(10.0, &recorder);
        }
        series.samples()
    }

    #[test]
    fn a_short_run_has_its_seconds() {
        let samples = run(5);
        assert_eq!(samples.len(), 5);
        assert!(samples.iter().all(|one| (one.seconds, one.answered) == (1, 1)));
        assert_eq!(samples[4].second, 4);
    }

    #[test]
    fn a_long_run_has_fewer_intervals_and_loses_nothing() {
        let most = u64::try_from(FEW).unwrap();
        for seconds in [most + 1, 3 * most, 10 * most + 7] {
            let samples = run(seconds);
            assert!(samples.len() <= FEW, "{seconds}");
            assert_eq!(samples.iter().map(|one| one.answered).sum::<u64>(), seconds);
            assert_eq!(samples.iter().map(|one| one.seconds).sum::<u64>(), seconds);
            assert!(samples.windows(2).all(|p| p[0].second + p[0].seconds == p[1].second));
            assert!(samples.iter().all(|one| (one.offered - 10.0).abs() < 1e-9));
            let first = &samples[0];
            assert_eq!((first.service.p50 + 500_000) / 1_000_000, 1, "{first:?}");
            assert_eq!((first.service.max + 500_000) / 1_000_000, 2, "{first:?}");
            assert_eq!(samples.last().unwrap().in_flight, seconds - 1);
        }
    }

    #[test]
    fn a_long_run_takes_no_more_memory_however_its_latencies_are_spread() {
        let mut series = Series::default();
        let mut recorder = Recorder::new();
        // Every value that a histogram tells from the next, up to minutes.
        let mut nanos = 1_u64;
        while nanos < 60_000_000_000 {
            let time = Duration::from_nanos(nanos);
            recorder.note(time, time, None);
            nanos += 1 + nanos / 1_024;
        }
        let most = recorder.pack().bytes();
        assert!((60_000..200_000).contains(&most), "the worst interval takes {most} bytes");
        for _ in 0..2_000 {
            series.push(1.0, &recorder);
            assert!(series.bytes() <= MOST_BYTES, "{}", series.bytes());
        }
        let samples = series.samples();
        assert_eq!(samples.iter().map(|one| one.seconds).sum::<u64>(), 2_000);
        assert_eq!(
            samples.iter().map(|one| one.answered).sum::<u64>(),
            2_000 * recorder.answered()
        );
    }
}
