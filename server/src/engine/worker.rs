//! The worker: carries out what falls due in every Region, by the clock, on a thread of its own.
//!
//! A task that fails, or that leaves itself due, is tried again after a pause, later each time.

use super::{Engine, NetworkPath, Region, Work, lock};
use kms_core::Timestamp;
use kms_core::name::RegionName;
use kms_core::task::Task;
use kms_core::usage::FLUSH_INTERVAL;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The first pause after a failure.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Wakes the worker.
#[derive(Default)]
pub(super) struct Bell {
    rung: Mutex<Rung>,
    heard: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rung {
    #[default]
    Silent,
    Changed,
    Stop,
}

impl Bell {
    /// Something changed; something may be due.
    pub(super) fn ring(&self) {
        let mut rung = lock(&self.rung);
        if *rung == Rung::Silent {
            *rung = Rung::Changed;
            self.heard.notify_one();
        }
    }

    fn stop(&self) {
        *lock(&self.rung) = Rung::Stop;
        self.heard.notify_one();
    }

    /// Waits at most so long; whether to go on.
    fn wait(&self, at_most: Duration) -> bool {
        let silent = |rung: &mut Rung| *rung == Rung::Silent;
        let waited = self.heard.wait_timeout_while(lock(&self.rung), at_most, silent);
        let mut rung = waited.unwrap_or_else(PoisonError::into_inner).0;
        if *rung == Rung::Changed {
            *rung = Rung::Silent;
        }
        *rung != Rung::Stop
    }
}

/// A worker's thread; it ends when this is dropped.
pub struct Worker {
    engine: Arc<Engine>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the worker of an engine. What fell due while nothing ran is carried out before this
    /// returns.
    pub fn start(engine: Arc<Engine>) -> Worker {
        let mut round = Round::new(engine.clone());
        let bell = engine.clone();
        let mut pause = round.work();
        let work = move || {
            while bell.changed.wait(pause) {
                pause = round.work();
            }
        };
        Worker { engine, thread: Some(std::thread::spawn(work)) }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.engine.changed.stop();
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has nothing to say that matters now.
            let _ = thread.join();
        }
        self.engine.flush_uses();
    }
}

/// How a task failed so far.
#[derive(Clone, Copy, Debug)]
struct Pause {
    until: Timestamp,
    length: Duration,
}

struct Round {
    engine: Arc<Engine>,
    pauses: BTreeMap<(RegionName, Task), Pause>,
    flushed: Timestamp,
}

impl Round {
    fn new(engine: Arc<Engine>) -> Round {
        let flushed = engine.now();
        Round { engine, pauses: BTreeMap::new(), flushed }
    }

    /// Carries out what is due; how long until something may be due again.
    fn work(&mut self) -> Duration {
        let now = self.engine.now();
        self.pauses.retain(|_, pause| pause.until.after(LONGEST_PAUSE) > now);
        if now.since(self.flushed) >= FLUSH_INTERVAL {
            self.flushed = now;
            self.engine.flush_uses();
        }
        let engine = self.engine.clone();
        for region in engine.regions.values() {
            self.work_in(region, now);
        }
        let next = engine.regions.values().filter_map(|region| region.next_due(now));
        let paused = self.pauses.values().map(|pause| pause.until).filter(|until| *until > now);
        let flush = self.flushed.after(FLUSH_INTERVAL);
        let next = next.chain(paused).fold(flush, Timestamp::min);
        next.since(self.engine.now()).max(Duration::from_millis(1))
    }

    fn work_in(&mut self, region: &Region, now: Timestamp) {
        for task in region.due(now) {
            let named = (region.name, task);
            let pause = self.pauses.get(&named).copied();
            if pause.is_some_and(|pause| pause.until > now) {
                continue;
            }
            if self.engine.carry_out(region.name, &task) {
                self.pauses.remove(&named);
            } else {
                let length = pause.map_or(FIRST_PAUSE, |pause| pause.length * 2).min(LONGEST_PAUSE);
                self.pauses.insert(named, Pause { until: now.after(length), length });
            }
        }
    }
}

impl Engine {
    /// Carries out a task; whether it changed anything.
    fn carry_out(&self, region: RegionName, task: &Task) -> bool {
        let work = Work::Task(task);
        let outcome =
            self.run(region, self.call(self.service.clone(), NetworkPath::default()), work);
        outcome.append.is_some() && outcome.result.is_ok()
    }

    /// Writes down which keys were used, in every Region.
    fn flush_uses(&self) {
        let now = self.now();
        self.regions.values().for_each(|region| region.flush_uses(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Asker, Configuration};
    use crate::identity::Identities;
    use kms_core::key::KeyState;
    use kms_core::ops::{Request, Response, create_key, describe_key, replicate_key};
    use std::time::Instant;

    fn call(engine: &Engine, region: RegionName, request: impl Into<Request>) -> Response {
        let caller = Identities::development().first().clone();
        let asker = Asker::new(caller);
        engine.answer(region, asker, &request.into()).result.expect("an answer")
    }

    #[test]
    fn a_replica_becomes_usable_by_itself() {
        let [home, away] = ["us-east-1", "eu-west-1"].map(|name| RegionName::parse(name).unwrap());
        let configuration = Configuration { regions: vec![home, away], ..Default::default() };
        let engine = Arc::new(Engine::new(configuration));
        let worker = Worker::start(engine.clone());
        let request = create_key::Request { multi_region: true, ..Default::default() };
        let Response::CreateKey(created) = call(&engine, home, request) else { panic!() };
        let key = created.key_metadata.arn;
        call(&engine, home, replicate_key::Request::new(key, away));
        let replica = kms_core::name::KeyArn { region: away, ..key };
        let started = Instant::now();
        loop {
            let request =
                describe_key::Request { key_id: replica.into(), grant_tokens: Default::default() };
            let Response::DescribeKey(described) = call(&engine, away, request) else { panic!() };
            if described.key_metadata.key_state == KeyState::Enabled {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{described:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        drop(worker);
    }
}
