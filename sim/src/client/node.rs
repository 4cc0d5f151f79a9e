//! The client node: starts calls on time, sends attempts, and tells what became of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kms_core::crypto::CryptoBackend;
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use kms_core::name::RegionName;
use kms_core::ops::{Request, Response, decrypt, re_encrypt};
use scenarios::{Generator, KeyBook, Moment, Planned};

use super::flight::{Deadlines, Flight, is_awaited};
use super::id::{AttemptId, request_id};
use super::principals::Principals;
use super::retry::{Failure, Retry};
use super::share::{Clock, Share, call_draw};
use crate::clock::SimTime;
use crate::driver::{Input, Node, Now, Outbox};
use crate::fault::{Ailment, Ailments};
use crate::history::{Event, Exposure, Facts};
use crate::message::Message;
use crate::place::NodeId;
use crate::random::{Name, Seed, Site, Stream};
use crate::secrets::Secrets;

const HOST: Site = Site::new("client host");
const BACKOFF: Site = Site::new("client backoff");

/// The bytes of a request beside its blobs: line, headers, signature and JSON.
const REQUEST_OVERHEAD: usize = 1_000;

/// The share of calls that no share of the client's planned.
const AUDIT: usize = usize::MAX;

/// What a client is made of.
pub struct ClientPlan {
    /// Which node it is.
    pub node: NodeId,
    /// The seed of the run.
    pub seed: Seed,
    /// The API hosts of every Region.
    pub hosts: Arc<BTreeMap<RegionName, Vec<NodeId>>>,
    /// Everybody who may call.
    pub principals: Arc<Principals>,
    /// The keys that exist from the start.
    pub book: Arc<KeyBook>,
    /// What it does.
    pub shares: Vec<Share>,
    /// How its SDK behaves.
    pub settings: scenarios::Client,
    /// When the storm ends; what was held back until then is not started any more.
    pub storm_ends: SimTime,
    /// When it asks for everything back that it still has the ciphertext of.
    pub audit_at: Option<SimTime>,
    /// The most calls under way at once, at least 1. A start beyond it waits for another's end.
    pub most_in_flight: usize,
    /// The cryptography of the client.
    pub(crate) backend: Arc<dyn CryptoBackend>,
    /// The keys that no answer may show.
    pub(crate) secrets: Secrets,
}

/// A client.
pub struct Client {
    node: NodeId,
    seed: Seed,
    hosts: Arc<BTreeMap<RegionName, Vec<NodeId>>>,
    principals: Arc<Principals>,
    book: Arc<KeyBook>,
    facts: Facts,
    storm_ends: SimTime,
    audit_at: Option<SimTime>,
    /// What is still to be asked for in the audit.
    audit: Vec<Planned>,
    most_in_flight: usize,
    backend: Arc<dyn CryptoBackend>,
    secrets: Secrets,
    shares: Vec<Work>,
    flights: BTreeMap<u64, Flight>,
    deadlines: Deadlines,
    /// Starts that are due and wait for an end: their shares, in order.
    held: VecDeque<usize>,
    delayed: u64,
    calls: u64,
    /// Traffic surges while it has one of them.
    ailments: Ailments,
}

/// A share under way.
struct Work {
    clock: Clock,
    generator: Box<dyn Generator>,
    retry: Retry,
}

type Out = Outbox<Message, Event>;

/// What a timer of a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Timer {
    Start { share: usize },
    Retry { call: u64 },
    Deadline,
    Audit,
}

impl Client {
    /// The client of a plan.
    pub fn new(plan: ClientPlan) -> Client {
        let retry = Retry::new(&plan.settings);
        let shares = (0..).zip(plan.shares).map(|(number, share)| {
            let (clock, generator) = share.begin(plan.seed, plan.node, number);
            Work { clock, generator, retry: retry.clone() }
        });
        Client {
            node: plan.node,
            seed: plan.seed,
            hosts: plan.hosts,
            principals: plan.principals,
            book: plan.book,
            facts: Facts::new(plan.seed),
            storm_ends: plan.storm_ends,
            audit_at: plan.audit_at,
            audit: Vec::new(),
            most_in_flight: plan.most_in_flight.max(1),
            backend: plan.backend,
            secrets: plan.secrets,
            shares: shares.collect(),
            flights: BTreeMap::new(),
            deadlines: Deadlines::new(plan.settings.timeout),
            held: VecDeque::new(),
            delayed: 0,
            calls: 0,
            ailments: Ailments::default(),
        }
    }

    /// How many starts had to wait because too many calls were under way.
    pub fn delayed(&self) -> u64 {
        self.delayed
    }

    /// After a crash, the calls under way are lost: nobody waits for their answers any more.
    fn begin(&mut self, now: SimTime, out: &mut Out) {
        self.deadlines.clear();
        for (call, flight) in std::mem::take(&mut self.flights) {
            if flight.waiting {
                let request = request_id(self.node, call, flight.attempt);
                out.record(Event::TimedOut { request });
            }
            self.over(now, call, &flight, &given_up(), out);
        }
        for share in 0..self.shares.len() {
            self.arm(now, share, out);
        }
        if let Some(at) = self.audit_at.filter(|at| *at > now) {
            out.after(at.since(now), Timer::Audit.token());
        }
    }

    /// The storm is over and everything has settled: whatever was ever sealed for this client and is
    /// still kept must open, or its key be gone. One after another, so that it is no storm itself.
    fn begin_audit(&mut self, now: SimTime, out: &mut Out) {
        self.audit = self.shares.iter().flat_map(|work| work.generator.kept()).collect();
        self.audit_next(now, out);
    }

    fn audit_next(&mut self, now: SimTime, out: &mut Out) {
        if let Some(planned) = self.audit.pop() {
            let call = self.calls;
            self.calls += 1;
            self.fly(now, call, AUDIT, planned, out);
        }
    }

    fn arm(&self, now: SimTime, share: usize, out: &mut Out) {
        let next = self.shares.get(share).and_then(|work| work.clock.next());
        if let Some(at) = next {
            out.after(at.since(now), Timer::Start { share }.token());
        }
    }

    /// Starts every call of a share that is due. A timer of an earlier life finds nothing due.
    fn start_due(&mut self, now: SimTime, share: usize, out: &mut Out) {
        let surges = self.ailments.figures(|ailment| match ailment {
            Ailment::Surge(factor) => Some(factor),
            _ => None,
        });
        let surge = surges.max().unwrap_or(1);
        let mut started = false;
        while let Some(work) = self.shares.get_mut(share)
            && work.clock.next().is_some_and(|at| at <= now)
        {
            work.clock.advance();
            started = true;
            let times = if work.generator.repeats() { surge } else { 1 };
            for _ in 0..times {
                self.start(now, share, out);
            }
        }
        if started {
            self.arm(now, share, out);
        }
    }

    fn start(&mut self, now: SimTime, share: usize, out: &mut Out) {
        if self.flights.len() < self.most_in_flight {
            return self.call(now, share, out);
        }
        self.delayed += 1;
        self.held.push_back(share);
    }

    fn call(&mut self, now: SimTime, share: usize, out: &mut Out) {
        let call = self.calls;
        self.calls += 1;
        let mut draw = call_draw(self.seed, self.node, call);
        let Some(work) = self.shares.get_mut(share) else { return };
        let planned = work.generator.next(&mut Moment {
            now: now.since(SimTime::ZERO),
            book: &self.book,
            draw: &mut draw,
            backend: self.backend.as_ref(),
        });
        self.fly(now, call, share, planned, out);
    }

    fn fly(&mut self, now: SimTime, call: u64, share: usize, planned: Planned, out: &mut Out) {
        let flight = Flight { share, planned, attempt: 0, waiting: false, host: None, paid: None };
        self.flights.insert(call, flight);
        self.attempt(now, call, out);
    }

    /// Sends the next attempt of a call, to another host than the last one if there is another.
    fn attempt(&mut self, now: SimTime, call: u64, out: &mut Out) {
        let name = self.name(HOST, call);
        let Some(flight) = self.flights.get_mut(&call).filter(|flight| !flight.waiting) else {
            return;
        };
        flight.attempt = flight.attempt.saturating_add(1);
        flight.waiting = true;
        let planned = &flight.planned;
        let hosts = self.hosts.get(&planned.region).map_or(&[][..], Vec::as_slice);
        let mut draw = Stream::named(name.attempt(flight.attempt.into()));
        flight.host = choose(hosts, flight.host, &mut draw);
        let id = request_id(self.node, call, flight.attempt);
        let principal = self.principals.get(planned.account, planned.caller);
        out.record(Event::Called {
            request: id,
            call,
            attempt: flight.attempt,
            region: planned.region,
            facts: principal.asks(self.facts, &planned.request),
        });
        if let Some(host) = flight.host {
            let (caller, request) = (principal.caller.clone(), planned.request.clone());
            let service = planned.service.clone();
            let size = size(&request);
            out.send(host, Message::Request { id, caller, service, request }, size);
        }
        if let Some(wait) = self.deadlines.push(now, call, flight.attempt) {
            out.after(wait, Timer::Deadline.token());
        }
    }

    /// An answer. One that nobody waits for any more changes nothing.
    fn answer(
        &mut self,
        now: SimTime,
        id: RequestId,
        result: &kms_core::Result<Response>,
        out: &mut Out,
    ) {
        let Some(AttemptId { node, call, attempt }) = AttemptId::parse(id) else { return };
        if node != self.node || !is_awaited(&self.flights, call, attempt) {
            return;
        }
        let got = match result {
            Ok(response) => Ok(Box::new(self.facts.got(response))),
            Err(error) => Err(error.code),
        };
        out.record(Event::Returned { request: id, got });
        if result.as_ref().is_ok_and(|answer| self.secrets.show_in_answer(answer)) {
            out.record(Event::Exposed { request: id, place: Exposure::Answer });
        }
        match result {
            Ok(_) => self.end(now, call, result, out),
            Err(error) => self.failed(now, call, Failure::of(error.code), result, out),
        }
    }

    /// Gives up the attempts that have waited too long.
    fn expire(&mut self, now: SimTime, out: &mut Out) {
        self.deadlines.fired();
        while let Some((call, attempt)) = self.deadlines.pop(now, &self.flights) {
            let request = request_id(self.node, call, attempt);
            out.record(Event::TimedOut { request });
            self.failed(now, call, Failure::TimedOut, &given_up(), out);
        }
        if let Some(wait) = self.deadlines.rearm(now) {
            out.after(wait, Timer::Deadline.token());
        }
    }

    /// An attempt failed: another follows, or the call is over.
    fn failed(
        &mut self,
        now: SimTime,
        call: u64,
        failure: Failure,
        result: &kms_core::Result<Response>,
        out: &mut Out,
    ) {
        let name = self.name(BACKOFF, call);
        let Some(flight) = self.flights.get_mut(&call) else { return };
        flight.waiting = false;
        let retry = self.shares.get_mut(flight.share).and_then(|work| {
            let share = Stream::named(name.attempt(flight.attempt.into())).unit();
            work.retry.again(flight.attempt, failure, share)
        });
        match retry {
            Some((wait, paid)) => {
                flight.paid = Some(paid);
                out.after(wait, Timer::Retry { call }.token());
            }
            None => self.end(now, call, result, out),
        }
    }

    fn end(&mut self, now: SimTime, call: u64, result: &kms_core::Result<Response>, out: &mut Out) {
        if let Some(flight) = self.flights.remove(&call) {
            self.over(now, call, &flight, result, out);
        }
    }

    /// A call is over: its share learns from it, and whoever waited for it starts.
    fn over(
        &mut self,
        now: SimTime,
        call: u64,
        flight: &Flight,
        result: &kms_core::Result<Response>,
        out: &mut Out,
    ) {
        let error = result.as_ref().err().map(|error| error.code);
        out.record(Event::Ended { call, error });
        if let Some(work) = self.shares.get_mut(flight.share) {
            if result.is_ok() {
                work.retry.succeeded(flight.paid);
            }
            work.generator.learn(&flight.planned, result);
            if work.clock.ended(now) {
                self.arm(now, flight.share, out);
            }
        }
        if flight.share == AUDIT {
            self.audit_next(now, out);
        }
        self.release(now, out);
    }

    /// Starts what was held back, as far as there is room and the storm lasts.
    fn release(&mut self, now: SimTime, out: &mut Out) {
        if now >= self.storm_ends {
            self.held.clear();
        }
        while self.flights.len() < self.most_in_flight
            && let Some(share) = self.held.pop_front()
        {
            self.call(now, share, out);
        }
    }

    fn name(&self, site: Site, call: u64) -> Name {
        Name::new(self.seed, site).node(self.node).request(call)
    }
}

impl Node for Client {
    type Message = Message;
    type Event = Event;

    fn handle(&mut self, now: Now, input: Input<Message>, out: &mut Out) {
        let now = now.monotonic;
        match input {
            Input::Start => self.begin(now, out),
            Input::Message { body: Message::Response { id, result }, .. } => {
                self.answer(now, id, &result, out);
            }
            // A damaged answer is no answer; nobody else has anything to say to a client.
            Input::Message { .. } | Input::Garbled { .. } => {}
            Input::Ail(ailment) => self.ailments.begin(ailment),
            Input::Heal(ailment) => self.ailments.end(ailment),
            Input::Timer(token) => match Timer::of(token) {
                Timer::Start { share } => self.start_due(now, share, out),
                Timer::Retry { call } => self.attempt(now, call, out),
                Timer::Deadline => self.expire(now, out),
                Timer::Audit => self.begin_audit(now, out),
            },
        }
    }

    /// Schedules, the SDK's bucket and what was learned survive: an application keeps its ciphertexts.
    /// What it was waiting for is settled when it starts again.
    fn crash(&mut self) {}
}

impl Timer {
    /// The kind is in the two lowest bits, its number above them.
    fn token(self) -> u64 {
        match self {
            Timer::Start { share } => (share as u64) << 2,
            Timer::Retry { call } => call << 2 | 1,
            Timer::Deadline => 2,
            Timer::Audit => 3,
        }
    }

    fn of(token: u64) -> Timer {
        match token & 3 {
            0 => Timer::Start { share: usize::try_from(token >> 2).unwrap_or(usize::MAX) },
            1 => Timer::Retry { call: token >> 2 },
            2 => Timer::Deadline,
            _ => Timer::Audit,
        }
    }
}

/// One of the hosts, each equally likely; not the last one if there is another.
fn choose(hosts: &[NodeId], last: Option<NodeId>, draw: &mut Stream) -> Option<NodeId> {
    let others = || hosts.iter().filter(|host| Some(**host) != last);
    let count = others().count();
    if count == 0 {
        return hosts.first().copied();
    }
    let index = usize::try_from(draw.below(count as u64)).unwrap_or_default();
    others().nth(index).copied()
}

/// How a call ends that got no answer.
fn given_up() -> kms_core::Result<Response> {
    Err(ErrorCode::DependencyTimeout.silent())
}

/// The bytes of a request on a wire, blobs in base64.
fn size(request: &Request) -> u32 {
    let blob = match request {
        Request::Encrypt(request) => request.plaintext.0.len(),
        Request::Decrypt(decrypt::Request { ciphertext_blob: Some(blob), .. })
        | Request::ReEncrypt(re_encrypt::Request { ciphertext_blob: Some(blob), .. }) => {
            blob.0.len()
        }
        Request::PutKeyPolicy(request) => request.policy.as_str().len(),
        _ => 0,
    };
    u32::try_from(REQUEST_OVERHEAD + blob.div_ceil(3) * 4).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
