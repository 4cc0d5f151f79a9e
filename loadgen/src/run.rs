//! A whole load in process: threads that drive, one that gathers what they measured.

use crate::drive::{Pace, drive};
use crate::in_process::InProcess;
use crate::outcome::Sample;
use crate::pacer::Pacer;
use crate::recorder::Recorder;
use crate::rota::Rota;
use crate::shape::offered;
use kms_core::crypto::Production;
use kms_core::quota::Share;
use scenarios::Scenario;
use sim::random::Seed;
use sim::stage::players;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How long calls are still sent that were due before the schedule ended.
const DRAIN: Duration = Duration::from_secs(10);
/// A second is told this much after it ended, so that every thread has handed in its part.
const SETTLED: u64 = 1;

/// What is to be run.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The scenario, in the shape of the load.
    pub scenario: &'a Scenario,
    /// The seed of keys and schedule.
    pub seed: Seed,
    /// The library that does the cryptography.
    pub backend: Production,
    /// How many threads drive, each with a core of its own; at least one.
    pub threads: usize,
    /// Whether the scenario's request quotas are in force.
    pub quota: bool,
    /// How threads wait.
    pub pacer: Pacer,
}

/// How far a run is.
pub struct Moment<'a> {
    /// Since the run began.
    pub at: Duration,
    /// The last whole second.
    pub sample: &'a Sample,
}

/// What a run came to.
pub struct Ran {
    /// Everything together.
    pub whole: Recorder,
    /// Second by second.
    pub samples: Vec<Sample>,
    /// Intended starts that were never sent.
    pub dropped: u64,
    /// From the beginning to the last answer.
    pub took: Duration,
}

/// What a thread measured in a second.
struct Part {
    second: u64,
    recorder: Box<Recorder>,
}

/// Runs a load until its schedule is over or `stop` is set; `each` hears of every second.
///
/// # Errors
/// When a request of the set-up is refused, or the scenario has too many clients.
pub fn run(
    order: Order<'_>,
    stop: &AtomicBool,
    each: &mut dyn FnMut(&Moment<'_>),
) -> Result<Ran, String> {
    let threads = order.threads.max(1);
    let (ready, began) = (Barrier::new(threads), OnceLock::new());
    let (parts, gathered) = sync_channel(threads * 4);
    thread::scope(|scope| {
        let drivers: Vec<_> = (0..threads)
            .map(|number| {
                let (ready, began, parts) = (&ready, &began, parts.clone());
                scope.spawn(move || {
                    let made = set_up(order, number, threads);
                    ready.wait();
                    let began = *began.get_or_init(Instant::now);
                    let driver = Driver { order, began, stop, parts };
                    made.map(|(rota, target)| driver.run(rota, target))
                })
            })
            .collect();
        drop(parts);
        let (whole, samples) = gather(order.scenario, &gathered, &began, each);
        let mut ran = Ran { whole, samples, dropped: 0, took: Duration::ZERO };
        for driver in drivers {
            let ended = driver.join().map_err(|_| "a thread broke down".to_owned());
            let (dropped, ended) = ended??;
            ran.dropped += dropped;
            ran.took = ran.took.max(ended);
        }
        Ok(ran)
    })
}

/// The clients of one thread, dealt in turn, and the core they call.
fn set_up(order: Order<'_>, number: usize, of: usize) -> Result<(Rota, InProcess), String> {
    let mut target = InProcess::new(order.scenario, order.seed, order.backend)?;
    if order.quota {
        target.meter(order.scenario, Share { index: number as u64, of: of as u64 });
    }
    let all = players(order.scenario, &target.book())?.into_iter().enumerate();
    let mine = all.filter(|(client, _)| client % of == number).map(|(_, player)| player);
    Ok((Rota::new(order.seed, target.book(), mine.collect()), target))
}

/// A thread that drives.
struct Driver<'a> {
    order: Order<'a>,
    began: Instant,
    stop: &'a AtomicBool,
    parts: SyncSender<Part>,
}

impl Driver<'_> {
    /// How many starts were dropped, and when the last answer came.
    fn run(self, rota: Rota, mut target: InProcess) -> (u64, Duration) {
        let until = self.order.scenario.storm() + DRAIN;
        let pace = Pace { began: self.began, pacer: self.order.pacer, until };
        let (mut second, mut last) = (0, Duration::ZERO);
        let mut recorder = Recorder::new();
        let mut told = |at: Duration, recorder: &mut Recorder| {
            last = at;
            // Once a second a thread gives its measurements away; all other calls only look here.
            if at.as_secs() != second {
                self.hand_in(second, recorder);
                second = at.as_secs();
            }
            match self.stop.load(Ordering::Relaxed) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let dropped = drive(rota, &mut target, pace, &mut recorder, &mut told);
        self.hand_in(second, &mut recorder);
        (dropped, last)
    }

    fn hand_in(&self, second: u64, recorder: &mut Recorder) {
        let part = Part { second, recorder: Box::new(std::mem::take(recorder)) };
        // Nobody gathers any more only when the run is over.
        let _ = self.parts.send(part);
    }
}

/// Adds up what threads hand in, and tells of each second once it has settled.
fn gather(
    scenario: &Scenario,
    parts: &Receiver<Part>,
    began: &OnceLock<Instant>,
    each: &mut dyn FnMut(&Moment<'_>),
) -> (Recorder, Vec<Sample>) {
    let mut whole = Recorder::new();
    let mut seconds: BTreeMap<u64, Recorder> = BTreeMap::new();
    let mut samples = Vec::new();
    loop {
        let part = parts.recv_timeout(Duration::from_millis(100));
        let at = began.get().map_or(Duration::ZERO, Instant::elapsed);
        let over = matches!(part, Err(RecvTimeoutError::Disconnected));
        if let Ok(Part { second, recorder }) = part {
            whole.add(&recorder);
            seconds.entry(second).or_default().add(&recorder);
        }
        while let Some(entry) = seconds.first_entry()
            && (over || entry.key() + SETTLED < at.as_secs())
        {
            let (second, recorder) = entry.remove_entry();
            let sample = Sample::of(second, offered(scenario, second), &recorder);
            each(&Moment { at, sample: &sample });
            samples.push(sample);
        }
        if over {
            return (whole, samples);
        }
    }
}
