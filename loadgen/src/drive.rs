//! The loop of one thread: wait for the intended start, send, record.

use crate::pacer::Pacer;
use crate::pools::Pools;
use crate::recorder::Recorder;
use crate::rota::Rota;
use crate::upkeep::settled;
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

    /// Parts with what no client remembers, by this request. Whether that is done.
    fn part(&mut self, at: Duration, planned: &Planned) -> bool {
        settled(&self.call(at, planned))
    }
}

/// When a thread starts its calls.
#[derive(Clone, Copy)]
pub struct Pace<'p> {
    /// When the run began.
    pub began: Instant,
    /// How it waits.
    pub pacer: Pacer,
    /// When calls that are still due are dropped, since the run began.
    pub until: Duration,
    /// The quotas that the load is held against.
    pub pools: Option<&'p Pools>,
}

/// Hears of every answer before it is noted: the time since the run began, and what was measured until
/// then. It may break the run off.
pub type Told<'t> = dyn FnMut(Duration, &mut Recorder) -> ControlFlow<()> + 't;

/// What a thread's run came to, beside what it measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Driven {
    /// Starts that were due and never sent.
    pub dropped: u64,
    /// When the last answer came, since the run began.
    pub last: Duration,
    /// How long it was on a processor; whoever runs the thread knows.
    pub processor: Option<Duration>,
}

/// Plays a rota against a target until nothing is left or `told` breaks it off. `told` gets the recorder
/// at every answer, before that is noted.
///
/// A call is planned before its start is waited for, so planning costs no lag.
pub fn drive(
    mut rota: Rota,
    target: &mut dyn Target,
    pace: Pace<'_>,
    recorder: &mut Recorder,
    told: &mut Told<'_>,
) -> Driven {
    let mut last = Duration::ZERO;
    while let Some(start) = rota.take() {
        let planned = rota.plan(start);
        let sent = pace.pacer.wait(pace.began + start.at).duration_since(pace.began);
        if sent >= pace.until {
            return Driven { dropped: 1 + rota.left(sent), last, processor: None };
        }
        let result = target.call(sent, &planned);
        let answered = pace.began.elapsed();
        let error = result.as_ref().err().map(|error| error.code);
        let goes_on = told(answered, recorder);
        recorder.under_way(1);
        recorder.note(sent.saturating_sub(start.at), answered.saturating_sub(sent), error);
        if let Some(pools) = pace.pools {
            pools.drawn(&planned.request).for_each(|pool| recorder.draw(pool));
        }
        for parting in rota.ended(start, answered, &planned, &result) {
            recorder.part(target.part(answered, &parting));
        }
        last = answered;
        if goes_on.is_break() {
            return Driven { dropped: rota.left(answered), last, processor: None };
        }
    }
    Driven { dropped: 0, last, processor: None }
}
