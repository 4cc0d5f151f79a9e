//! The session of a host or worker with the HSMs of its Region: begun before the first command, begun
//! again before it ends and whenever an HSM does not know it, and forgotten in a crash.
//!
//! A negotiation is an operation of its own, which finds its HSM as any command does. Commands that
//! cannot do without its outcome wait for it before an HSM is chosen for them, so that the fleet is
//! charged with nothing that has not been sent.

use super::fleet::HsmQuestion;
use super::{Engine, NamedRandom, Operation, Stage, Work};
use crate::driver::Now;
use crate::history::{Event, Routing};
use crate::message::AskId;
use crate::node::Out;
use kms_core::crypto::CryptoBackend;
use kms_core::env::{RequestId, Timestamp};
use kms_core::hsm::{
    self, Command, Credential, DomainToken, Fault, Negotiation, OperatorKey, Purpose, Session,
    Welcome,
};
use kms_core::step::Reply;
use std::collections::VecDeque;
use std::sync::Arc;

/// The session of a node, and what waits for it.
pub(super) struct Sessions {
    operator: Arc<OperatorKey>,
    backend: Arc<dyn CryptoBackend>,
    current: Option<Session>,
    negotiation: Option<Negotiation>,
    /// The questions that are put once there is a session, and why to an HSM then.
    waiting: VecDeque<(AskId, Purpose)>,
    /// How many negotiations there were, over all lives.
    begun: u128,
}

impl Sessions {
    /// Of this operator.
    pub(super) fn of(operator: Arc<OperatorKey>, backend: Arc<dyn CryptoBackend>) -> Sessions {
        let (current, negotiation, waiting) = (None, None, VecDeque::new());
        Sessions { operator, backend, current, negotiation, waiting, begun: 0 }
    }

    /// Begins a session with an HSM at hand.
    #[cfg(test)]
    pub(super) fn begin_with(&mut self, hsm: &mut hsm::HsmDevice, domain: &DomainToken, now: Now) {
        let random = &mut kms_core::local::SeededRandom::new(2);
        self.current = Session::with(hsm, domain, &self.operator, clock(now), random).ok();
    }

    /// Forgets the session and who waits for one.
    pub(super) fn clear(&mut self) {
        self.current = None;
        self.negotiation = None;
        self.waiting.clear();
    }

    /// What a command carries of the session, as far as there is one.
    pub(super) fn credential(&self) -> Option<&Arc<Credential>> {
        self.current.as_ref().map(Session::credential)
    }

    /// An HSM does not know this session, so that there is none, unless there is a newer one already.
    fn is_over(&mut self, unknown: Option<&Arc<Credential>>) {
        if self.credential() == unknown {
            self.current = None;
        }
    }

    /// Whether it is time for a session.
    fn is_due(&self, now: Now) -> bool {
        self.current.as_ref().is_none_or(|session| session.is_due(clock(now)))
    }

    /// Takes over what an HSM has answered to the negotiation under way, if it can be believed; whether
    /// there was a session before.
    fn take(&mut self, now: Now, welcome: &Welcome) -> Option<bool> {
        let negotiation = self.negotiation.as_ref()?;
        let session = negotiation.accept(welcome, clock(now), self.backend.as_ref()).ok()?;
        Some(self.current.replace(session).is_some())
    }

    fn begin(&mut self, domain: &DomainToken, mut random: NamedRandom) -> Option<Command> {
        let (operator, backend) = (self.operator.as_ref(), self.backend.as_ref());
        let negotiation = Negotiation::begin(domain, operator, backend, &mut random).ok()?;
        let command = negotiation.command();
        self.negotiation = Some(negotiation);
        Some(command)
    }
}

impl Engine {
    /// Whether a command can be sent now; if not, its operation waits for a session.
    pub(super) fn in_session(
        &mut self,
        now: Now,
        operation: Box<Operation>,
        purpose: Purpose,
        out: &mut Out,
    ) -> Option<Box<Operation>> {
        let Stage::AskingHsm(question) = &operation.stage else { return Some(operation) };
        if !question.needs_a_session() || !self.sessions.is_due(now) {
            return Some(operation);
        }
        self.sessions.current.take_if(|session| session.is_over(clock(now)));
        if self.sessions.current.is_some() {
            // There is time left to begin the next one.
            self.negotiate(now, None, out);
            return Some(operation);
        }
        let ask = self.next_ask();
        self.operations.insert(ask, operation);
        self.sessions.waiting.push_back((ask, purpose));
        self.negotiate(now, None, out);
        None
    }

    /// Begins a session, unless that is under way; with this HSM, if it will.
    fn negotiate(&mut self, now: Now, with: Option<hsm::HsmIndex>, out: &mut Out) {
        if self.sessions.negotiation.is_some() {
            return;
        }
        self.sessions.begun += 1;
        let id = session_request(now, self.sessions.begun);
        let random = NamedRandom::new(self.seed, now.node, id, 0);
        let domain = self.kms.state().domain().map(|(record, _)| record.token.clone());
        let begun = domain.and_then(|domain| self.sessions.begin(&domain, random));
        let Some(command) = begun else {
            return self.negotiated(now, &Reply::HsmFault(Fault::NotJoined), out);
        };
        let mut question = HsmQuestion::new(Arc::new(command), Vec::new(), None);
        question.with = with;
        let stage = Stage::AskingHsm(question);
        let operation = Box::new(self.of_its_own(now, Work::Session, id, stage));
        self.send_to_fleet(now, operation, Purpose::First, out);
    }

    /// Whether an HSM has answered the negotiation under way with a session.
    pub(super) fn takes_session(
        &mut self,
        now: Now,
        request: RequestId,
        hsm: hsm::HsmIndex,
        welcome: &Welcome,
        out: &mut Out,
    ) -> bool {
        let taken = self.sessions.take(now, welcome);
        if let Some(before) = taken {
            let what = if before { Routing::Renewed } else { Routing::InSession };
            self.note_routing(request, hsm, what, out);
        }
        taken.is_some()
    }

    /// A negotiation is over; whoever waited for it goes on, or hears what went wrong.
    pub(super) fn negotiated(&mut self, now: Now, reply: &Reply, out: &mut Out) {
        self.sessions.negotiation = None;
        for (ask, purpose) in std::mem::take(&mut self.sessions.waiting) {
            let Some(operation) = self.operations.remove(&ask) else { continue };
            if matches!(reply, Reply::Hsm(_)) {
                self.send_to_fleet(now, operation, purpose, out);
                continue;
            }
            if matches!(reply, Reply::HsmFault(Fault::Busy)) {
                let request = operation.call.request_id;
                out.record(Event::Routed { request, hsm: None, what: Routing::Saturated });
            }
            self.answer_hsm(now, operation, reply.clone(), out);
        }
    }

    /// An HSM does not know the session that a command came in. It has done nothing, and nothing is
    /// wrong with it; the command is sent again in another session. That one is begun with this HSM: if
    /// its clock is ahead of the others', or the domain key of the old session is one that it has not
    /// heard of, then the others know what it begins, and it would not know what they do.
    pub(super) fn renew(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        place: usize,
        out: &mut Out,
    ) {
        let Stage::AskingHsm(question) = &mut operation.stage else { return };
        let Some((ended, others)) = question.unknown_session(place) else {
            let fault = Some(Fault::NoSession);
            return self.failed(now, operation, place, fault, hsm::Ending::Failed, out);
        };
        let request = operation.call.request_id;
        self.note_routing(request, ended.hsm, Routing::NoSession, out);
        self.end_asked(now, request, &ended, hsm::Ending::Answered, out);
        self.sessions.is_over(ended.session.as_ref());
        if self.sessions.current.is_none() {
            self.negotiate(now, Some(ended.hsm), out);
        }
        let key = self.hedges.remove(&ended.ask).unwrap_or(ended.ask);
        match others {
            true => drop(self.operations.insert(key, operation)),
            false => self.send_to_fleet(now, operation, Purpose::Renewed, out),
        }
    }
}

/// The host's clock, as the core wants it.
fn clock(now: Now) -> Timestamp {
    Timestamp::from_micros(now.wall_micros)
}

/// Names a negotiation; no other one of any life has the same name, and nothing else has.
fn session_request(now: Now, count: u128) -> RequestId {
    const OF_A_SESSION: u128 = 1 << 90;
    let node = u128::from(now.node.0) << 72;
    RequestId(OF_A_SESSION | node | u128::from(now.monotonic.nanos()) << 8 | count & 0xff)
}
