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

/// How often a thread that waits looks whether the run was broken off or a second has ended.
pub(crate) const GLANCE: Duration = Duration::from_millis(100);

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

impl Pace<'_> {
    /// Waits until a moment of the run; when that is over.
    fn wait(&self, until: Duration) -> Duration {
        self.pacer.wait(self.began + until).duration_since(self.began)
    }
}

/// Hears of every answer before it is noted, and every now and then while nothing is due: the time since
/// the run began, and what was measured until then. It may break the run off.
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

/// Plays a rota against a target until nothing is left or `told` breaks it off.
///
/// A call is planned before its start is waited for, so planning costs no lag.
pub fn drive(
    mut rota: Rota,
    target: &mut dyn Target,
    pace: Pace<'_>,
    recorder: &mut Recorder,
    told: &mut Told<'_>,
) -> Driven {
    let (mut last, mut now) = (Duration::ZERO, Duration::ZERO);
    while let Some(start) = rota.take() {
        let planned = rota.plan(start);
        // The time of the last answer is known, so calls that follow closely read no clock here.
        while start.at.saturating_sub(now) > GLANCE {
            now = pace.wait(now + GLANCE);
            if told(now, recorder).is_break() {
                let dropped = u64::from(start.at <= now) + rota.left(now);
                return Driven { dropped, last, processor: None };
            }
        }
        let sent = pace.wait(start.at);
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
        (last, now) = (answered, answered);
        if goes_on.is_break() {
            return Driven { dropped: rota.left(answered), last, processor: None };
        }
    }
    Driven { dropped: 0, last, processor: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rota::tests::of_text;
    use kms_core::error::ErrorCode;

    /// Answers at once.
    struct Nobody;

    impl Target for Nobody {
        fn call(&mut self, _: Duration, _: &Planned) -> Result<Response> {
            Err(ErrorCode::NotFound.silent())
        }
    }

    /// A call at the beginning, and the next one twenty seconds later.
    const SELDOM: &str = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\nkeys.symmetric = 1\n\
            [[phase]]\nname = 'a'\nduration = '1m'\n[[phase.workload]]\nkind = 'encrypt-decrypt'\n\
            arrivals = { kind = 'constant', per_second = 0.05 }\n";

    /// A load that was broken off while nothing was due went on until the next call: for twenty seconds at
    /// three calls a minute.
    #[test]
    fn a_wait_is_broken_off() {
        for pacer in [Pacer::HYBRID, Pacer::SPIN] {
            let until = Duration::from_secs(60);
            let pace = Pace { began: Instant::now(), pacer, until, pools: None };
            let mut recorder = Recorder::new();
            let mut times = Vec::new();
            let mut told = |at: Duration, _: &mut Recorder| {
                times.push(at);
                match times.len() {
                    4 => ControlFlow::Break(()),
                    _ => ControlFlow::Continue(()),
                }
            };
            let driven = drive(of_text(SELDOM, 7), &mut Nobody, pace, &mut recorder, &mut told);
            assert_eq!((recorder.answered(), driven.dropped), (1, 0));
            let waited = times.windows(2).map(|pair| pair[1] - pair[0]);
            let waited: Vec<_> = waited.collect();
            assert!(waited.iter().all(|gap| *gap >= GLANCE), "{waited:?}");
            assert!(times[3] < Duration::from_secs(15), "{times:?}");
        }
    }
}
