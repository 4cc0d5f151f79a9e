//! Adds up what threads hand in, second by second.

use crate::outcome::Sample;
use crate::recorder::Recorder;
use crate::series::Series;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

/// A second is told this much after it ended, so that every thread has handed in its part.
const SETTLED: u64 = 1;

/// What a thread measured in a second.
pub(crate) struct Part {
    pub(crate) second: u64,
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

/// Adds up what threads hand in, and tells of each second once it has settled; of those in which nothing
/// was answered, too. `storm` is how long the schedule lasts, `offered` what it offers in a second.
pub(crate) fn gather(
    (storm, offered): (Duration, &dyn Fn(u64) -> f64),
    parts: &Receiver<Part>,
    began: &OnceLock<Instant>,
    each: &mut dyn FnMut(&Moment<'_>),
) -> Gathered {
    let mut whole = Recorder::new();
    let mut seconds: BTreeMap<u64, Recorder> = BTreeMap::new();
    let (mut series, mut next) = (Series::default(), 0);
    // Beyond the schedule only seconds with answers are told.
    let whole_seconds = storm.as_secs_f64().ceil();
    loop {
        let part = parts.recv_timeout(Duration::from_millis(100));
        let at = began.get().map_or(Duration::ZERO, Instant::elapsed);
        let over = matches!(part, Err(RecvTimeoutError::Disconnected));
        if let Ok(Part { second, mut recorder, back }) = part {
            if recorder.answered() > 0 || (second as f64) < whole_seconds {
                whole.add(&recorder);
                let sum = seconds.entry(second).or_default();
                sum.add(&recorder);
                sum.in_flight += recorder.in_flight;
            }
            recorder.clear();
            // A thread that has ended takes nothing back.
            let _ = back.try_send(recorder);
        }
        let last = seconds.last_key_value().map(|(second, _)| *second);
        while last.is_some_and(|last| next <= last) && (over || next + SETTLED < at.as_secs()) {
            let recorder = seconds.remove(&next).unwrap_or_default();
            whole.under_way(recorder.in_flight);
            let offered = offered(next);
            let sample = Sample::of(next, offered, &recorder);
            each(&Moment { at, sample: &sample, recorder: &recorder });
            series.push(offered, &recorder);
            next += 1;
        }
        if over {
            return Gathered { whole, samples: series.samples() };
        }
    }
}
