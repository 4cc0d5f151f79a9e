//! Takes work from its decision to its end: decides, asks, appends, decides again.
//!
//! Hosts run it for requests of clients and of other Regions, workers for tasks. Between the decision
//! and the append anything may happen: that window is where the races live, and the journal's
//! preconditions close it. An answer that a peer gave is kept, so that deciding again does not make
//! an HSM generate a key twice.

use super::deadlines::{Deadlines, Wait};
use super::follower::Follower;
use super::{NamedRandom, Out, monotonic};
use crate::clock::SimTime;
use crate::driver::Now;
use crate::history::Event;
use crate::message::{AskId, Feed, Message};
use crate::place::NodeId;
use crate::random::{Name, Seed, Site, Stream};
use crate::sabotage::Sabotages;
use kms_core::env::{Call, Caller, NetworkPath, RequestId, Timestamp};
use kms_core::error::{Error, ErrorCode};
use kms_core::hsm::{self, Fault, Mandate, OperatorKey};
use kms_core::key_store;
use kms_core::multi_region::{RegionCommand, RegionReply};
use kms_core::name::RegionName;
use kms_core::ops::{Request, Response};
use kms_core::quota::Meter;
use kms_core::step::{Append, Ask, Conflict, Outcome, Reply, Step, Then};
use kms_core::task::Task;
use kms_core::token::DomainEpoch;
use kms_core::{Kms, Result as KmsResult};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

const ROUTE: Site = Site::new("route");

/// How long and how often an engine tries.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long an HSM may take before another one is asked.
    pub hsm_timeout: Duration,
    /// How many HSMs are asked, one after another.
    pub hsm_attempts: u32,
    /// How long another Region may take before another of its hosts is asked.
    pub region_timeout: Duration,
    /// How many hosts of it are asked.
    pub region_attempts: u32,
    /// How long what is behind a custom key store may take before it is asked again.
    pub key_store_timeout: Duration,
    /// How often it is asked.
    pub key_store_attempts: u32,
    /// How long the journal may take before the append is sent again.
    pub append_timeout: Duration,
    /// How often an append is sent.
    pub append_attempts: u32,
    /// How long to wait for the journal's entries before asking for them again.
    pub catch_up_timeout: Duration,
    /// How often a request is decided, counting the first time.
    pub decisions: u8,
    /// How many operations may be under way; more are refused.
    pub in_flight: usize,
}

/// Whom an engine can ask.
#[derive(Clone, Debug)]
pub struct Peers {
    /// The HSMs of the Region.
    pub hsms: Vec<NodeId>,
    /// The journal of the Region.
    pub journal: NodeId,
    /// The hosts of the other Regions.
    pub regions: BTreeMap<RegionName, Vec<NodeId>>,
    /// What is behind each custom key store, by the endpoint of its proxy.
    pub key_stores: BTreeMap<Arc<str>, NodeId>,
}

/// How a host or a worker is set up.
#[derive(Clone)]
pub struct Settings {
    /// Whom it can ask.
    pub peers: Peers,
    /// How patient it is.
    pub limits: Limits,
    /// What is wrong with it on purpose.
    pub sabotages: Sabotages,
    /// Speaks for the service hosts to the HSMs of the Region.
    pub operator: Arc<OperatorKey>,
    /// The run.
    pub seed: Seed,
    /// When it reports its state at the end.
    pub settle_at: SimTime,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// A client's request.
    Request(Arc<Request>),
    /// Another Region's command.
    Command(Arc<RegionCommand>),
    /// Something that is due.
    Task(Task),
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
    /// Where its changes are in the log, if it made any.
    pub(super) appended: Option<u64>,
}

struct Operation {
    origin: Origin,
    work: Work,
    call: Call,
    answered: Vec<(Ask, Reply)>,
    position: u64,
    asked: u32,
    stage: Stage,
}

enum Stage {
    Deciding,
    Asking { question: Ask, then: Then, attempt: u32, mended: u32, peer: NodeId },
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
    sabotages: Sabotages,
    operator: Arc<OperatorKey>,
    /// Behind pointers: each is filed and taken out several times.
    operations: BTreeMap<AskId, Box<Operation>>,
    /// The requests under way.
    active: BTreeSet<RequestId>,
    deadlines: Deadlines,
    outstanding: BTreeMap<NodeId, u32>,
    next: AskId,
    finished: VecDeque<Finished>,
}

impl Engine {
    pub(super) fn new(kms: Kms, meter: Meter, settings: Settings) -> Engine {
        let Settings { peers, limits, sabotages, operator, seed, .. } = settings;
        Engine {
            kms,
            meter,
            peers,
            limits,
            seed,
            follower: Follower::default(),
            sabotages,
            operator,
            operations: BTreeMap::new(),
            active: BTreeSet::new(),
            deadlines: Deadlines::default(),
            outstanding: BTreeMap::new(),
            next: 0,
            finished: VecDeque::new(),
        }
    }

    /// Loses what was under way. What follows the journal is on a disk or can be fetched again, and
    /// is kept; numbers go on, so that late answers to the former life mean nothing.
    pub(super) fn crash(&mut self) {
        self.operations.clear();
        self.active.clear();
        self.deadlines.clear();
        self.outstanding.clear();
        self.finished.clear();
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
            service: None,
            network: NetworkPath::default(),
            now: Timestamp::from_micros(now.wall_micros),
            monotonic: monotonic(now),
            decision: 0,
            caught_up: false,
        };
        let position = self.kms.state().position();
        let (answered, stage) = (Vec::new(), Stage::Deciding);
        let operation = Operation { origin, work, call, answered, position, asked: 0, stage };
        let operation = Box::new(operation);
        if self.operations.len() >= self.limits.in_flight {
            let busy = ErrorCode::KmsInternal.says("The service is busy. Try again.");
            return self.finish(operation, Arc::new(Err(busy)), None);
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
        self.follower.take(&mut self.kms, feed, self.peers.journal, out);
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
        let (kms, meter) = (&self.kms, &mut self.meter);
        let step = match &operation.work {
            Work::Request(request) => kms.decide(call, request, meter, &mut random),
            Work::Command(command) => kms.serve(call, command, meter, &mut random),
            Work::Task(task) => kms.carry_out(call, task, &mut random),
        };
        for (account, pool) in self.meter.take_admitted() {
            out.record(Event::Admitted { account, pool });
        }
        self.advance(now, operation, step, out);
    }

    fn advance(&mut self, now: Now, mut operation: Box<Operation>, mut step: Step, out: &mut Out) {
        loop {
            match step {
                Step::Done(outcome) => return self.conclude(now, operation, outcome, out),
                Step::CatchUp => return self.catch_up(now, operation, None, out),
                Step::Ask(question, then) => {
                    let known = operation.answered.iter().find(|(a, _)| a.same_question(&question));
                    let Some((_, reply)) = known else {
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
        let Outcome { result, append, .. } = *outcome;
        let result = Arc::new(result);
        match append.filter(|_| result.is_ok()) {
            None => self.finish(operation, result, None),
            Some(mut append) => {
                self.sabotages.append(operation.call.request_id, &mut append);
                operation.stage = Stage::Appending { append: Arc::new(append), result, attempt: 0 };
                self.send_append(now, operation, out);
            }
        }
    }

    fn finish(
        &mut self,
        operation: Box<Operation>,
        result: Arc<KmsResult<Response>>,
        appended: Option<u64>,
    ) {
        let Operation { origin, work, call, position, .. } = *operation;
        let (id, decided) = (call.request_id, call.now);
        self.active.remove(&id);
        self.finished.push_back(Finished { origin, work, id, result, position, decided, appended });
    }

    /// Files an operation under a new question, which may wait so long.
    fn file(&mut self, now: Now, operation: Box<Operation>, wait: Wait, out: &mut Out) -> AskId {
        let timeout = match wait {
            Wait::Hsm => self.limits.hsm_timeout,
            Wait::Region => self.limits.region_timeout,
            Wait::KeyStore => self.limits.key_store_timeout,
            Wait::Append => self.limits.append_timeout,
            Wait::CatchUp => self.limits.catch_up_timeout,
        };
        self.next += 1;
        self.deadlines.add(now.monotonic, wait, timeout, self.next, out);
        self.operations.insert(self.next, operation);
        self.next
    }

    // --- the journal ---

    fn send_append(&mut self, now: Now, mut operation: Box<Operation>, out: &mut Out) {
        let Stage::Appending { append, attempt, .. } = &mut operation.stage else { return };
        *attempt += 1;
        let append = append.clone();
        let id = operation.call.request_id;
        let size = 128 + 256 * u32::try_from(append.changes.len()).unwrap_or(u32::MAX / 512);
        let ask = self.file(now, operation, Wait::Append, out);
        out.send(self.peers.journal, Message::Append { ask, id, append }, size);
    }

    /// The journal's answer to an append.
    pub(super) fn appended(
        &mut self,
        now: Now,
        ask: AskId,
        result: Result<u64, Box<Conflict>>,
        out: &mut Out,
    ) {
        let Some(mut operation) = self.take(ask, |stage| matches!(stage, Stage::Appending { .. }))
        else {
            return;
        };
        match result {
            Ok(position) => {
                let stage = std::mem::replace(&mut operation.stage, Stage::Deciding);
                if let Stage::Appending { result, .. } = stage {
                    self.finish(operation, result, Some(position));
                }
            }
            Err(_) if operation.call.decision + 1 >= self.limits.decisions => {
                self.finish(operation, Arc::new(Err(Conflict::exhausted())), None);
            }
            Err(conflict) => {
                operation.call.decision += 1;
                out.record(Event::Conflicted { request: operation.call.request_id });
                match self.kms.state().position() >= conflict.head {
                    true => self.decide(now, operation, out),
                    false => self.catch_up(now, operation, Some(conflict.head), out),
                }
            }
        }
    }

    /// Waits until the log is at `head`, or at wherever the journal is by the time it answers.
    fn catch_up(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        head: Option<u64>,
        out: &mut Out,
    ) {
        let question = self.follower.ask(&self.kms, self.peers.journal, out);
        operation.stage = Stage::CatchingUp { head, question };
        self.file(now, operation, Wait::CatchUp, out);
    }

    // --- HSMs and other Regions ---

    fn ask(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        question: Ask,
        then: Then,
        out: &mut Out,
    ) {
        let attempt = 0;
        let Some(peer) = self.peer(now, &operation, &question, attempt) else {
            let step = self.resume(now, &mut operation, then, Reply::TimedOut);
            return self.advance(now, operation, step, out);
        };
        operation.stage = Stage::Asking { question, then, attempt, mended: 0, peer };
        self.send_question(now, operation, out);
    }

    fn send_question(&mut self, now: Now, operation: Box<Operation>, out: &mut Out) {
        let Stage::Asking { question, attempt, mended, peer, .. } = &operation.stage else {
            return;
        };
        let (peer, id) = (*peer, operation.call.request_id);
        let caller = operation.call.caller.clone();
        let draw = (id, operation.asked << 16 | mended << 8 | attempt);
        let question = question.clone();
        let wait = match &question {
            Ask::Hsm { .. } => Wait::Hsm,
            Ask::Region { .. } => Wait::Region,
            Ask::KeyStore { .. } => Wait::KeyStore,
        };
        let asked = operation.asked;
        let ask = self.file(now, operation, wait, out);
        match question {
            Ask::Hsm { command, tokens } => {
                *self.outstanding.entry(peer).or_default() += 1;
                let size = u32::try_from(command.size() + 160 * tokens.len()).unwrap_or(u32::MAX);
                let (domain, mandate) = (self.domain(), self.mandate(now, draw, &command));
                let message = Message::HsmCommand { ask, draw, command, tokens, domain, mandate };
                out.send(peer, message, size);
            }
            Ask::Region { command, .. } => {
                let id = command_id(id, asked);
                out.send(peer, Message::RegionCommand { ask, id, caller, command }, 512);
            }
            Ask::KeyStore { command, .. } => {
                out.send(peer, Message::KeyStoreCommand { ask, draw, command }, 1024);
            }
        }
    }

    /// Whom to ask: the HSM with the least outstanding work, or a host of the other Region; another
    /// one at each attempt.
    fn peer(
        &self,
        now: Now,
        operation: &Operation,
        question: &Ask,
        attempt: u32,
    ) -> Option<NodeId> {
        #[expect(clippy::cast_possible_truncation, reason = "a name wants any 64 bits")]
        let request = operation.call.request_id.0 as u64;
        let name = Name::new(self.seed, ROUTE).node(now.node).request(request);
        let mut stream = Stream::named(name.attempt(operation.asked));
        let (peers, limit) = match question {
            Ask::KeyStore { command, .. } => {
                let known = self.key_store(command);
                return known.filter(|_| attempt < self.limits.key_store_attempts);
            }
            Ask::Hsm { .. } => (&self.peers.hsms, self.limits.hsm_attempts),
            Ask::Region { region, .. } => {
                (self.peers.regions.get(region)?, self.limits.region_attempts)
            }
        };
        if attempt >= limit || peers.is_empty() {
            return None;
        }
        let first = usize::try_from(stream.below(peers.len() as u64)).unwrap_or(0);
        let turn = |turn: usize| peers[(first + turn) % peers.len()];
        if attempt > 0 {
            return Some(turn(attempt as usize));
        }
        let load = |peer: NodeId| self.outstanding.get(&peer).copied().unwrap_or(0);
        (0..peers.len()).map(turn).min_by_key(|peer| load(*peer))
    }

    /// Where a proxy is. The model of the world has no clusters and no endpoint services.
    fn key_store(&self, command: &key_store::Command) -> Option<NodeId> {
        match command {
            key_store::Command::Proxy { proxy, .. } => {
                self.peers.key_stores.get(&proxy.endpoint).copied()
            }
            _ => None,
        }
    }

    /// What is behind a custom key store answers.
    pub(super) fn key_store_replied(
        &mut self,
        now: Now,
        ask: AskId,
        result: Result<key_store::Reply, key_store::Fault>,
        out: &mut Out,
    ) {
        if let Some(operation) = self.take(ask, |stage| matches!(stage, Stage::Asking { .. })) {
            self.answer(now, operation, Reply::KeyStore(result), out);
        }
    }

    /// An HSM's answer. One that has lost its domain, or has an older one, is given the domain and
    /// asked again.
    pub(super) fn hsm_replied(
        &mut self,
        now: Now,
        ask: AskId,
        result: Result<hsm::Reply, Fault>,
        out: &mut Out,
    ) {
        let Some(operation) = self.take(ask, |stage| matches!(stage, Stage::Asking { .. })) else {
            return;
        };
        let reply = match result {
            Ok(reply) => Reply::Hsm(reply),
            Err(Fault::NotJoined | Fault::UnknownDomainKey) => {
                return self.mend(now, operation, out);
            }
            Err(fault) => Reply::HsmFault(fault),
        };
        self.answer(now, operation, reply, out);
    }

    fn mend(&mut self, now: Now, mut operation: Box<Operation>, out: &mut Out) {
        let domain = self.kms.state().domain().map(|(record, _)| record.token.clone());
        let Stage::Asking { mended, peer, .. } = &mut operation.stage else { return };
        *mended += 1;
        let (peer, hopeless) = (*peer, *mended > 2);
        let (Some(token), false) = (domain, hopeless) else {
            return self.ask_another(now, operation, out);
        };
        let command = Arc::new(hsm::Command::Join { token });
        let draw = (operation.call.request_id, u32::MAX);
        let (domain, mandate) = (self.domain(), self.mandate(now, draw, &command));
        let tokens = Vec::new();
        let join = Message::HsmCommand { ask: 0, draw, command, tokens, domain, mandate };
        out.send(peer, join, 1024);
        self.send_question(now, operation, out);
    }

    /// The service host's consent to an order about the domain, as this node knows it.
    fn mandate(
        &self,
        now: Now,
        draw: (RequestId, u32),
        command: &hsm::Command,
    ) -> Option<Arc<Mandate>> {
        let (domain, _) = self.kms.state().domain().filter(|_| command.is_order())?;
        let mut random = NamedRandom::new(self.seed, now.node, draw.0, draw.1);
        let operator = [self.operator.as_ref()];
        Some(Arc::new(Mandate::new(command, &domain.token, operator, &mut random)))
    }

    /// The active domain key, as far as this node has heard.
    fn domain(&self) -> DomainEpoch {
        self.kms.state().domain().map(|(record, _)| record.token.active).unwrap_or_default()
    }

    /// Another Region's answer.
    pub(super) fn region_replied(
        &mut self,
        now: Now,
        ask: AskId,
        result: KmsResult<RegionReply>,
        out: &mut Out,
    ) {
        if let Some(operation) = self.take(ask, |stage| matches!(stage, Stage::Asking { .. })) {
            self.answer(now, operation, Reply::Region(result), out);
        }
    }

    fn answer(&mut self, now: Now, mut operation: Box<Operation>, reply: Reply, out: &mut Out) {
        let stage = std::mem::replace(&mut operation.stage, Stage::Deciding);
        let Stage::Asking { question, then, .. } = stage else { return };
        operation.answered.push((question, reply.clone()));
        let step = self.resume(now, &mut operation, then, reply);
        self.advance(now, operation, step, out);
    }

    fn ask_another(&mut self, now: Now, mut operation: Box<Operation>, out: &mut Out) {
        let Stage::Asking { question, attempt, .. } = &operation.stage else { return };
        let next = *attempt + 1;
        match self.peer(now, &operation, question, next) {
            None => self.answer(now, operation, Reply::TimedOut, out),
            Some(other) => {
                if let Stage::Asking { attempt, mended, peer, .. } = &mut operation.stage {
                    (*attempt, *mended, *peer) = (next, 0, other);
                }
                self.send_question(now, operation, out);
            }
        }
    }

    /// Questions of a kind may have waited long enough.
    pub(super) fn deadline(&mut self, now: Now, kind: u64, out: &mut Out) {
        let open = |ask| self.operations.contains_key(&ask);
        for ask in self.deadlines.over(now.monotonic, kind, open, out) {
            self.timed_out(now, ask, out);
        }
    }

    fn timed_out(&mut self, now: Now, ask: AskId, out: &mut Out) {
        let Some(operation) = self.take(ask, |_| true) else { return };
        match &operation.stage {
            Stage::Deciding => {}
            Stage::Asking { .. } => self.ask_another(now, operation, out),
            Stage::CatchingUp { head, .. } => {
                let head = *head;
                self.wait_again(now, operation, head, out);
            }
            Stage::Appending { attempt, .. } if *attempt < self.limits.append_attempts => {
                self.send_append(now, operation, out);
            }
            // Whether it was appended, nobody here knows.
            Stage::Appending { .. } => self.finish(operation, Arc::new(Err(no_answer())), None),
        }
    }

    fn wait_again(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        head: Option<u64>,
        out: &mut Out,
    ) {
        operation.asked += 1;
        if operation.asked > MOST_WAITS {
            return self.finish(operation, Arc::new(Err(no_answer())), None);
        }
        self.catch_up(now, operation, head, out);
    }

    fn take(&mut self, ask: AskId, fits: impl Fn(&Stage) -> bool) -> Option<Box<Operation>> {
        let operation = self.operations.get(&ask).filter(|operation| fits(&operation.stage))?;
        if let Stage::Asking { question: Ask::Hsm { .. }, peer, .. } = &operation.stage
            && let Some(load) = self.outstanding.get_mut(peer)
        {
            *load = load.saturating_sub(1);
        }
        self.operations.remove(&ask)
    }
}

/// How often a request waits for the journal before it is given up.
const MOST_WAITS: u32 = 8;

fn no_answer() -> Error {
    ErrorCode::KmsInternal.says("The request could not be completed. Try again.")
}

/// The request that a command belongs to.
pub(super) fn asker(command: RequestId) -> RequestId {
    RequestId(command.0 & !(u128::MAX << 96))
}

/// The request that another Region sees: this one's, marked with which of its questions it is.
fn command_id(id: RequestId, asked: u32) -> RequestId {
    RequestId(id.0 | u128::from(asked + 1) << 96)
}
