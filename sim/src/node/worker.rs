//! The worker of a Region: carries out what falls due, by its own clock.
//!
//! It follows the journal like a host. A task that failed, or that left itself due, is tried again
//! later and later; one that was appended is left alone until the entry has come back.

use super::engine::{Engine, Finished, Origin, Settings, Work};
use super::{Alarm, In, Out, arm_settle};
use crate::clock::SimTime;
use crate::driver::{Input, Node, Now};
use crate::fault::Ailment;
use crate::fault::point::Point;
use crate::history::{Event, settle};
use crate::message::Message;
use crate::place::NodeId;
use kms_core::Kms;
use kms_core::env::{Caller, RequestId};
use kms_core::name::{AccountId, PrincipalArn, RegionName};
use kms_core::quota::Meter;
use kms_core::task::Task;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How many tasks are under way at once.
const AT_ONCE: usize = 16;

/// How a worker repeats itself.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The first pause after a failure.
    pub pause: Duration,
    /// The longest.
    pub at_most: Duration,
}

/// What is known of a task that was tried.
#[derive(Clone, Copy, Debug)]
enum Tried {
    /// It is under way, after so many pauses.
    UnderWay { times: u32 },
    /// It was appended there; nothing to do until the log has come back so far.
    Appended(u64),
    /// It did not end it, so many times; not before then again.
    Pause { times: u32, until: SimTime },
}

/// A worker.
pub struct Worker {
    region: RegionName,
    engine: Engine,
    service: Arc<Caller>,
    patience: Patience,
    tried: BTreeMap<Task, Tried>,
    requests: u128,
    armed: Option<u64>,
    paused: Option<SimTime>,
    up: bool,
    settle_at: SimTime,
}

impl Worker {
    /// A worker at this point of its Region's log.
    pub fn new(kms: Kms, patience: Patience, settings: Settings) -> Worker {
        let settle_at = settings.settle_at;
        let principal = PrincipalArn::service("kms.amazonaws.com", AccountId::new(0));
        Worker {
            region: kms.state().region(),
            engine: Engine::new(kms, Meter::off(), settings),
            service: Arc::new(Caller::new(principal)),
            patience,
            tried: BTreeMap::new(),
            requests: 0,
            armed: None,
            paused: None,
            up: false,
            settle_at,
        }
    }

    fn message(&mut self, now: Now, from: NodeId, body: Message, out: &mut Out) {
        let engine = &mut self.engine;
        match body {
            Message::HsmReply { ask, draw, result } => {
                engine.hsm_replied(now, from, ask, draw, result, out);
            }
            Message::RegionReply { ask, result } => engine.region_replied(now, ask, result, out),
            Message::Healthy { ask } => engine.region_is_healthy(now, ask, out),
            Message::KeyStoreReply { ask, result } => {
                engine.key_store_replied(now, ask, result, out);
            }
            Message::Appended { ask, result } => engine.appended(now, ask, result, out),
            Message::Feed(feed) => engine.feed(now, &feed, out),
            _ => {}
        }
    }

    /// Begins what is due, as far as it may, and arms the next look.
    fn work(&mut self, now: Now, out: &mut Out) {
        let position = self.engine.kms.state().position();
        self.tried.retain(|_, tried| !matches!(tried, Tried::Appended(at) if *at <= position));
        let clock = kms_core::Timestamp::from_micros(now.wall_micros);
        let mut resume: Option<SimTime> = None;
        for task in self.engine.kms.advance(clock) {
            match self.tried.get(&task) {
                _ if self.engine.sabotages.forgets_task(now, &task, out) => {}
                Some(Tried::UnderWay { .. } | Tried::Appended(_)) => {}
                Some(Tried::Pause { until, .. }) if *until > now.monotonic => {
                    resume = Some(resume.map_or(*until, |soonest| soonest.min(*until)));
                }
                _ if self.under_way() < AT_ONCE => self.begin(now, task, out),
                _ => {}
            }
        }
        self.arm_pause(now, resume, out);
        self.arm(now, out);
    }

    /// An operator's order is carried out at once, by a worker that is up.
    fn ail(&mut self, now: Now, ailment: Ailment, out: &mut Out) {
        if ailment != Ailment::Hasty {
            return self.engine.ail(ailment);
        }
        if self.up {
            self.requests += 1;
            let id = task_request(now, self.requests);
            self.engine.begin(now, Origin::Own, Work::Rotation, id, self.service.clone(), out);
        }
    }

    fn under_way(&self) -> usize {
        self.tried.values().filter(|tried| matches!(tried, Tried::UnderWay { .. })).count()
    }

    /// Arms one look for the end of the shortest pause. One timer serves all pauses: a timer for each,
    /// armed at each look, would multiply.
    fn arm_pause(&mut self, now: Now, resume: Option<SimTime>, out: &mut Out) {
        let Some(at) = resume else { return };
        if self.paused.is_none_or(|armed| armed <= now.monotonic || at < armed) {
            self.paused = Some(at);
            out.after(at.since(now.monotonic), Alarm::Work.token());
        }
    }

    fn begin(&mut self, now: Now, task: Task, out: &mut Out) {
        self.requests += 1;
        let id = task_request(now, self.requests);
        let times = match self.tried.get(&task) {
            Some(Tried::Pause { times, .. }) => *times,
            _ => 0,
        };
        self.tried.insert(task, Tried::UnderWay { times });
        self.engine.begin(now, Origin::Own, Work::Task(task), id, self.service.clone(), out);
    }

    fn finished(&mut self, now: Now, finished: &Finished, out: &mut Out) {
        let Work::Task(task) = &finished.work else { return };
        let task = *task;
        let error = finished.result.as_ref().as_ref().err().map(|error| error.code);
        out.record(Event::TaskTried {
            region: self.region,
            id: finished.id,
            task: Box::new(task),
            error,
        });
        let tried = match finished.appended {
            Some(_) if error.is_none() && self.repeats(now, finished.id, out) => {
                self.pause(now, task)
            }
            Some(position) if error.is_none() => Tried::Appended(position),
            _ => self.pause(now, task),
        };
        self.tried.insert(task, tried);
    }

    /// Whether a task that is done is done once more.
    fn repeats(&self, now: Now, id: RequestId, out: &mut Out) -> bool {
        self.engine.points.fires(Point::TaskRepeated, now, id.0, out).is_some()
    }

    /// The pause after an attempt that did not end the task: longer each time.
    fn pause(&self, now: Now, task: Task) -> Tried {
        let times = match self.tried.get(&task) {
            Some(Tried::UnderWay { times }) => *times,
            _ => 0,
        };
        let pause = self.patience.pause * 2_u32.saturating_pow(times.min(16));
        let until = now.monotonic.after(pause.min(self.patience.at_most));
        Tried::Pause { times: times + 1, until }
    }

    /// Arms a look for when the next thing falls due by this clock, unless one is armed already.
    fn arm(&mut self, now: Now, out: &mut Out) {
        let next = self.engine.kms.state().due().find(|due| due.at.as_micros() > now.wall_micros);
        let Some(at) = next.map(|due| due.at.as_micros()) else { return };
        if self.armed.is_none_or(|armed| armed <= now.wall_micros || at < armed) {
            self.armed = Some(at);
            out.at_wall(at, Alarm::Work.token());
        }
    }
}

/// Names an attempt of a task; no other attempt of any life has the same name.
fn task_request(now: Now, count: u128) -> RequestId {
    const OF_A_TASK: u128 = 1 << 88;
    let node = u128::from(now.node.0) << 72;
    RequestId(OF_A_TASK | node | u128::from(now.monotonic.nanos()) << 8 | count & 0xff)
}

impl Node for Worker {
    type Message = Message;
    type Event = Event;

    fn handle(&mut self, now: Now, input: In, out: &mut Out) {
        match input {
            Input::Start => {
                self.up = true;
                self.engine.start(out);
                arm_settle(now, self.settle_at, out);
            }
            Input::Message { from, body } => self.message(now, from, body, out),
            Input::Garbled { .. } => {}
            Input::Ail(ailment) => self.ail(now, ailment, out),
            Input::Heal(ailment) => self.engine.heal(ailment),
            Input::Timer(token) => match Alarm::of(token) {
                Alarm::Deadline(kind) => self.engine.deadline(now, kind, out),
                Alarm::Settle => {
                    settle(now, self.engine.kms.state(), self.engine.kms.tokens(), out);
                }
                _ => {}
            },
        }
        while self.up {
            while let Some(finished) = self.engine.next_finished() {
                self.finished(now, &finished, out);
            }
            self.work(now, out);
            if !self.engine.has_finished() {
                break;
            }
        }
    }

    fn crash(&mut self) {
        self.up = false;
        self.engine.crash();
        self.tried.clear();
        self.armed = None;
        self.paused = None;
    }
}
