//! Takes work from its decision to its end: decides, asks, appends, decides again.
//!
//! Hosts run it for requests of clients and of other Regions, workers for tasks. Between the decision
//! and the append anything may happen: that window is where the races live, and the journal's
//! preconditions close it. An answer that a peer gave is kept, so that deciding again does not make
//! an HSM generate a key twice.

mod appending;
mod asking;
mod consent;
mod fleet;
mod session;
mod settings;
mod uses;
mod waiting;

pub(crate) use asking::asker;
pub use settings::{Limits, Peers, Settings};
use waiting::no_answer;

use self::consent::Consents;
use self::session::Sessions;
use super::deadlines::Deadlines;
use super::follower::Follower;
use super::{NamedRandom, Out, monotonic};
use crate::clock::SimTime;
use crate::driver::Now;
use crate::fault::point::Points;
use crate::fault::{Ailment, Ailments};
use crate::history::{Audited, Event};
use crate::message::{AskId, Feed};
use crate::place::NodeId;
use crate::random::Seed;
use crate::sabotage::{Miscount, Sabotages};
use kms_core::env::{Call, Caller, CallingService, NetworkPath, RequestId, Timestamp};
use kms_core::error::{Error, ErrorCode};
use kms_core::hsm::Fleet;
use kms_core::multi_region::RegionCommand;
use kms_core::name::RegionName;
use kms_core::ops::{Request, Response};
use kms_core::quota::Meter;
use kms_core::step::{Answers, Append, Ask, Outcome, Reply, Step, Then};
use kms_core::task::Task;
use kms_core::usage::UseRecorder;
use kms_core::{Kms, Result as KmsResult};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// A client's request, and the AWS service that makes or forwards it.
    Request(Arc<Request>, Option<Arc<CallingService>>),
    /// Another Region's command.
    Command(Arc<RegionCommand>),
    /// Something that is due.
    Task(Task),
    /// An operator's order to rotate the domain key.
    Rotation,
    /// Writing down which keys were used.
    Uses,
    /// Beginning a session with the HSMs.
    Session,
}

impl Work {
    fn service(&self) -> Option<CallingService> {
        match self {
            Work::Request(_, service) => service.as_deref().cloned(),
            _ => None,
        }
    }
}

/// Who hears what came of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// A client.
    Client(NodeId),
    /// A host or worker of another Region.
    Peer(NodeId, AskId),
    /// This node itself.
    Own,
}

/// Work that is over.
pub(super) struct Finished {
    pub(super) origin: Origin,
    pub(super) work: Work,
    pub(super) id: RequestId,
    pub(super) result: Arc<KmsResult<Response>>,
    /// The state it was decided on.
    pub(super) position: u64,
    /// The clock it was decided by.
    pub(super) decided: Timestamp,
    /// The pool that the last decision was refused by, if it was refused.
    pub(super) refused: Option<&'static str>,
    /// Where its changes are in the log, if it made any.
    pub(super) appended: Option<u64>,
    /// The record of it, if it is a request of which none is in the log.
    pub(super) audit: Option<Audited>,
}

struct Operation {
    origin: Origin,
    work: Work,
    call: Call,
    answers: Answers,
    position: u64,
    refused: Option<&'static str>,
    audit: Option<Audited>,
    asked: u32,
    stage: Stage,
}

enum Stage {
    Deciding,
    Asking { question: Ask, then: Then, attempt: u32, peer: NodeId },
    AskingHsm(fleet::HsmQuestion),
    Appending { append: Arc<Append>, result: Arc<KmsResult<Response>>, attempt: u32 },
    CatchingUp { head: Option<u64>, question: u64 },
}

/// The shell of the core on one node.
pub(super) struct Engine {
    pub(super) kms: Kms,
    pub(super) meter: Meter,
    peers: Peers,
    limits: Limits,
    seed: Seed,
    follower: Follower,
    pub(super) points: Points,
    pub(super) sabotages: Sabotages,
    consents: Consents,
    sessions: Sessions,
    ailments: Ailments,
    uses: UseRecorder,
    settle_at: SimTime,
    /// Behind pointers: each is filed and taken out several times.
    operations: BTreeMap<AskId, Box<Operation>>,
    /// The requests under way.
    active: BTreeSet<RequestId>,
    /// Regions that left the last question without an answer.
    silent: BTreeSet<RegionName>,
    deadlines: Deadlines,
    /// What is known of the HSMs.
    fleet: Fleet,
    /// Questions beside the one that an operation is filed under, and that one.
    hedges: BTreeMap<AskId, AskId>,
    next: AskId,
    finished: VecDeque<Finished>,
}

impl Engine {
    pub(super) fn new(kms: Kms, meter: Meter, settings: Settings) -> Engine {
        let Settings { peers, limits, points, sabotages, operator, backend, seed, settle_at } =
            settings;
        Engine {
            fleet: Fleet::new(peers.hsms.len(), limits.fleet),
            hedges: BTreeMap::new(),
            kms,
            meter,
            peers,
            limits,
            seed,
            follower: Follower::default(),
            points,
            sabotages,
            sessions: Sessions::of(operator.clone(), backend),
            consents: Consents::of(operator),
            ailments: Ailments::default(),
            uses: UseRecorder::default(),
            settle_at,
            operations: BTreeMap::new(),
            active: BTreeSet::new(),
            silent: BTreeSet::new(),
            deadlines: Deadlines::default(),
            next: 0,
            finished: VecDeque::new(),
        }
    }

    /// Loses what was under way. What follows the journal is on a disk or can be fetched again, and
    /// is kept; numbers go on, so that late answers to the former life mean nothing.
    pub(super) fn crash(&mut self) {
        self.operations.clear();
        self.active.clear();
        self.silent.clear();
        self.deadlines.clear();
        self.hedges.clear();
        self.consents.clear();
        self.sessions.clear();
        self.uses = UseRecorder::default();
        self.fleet.restart();
        self.finished.clear();
    }

    /// Something is wrong with this machine from now on.
    pub(super) fn ail(&mut self, ailment: Ailment) {
        self.ailments.begin(ailment);
        self.measure_quotas();
    }

    /// That is over.
    pub(super) fn heal(&mut self, ailment: Ailment) {
        self.ailments.end(ailment);
        self.measure_quotas();
    }

    /// Of several changes of the quotas the one that came last holds.
    fn measure_quotas(&mut self) {
        let changed = self.ailments.figures(|ailment| match ailment {
            Ailment::Quota(permille) => Some(permille),
            _ => None,
        });
        self.meter.multiply(changed.last().map_or(1.0, |permille| f64::from(permille) / 1_000.0));
    }

    /// Begins to follow the journal.
    pub(super) fn start(&mut self, out: &mut Out) {
        self.follower.ask(&self.kms, self.peers.journal, out);
    }

    /// Begins work.
    pub(super) fn begin(
        &mut self,
        now: Now,
        origin: Origin,
        work: Work,
        id: RequestId,
        caller: Arc<Caller>,
        out: &mut Out,
    ) {
        if !self.active.insert(id) {
            // A second copy of a message: the first one will be answered.
            return;
        }
        let call = Call {
            request_id: id,
            caller,
            service: work.service(),
            network: NetworkPath::default(),
            now: Timestamp::from_micros(now.wall_micros),
            monotonic: monotonic(now),
            decision: 0,
            caught_up: false,
        };
        let position = self.kms.state().position();
        let (answers, stage) = (Answers::default(), Stage::Deciding);
        let (asked, refused, audit) = (0, None, None);
        let operation = Box::new(Operation {
            origin,
            work,
            call,
            answers,
            position,
            refused,
            audit,
            asked,
            stage,
        });
        if self.operations.len() >= self.limits.in_flight {
            let busy = ErrorCode::KmsInternal.says("The service is busy. Try again.");
            return self.fail(operation, busy);
        }
        self.decide(now, operation, out);
    }

    /// Something that has ended meanwhile, in the order in which it did.
    pub(super) fn next_finished(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }

    /// Whether something ended meanwhile.
    pub(super) fn has_finished(&self) -> bool {
        !self.finished.is_empty()
    }

    /// Takes over what the journal sent; whoever waited for it decides again.
    pub(super) fn feed(&mut self, now: Now, feed: &Feed, out: &mut Out) {
        let heard = (feed, &self.sabotages);
        self.follower.take(now, &mut self.kms, heard, self.peers.journal, out);
        let reached = self.kms.state().position();
        let ready = |operation: &Operation| match operation.stage {
            Stage::CatchingUp { head: Some(head), .. } => head <= reached,
            // Only an answer to its own question, or a later one, says where the journal is by now.
            Stage::CatchingUp { head: None, question } => {
                question <= feed.answers && feed.head <= reached
            }
            _ => false,
        };
        let waiting = self.operations.iter().filter(|(_, operation)| ready(operation));
        for ask in waiting.map(|(ask, _)| *ask).collect::<Vec<_>>() {
            if let Some(mut operation) = self.operations.remove(&ask) {
                operation.call.caught_up = true;
                self.decide(now, operation, out);
            }
        }
    }

    fn decide(&mut self, now: Now, mut operation: Box<Operation>, out: &mut Out) {
        let call = &mut operation.call;
        call.now = Timestamp::from_micros(now.wall_micros);
        call.monotonic = monotonic(now);
        operation.position = self.kms.state().position();
        let mut random = NamedRandom::new(self.seed, now.node, call.request_id, 0);
        let shown = self.sabotages.decide(now, call, out);
        let call = shown.as_ref().unwrap_or(call);
        let before = self.sabotages.miscount().then(|| self.meter.clone());
        let (kms, meter) = (&self.kms, &mut self.meter);
        let step = match &operation.work {
            Work::Request(request, _) => kms.decide(call, request, meter, &mut random),
            Work::Command(command) => kms.serve(call, command, meter, &mut random),
            Work::Task(task) => kms.carry_out(call, task, &mut random),
            // There is nothing to decide about it.
            Work::Uses | Work::Session => return self.fail(operation, no_answer()),
            Work::Rotation => kms.rotate_domain_key(call, &mut random),
        };
        operation.refused = self.meter.last_refused();
        self.admitted(now, &operation, before, out);
        self.advance(now, operation, step, out);
    }

    /// Records what the last decision charged, which planted bugs then count otherwise.
    fn admitted(&mut self, now: Now, operation: &Operation, before: Option<Meter>, out: &mut Out) {
        let admitted = self.meter.take_admitted();
        if admitted.is_empty() {
            return;
        }
        for (account, pool) in admitted {
            out.record(Event::Admitted { account, pool });
        }
        let Operation { call, work: Work::Request(request, _), .. } = operation else { return };
        match self.sabotages.admitted(now, call.request_id, out) {
            Miscount::None => {}
            Miscount::Never => self.meter = before.unwrap_or_else(|| self.meter.clone()),
            Miscount::Times(times) => {
                let mut random = NamedRandom::new(self.seed, now.node, call.request_id, 0);
                for _ in 0..times {
                    drop(self.kms.decide(call, request, &mut self.meter, &mut random));
                }
                self.meter.take_admitted();
            }
        }
    }

    fn advance(&mut self, now: Now, mut operation: Box<Operation>, mut step: Step, out: &mut Out) {
        loop {
            match step {
                Step::Done(outcome) => return self.conclude(now, operation, outcome, out),
                Step::CatchUp => return self.catch_up(now, operation, None, out),
                Step::Ask(question, then) => {
                    let active = self.kms.state().active_domain_key();
                    let Some(reply) = operation.answers.to(&question, active) else {
                        return self.ask(now, operation, question, then, out);
                    };
                    let reply = reply.clone();
                    step = self.resume(now, &mut operation, then, reply);
                }
            }
        }
    }

    fn resume(&mut self, now: Now, operation: &mut Operation, then: Then, reply: Reply) -> Step {
        operation.asked += 1;
        let attempt = operation.asked;
        let id = operation.call.request_id;
        let mut random = NamedRandom::new(self.seed, now.node, id, attempt);
        then.resume(reply, &self.kms, &operation.call, &mut random)
    }

    fn conclude(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        outcome: Box<Outcome>,
        out: &mut Out,
    ) {
        if outcome.append.is_none() && matches!(operation.work, Work::Request(..)) {
            self.note_use(now, &outcome, out);
        }
        let Outcome { result, append, audit } = *outcome;
        let key = audit.keys.first().map(|key| key.id);
        let (request, name, error) = (operation.call.request_id, audit.operation, audit.error);
        let billed = audit.billed;
        operation.audit = matches!(operation.work, Work::Request(..)).then_some(Audited {
            request,
            operation: name,
            key,
            billed,
            error,
        });
        let result = Arc::new(result);
        match append.filter(|_| result.is_ok()) {
            None => self.finish(operation, result, None),
            Some(mut append) => {
                let what = (request, name);
                if !self.sabotages.append(now, what, &mut append, out) {
                    return self.finish(operation, result, None);
                }
                operation.stage = Stage::Appending { append: Arc::new(append), result, attempt: 0 };
                self.send_append(now, operation, out);
            }
        }
    }

    /// Ends an operation with an error that no decision came to.
    fn fail(&mut self, mut operation: Box<Operation>, error: Error) {
        operation.audit = None;
        self.finish(operation, Arc::new(Err(error)), None);
    }

    fn finish(
        &mut self,
        operation: Box<Operation>,
        result: Arc<KmsResult<Response>>,
        appended: Option<u64>,
    ) {
        let Operation { origin, work, call, position, refused, audit, .. } = *operation;
        let (id, decided) = (call.request_id, call.now);
        self.active.remove(&id);
        let audit = match &work {
            Work::Request(request, _) if appended.is_none() => audit.or_else(|| {
                let error = result.as_ref().as_ref().err().map(|error| error.code);
                let operation = request.operation().name();
                Some(Audited { request: id, operation, key: None, billed: None, error })
            }),
            _ => None,
        };
        self.finished.push_back(Finished {
            origin,
            work,
            id,
            result,
            position,
            decided,
            refused,
            appended,
            audit,
        });
    }
}

#[cfg(test)]
mod tests;
