//! Rotation: how a new key material becomes current, alone and in a set of multi-Region keys.
//!
//! A primary with replicas must not encrypt with a material that some replica lacks, so the new one
//! waits until all have it (AWS KMS Developer Guide, Rotating multi-Region keys). Older materials
//! stay, for decryption, as long as the key.

use crate::env::Timestamp;
use crate::key::{Key, Material, MultiRegion, PendingMaterial, Rotation, RotationType};
use crate::token::KeyToken;

/// Gives a key a new material: current at once, or pending until every replica has it. Only symmetric
/// keys rotate, so no material of a rotation has a public half.
pub(crate) fn take_material(key: &mut Key, token: &KeyToken, kind: RotationType, now: Timestamp) {
    let rotation = Some(Rotation { at: now, kind });
    let material = Material { rotation, ..Material::new(token.material, token.id) };
    if kind == RotationType::OnDemand {
        key.on_demand_rotations += 1;
    }
    let waits = key.as_primary().is_some_and(|primary| !primary.replicas.is_empty());
    let needs = key.shared_change();
    match waits {
        true => key.pending = Some(PendingMaterial { material, needs }),
        false => key.materials.push(material),
    }
}

/// Makes the pending material current.
pub(crate) fn promote(key: &mut Key, now: Timestamp) {
    let Some(pending) = key.pending.take() else { return };
    let mut material = pending.material;
    material.rotation = material.rotation.map(|rotation| Rotation { at: now, ..rotation });
    key.materials.push(material);
    key.shared_change();
}

impl Key {
    /// Notes that something changed which the replicas share, and returns the version that has it.
    pub(crate) fn shared_change(&mut self) -> u64 {
        match &mut self.multi_region {
            Some(MultiRegion::Primary(primary)) => {
                primary.shared_version += 1;
                primary.shared_version
            }
            _ => 0,
        }
    }
}
