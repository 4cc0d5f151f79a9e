//! The log of a run's messages as a space-time diagram shows it.

use super::{hex, micros, timeline};
use crate::clock::SimTime;
use crate::driver::{InputId, Loss};
use crate::history::{Event, line};
use crate::place::{Role, Topology};
use crate::run::{Run, Scene};
use crate::trace::{Fate, MessageLog, Passage, Past, Told, keys, past, timer};
use kms_core::env::RequestId;
use kms_core::name::KeyId;
use reports::data::{Arrow, Asked, Lane, Mark, Micros, Scenario, Shown, Trace};
use std::collections::{BTreeMap, BTreeSet};

/// A part of a run for a space-time diagram. `replay` is the command that runs it again.
pub fn diagram(run: &Run, log: &MessageLog, replay: String) -> Trace {
    let found = run.first_violation();
    let past = found.map(|found| past(log, found.index)).unwrap_or_default();
    let mut drawing = Drawing::of(log, past);
    let marks: Vec<Mark> = log.records().map(|told| drawing.mark(log, told)).collect();
    let arrows = drawing.arrows(log, &run.scene.topology);
    let violation = found.map(|found| Shown {
        oracle: found.oracle.to_owned(),
        message: found.message.clone(),
        mark: log.place_of_record(found.index),
    });
    let (from, until) = span(&arrows, &marks);
    let fault = first_fault(run, log);
    let Scene { scenario, seed, topology, .. } = &run.scene;
    let (name, description) = (scenario.name.clone(), scenario.description.clone());
    Trace {
        scenario: Scenario { name, description },
        seed: seed.0,
        replay,
        digest: hex(&run.history.digest()),
        from,
        until,
        lanes: lanes(topology),
        requests: drawing.asked(log, topology),
        arrows,
        marks,
        faults: timeline::faults(&run.scene),
        fault,
        violation,
    }
}

fn lanes(topology: &Topology) -> Vec<Lane> {
    let regions: Vec<&str> = topology.regions().map(|(_, name)| name).collect();
    let lane = |(node, place): (_, &crate::place::Place)| Lane {
        name: topology.name(node),
        region: regions[usize::from(place.region.0)].to_owned(),
        role: place.role.word().to_owned(),
    };
    topology.nodes().map(lane).collect()
}

fn span(arrows: &[Arrow], marks: &[Mark]) -> (Micros, Micros) {
    let ends = arrows.iter().map(|arrow| arrow.arrived.unwrap_or(arrow.sent));
    let times = arrows.iter().map(|arrow| arrow.sent).chain(ends);
    let times = times.chain(marks.iter().map(|mark| mark.at));
    times
        .fold(None, |span: Option<(Micros, Micros)>, at| {
            Some(span.map_or((at, at), |(from, until)| (from.min(at), until.max(at))))
        })
        .unwrap_or_default()
}

/// When a fault first did something that the log shows, or else when the first fault began.
fn first_fault(run: &Run, log: &MessageLog) -> Option<Micros> {
    let placed = run.scene.placed.iter().map(|fault| fault.window.from).min();
    let begun = |at: &SimTime| placed.is_none_or(|placed| *at >= placed);
    let dropped = log.passages().filter(|passage| passage.fate == Fate::Lost(Loss::Fault));
    let dropped = dropped.map(|passage| passage.sent).find(begun);
    let struck = log.records().filter(|told| kind(&told.record.event) == "fault");
    let struck = struck.map(|told| told.record.at).find(begun);
    dropped.into_iter().chain(struck).min().or(placed).map(micros)
}

/// What is known while a diagram is made.
struct Drawing {
    past: Past,
    /// Where the arrow of a message or timer is. Timers of which nothing comes are not drawn.
    places: BTreeMap<InputId, usize>,
    requests: BTreeMap<RequestId, usize>,
}

impl Drawing {
    fn of(log: &MessageLog, past: Past) -> Drawing {
        let causes = log.passages().map(|passage| passage.cause);
        let causes: BTreeSet<InputId> =
            causes.chain(log.records().map(|told| told.cause)).collect();
        let drawn = |passage: &&Passage| passage.is_message() || causes.contains(&passage.id);
        let ids = log.passages().filter(drawn).map(|passage| passage.id);
        let places = ids.zip(0..).collect();
        Drawing { past, places, requests: BTreeMap::new() }
    }

    fn request(&mut self, id: RequestId) -> usize {
        let next = self.requests.len();
        *self.requests.entry(id).or_insert(next)
    }

    fn arrows(&mut self, log: &MessageLog, topology: &Topology) -> Vec<Arrow> {
        let drawn: Vec<&Passage> =
            log.passages().filter(|passage| self.places.contains_key(&passage.id)).collect();
        drawn.into_iter().map(|passage| self.arrow(passage, topology)).collect()
    }

    fn arrow(&mut self, passage: &Passage, topology: &Topology) -> Arrow {
        let (arrived, lost) = match passage.fate {
            Fate::UnderWay => (None, None),
            Fate::Arrived(at) => (Some(micros(at)), None),
            Fate::Lost(why) => (None, Some(why.words().to_owned())),
        };
        Arrow {
            from: passage.from.index(),
            to: passage.to.index(),
            kind: passage.kind.to_owned(),
            detail: detail(passage, topology),
            sent: micros(passage.sent),
            arrived,
            lost,
            timer: !passage.is_message(),
            copied: passage.copied,
            damaged: passage.damaged,
            cause: self.places.get(&passage.cause).copied(),
            request: passage.request.map(|id| self.request(id)),
            past: self.past.passages.contains(&passage.id),
        }
    }

    fn mark(&mut self, log: &MessageLog, told: &Told) -> Mark {
        let record = &told.record;
        let cause = || log.passage(told.cause)?.request;
        Mark {
            lane: record.node.index(),
            at: micros(record.at),
            kind: kind(&record.event).to_owned(),
            text: line(&record.event),
            cause: self.places.get(&told.cause).copied(),
            request: record.event.request().or_else(cause).map(|id| self.request(id)),
            past: self.past.records.contains(&told.index),
        }
    }

    /// The requests in the order of their numbers here.
    fn asked(&self, log: &MessageLog, topology: &Topology) -> Vec<Asked> {
        let keys: BTreeMap<RequestId, KeyId> = keys(log);
        let mut asked = vec![Asked::default(); self.requests.len()];
        for (id, place) in &self.requests {
            asked[*place].id = format!("#{:x}", id.0);
            asked[*place].key = keys.get(id).map(ToString::to_string);
        }
        for told in log.records() {
            let (id, operation) = match &told.record.event {
                Event::Called { request, facts, .. } => (request, facts.wanted.operation()),
                Event::TaskTried { id, .. } => (id, "task"),
                _ => continue,
            };
            let Some(one) = self.requests.get(id).and_then(|place| asked.get_mut(*place)) else {
                continue;
            };
            one.operation = Some(operation.to_owned());
            let node = told.record.node;
            let called = matches!(told.record.event, Event::Called { .. });
            one.client = (called && topology.contains(node)).then_some(node.index());
        }
        asked
    }
}

/// What a message says, or what a timer is for where that is known.
fn detail(passage: &Passage, topology: &Topology) -> String {
    match (passage.token, topology.place(passage.to).role) {
        (None, _) | (_, Role::Client | Role::KeyStore) => passage.detail.clone(),
        (Some(token), _) => timer(token).to_owned(),
    }
}

/// What a mark stands for.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::Called { .. } => "call",
        Event::Returned { .. } | Event::TimedOut { .. } | Event::Ended { .. } => "result",
        Event::Answered { .. }
        | Event::CommandThrottled { .. }
        | Event::Conflicted { .. }
        | Event::TaskTried { .. } => "decision",
        Event::Committed { .. } => "change",
        Event::Executed { .. } | Event::Routed { .. } => "HSM",
        Event::Acted(_) | Event::Fired(_) => "fault",
        Event::Exposed { .. } => "leak",
        Event::Sabotaged(_) => "planted bug",
        Event::Admitted { .. } | Event::Audited(_) => "account",
        Event::Loaded(_) | Event::Settled(_) | Event::Kept(_) => "state",
    }
}
