//! A run over time in bounded memory: when there are too many intervals, neighbours become one.
//!
//! Intervals are kept as packed histograms, so that the percentiles of a merged interval are those of all
//! its calls and not a guess from two others.

use crate::outcome::Sample;
use crate::recorder::{Packed, Recorder};
use std::time::Duration;

/// How many intervals there may be.
const MOST: usize = 300;
/// How many bytes they may take. Packed, one takes some kilobytes, and 200 at the very most.
const MOST_BYTES: usize = 1 << 20;

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
    /// What the last second offered, and how many seconds there were.
    last: f64,
    covered: u64,
}

impl Default for Series {
    fn default() -> Series {
        Series::of_at_most(MOST)
    }
}

impl Series {
    fn of_at_most(most: usize) -> Series {
        let (kept, open) = (Vec::new(), Recorder::new());
        Series { most, width: 1, kept, open, offered: 0.0, seconds: 0, last: 0.0, covered: 0 }
    }

    /// Adds the next second, with the calls that the schedule offered in it.
    pub(crate) fn push(&mut self, offered: f64, recorder: &Recorder) {
        self.open.add(recorder);
        self.open.under_way(recorder.in_flight);
        (self.offered, self.last) = (self.offered + offered, offered);
        self.seconds += 1;
        self.covered += 1;
        if self.seconds == self.width {
            self.close();
        }
        while self.kept.len() > self.most || (self.bytes() > MOST_BYTES && self.kept.len() > 1) {
            self.merge();
        }
    }

    /// Every interval of a run that was over after so long. The last one is as long as the run leaves it;
    /// where that is less than half an interval, it is part of the one before: rates over hardly any time
    /// say nothing.
    pub(crate) fn samples(mut self, over: Duration) -> Vec<Sample> {
        if self.seconds > 0 {
            self.close();
        }
        let (width, covered) = (self.width as f64, self.covered as f64);
        let over = over.as_secs_f64().min(covered);
        if let Some((offered, _)) = self.kept.last_mut() {
            *offered -= self.last * (covered - over);
        }
        let rest = over - width * self.kept.len().saturating_sub(1) as f64;
        if rest < width / 2.0 && self.kept.len() > 1 {
            self.join_last();
        }
        let (count, mut one) = (self.kept.len(), self.open);
        let samples = self.kept.iter().enumerate().map(|(number, (offered, packed))| {
            let from = number as f64 * width;
            let until = if number + 1 == count { over } else { from + width };
            let seconds = ((until - from) * 1e3).round().max(1.0) / 1e3;
            let second = number as u64 * self.width;
            one.clear();
            one.add_packed(packed);
            Sample { seconds, ..Sample::of(second, offered / seconds, &one) }
        });
        samples.collect()
    }

    /// Makes the last two intervals one.
    fn join_last(&mut self) {
        for (offered, packed) in self.kept.split_off(self.kept.len() - 2) {
            self.reopen(offered, &packed);
        }
        self.close();
    }

    /// Adds an interval that was over to the one that is not.
    fn reopen(&mut self, offered: f64, packed: &Packed) {
        self.open.add_packed(packed);
        self.offered += offered;
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
        // Each is let go as soon as it is read, so that merging takes no room of its own.
        for (number, (offered, packed)) in kept.into_iter().enumerate() {
            self.reopen(offered, &packed);
            if number % 2 == 1 {
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
        series.samples(Duration::from_secs(seconds))
    }

    fn lasted(samples: &[Sample]) -> f64 {
        samples.iter().map(|one| one.seconds).sum()
    }

    /// The rates of the intervals of a run of a hundred calls a second that is over after so long.
    fn rates(millis: u64) -> Vec<(f64, f64)> {
        let mut series = Series::default();
        for second in 0..millis.div_ceil(1_000) {
            let mut recorder = Recorder::new();
            for _ in 0..(millis - second * 1_000).min(1_000) / 10 {
                recorder.note(Duration::ZERO, Duration::from_millis(1), None);
            }
            series.push(100.0, &recorder);
        }
        let samples = series.samples(Duration::from_millis(millis));
        let rate = |one: &Sample| (one.answered as f64 / one.seconds, one.offered);
        samples.iter().map(rate).collect()
    }

    /// A load of 5.5 seconds seemed to fall to half its rate at the end, because its last interval was
    /// taken for a whole second.
    #[test]
    fn a_part_of_a_second_at_the_end_is_no_drop() {
        for (millis, intervals) in [(5_500, 6), (5_030, 5), (400, 1), (5_000, 5)] {
            let rates = rates(millis);
            assert_eq!(rates.len(), intervals, "{millis}");
            for (answered, offered) in rates {
                let near = |rate: f64| (rate - 100.0).abs() < 1e-6;
                assert!(near(answered) && near(offered), "{millis}: {answered} of {offered}");
            }
        }
    }

    #[test]
    fn a_short_run_has_its_seconds() {
        let samples = run(5);
        assert_eq!(samples.len(), 5);
        assert!(samples.iter().all(|one| one.answered == 1 && (one.seconds - 1.0).abs() < 1e-9));
        assert_eq!(samples[4].second, 4);
    }

    #[test]
    fn a_long_run_has_fewer_intervals_and_loses_nothing() {
        let most = u64::try_from(FEW).unwrap();
        for seconds in [most + 1, 3 * most, 10 * most + 7] {
            let samples = run(seconds);
            assert!(samples.len() <= FEW, "{seconds}");
            assert_eq!(samples.iter().map(|one| one.answered).sum::<u64>(), seconds);
            assert!((lasted(&samples) - seconds as f64).abs() < 1e-9);
            let next = |pair: &[Sample]| pair[0].second as f64 + pair[0].seconds;
            assert!(samples.windows(2).all(|p| (next(p) - p[1].second as f64).abs() < 1e-9));
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
        for _ in 0..600 {
            series.push(1.0, &recorder);
            assert!(series.bytes() <= MOST_BYTES, "{}", series.bytes());
        }
        let samples = series.samples(Duration::from_secs(600));
        assert!((lasted(&samples) - 600.0).abs() < 1e-9);
        assert_eq!(samples.iter().map(|one| one.answered).sum::<u64>(), 600 * recorder.answered());
    }
}
