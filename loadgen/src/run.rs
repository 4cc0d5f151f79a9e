//! A whole load: threads that drive, one that gathers what they measured.

use crate::drive::{Driven, Pace, Target, drive};
use crate::gather::{Gathered, Moment, Part, Schedule, gather};
use crate::http::{self, Endpoint, Ledger, Letterhead, Signers};
use crate::in_process::{self, InProcess};
use crate::outcome::Quota;
use crate::pacer::Pacer;
use crate::pools::Pools;
use crate::processor;
use crate::recorder::Recorder;
use crate::rota::Rota;
use crate::shape::offered;
use crate::trace::Trace;
use kms_core::crypto::{CryptoBackend, Production};
use kms_core::quota::Share;
use scenarios::{KeyBook, Scenario};
use sim::history::History;
use sim::oracle::Judged;
use sim::random::Seed;
use sim::run::Scene;
use sim::stage::{Stage, players};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

/// How many recorders a thread keeps to be filled next.
const SPARE: usize = 2;

/// How long calls are still sent that were due before the schedule ended.
const DRAIN: Duration = Duration::from_secs(10);

/// What is to be run.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The scenario, in the shape of the load.
    pub scenario: &'a Scenario,
    /// The seed of keys and schedule.
    pub seed: Seed,
    /// Who answers.
    pub service: Service<'a>,
    /// How many threads drive; at least one.
    pub threads: usize,
    /// How threads wait.
    pub pacer: Pacer,
    /// The quotas that the load is held against.
    pub pools: Option<&'a Pools>,
    /// The intended starts, instead of the scenario's arrivals.
    pub trace: Option<&'a Trace>,
}

/// Who answers a load.
#[derive(Clone, Copy)]
pub enum Service<'a> {
    /// The core in this process, one a thread.
    InProcess {
        /// The library that does the cryptography.
        backend: Production,
        /// What is watched beside the clock.
        watch: Watch,
    },
    /// An endpoint.
    Http {
        /// Where it is.
        endpoint: &'a Endpoint,
        /// The keys that were made there, by [`found`](crate::found).
        book: &'a Arc<KeyBook>,
        /// Where the keys are written down that the load makes.
        ledger: &'a Ledger,
    },
}

/// What is watched in process, beside the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Nothing.
    Nothing,
    /// The scenario's request quotas, which are in force.
    Quotas,
    /// Everything that the oracles can judge.
    Oracles,
}

/// What a run came to.
pub struct Ran {
    /// What was measured.
    pub gathered: Gathered,
    /// Intended starts that were never sent.
    pub dropped: u64,
    /// From the beginning to the last answer.
    pub took: Duration,
    /// How long the threads were on a processor, all together; absent where the system does not tell.
    pub processor: Option<Duration>,
    /// What was drawn from each quota that the load is held against.
    pub quotas: Vec<Quota>,
    /// What the oracles say of each thread's core, where they were asked.
    pub judged: Vec<Judged>,
}

/// What became of a thread.
struct Done {
    driven: Driven,
    judged: Vec<Judged>,
}

/// Runs a load until its schedule is over or `stop` is set; `each` hears of every second.
///
/// # Errors
/// When a request of the set-up is refused, the endpoint cannot be reached, or the scenario has too many
/// clients.
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
                let place = Place { number, of: threads, ready, began, stop };
                scope.spawn(move || match order.service {
                    Service::InProcess { backend, watch: Watch::Oracles } => {
                        judged(order, place, parts, backend)
                    }
                    Service::InProcess { backend, watch } => {
                        unwatched(order, place, parts, (backend, watch))
                    }
                    Service::Http { endpoint, book, ledger } => {
                        over_http(order, place, parts, (endpoint, book, ledger))
                    }
                })
            })
            .collect();
        drop(parts);
        let offered = |second| match order.trace {
            Some(trace) => trace.offered(second),
            None => offered(order.scenario, second),
        };
        let schedule = Schedule { lasts: order.scenario.storm(), offered: &offered, stop };
        let mut gathered = gather(&schedule, &gathered, &began, each);
        let quotas = match order.pools {
            Some(pools) => pools.sum_up(&mut gathered),
            None => {
                gathered.samples.iter_mut().for_each(|sample| sample.pooled.clear());
                Vec::new()
            }
        };
        let (dropped, took, processor, judged) = (0, Duration::ZERO, None, Vec::new());
        let mut ran = Ran { gathered, dropped, took, processor, quotas, judged };
        for driver in drivers {
            let done = driver.join().map_err(|_| "a thread broke down".to_owned());
            let Done { driven, judged } = done??;
            ran.judged.extend(judged);
            ran.dropped += driven.dropped;
            ran.took = ran.took.max(driven.last);
            ran.processor = match (ran.processor, driven.processor) {
                (Some(sum), Some(part)) => Some(sum + part),
                (sum, part) => sum.or(part),
            };
        }
        Ok(ran)
    })
}

/// A thread among those of a run.
#[derive(Clone, Copy)]
struct Place<'a> {
    number: usize,
    of: usize,
    ready: &'a Barrier,
    began: &'a OnceLock<Instant>,
    stop: &'a AtomicBool,
}

impl Place<'_> {
    /// When the run began, once all threads are ready; one that cannot drive lets the others go.
    fn begin<'o>(&self, order: Order<'o>) -> Pace<'o> {
        self.ready.wait();
        let began = *self.began.get_or_init(Instant::now);
        let until = order.scenario.storm() + DRAIN;
        Pace { began, pacer: order.pacer, until, pools: order.pools }
    }

    /// The clients of this thread, dealt in turn.
    fn rota(&self, order: Order<'_>, book: &Arc<KeyBook>) -> Result<Rota, String> {
        let mut all = players(order.scenario, book)?;
        if let Some(trace) = order.trace {
            trace.deal(&mut all)?;
        }
        let all = all.into_iter().enumerate();
        let mine = all.filter(|(client, _)| client % self.of == self.number);
        Ok(Rota::new(order.seed, book.clone(), mine.map(|(_, player)| player).collect()))
    }
}

fn unwatched(
    order: Order<'_>,
    place: Place<'_>,
    parts: SyncSender<Part>,
    (backend, watch): (Production, Watch),
) -> Result<Done, String> {
    let made = InProcess::new(order.scenario, order.seed, backend).and_then(|mut target| {
        if watch == Watch::Quotas {
            let share = Share { index: place.number as u64, of: place.of as u64 };
            target.meter(order.scenario, share);
        }
        Ok((place.rota(order, &target.book())?, target))
    });
    let pace = place.begin(order);
    let (rota, mut target) = made?;
    let driven = play(rota, &mut target, pace, Diary::new(parts, place.stop));
    Ok(Done { driven, judged: Vec::new() })
}

/// A core that the oracles hear. Each thread has its own, and judges of its own.
fn judged(
    order: Order<'_>,
    place: Place<'_>,
    parts: SyncSender<Part>,
    backend: Production,
) -> Result<Done, String> {
    let backend: Arc<dyn CryptoBackend> = Arc::new(backend);
    let mut history = History::default();
    let made = Scene::of_load(order.scenario, order.seed).and_then(|scene| {
        let stage = Stage::set_before(order.scenario, order.seed, &backend, &mut history)?;
        let rota = place.rota(order, &stage.book)?;
        Ok((scene, stage, rota))
    });
    let (scene, stage, rota) = match made {
        Ok(made) => made,
        Err(why) => {
            place.begin(order);
            return Err(why);
        }
    };
    let Stage { local, principals, .. } = stage;
    // Hearing how the stage was set is no part of the load.
    let mut target = in_process::Judged::new(local, &scene, &principals, &mut history);
    let pace = place.begin(order);
    let driven = play(rota, &mut target, pace, Diary::new(parts, place.stop));
    Ok(Done { driven, judged: target.judged() })
}

/// Drives one target in this thread.
fn play(rota: Rota, target: &mut dyn Target, pace: Pace<'_>, mut diary: Diary<'_>) -> Driven {
    let mut recorder = Recorder::new();
    let mut told = |at: Duration, recorder: &mut Recorder| diary.told(at, recorder);
    let before = processor::time();
    let mut driven = drive(rota, target, pace, &mut recorder, &mut told);
    driven.processor = processor::since(before);
    diary.hand_in(&mut recorder);
    driven
}

fn over_http(
    order: Order<'_>,
    place: Place<'_>,
    parts: SyncSender<Part>,
    (endpoint, book, ledger): (&Endpoint, &Arc<KeyBook>, &Ledger),
) -> Result<Done, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let made = runtime.map_err(|error| format!("no runtime: {error}")).and_then(|runtime| {
        let connections = runtime.block_on(http::connect(endpoint))?;
        Ok((place.rota(order, book)?, Letterhead::new(endpoint)?, connections, runtime))
    });
    let pace = place.begin(order);
    let (rota, letterhead, connections, runtime) = made?;
    let signers = Signers::new(endpoint.credentials.clone());
    let mut diary = Diary::new(parts, place.stop);
    let mut told = |at: Duration, recorder: &mut Recorder| diary.told(at, recorder);
    let playing = http::drive((rota, signers, ledger), &letterhead, connections, pace, &mut told);
    let before = processor::time();
    let (mut driven, mut recorder) = runtime.block_on(playing);
    driven.processor = processor::since(before);
    diary.hand_in(&mut recorder);
    Ok(Done { driven, judged: Vec::new() })
}

/// What a thread gives away of its measurements, and when. Recorders come back, so that a run allocates
/// none after its first seconds.
struct Diary<'a> {
    parts: SyncSender<Part>,
    back: SyncSender<Box<Recorder>>,
    spare: Receiver<Box<Recorder>>,
    stop: &'a AtomicBool,
    second: u64,
    until: Duration,
}

impl<'a> Diary<'a> {
    fn new(parts: SyncSender<Part>, stop: &'a AtomicBool) -> Diary<'a> {
        let (back, spare) = sync_channel(SPARE);
        let _ = back.try_send(Box::default());
        Diary { parts, back, spare, stop, second: 0, until: Duration::ZERO }
    }

    /// Once a second a thread gives its measurements away; all other calls only look here.
    fn told(&mut self, at: Duration, recorder: &mut Recorder) -> ControlFlow<()> {
        if at.as_secs() != self.second {
            self.hand_in(recorder);
            self.second = at.as_secs();
        }
        self.until = at;
        match self.stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    fn hand_in(&self, recorder: &mut Recorder) {
        let mut given = self.spare.try_recv().unwrap_or_default();
        std::mem::swap(&mut *given, recorder);
        let (second, until) = (self.second, self.until);
        let part = Part { second, until, recorder: given, back: self.back.clone() };
        // Nobody gathers any more only when the run is over.
        let _ = self.parts.send(part);
    }
}
