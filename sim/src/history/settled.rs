//! What a node says of its state at the very end.

use super::{Event, SetMember, Settlement};
use kms_core::key::KeyState;
use kms_core::state::State;

/// A node's report of the state it has reached.
pub(crate) fn settled(state: &State) -> Event {
    let sets = state.keys_after(None).filter(|key| key.multi_region.is_some());
    let member = |key: &std::sync::Arc<kms_core::key::Key>| SetMember {
        key: key.arn,
        primary: key.as_primary().is_some(),
        material: key.current_material().map(|material| material.id),
    };
    Event::Settled(Box::new(Settlement {
        region: state.region(),
        position: state.position(),
        digest: state.digest(),
        sets: sets.filter(|key| key.state() != KeyState::Creating).map(member).collect(),
    }))
}
