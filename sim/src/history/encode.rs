//! The bytes of a record: what the digest of a history is taken over.
//!
//! Written out by hand and not derived from `Debug`, so that it is cheap, the same on every machine,
//! and changes only when somebody means it to. Numbers are big-endian and of fixed width, texts and
//! lists carry their length, every variant has a tag: two different records never share their bytes.

mod exchange;

use super::{
    CallFacts, Changed, Digest, Event, Held, Holdings, HsmLoad, Imports, Record, SetMember,
    SetRole, Settlement, Target,
};
use crate::clock::ClockChange;
use crate::fault::{Ailment, NodeAction};
use crate::place::NodeId;
use kms_core::env::Timestamp;
use kms_core::error::ErrorCode;
use kms_core::name::{AccountId, GrantId, KeyArn, KeyId, MaterialId, RegionName};
use kms_core::task::Task;

/// Writes a record's bytes behind what is there.
pub(super) fn write(record: &Record, bytes: &mut Vec<u8>) {
    let mut sink = Sink(bytes);
    sink.number(record.at.nanos());
    sink.bytes(&record.node.0.to_be_bytes());
    sink.event(&record.event);
}

struct Sink<'a>(&'a mut Vec<u8>);

/// The words records are made of.
impl Sink<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.tag(u8::from(flag));
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    fn list<T>(&mut self, items: impl ExactSizeIterator<Item = T>, put: impl Fn(&mut Self, T)) {
        self.number(items.len() as u64);
        for item in items {
            put(self, item);
        }
    }

    fn maybe<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            put(self, value);
        }
    }

    fn account(&mut self, account: AccountId) {
        self.number(account.number());
    }

    fn region(&mut self, region: RegionName) {
        self.text(region.as_str());
    }

    fn key(&mut self, id: KeyId) {
        self.bytes(&id.to_bytes());
    }

    fn arn(&mut self, arn: &KeyArn) {
        self.region(arn.region);
        self.account(arn.account);
        self.key(arn.id);
    }

    fn material(&mut self, id: MaterialId) {
        self.bytes(&id.0);
    }

    fn grant(&mut self, id: GrantId) {
        self.bytes(&id.0);
    }

    fn time(&mut self, time: Timestamp) {
        self.number(time.as_micros());
    }

    fn digest(&mut self, digest: Digest) {
        self.number(digest.0);
    }

    fn error(&mut self, error: ErrorCode) {
        self.text(error.wire_name());
    }

    fn target(&mut self, target: &Target) {
        match target {
            Target::Key { region, id } => {
                self.tag(0);
                self.maybe(*region, Self::region);
                self.key(*id);
            }
            Target::Alias(name) => {
                self.tag(1);
                self.text(name.as_str());
            }
            Target::Nothing => self.tag(2),
        }
    }
}

/// Events and what happened in them.
impl Sink<'_> {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Called { request, call, attempt, region, facts } => {
                self.tag(0);
                self.bytes(&request.0.to_be_bytes());
                self.number(*call);
                self.tag(*attempt);
                self.region(*region);
                self.facts(facts);
            }
            Event::Returned { request, got } => {
                self.tag(1);
                self.bytes(&request.0.to_be_bytes());
                match got {
                    Ok(got) => {
                        self.tag(0);
                        self.got(got);
                    }
                    Err(error) => {
                        self.tag(1);
                        self.error(*error);
                    }
                }
            }
            Event::TimedOut { request } => {
                self.tag(2);
                self.bytes(&request.0.to_be_bytes());
            }
            Event::Ended { call, error } => {
                self.tag(3);
                self.number(*call);
                self.maybe(*error, Self::error);
            }
            Event::Answered { request, position, now, pool, error } => {
                self.tag(4);
                self.bytes(&request.0.to_be_bytes());
                self.number(*position);
                self.time(*now);
                self.maybe(*pool, Self::text);
                self.maybe(*error, Self::error);
            }
            Event::Admitted { account, pool } => {
                self.tag(5);
                self.account(*account);
                self.text(pool);
            }
            other => self.inner_event(other),
        }
    }

    /// What journals, workers, HSMs and the world say.
    fn inner_event(&mut self, event: &Event) {
        match event {
            Event::Committed { region, position, id, changes } => {
                self.tag(6);
                self.region(*region);
                self.number(*position);
                self.bytes(&id.0.to_be_bytes());
                self.list(changes.iter(), Self::changed);
            }
            Event::TaskTried { region, id, task, error } => {
                self.tag(7);
                self.region(*region);
                self.bytes(&id.0.to_be_bytes());
                self.task(task);
                self.maybe(*error, Self::error);
            }
            Event::Conflicted { request, head } => {
                self.tag(8);
                self.bytes(&request.0.to_be_bytes());
                self.number(*head);
            }
            Event::Executed { command, done } => {
                self.tag(9);
                self.text(command);
                self.flag(*done);
            }
            Event::Audited(records) => {
                self.tag(18);
                self.list(records.iter(), |sink, record| {
                    sink.bytes(&record.request.0.to_be_bytes());
                    sink.text(record.operation);
                    sink.maybe(record.key, Self::key);
                    sink.maybe(record.billed, |sink, (account, class)| {
                        sink.account(account);
                        sink.text(class.name());
                    });
                    sink.maybe(record.error, |sink, error| sink.text(error.wire_name()));
                });
            }
            Event::Routed { request, hsm, what } => {
                self.tag(13);
                self.bytes(&request.0.to_be_bytes());
                self.maybe(*hsm, |sink, hsm| sink.number(hsm.0.into()));
                self.text(what.name());
            }
            Event::Loaded(load) => {
                let HsmLoad { lanes, commands, refused, busy, waited, deepest } = **load;
                self.tag(14);
                for number in [u64::from(lanes), commands, refused, deepest] {
                    self.number(number);
                }
                for time in [busy, waited] {
                    self.bytes(&time.as_nanos().to_be_bytes());
                }
            }
            Event::Kept(holdings) => self.holdings(holdings),
            Event::Settled(settlement) => {
                let Settlement { region, position, digest, sets } = &**settlement;
                self.tag(10);
                self.region(*region);
                self.number(*position);
                self.bytes(digest);
                self.list(sets.iter(), Self::member);
            }
            Event::CommandThrottled { request, pool } => {
                self.tag(12);
                self.bytes(&request.0.to_be_bytes());
                self.text(pool);
            }
            Event::Acted(action) => {
                self.tag(11);
                self.action(*action);
            }
            Event::Exposed { request, place } => {
                self.tag(20);
                self.bytes(&request.0.to_be_bytes());
                self.text(place.words());
            }
            Event::Fired(point) => {
                self.tag(19);
                self.text(point);
            }
            Event::Sabotaged(sabotage) => {
                self.tag(16);
                self.text(sabotage);
            }
            Event::Called { .. }
            | Event::Returned { .. }
            | Event::TimedOut { .. }
            | Event::Ended { .. }
            | Event::Answered { .. }
            | Event::Admitted { .. } => {}
        }
    }

    fn facts(&mut self, facts: &CallFacts) {
        self.text(&facts.principal);
        self.account(facts.account);
        self.flag(facts.administrator);
        self.flag(facts.dry_run);
        self.wanted(&facts.wanted);
    }

    fn changed(&mut self, changed: &Changed) {
        match changed {
            Changed::Key {
                id,
                state,
                material,
                role,
                pending,
                rotation_days,
                deletion,
                imports,
            } => {
                self.tag(if imports.is_some() { 3 } else { 0 });
                self.key(*id);
                self.text(state.as_str());
                self.maybe(*material, Self::material);
                self.maybe(role.as_ref(), Self::role);
                self.flag(*pending);
                self.maybe(*rotation_days, |sink, days| sink.number(days.into()));
                self.maybe(*deletion, Self::time);
                if let Some(imports) = imports {
                    self.imports(imports);
                }
            }
            Changed::KeyErased(id) => {
                self.tag(1);
                self.key(*id);
            }
            Changed::Other => self.tag(2),
            Changed::Domain(active) => {
                self.tag(4);
                self.number(active.0.into());
            }
        }
    }

    fn imports(&mut self, imports: &Imports) {
        self.list(imports.belonging.iter(), Self::held);
        self.maybe(imports.awaiting.as_ref(), Self::held);
    }

    fn held(&mut self, held: &Held) {
        self.material(held.material);
        self.flag(held.here);
        self.maybe(held.expires, Self::time);
    }

    fn role(&mut self, role: &SetRole) {
        match role {
            SetRole::Primary(replicas) => {
                self.tag(0);
                self.list(replicas.iter(), |sink, region| sink.region(*region));
            }
            SetRole::Replica(primary, replicas) => {
                self.tag(1);
                self.region(*primary);
                self.list(replicas.iter(), |sink, region| sink.region(*region));
            }
        }
    }

    fn member(&mut self, member: &SetMember) {
        self.arn(&member.key);
        self.flag(member.primary);
        self.list(member.replicas.iter(), |sink, region| sink.region(*region));
        self.maybe(member.material, Self::material);
    }

    fn action(&mut self, action: NodeAction) {
        match action {
            NodeAction::Crash(node) => {
                self.tag(0);
                self.bytes(&node.0.to_be_bytes());
            }
            NodeAction::Restart(node) => {
                self.tag(1);
                self.bytes(&node.0.to_be_bytes());
            }
            NodeAction::Skew(node, change) => {
                self.tag(2);
                self.bytes(&node.0.to_be_bytes());
                match change {
                    ClockChange::Correct => self.tag(0),
                    ClockChange::Skew { offset_micros, drift_ppm } => {
                        self.tag(1);
                        self.bytes(&offset_micros.to_be_bytes());
                        self.bytes(&drift_ppm.to_be_bytes());
                    }
                }
            }
            NodeAction::Ail(node, ailment) => self.ailment(3, node, ailment),
            NodeAction::Heal(node, ailment) => self.ailment(4, node, ailment),
        }
    }

    fn holdings(&mut self, holdings: &Holdings) {
        let Holdings { region, position, tokens, digest, missing, unopenable, overdue } = holdings;
        self.tag(15);
        self.region(*region);
        self.number(*position);
        self.number(*tokens);
        self.bytes(digest);
        self.list(missing.iter(), |sink, key| sink.key(*key));
        self.number(*unopenable);
        self.list(overdue.iter(), Self::task);
    }

    fn ailment(&mut self, tag: u8, node: NodeId, ailment: Ailment) {
        self.tag(tag);
        self.bytes(&node.0.to_be_bytes());
        self.text(ailment.name());
        self.number(ailment.figure().into());
    }

    fn task(&mut self, task: &Task) {
        let tag = match task {
            Task::RotateKey(_) => 0,
            Task::DeleteKey(_) => 1,
            Task::FinishReplica(_) => 2,
            Task::Synchronize(..) => 3,
            Task::PromoteMaterial(_) => 4,
            Task::HandOver(_) => 5,
            Task::FinishUpdate(_) => 6,
            Task::ReportDeparture(_) => 7,
            Task::RotateDomainKey => 8,
            Task::ReencryptTokens(_) => 9,
            Task::ConnectKeyStore(_) => 10,
            Task::DisconnectKeyStore(_) => 11,
            Task::ExpireMaterial(_) => 12,
            Task::ReportHolding(_) => 13,
        };
        self.tag(tag);
        self.maybe(task.key(), Self::key);
        match task {
            Task::Synchronize(_, region) => self.region(*region),
            Task::ReencryptTokens(epoch) => self.number(epoch.0.into()),
            Task::ConnectKeyStore(store) | Task::DisconnectKeyStore(store) => {
                self.text(&store.to_string());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
