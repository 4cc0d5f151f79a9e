//! From the core's words to the history's: what a log entry does to a record.

use std::collections::BTreeSet;

use kms_core::key::{Key, Material, MultiRegion, Status};
use kms_core::state::Change;

use super::{Changed, Held, Imports, SetRole};

impl Changed {
    /// What a log entry does to a record.
    pub fn of(change: &Change) -> Changed {
        match change {
            Change::PutKey(key) => changed_key(key),
            Change::EraseKey(id) => Changed::KeyErased(*id),
            Change::PutDomain(record) => Changed::Domain(record.token.active),
            Change::PutAlias(..)
            | Change::RemoveAlias(..)
            | Change::PutGrant(_)
            | Change::RemoveGrant(_)
            | Change::PutDeparture(..)
            | Change::RemoveDeparture(_)
            | Change::PutLastUses(_)
            | Change::PutKeyStore(_)
            | Change::RemoveKeyStore(_) => Changed::Other,
        }
    }
}

fn changed_key(key: &Key) -> Changed {
    Changed::Key {
        id: key.id(),
        state: key.state(),
        material: key.current_material().map(|material| material.id),
        role: key.multi_region.as_ref().map(role),
        pending: key.pending.is_some(),
        rotation_days: key.rotation.map(|rotation| days(rotation.period)),
        deletion: match key.status {
            Status::PendingDeletion { at, .. } => Some(at),
            _ => None,
        },
        imports: key.is_imported().then(|| imports(key).into()),
    }
}

fn imports(key: &Key) -> Imports {
    let held = |material: &Material| Held {
        material: material.id,
        here: material.token.is_some(),
        expires: material.expires,
    };
    Imports {
        belonging: key.materials.iter().map(held).collect(),
        awaiting: key.awaiting.as_ref().map(held),
    }
}

fn role(part: &MultiRegion) -> SetRole {
    match part {
        MultiRegion::Primary(primary) => {
            SetRole::Primary(primary.replicas.regions().collect::<BTreeSet<_>>())
        }
        MultiRegion::Replica { primary, replicas, .. } => {
            SetRole::Replica(*primary, replicas.clone())
        }
    }
}

fn days(period: std::time::Duration) -> u32 {
    u32::try_from(period.as_secs() / 86_400).unwrap_or(u32::MAX)
}
