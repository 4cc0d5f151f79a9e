//! Adds up what threads hand in, second by second.

use crate::outcome::Sample;
use crate::recorder::Recorder;
use crate::shape::offered;
use scenarios::Scenario;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// A second is told this much after it ended, so that every thread has handed in its part.
const SETTLED: u64 = 1;

/// What a thread measured in a second.
pub(crate) struct Part {
    pub(crate) second: u64,
    pub(crate) recorder: Box<Recorder>,
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
    /// Second by second.
    pub samples: Vec<Sample>,
}

/// Adds up what threads hand in, and tells of each second once it has settled.
pub(crate) fn gather(
    scenario: &Scenario,
    parts: &Receiver<Part>,
    began: &OnceLock<Instant>,
    each: &mut dyn FnMut(&Moment<'_>),
) -> Gathered {
    let mut whole = Recorder::new();
    let mut seconds: BTreeMap<u64, Recorder> = BTreeMap::new();
    let mut samples = Vec::new();
    loop {
        let part = parts.recv_timeout(Duration::from_millis(100));
        let at = began.get().map_or(Duration::ZERO, Instant::elapsed);
        let over = matches!(part, Err(RecvTimeoutError::Disconnected));
        if let Ok(Part { second, recorder }) = part {
            whole.add(&recorder);
            let sum = seconds.entry(second).or_default();
            sum.add(&recorder);
            sum.in_flight += recorder.in_flight;
        }
        while let Some(entry) = seconds.first_entry()
            && (over || entry.key() + SETTLED < at.as_secs())
        {
            let (second, recorder) = entry.remove_entry();
            whole.under_way(recorder.in_flight);
            let sample = Sample::of(second, offered(scenario, second), &recorder);
            each(&Moment { at, sample: &sample, recorder: &recorder });
            samples.push(sample);
        }
        if over {
            return Gathered { whole, samples };
        }
    }
}
