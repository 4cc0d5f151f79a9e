//! The causal past of a record: what happened before it and may have led to it.
//!
//! A message happens before what its receiver did with it, and what a node handled happens before what
//! it handles later. The first leads straight back to causes; the second leads everywhere, so it is
//! followed less far, and further where both are about the same key.

use super::log::{MessageLog, Passage};
use crate::driver::InputId;
use crate::history::{Changed, Event, Got, Target};
use crate::place::NodeId;
use kms_core::env::RequestId;
use kms_core::name::KeyId;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// How far back the past goes, in the costs below.
const DEPTH: u32 = 56;
/// Back to what the sender was handling.
const TO_CAUSE: u32 = 1;
/// Back to what the node handled before and was about the same key.
const TO_SAME_KEY: u32 = 20;
/// Back to what the node handled just before.
const TO_BEFORE: u32 = 40;
/// A past larger than this explains nothing.
const MOST: usize = 400;

/// What may have led to a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The messages and timers.
    pub passages: BTreeSet<InputId>,
    /// The records, by their index in the history.
    pub records: BTreeSet<usize>,
}

/// The causal past of the record of this index, itself included; empty when it is not in the log.
pub fn past(log: &MessageLog, index: usize) -> Past {
    let Some(start) = log.record(index) else { return Past::default() };
    let passages = match first(log, index) {
        Some(cause) => Nodes::of(log).before(log, cause),
        None => BTreeSet::new(),
    };
    let before = |record: &&super::Told| record.index < index && passages.contains(&record.cause);
    let records = log.records().filter(before).map(|record| record.index);
    let records = records.chain([start.index]).collect();
    Past { passages, records }
}

/// What was handled when the record was made, or what its node had handled last if it was nothing.
fn first(log: &MessageLog, index: usize) -> Option<InputId> {
    let start = log.record(index)?;
    if start.cause != InputId::NONE {
        return Some(start.cause);
    }
    let earlier = log.records().take_while(|record| record.index < index);
    let same_node =
        earlier.filter(|one| one.record.node == start.record.node && one.cause != InputId::NONE);
    same_node.last().map(|record| record.cause)
}

/// What each node handled, in order.
struct Nodes {
    handled: BTreeMap<NodeId, Vec<(u64, InputId)>>,
    about: BTreeMap<(NodeId, KeyId), Vec<(u64, InputId)>>,
    keys: BTreeMap<RequestId, KeyId>,
}

impl Nodes {
    fn of(log: &MessageLog) -> Nodes {
        let keys = keys(log);
        let (mut handled, mut about) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for passage in log.passages().filter(|passage| passage.order > 0) {
            let entry = (passage.order, passage.id);
            handled.entry(passage.to).or_default().push(entry);
            if let Some(key) = passage.request.and_then(|request| keys.get(&request)) {
                about.entry((passage.to, *key)).or_default().push(entry);
            }
        }
        handled.values_mut().chain(about.values_mut()).for_each(|entries| entries.sort_unstable());
        Nodes { handled, about, keys }
    }

    /// Everything up to a message or timer, the nearest first.
    fn before(&self, log: &MessageLog, start: InputId) -> BTreeSet<InputId> {
        let (mut found, mut open) = (BTreeSet::new(), BinaryHeap::from([Reverse((0, start))]));
        while let Some(Reverse((cost, id))) = open.pop() {
            let Some(passage) = log.passage(id) else { continue };
            if cost > DEPTH || found.len() >= MOST {
                break;
            }
            if found.insert(id) {
                open.extend(self.steps(passage).map(|(step, id)| Reverse((cost + step, id))));
            }
        }
        found
    }

    fn steps(&self, passage: &Passage) -> impl Iterator<Item = (u32, InputId)> {
        let key = passage.request.and_then(|request| self.keys.get(&request));
        let about = key.and_then(|key| self.about.get(&(passage.to, *key)));
        let before = |entries: &Vec<(u64, InputId)>| {
            let place = entries.partition_point(|(order, _)| *order < passage.order);
            entries.get(place.checked_sub(1)?).map(|(_, id)| *id)
        };
        let cause = (passage.cause != InputId::NONE).then_some((TO_CAUSE, passage.cause));
        let same_key = about.and_then(before).map(|id| (TO_SAME_KEY, id));
        let just_before = self.handled.get(&passage.to).and_then(before).map(|id| (TO_BEFORE, id));
        cause.into_iter().chain(same_key).chain(just_before)
    }
}

/// The keys that requests and tasks are about, as far as the log says so.
pub(crate) fn keys(log: &MessageLog) -> BTreeMap<RequestId, KeyId> {
    let mut keys = BTreeMap::new();
    for told in log.records() {
        let named = match &told.record.event {
            Event::Called { request, facts, .. } => match facts.wanted.key() {
                Some(Target::Key { id, .. }) => Some((*request, *id)),
                _ => None,
            },
            Event::Returned { request, got: Ok(got) } => answered(got).map(|key| (*request, key)),
            Event::Committed { id, changes, .. } => {
                changes.iter().find_map(changed).map(|key| (*id, key))
            }
            _ => None,
        };
        if let Some((request, key)) = named {
            keys.entry(request).or_insert(key);
        }
    }
    keys
}

/// The key that an answer names.
fn answered(got: &Got) -> Option<KeyId> {
    match got {
        Got::Created { key }
        | Got::Described { key, .. }
        | Got::Scheduled { key, .. }
        | Got::Sealed { key, .. }
        | Got::Opened { key, .. }
        | Got::Resealed { key, .. }
        | Got::Proved { key, .. }
        | Got::Genuine { key }
        | Got::PublicKey { key, .. }
        | Got::Encapsulated { key, .. }
        | Got::SharedSecret { key, .. }
        | Got::ImportParameters { key, .. }
        | Got::OfMaterial { key, .. }
        | Got::Replicated { replica: key } => Some(key.id),
        Got::Granted { .. }
        | Got::Rotation { .. }
        | Got::Policy { .. }
        | Got::Listed { .. }
        | Got::Random { .. }
        | Got::Done => None,
    }
}

fn changed(change: &Changed) -> Option<KeyId> {
    match change {
        Changed::Key { id, .. } | Changed::KeyErased(id) => Some(*id),
        Changed::Domain(_) | Changed::Other => None,
    }
}
