//! Questions to other Regions and key stores: whom to ask, what to make of the answer, and whom to ask
//! next. Questions to HSMs have a fleet to choose from, and a file of their own.

use super::{Engine, Operation, Stage};
use crate::driver::Now;
use crate::message::{AskId, Message};
use crate::node::Out;
use crate::node::deadlines::Wait;
use crate::place::NodeId;
use crate::random::{Name, Site, Stream};
use kms_core::Result as KmsResult;
use kms_core::env::RequestId;
use kms_core::key_store;
use kms_core::multi_region::RegionReply;
use kms_core::step::{Ask, Reply, Then};

const ROUTE: Site = Site::new("route");

impl Engine {
    pub(super) fn ask(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        question: Ask,
        then: Then,
        out: &mut Out,
    ) {
        if let Ask::Hsm { command, tokens } = question {
            return self.ask_fleet(now, operation, (command, tokens), then, out);
        }
        let attempt = 0;
        let Some(peer) = self.peer(now, &operation, &question, attempt) else {
            let step = self.resume(now, &mut operation, then, Reply::TimedOut);
            return self.advance(now, operation, step, out);
        };
        operation.stage = Stage::Asking { question, then, attempt, peer };
        self.send_question(now, operation, out);
    }

    pub(super) fn send_question(&mut self, now: Now, operation: Box<Operation>, out: &mut Out) {
        let Stage::Asking { question, attempt, peer, .. } = &operation.stage else {
            return;
        };
        let (peer, id) = (*peer, operation.call.request_id);
        let caller = operation.call.caller.clone();
        let draw = (id, operation.asked << 16 | attempt);
        let question = question.clone();
        let wait = match &question {
            Ask::Hsm { .. } => return,
            Ask::Region { .. } => Wait::Region,
            Ask::KeyStore { .. } => Wait::KeyStore,
        };
        let asked = operation.asked;
        let ask = self.file(now, operation, wait, out);
        match question {
            Ask::Hsm { .. } => {}
            Ask::Region { region, .. } if self.silent.contains(&region) => {
                out.send(peer, Message::HealthCheck { ask }, 64);
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

    /// Whom to ask: the key store, or a host of the other Region, another one at each attempt.
    pub(super) fn peer(
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
            Ask::Hsm { .. } => return None,
            Ask::Region { region, .. } => {
                (self.peers.regions.get(region)?, self.limits.region_attempts)
            }
        };
        if attempt >= limit || peers.is_empty() {
            return None;
        }
        let first = usize::try_from(stream.below(peers.len() as u64)).unwrap_or(0);
        let turn = |turn: usize| peers[(first + turn) % peers.len()];
        Some(turn(attempt as usize))
    }

    /// Where a proxy is. The model of the world has no clusters and no endpoint services.
    pub(super) fn key_store(&self, command: &key_store::Command) -> Option<NodeId> {
        match command {
            key_store::Command::Proxy { proxy, .. } => {
                self.peers.key_stores.get(&proxy.endpoint).copied()
            }
            _ => None,
        }
    }

    /// What is behind a custom key store answers.
    pub(in crate::node) fn key_store_replied(
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

    /// Another Region's answer.
    pub(in crate::node) fn region_replied(
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

    /// A Region that was silent is there again: it is asked what it was to be asked.
    pub(in crate::node) fn region_is_healthy(&mut self, now: Now, ask: AskId, out: &mut Out) {
        let asks =
            |stage: &Stage| matches!(stage, Stage::Asking { question: Ask::Region { .. }, .. });
        let Some(operation) = self.take(ask, asks) else { return };
        if let Stage::Asking { question: Ask::Region { region, .. }, .. } = &operation.stage {
            self.silent.remove(region);
        }
        self.send_question(now, operation, out);
    }

    /// Nobody asked has answered. What a Region does for a command can be dear, as the signed offer of
    /// a key transfer is, and days of it in vain the dearer; so one that is silent is asked whether it
    /// is there before it is asked anything else.
    fn note_silence(&mut self, question: &Ask) {
        if let Ask::Region { region, .. } = question {
            self.silent.insert(*region);
        }
    }

    pub(super) fn answer(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        reply: Reply,
        out: &mut Out,
    ) {
        let stage = std::mem::replace(&mut operation.stage, Stage::Deciding);
        let Stage::Asking { question, then, .. } = stage else { return };
        self.go_on(now, operation, question, then, reply, out);
    }

    /// Goes on with the answer to a question, and keeps it for deciding again.
    pub(super) fn go_on(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        question: Ask,
        then: Then,
        reply: Reply,
        out: &mut Out,
    ) {
        operation.answers.keep(question, reply.clone());
        let step = self.resume(now, &mut operation, then, reply);
        self.advance(now, operation, step, out);
    }

    pub(super) fn ask_another(&mut self, now: Now, mut operation: Box<Operation>, out: &mut Out) {
        let Stage::Asking { question, attempt, .. } = &operation.stage else { return };
        let next = *attempt + 1;
        match self.peer(now, &operation, question, next) {
            None => {
                self.note_silence(question);
                self.answer(now, operation, Reply::TimedOut, out);
            }
            Some(other) => {
                if let Stage::Asking { attempt, peer, .. } = &mut operation.stage {
                    (*attempt, *peer) = (next, other);
                }
                self.send_question(now, operation, out);
            }
        }
    }
}

/// The request that a command belongs to.
pub(crate) fn asker(command: RequestId) -> RequestId {
    RequestId(command.0 & !(u128::MAX << 96))
}

/// The request that another Region sees: this one's, marked with which of its questions it is.
fn command_id(id: RequestId, asked: u32) -> RequestId {
    RequestId(id.0 | u128::from(asked + 1) << 96)
}
