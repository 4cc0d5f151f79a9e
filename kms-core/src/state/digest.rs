//! A fingerprint of a state, to find two hosts that hold different things at the same position.

use super::{KeySlot, State};
use crate::key::Key;
use sha2::{Digest, Sha256};

impl State {
    /// A fingerprint of everything durable, the same on every host at the same position.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut add = |text: String| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        add(format!("{} {}", self.region, self.position));
        for (id, slot) in self.keys.iter() {
            add(format!("{id} {} {}", slot.version, key_text(slot)));
            if let Some(last) = &slot.last_use {
                add(format!("{last:?}"));
            }
        }
        for ((account, name), slot) in &self.aliases {
            add(format!("{account} {name} {} {:?}", slot.version, slot.alias.current()));
        }
        for (id, slot) in self.grants.iter() {
            add(format!("{id} {} {} {:?}", slot.version, slot.alive.current(), slot.grant));
        }
        add(format!("{:?}", self.domain));
        add(format!("{:?}", self.departures));
        for (store, version) in self.key_stores.iter() {
            add(format!("{version} {store:?}"));
        }
        hash.finalize().into()
    }
}

/// Every field of the record, by name, so that a new one cannot be forgotten here.
fn key_text(slot: &KeySlot) -> String {
    let Key {
        arn,
        created,
        description,
        spec,
        usage,
        origin,
        manager,
        status,
        transition,
        multi_region,
        policy,
        tags,
        materials,
        pending,
        awaiting,
        rotation,
        on_demand_rotations,
        stored_in,
    } = slot.key.as_ref();
    let identity = format!("{arn} {created} {description:?} {spec} {usage} {origin} {manager}");
    let access = format!("{:?} {tags:?} {:?}", policy.text(), slot.aliases.current());
    format!(
        "{identity} {status:?} {transition:?} {multi_region:?} {access} {materials:?} {pending:?} \
         {awaiting:?} {rotation:?} {on_demand_rotations} {stored_in:?}"
    )
}
