//! What the logs say of every key, at every position.

use crate::history::{Changed, Event, Record};
use crate::model::versions::Versions;
use kms_core::key::KeyState;
use kms_core::name::{KeyId, MaterialId, RegionName};
use std::collections::BTreeMap;

/// A key in a Region.
pub(crate) type Place = (RegionName, KeyId);

/// The past of one key in one Region, as changes; an erasure is one of them.
pub(crate) type Past = Versions<Changed>;

/// The past of every key.
#[derive(Debug, Default)]
pub(crate) struct KeyLog(BTreeMap<Place, Past>);

impl KeyLog {
    /// Takes note of a record.
    pub(crate) fn note(&mut self, record: &Record) {
        let Event::Committed { region, position, changes, .. } = &record.event else { return };
        for change in changes {
            if let Some(id) = key_of(change) {
                let past = self.0.entry((*region, id)).or_default();
                past.put(*position, record.at, change.clone());
            }
        }
    }

    /// The past of a key.
    pub(crate) fn past(&self, place: Place) -> Option<&Past> {
        self.0.get(&place)
    }
}

/// The key a change is about.
pub(crate) fn key_of(change: &Changed) -> Option<KeyId> {
    match change {
        Changed::Key { id, .. } | Changed::KeyErased(id) => Some(*id),
        Changed::Domain(_) | Changed::Other => None,
    }
}

/// The state a change shows; none for an erased key.
pub(crate) fn state_of(change: &Changed) -> Option<KeyState> {
    match change {
        Changed::Key { state, .. } => Some(*state),
        _ => None,
    }
}

/// The current material a change shows.
pub(crate) fn material_of(change: &Changed) -> Option<MaterialId> {
    match change {
        Changed::Key { material, .. } => *material,
        _ => None,
    }
}

/// Whether a change shows a material that is not current yet.
pub(crate) fn is_pending(change: &Changed) -> bool {
    matches!(change, Changed::Key { pending: true, .. })
}
