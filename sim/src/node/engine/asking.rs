//! Questions to HSMs and other Regions: whom to ask, what to make of the answer, and whom to ask next.

use super::{Engine, Operation, Stage};
use crate::driver::Now;
use crate::message::{AskId, Message};
use crate::node::deadlines::Wait;
use crate::node::{NamedRandom, Out};
use crate::place::NodeId;
use crate::random::{Name, Site, Stream};
use kms_core::Result as KmsResult;
use kms_core::env::RequestId;
use kms_core::hsm::{self, Fault, Mandate};
use kms_core::key_store;
use kms_core::multi_region::RegionReply;
use kms_core::step::{Ask, Reply, Then};
use kms_core::token::DomainEpoch;
use std::sync::Arc;

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
        let attempt = 0;
        let Some(peer) = self.peer(now, &operation, &question, attempt) else {
            let step = self.resume(now, &mut operation, then, Reply::TimedOut);
            return self.advance(now, operation, step, out);
        };
        operation.stage = Stage::Asking { question, then, attempt, mended: 0, peer };
        self.send_question(now, operation, out);
    }

    pub(super) fn send_question(&mut self, now: Now, operation: Box<Operation>, out: &mut Out) {
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

    /// An HSM's answer. One that has lost its domain, or has an older one, is given the domain and
    /// asked again.
    pub(in crate::node) fn hsm_replied(
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

    pub(super) fn mend(&mut self, now: Now, mut operation: Box<Operation>, out: &mut Out) {
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
    pub(super) fn mandate(
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
    pub(super) fn domain(&self) -> DomainEpoch {
        self.kms.state().domain().map(|(record, _)| record.token.active).unwrap_or_default()
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

    pub(super) fn answer(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        reply: Reply,
        out: &mut Out,
    ) {
        let stage = std::mem::replace(&mut operation.stage, Stage::Deciding);
        let Stage::Asking { question, then, .. } = stage else { return };
        operation.answered.push((question, reply.clone()));
        let step = self.resume(now, &mut operation, then, reply);
        self.advance(now, operation, step, out);
    }

    pub(super) fn ask_another(&mut self, now: Now, mut operation: Box<Operation>, out: &mut Out) {
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
}

/// The request that a command belongs to.
pub(in crate::node) fn asker(command: RequestId) -> RequestId {
    RequestId(command.0 & !(u128::MAX << 96))
}

/// The request that another Region sees: this one's, marked with which of its questions it is.
fn command_id(id: RequestId, asked: u32) -> RequestId {
    RequestId(id.0 | u128::from(asked + 1) << 96)
}
