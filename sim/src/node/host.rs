//! An API host: answers clients and other Regions, and follows its journal.

use super::engine::{Engine, Finished, Origin, Settings, Work, asker};
use super::{Alarm, In, Out, arm_settle, monotonic};
use crate::clock::SimTime;
use crate::driver::{Input, Node, Now};
use crate::fault::point::Point;
use crate::history::{Audited, Event, settle};
use crate::message::Message;
use crate::place::NodeId;
use kms_core::Kms;
use kms_core::error::ErrorCode;
use kms_core::ops::Response;
use kms_core::quota::Meter;
use std::time::Duration;

/// An API host.
pub struct Host {
    engine: Engine,
    /// Records of what changed nothing that are still to be written.
    audit: Vec<Audited>,
    audit_window: Duration,
    settle_at: SimTime,
    started_before: bool,
}

impl Host {
    /// A host at this point of its Region's log.
    pub fn new(kms: Kms, meter: Meter, settings: Settings) -> Host {
        let (settle_at, audit_window) = (settings.settle_at, settings.limits.audit_window);
        let engine = Engine::new(kms, meter, settings);
        Host { engine, audit: Vec::new(), audit_window, settle_at, started_before: false }
    }

    fn start(&mut self, now: Now, out: &mut Out) {
        if self.started_before {
            self.engine.meter.restart(monotonic(now));
        }
        self.started_before = true;
        self.engine.start(out);
        arm_settle(now, self.settle_at, out);
    }

    fn message(&mut self, now: Now, from: NodeId, body: Message, out: &mut Out) {
        let engine = &mut self.engine;
        match body {
            Message::Request { id, caller, service, mut request } => {
                engine.sabotages.asked(now, id, &mut request, out);
                let work = Work::Request(request, service);
                engine.begin(now, Origin::Client(from), work, id, caller, out);
            }
            Message::RegionCommand { ask, id, caller, command } => {
                let work = Work::Command(command);
                engine.begin(now, Origin::Peer(from, ask), work, id, caller, out);
            }
            Message::HsmReply { ask, draw, result } => {
                engine.hsm_replied(now, from, ask, draw, result, out);
            }
            Message::RegionReply { ask, result } => engine.region_replied(now, ask, result, out),
            Message::HealthCheck { ask } => out.send(from, Message::Healthy { ask }, 64),
            Message::Healthy { ask } => engine.region_is_healthy(now, ask, out),
            Message::KeyStoreReply { ask, result } => {
                engine.key_store_replied(now, ask, result, out);
            }
            Message::Appended { ask, result } => engine.appended(now, ask, result, out),
            Message::Feed(feed) => engine.feed(now, &feed, out),
            _ => {}
        }
    }

    fn answer(&mut self, now: Now, finished: Finished, out: &mut Out) {
        let Finished { origin, work, id, mut result, position, decided, refused, appended, audit } =
            finished;
        let sabotages = &self.engine.sabotages;
        if appended.is_none() {
            sabotages.answer(now, id, &mut result, out);
        }
        let error = result.as_ref().as_ref().err().map(|error| error.code);
        let pool = refused.filter(|_| error == Some(ErrorCode::Throttling));
        match (origin, work) {
            (Origin::Client(_), _) if sabotages.is_mute(now, id, out) => {}
            (Origin::Client(client), _) => {
                out.record(Event::Answered { request: id, position, now: decided, pool, error });
                let response = Message::Response { id, result };
                match self.engine.points.fires(Point::AnswerLate, now, id.0, out) {
                    None => out.send(client, response, 256),
                    Some(late) => out.send_after(late, client, response, 256),
                }
                if let Some(audit) = audit {
                    self.note(now, audit, out);
                }
            }
            (Origin::Peer(peer, ask), _) => {
                if let Some(pool) = pool {
                    out.record(Event::CommandThrottled { request: asker(id), pool });
                }
                let result = match &*result {
                    Ok(Response::Region(reply)) => Ok(reply.clone()),
                    Ok(_) => Err(ErrorCode::KmsInternal.silent()),
                    Err(error) => Err(error.clone()),
                };
                out.send(peer, Message::RegionReply { ask, result }, 512);
            }
            (Origin::Own, _) => {}
        }
    }

    /// Keeps a record until the next writing; the first one since the last arms it.
    fn note(&mut self, now: Now, audit: Audited, out: &mut Out) {
        if self.audit.is_empty() {
            out.after(self.audit_window, Alarm::Audit.token());
        }
        self.engine.sabotages.audit(now, audit, &mut self.audit, out);
    }
}

impl Node for Host {
    type Message = Message;
    type Event = Event;

    fn handle(&mut self, now: Now, input: In, out: &mut Out) {
        match input {
            Input::Start => self.start(now, out),
            Input::Message { from, body } => self.message(now, from, body, out),
            Input::Garbled { .. } => {}
            Input::Ail(ailment) => self.engine.ail(ailment),
            Input::Heal(ailment) => self.engine.heal(ailment),
            Input::Timer(token) => match Alarm::of(token) {
                Alarm::Deadline(kind) => self.engine.deadline(now, kind, out),
                Alarm::Flush => self.engine.flush_uses(now, out),
                Alarm::Audit => out.record(Event::Audited(std::mem::take(&mut self.audit).into())),
                Alarm::Settle => {
                    settle(now, self.engine.kms.state(), self.engine.kms.tokens(), out);
                }
                _ => {}
            },
        }
        while let Some(finished) = self.engine.next_finished() {
            self.answer(now, finished, out);
        }
    }

    fn crash(&mut self) {
        self.engine.crash();
        self.audit.clear();
    }
}
