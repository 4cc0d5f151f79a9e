//! The loop of one thread: wait for the intended start, send, record.

use crate::pacer::Pacer;
use crate::recorder::Recorder;
use crate::rota::Rota;
use kms_core::Result;
use kms_core::ops::Response;
use scenarios::Planned;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Something that answers calls, one at a time.
pub trait Target {
    /// Answers a call that is sent this long after the run began.
    ///
    /// # Errors
    /// What the service answers.
    fn call(&mut self, at: Duration, planned: &Planned) -> Result<Response>;
}

/// When a thread starts its calls.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// When the run began.
    pub began: Instant,
    /// How it waits.
    pub pacer: Pacer,
    /// When calls that are still due are dropped, since the run began.
    pub until: Duration,
}

/// Plays a rota against a target until nothing is left or `told` breaks it off; how many starts that
/// were due by then were dropped. `told` gets the recorder after every call, with the time since the run began.
///
/// A call is planned before its start is waited for, so planning costs no lag.
pub fn drive(
    mut rota: Rota,
    target: &mut dyn Target,
    pace: Pace,
    recorder: &mut Recorder,
    told: &mut dyn FnMut(Duration, &mut Recorder) -> ControlFlow<()>,
) -> u64 {
    while let Some(start) = rota.take() {
        let planned = rota.plan(start);
        let sent = pace.pacer.wait(pace.began + start.at).duration_since(pace.began);
        if sent >= pace.until {
            return 1 + rota.left(sent);
        }
        let result = target.call(sent, &planned);
        let answered = pace.began.elapsed();
        let error = result.as_ref().err().map(|error| error.code);
        recorder.note(sent.saturating_sub(start.at), answered.saturating_sub(sent), error);
        rota.ended(start, answered, &planned, &result);
        if told(answered, recorder).is_break() {
            return rota.left(answered);
        }
    }
    0
}
