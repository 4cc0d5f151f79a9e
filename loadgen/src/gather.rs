//! Adds up what threads hand in, second by second.

use crate::outcome::Sample;
use crate::recorder::{Packed, Recorder};
use crate::series::Series;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// A second is told this much after it ended, so that every thread has handed in its part.
const SETTLED: u64 = 1;

/// What a thread measured in a second.
pub(crate) struct Part {
    pub(crate) second: u64,
    /// When the thread measured last, since the run began.
    pub(crate) until: Duration,
    pub(crate) recorder: Box<Recorder>,
    /// Where the recorder goes when it has been read, emptied.
    pub(crate) back: SyncSender<Box<Recorder>>,
}

/// How far a run is.
pub struct Moment<'a> {
    /// Since the run began.
    pub at: Duration,
    /// The last whole second.
    pub sample: &'a Sample,
    /// All that was measured in it.
    pub recorder: &'a Recorder,
}

/// What a run measured.
pub struct Gathered {
    /// Everything together.
    pub whole: Recorder,
    /// Interval by interval.
    pub samples: Vec<Sample>,
}

/// What is to be driven.
pub(crate) struct Schedule<'a> {
    /// How long it lasts.
    pub(crate) lasts: Duration,
    /// What it offers in a second.
    pub(crate) offered: &'a dyn Fn(u64) -> f64,
    /// Whether it is broken off.
    pub(crate) stop: &'a AtomicBool,
}

/// Adds up what threads hand in, and tells of each second once it has settled; of those in which nothing
/// was answered, too.
pub(crate) fn gather(
    schedule: &Schedule<'_>,
    parts: &Receiver<Part>,
    began: &OnceLock<Instant>,
    each: &mut dyn FnMut(&Moment<'_>),
) -> Gathered {
    let mut whole = Recorder::new();
    // The parts of seconds that are not told yet, in little room, and where they are added up.
    let mut seconds: BTreeMap<u64, Vec<Packed>> = BTreeMap::new();
    let mut sum = Recorder::new();
    let (mut series, mut next, mut last_measured) = (Series::default(), 0, Duration::ZERO);
    // Beyond the schedule only seconds with answers are told.
    let whole_seconds = schedule.lasts.as_secs_f64().ceil();
    loop {
        let part = parts.recv_timeout(Duration::from_millis(100));
        let at = began.get().map_or(Duration::ZERO, Instant::elapsed);
        let over = matches!(part, Err(RecvTimeoutError::Disconnected));
        if let Ok(Part { second, until, mut recorder, back }) = part {
            last_measured = last_measured.max(until);
            whole.add(&recorder);
            // A part of a second that was told already, as of a call that took seconds, counts to the next.
            let second = second.max(next);
            if recorder.answered() > 0 || (second as f64) < whole_seconds {
                seconds.entry(second).or_default().push(recorder.pack());
            }
            recorder.clear();
            // A thread that has ended takes nothing back.
            let _ = back.try_send(recorder);
        }
        let last = seconds.last_key_value().map(|(second, _)| *second);
        while last.is_some_and(|last| next <= last) && (over || next + SETTLED < at.as_secs()) {
            let parts = seconds.remove(&next).unwrap_or_default();
            sum.clear();
            parts.iter().for_each(|part| sum.add_packed(part));
            sum.in_flight = parts.iter().map(Packed::in_flight).sum();
            whole.under_way(sum.in_flight);
            let offered = (schedule.offered)(next);
            let sample = Sample::of(next, offered, &sum);
            each(&Moment { at, sample: &sample, recorder: &sum });
            series.push(offered, &sum);
            next += 1;
        }
        if over {
            // A schedule may end with a silence, and answers may come after it.
            let broken_off = schedule.stop.load(Ordering::Relaxed);
            let lasted =
                if broken_off { Duration::ZERO } else { schedule.lasts }.max(last_measured);
            return Gathered { whole, samples: series.samples(lasted) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    /// A part of a second that had been told was put where nobody looked again: calls were counted for the
    /// whole run and missing in its seconds.
    #[test]
    fn a_part_that_comes_late_is_in_the_next_second() {
        let (parts, gathered) = sync_channel(8);
        let (back, _spare) = sync_channel(8);
        let send = |second, calls: u64| {
            let mut recorder = Box::<Recorder>::default();
            let brief = Duration::from_micros(10);
            (0..calls).for_each(|_| recorder.note(brief, brief, None));
            let until = Duration::from_secs(second) + Duration::from_millis(500);
            parts.send(Part { second, until, recorder, back: back.clone() }).unwrap();
        };
        send(0, 1);
        send(3, 2);
        send(1, 4);
        send(9, 8);
        drop(parts);
        let began = OnceLock::from(Instant::now().checked_sub(Duration::from_secs(5)).unwrap());
        let stop = AtomicBool::new(false);
        let schedule = Schedule { lasts: Duration::from_secs(8), offered: &|_| 1.0, stop: &stop };
        let mut told = Vec::new();
        let all = gather(&schedule, &gathered, &began, &mut |moment| {
            told.push((moment.sample.second, moment.recorder.answered()));
        });
        let expected = [(0, 1), (1, 0), (2, 0), (3, 2), (4, 4), (5, 0), (6, 0), (7, 0), (8, 0)];
        assert_eq!(told, [&expected[..], &[(9, 8)]].concat());
        assert_eq!(all.whole.answered(), 15);
        assert_eq!(all.samples.iter().map(|sample| sample.answered).sum::<u64>(), 15);
    }
}
