//! What a node says of its state at the very end.

use super::{Event, Holdings, SetMember, Settlement};
use crate::driver::Now;
use crate::node::Out;
use kms_core::env::Timestamp;
use kms_core::key::{KeyState, MultiRegion};
use kms_core::name::RegionName;
use kms_core::state::State;
use kms_core::task::Task;
use kms_core::token::{DomainEpoch, TokenStore};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::time::Duration;

/// How late a task is that counts as overdue: four of the longest pauses a worker makes.
const LATE: Duration = Duration::from_secs(120);

/// A node's report of the state it has reached, and of its key tokens.
pub(crate) fn settle(now: Now, state: &State, tokens: &TokenStore, out: &mut Out) {
    settlement(now, state, tokens).into_iter().for_each(|event| out.record(event));
}

/// What there is to report of a state and of key tokens.
pub(crate) fn settlement(now: Now, state: &State, tokens: &TokenStore) -> [Event; 2] {
    [settled(state), kept(now, state, tokens)]
}

fn settled(state: &State) -> Event {
    let sets = state.keys_after(None).filter(|key| key.multi_region.is_some());
    let member = |key: &std::sync::Arc<kms_core::key::Key>| SetMember {
        key: key.arn,
        primary: key.as_primary().is_some(),
        replicas: key.multi_region.as_ref().map(replicas).unwrap_or_default(),
        material: key.current_material().map(|material| material.id),
    };
    Event::Settled(Box::new(Settlement {
        region: state.region(),
        position: state.position(),
        digest: state.digest(),
        sets: sets.filter(|key| key.state() != KeyState::Creating).map(member).collect(),
    }))
}

fn replicas(set: &MultiRegion) -> BTreeSet<RegionName> {
    match set {
        MultiRegion::Primary(primary) => primary.replicas.regions().collect(),
        MultiRegion::Replica { replicas, .. } => replicas.clone(),
    }
}

fn kept(now: Now, state: &State, tokens: &TokenStore) -> Event {
    let is_missing = |key: &&std::sync::Arc<kms_core::key::Key>| {
        let mut held = key.all_materials().filter_map(|material| material.token);
        held.any(|token| tokens.get(key.id(), token).is_none())
    };
    let oldest = state.domain().map_or(DomainEpoch(0), |(record, _)| record.token.oldest());
    Event::Kept(Box::new(Holdings {
        region: state.region(),
        position: state.position(),
        tokens: tokens.len() as u64,
        digest: digest(tokens),
        missing: state.keys_after(None).filter(is_missing).map(|key| key.id()).collect(),
        unopenable: tokens.iter().filter(|token| token.epoch < oldest).count() as u64,
        overdue: overdue(now, state),
    }))
}

fn overdue(now: Now, state: &State) -> Vec<Task> {
    let now = Timestamp::from_micros(now.wall_micros);
    let late = state.due().take_while(|due| due.at.after(LATE) <= now);
    late.map(|due| due.task).collect()
}

fn digest(tokens: &TokenStore) -> [u8; 32] {
    let mut hash = Sha256::new();
    for token in tokens.iter() {
        hash.update(token.aad());
        hash.update(token.iv);
        hash.update(&token.sealed);
    }
    hash.finalize().into()
}
