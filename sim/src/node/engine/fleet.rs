//! Commands on their way through the fleet: which HSM is asked, which one beside it, whose answer counts.
//!
//! What to do is decided by the core's `Fleet`; here is who has been asked and what has come of it. The
//! first answer wins. An answer counts only if it comes from the HSM that was asked, to the draw that it
//! was asked with: each time a command is sent it has another one.

mod mend;

use super::consent::Consents;
use super::{Engine, Operation, Stage};
use crate::clock::SimTime;
use crate::driver::Now;
use crate::fault::Ailment;
use crate::fault::point::Point;
use crate::history::{Event, Routing};
use crate::message::{AskId, Message};
use crate::node::deadlines::Wait;
use crate::node::{NamedRandom, Out, monotonic};
use crate::place::NodeId;
use crate::random::{Name, Site, Stream};
use kms_core::env::RequestId;
use kms_core::hsm::{self, Command, Credential, Ending, Fault, HsmIndex, Mandate, Purpose, Route};
use kms_core::step::{Ask, Reply, Then};
use kms_core::token::{DomainEpoch, KeyToken};
use mend::JOINING;
use std::sync::Arc;

const ROUTE: Site = Site::new("route");

/// How often an HSM is given the domain for one command before it counts as sick, and how often a
/// command is sent again because the session it came in is not known.
const MOST_MENDS: u32 = 2;

/// A command, and which HSMs have been asked.
pub(super) struct HsmQuestion {
    command: Arc<Command>,
    tokens: Vec<Arc<KeyToken>>,
    /// How the core goes on; nothing for a negotiation, which is the shell's own.
    then: Option<Then>,
    tried: Vec<HsmIndex>,
    /// Who may still answer: the first one, and a hedge.
    open: [Option<Asked>; 2],
    hedged: bool,
    /// The HSM that is asked first, whatever the fleet would have.
    pub(super) with: Option<HsmIndex>,
    /// How often an HSM did not know the session.
    renewed: u32,
    /// Why the last one that refused did.
    fault: Option<Fault>,
}

/// An HSM that was asked.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) ask: AskId,
    pub(super) hsm: HsmIndex,
    /// In which session.
    pub(super) session: Option<Arc<Credential>>,
    /// Names the draws of this sending, and only of this one.
    draw: u32,
    mended: u32,
    since: SimTime,
    /// The domain key that it was told is active.
    domain: DomainEpoch,
}

impl HsmQuestion {
    /// A command that nobody has been asked to carry out yet.
    pub(super) fn new(
        command: Arc<Command>,
        tokens: Vec<Arc<KeyToken>>,
        then: Option<Then>,
    ) -> HsmQuestion {
        HsmQuestion {
            command,
            tokens,
            then,
            tried: Vec::with_capacity(1),
            open: [None, None],
            hedged: false,
            with: None,
            renewed: 0,
            fault: None,
        }
    }

    /// Whether its command is carried out in a session.
    pub(super) fn needs_a_session(&self) -> bool {
        self.command.needs_a_session()
    }

    /// Takes out an HSM that does not know the session, so that it may be asked again, and says whether
    /// another one may still answer; nothing when that has happened too often.
    pub(super) fn unknown_session(&mut self, place: usize) -> Option<(Asked, bool)> {
        let asked = self.open[place].take_if(|_| self.renewed < MOST_MENDS)?;
        self.renewed += 1;
        self.tried.retain(|tried| *tried != asked.hsm);
        Some((asked, self.is_open()))
    }

    /// The place of an HSM that may still answer this question.
    fn place(&self, ask: AskId) -> Option<usize> {
        self.open.iter().position(|asked| asked.as_ref().is_some_and(|asked| asked.ask == ask))
    }

    fn is_open(&self) -> bool {
        self.open.iter().any(Option::is_some)
    }

    fn draw(&self, asked: u32, mended: u32) -> u32 {
        let sent = self.tried.len() + self.renewed as usize;
        let attempt = u32::try_from(sent).unwrap_or(u32::MAX);
        asked << 16 | (mended & 0xff) << 8 | attempt & 0xff
    }
}

impl Engine {
    /// Asks the fleet.
    pub(super) fn ask_fleet(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        (command, tokens): (Arc<Command>, Vec<Arc<KeyToken>>),
        then: Then,
        out: &mut Out,
    ) {
        operation.stage = Stage::AskingHsm(HsmQuestion::new(command, tokens, Some(then)));
        self.send_to_fleet(now, operation, Purpose::First, out);
    }

    /// Sends a command to one more HSM, when nobody else may still answer it; or ends the question. One
    /// that needs a session waits for it first.
    pub(super) fn send_to_fleet(
        &mut self,
        now: Now,
        operation: Box<Operation>,
        purpose: Purpose,
        out: &mut Out,
    ) {
        let Some(mut operation) = self.in_session(now, operation, purpose, out) else { return };
        let route = self.route(now, &operation, purpose);
        let Stage::AskingHsm(question) = &mut operation.stage else { return };
        let request = operation.call.request_id;
        let hsm = match route {
            Route::Ask(hsm) => hsm,
            Route::Saturated => {
                out.record(Event::Routed { request, hsm: None, what: Routing::Saturated });
                let fault = question.fault.unwrap_or(Fault::Busy);
                return self.answer_hsm(now, operation, Reply::HsmFault(fault), out);
            }
            Route::Exhausted => {
                let reply = question.fault.map_or(Reply::TimedOut, Reply::HsmFault);
                return self.answer_hsm(now, operation, reply, out);
            }
        };
        if purpose == Purpose::Retry {
            self.note_routing(request, hsm, Routing::Retried, out);
        }
        let hedged = self.peers.hsms.len() > 1 && question.command.may_be_hedged();
        let wait = wait_for(&question.command);
        let ask = self.next_ask();
        self.open(now, &mut operation, ask, hsm, out);
        self.file_as(now, operation, ask, wait, out);
        if hedged {
            self.wait_also(now, ask, Wait::Hedge, out);
        }
    }

    fn route(&mut self, now: Now, operation: &Operation, purpose: Purpose) -> Route {
        let Stage::AskingHsm(question) = &operation.stage else { return Route::Exhausted };
        if let Some(hsm) = question.with.filter(|_| purpose == Purpose::First)
            && let Route::Ask(hsm) = self.fleet.route_to(monotonic(now), hsm)
        {
            return Route::Ask(hsm);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a name wants any 64 bits")]
        let request = operation.call.request_id.0 as u64;
        let attempt = question.draw(operation.asked, 0);
        let name = Name::new(self.seed, ROUTE).node(now.node).request(request).attempt(attempt);
        let draw = Stream::named(name).u64();
        self.fleet.route(monotonic(now), purpose, &question.tried, draw)
    }

    /// Sends the command to this HSM and notes that it may answer.
    fn open(
        &mut self,
        now: Now,
        operation: &mut Operation,
        ask: AskId,
        hsm: HsmIndex,
        out: &mut Out,
    ) {
        let (request, number) = (operation.call.request_id, operation.asked);
        let domain = self.kms.state().active_domain_key();
        let Stage::AskingHsm(question) = &mut operation.stage else { return };
        let draw = question.draw(number, 0);
        question.tried.push(hsm);
        let session = self.sessions.credential().filter(|_| question.needs_a_session()).cloned();
        let asked = Asked { ask, hsm, session, draw, mended: 0, since: now.monotonic, domain };
        let place = usize::from(question.open[0].is_some());
        self.send_command(now, request, question, &asked, out);
        question.open[place] = Some(asked);
    }

    fn send_command(
        &mut self,
        now: Now,
        request: RequestId,
        question: &HsmQuestion,
        asked: &Asked,
        out: &mut Out,
    ) {
        let HsmQuestion { command, tokens, .. } = question;
        let size = u32::try_from(command.size() + 160 * tokens.len()).unwrap_or(u32::MAX);
        let draw = (request, asked.draw);
        let message = Message::HsmCommand {
            ask: asked.ask,
            draw,
            mandate: self.mandate(now, draw, command),
            command: command.clone(),
            tokens: tokens.clone(),
            domain: asked.domain,
            session: asked.session.clone(),
        };
        let hsm = self.peers.hsms[asked.hsm];
        let event = request.0 ^ u128::from(asked.draw) << 120;
        if self.points.fires(Point::CommandRepeated, now, event, out).is_some() {
            out.send(hsm, message.clone(), size);
        }
        out.send(hsm, message, size);
    }

    /// The answer is late, so another HSM is asked beside the first.
    pub(super) fn hedge(&mut self, now: Now, ask: AskId, out: &mut Out) {
        let Some(mut operation) = self.operations.remove(&ask) else { return };
        let wanted = match &operation.stage {
            Stage::AskingHsm(question) => {
                let waits = question.needs_a_session() && self.sessions.credential().is_none();
                question.place(ask).is_some() && !question.hedged && !waits
            }
            _ => false,
        };
        if wanted && let Route::Ask(hsm) = self.route(now, &operation, Purpose::Hedge) {
            if let Stage::AskingHsm(question) = &mut operation.stage {
                question.hedged = true;
            }
            self.note_routing(operation.call.request_id, hsm, Routing::Hedged, out);
            let hedge = self.next_ask();
            self.open(now, &mut operation, hedge, hsm, out);
            self.hedges.insert(hedge, ask);
            self.wait_also(now, hedge, Wait::Hsm, out);
        }
        self.operations.insert(ask, operation);
    }

    /// An HSM's answer.
    pub(in crate::node) fn hsm_replied(
        &mut self,
        now: Now,
        from: NodeId,
        ask: AskId,
        draw: (RequestId, u32),
        result: Result<hsm::Reply, Fault>,
        out: &mut Out,
    ) {
        let Some((operation, place)) = self.take_asked(ask, |request, asked, hsms| {
            (request, asked.draw) == draw && hsms.get(asked.hsm) == Some(&from)
        }) else {
            // Nobody waits for an order to join. But what comes after it fails if it found no room.
            let what = match (ask, result) {
                (JOINING, Err(Fault::Busy)) => Routing::Refused,
                (JOINING, _) => return,
                _ => Routing::Discarded,
            };
            return out.record(Event::Routed { request: draw.0, hsm: Some(from), what });
        };
        match result {
            Ok(reply) if self.believes(now, &operation, place, &reply, out) => {
                self.answered_first(now, operation, place, Reply::Hsm(reply), out);
            }
            Ok(_) => {
                out.record(Event::Routed {
                    request: draw.0,
                    hsm: Some(from),
                    what: Routing::Distrusted,
                });
                self.failed(now, operation, place, None, Ending::Failed, out);
            }
            Err(Fault::NotJoined | Fault::UnknownDomainKey) => {
                self.mend(now, operation, place, result.err(), out);
            }
            Err(Fault::NoSession) => self.renew(now, operation, place, out),
            Err(Fault::Busy) => {
                let (request, hsm) = (draw.0, Some(from));
                out.record(Event::Routed { request, hsm, what: Routing::Refused });
                self.failed(now, operation, place, Some(Fault::Busy), Ending::Answered, out);
            }
            Err(fault) => self.answered_first(now, operation, place, Reply::HsmFault(fault), out),
        }
    }

    /// The operation that this is an answer to, taken out, and which of its HSMs said it.
    fn take_asked(
        &mut self,
        ask: AskId,
        fits: impl Fn(RequestId, &Asked, &[NodeId]) -> bool,
    ) -> Option<(Box<Operation>, usize)> {
        let key = self.hedges.get(&ask).copied().unwrap_or(ask);
        let operation = self.operations.get(&key)?;
        let Stage::AskingHsm(question) = &operation.stage else { return None };
        let place = question.place(ask)?;
        let asked = question.open[place].as_ref();
        asked.filter(|asked| fits(operation.call.request_id, asked, &self.peers.hsms))?;
        Some((self.operations.remove(&key)?, place))
    }

    /// Takes the first answer. Whoever else was asked is not waited for any more; one that was asked
    /// earlier and is still silent has failed.
    fn answered_first(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        place: usize,
        reply: Reply,
        out: &mut Out,
    ) {
        let request = operation.call.request_id;
        let Stage::AskingHsm(question) = &mut operation.stage else { return };
        let Some(winner) = question.open[place].take() else { return };
        let _ = self.fleet.ended(monotonic(now), winner.hsm, Ending::Answered);
        self.hedges.remove(&winner.ask);
        if let Some(other) = question.open[1 - place].take() {
            self.hedges.remove(&other.ask);
            let overtaken = other.since < winner.since;
            let ending = if overtaken { Ending::Failed } else { Ending::Forgotten };
            self.end_asked(now, request, &other, ending, out);
        }
        self.answer_hsm(now, operation, reply, out);
    }

    pub(super) fn answer_hsm(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        reply: Reply,
        out: &mut Out,
    ) {
        let stage = std::mem::replace(&mut operation.stage, Stage::Deciding);
        let Stage::AskingHsm(HsmQuestion { command, tokens, then, .. }) = stage else { return };
        match then {
            Some(then) => {
                let question = Ask::Hsm { command, tokens };
                self.go_on(now, operation, question, then, reply, out);
            }
            None => self.negotiated(now, &reply, out),
        }
    }

    /// One of those asked is out. If nobody else may still answer, another one is asked.
    pub(super) fn failed(
        &mut self,
        now: Now,
        mut operation: Box<Operation>,
        place: usize,
        fault: Option<Fault>,
        ending: Ending,
        out: &mut Out,
    ) {
        let request = operation.call.request_id;
        let Stage::AskingHsm(question) = &mut operation.stage else { return };
        let Some(asked) = question.open[place].take() else { return };
        question.fault = fault.or(question.fault);
        let others = question.is_open();
        let key = self.hedges.remove(&asked.ask).unwrap_or(asked.ask);
        self.end_asked(now, request, &asked, ending, out);
        match others {
            // Filed where its hedge, or what it was hedged with, will find it.
            true => drop(self.operations.insert(key, operation)),
            false => self.send_to_fleet(now, operation, Purpose::Retry, out),
        }
    }

    /// An HSM has not answered in time.
    pub(super) fn hsm_timed_out(&mut self, now: Now, ask: AskId, out: &mut Out) {
        let Some((operation, place)) = self.take_asked(ask, |_, _, _| true) else { return };
        if let Stage::AskingHsm(question) = &operation.stage
            && let Some(asked) = &question.open[place]
        {
            self.note_routing(operation.call.request_id, asked.hsm, Routing::TimedOut, out);
        }
        self.failed(now, operation, place, None, Ending::Failed, out);
    }

    pub(super) fn end_asked(
        &mut self,
        now: Now,
        request: RequestId,
        asked: &Asked,
        ending: Ending,
        out: &mut Out,
    ) {
        if self.fleet.ended(monotonic(now), asked.hsm, ending).is_some() {
            self.note_routing(request, asked.hsm, Routing::Quarantined, out);
        }
    }

    pub(super) fn note_routing(
        &self,
        request: RequestId,
        hsm: HsmIndex,
        what: Routing,
        out: &mut Out,
    ) {
        out.record(Event::Routed { request, hsm: self.peers.hsms.get(hsm).copied(), what });
    }

    /// The service host's consent to an order about the domain, as this node knows it.
    fn mandate(
        &mut self,
        now: Now,
        draw: (RequestId, u32),
        command: &Arc<Command>,
    ) -> Option<Arc<Mandate>> {
        let (domain, _) = self.kms.state().domain().filter(|_| command.is_order())?;
        let random = NamedRandom::new(self.seed, now.node, draw.0, draw.1);
        Some(match self.ailments.have(Ailment::Unauthorized) {
            true => Consents::none(command, &domain.token, random),
            false => self.consents.to(command, &domain.token, random),
        })
    }

    /// Whether an HSM's reply can be the answer to what it was asked; one that begins a session has begun
    /// it then.
    fn believes(
        &mut self,
        now: Now,
        operation: &Operation,
        place: usize,
        reply: &hsm::Reply,
        out: &mut Out,
    ) -> bool {
        let Stage::AskingHsm(question) = &operation.stage else { return false };
        let Some(asked) = &question.open[place] else { return false };
        let credible = question.command.is_answered_by(reply, asked.domain);
        match reply {
            hsm::Reply::Session(welcome) if credible => {
                self.takes_session(now, operation.call.request_id, asked.hsm, welcome, out)
            }
            _ => credible,
        }
    }
}

/// Which queue of deadlines a command is in.
fn wait_for(command: &Command) -> Wait {
    match command.makes_a_pair() {
        true => Wait::HsmPair,
        false => Wait::Hsm,
    }
}
