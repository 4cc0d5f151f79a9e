//! A set of multi-Region keys has one primary, except while one hands over to the next.

use super::key_log::state_of;
use super::{Context, Entry, Finding, Oracle, OracleInfo, Seen, Violation};
use crate::history::{Changed, Event, SetRole, Source};
use kms_core::key::KeyState;
use kms_core::name::{KeyId, RegionName};
use std::collections::BTreeMap;

const INFO: OracleInfo = OracleInfo {
    name: "single-primary",
    doc: "No two Regions call themselves the primary of a key, unless one of them is handing over.",
    needs: &[Source::Journal],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(SinglePrimary::default()) };

#[derive(Default)]
struct SinglePrimary {
    /// Who calls itself the primary of each key, and in which state.
    primaries: BTreeMap<KeyId, BTreeMap<RegionName, KeyState>>,
    judged: u64,
    violations: Vec<Violation>,
}

impl Oracle for SinglePrimary {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, _: &Context<'_>) {
        let Event::Committed { region, changes, .. } = &seen.record.event else { return };
        for change in changes {
            self.changed(seen, *region, change);
        }
    }

    fn finish(&mut self, _: &Context<'_>) -> Finding {
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.judged, detail: Vec::new(), violations }
    }
}

impl SinglePrimary {
    fn changed(&mut self, seen: Seen<'_>, region: RegionName, change: &Changed) {
        match change {
            Changed::KeyErased(id) => self.resign(*id, region),
            Changed::Key { id, role: Some(SetRole::Primary(_)), .. } => {
                let Some(state) = state_of(change) else { return };
                self.judged += 1;
                let primaries = self.primaries.entry(*id).or_default();
                let before = primaries.insert(region, state).is_some_and(is_steady);
                let steady = primaries.values().filter(|state| is_steady(**state)).count();
                if !before && is_steady(state) && steady > 1 {
                    let names: Vec<&str> = primaries.keys().map(RegionName::as_str).collect();
                    let message = format!("{id} has its primary in {}", names.join(" and in "));
                    self.violations.push(seen.violates(INFO.name, message));
                }
            }
            Changed::Key { id, .. } => self.resign(*id, region),
            Changed::Domain(_) | Changed::Other => {}
        }
    }

    fn resign(&mut self, id: KeyId, region: RegionName) {
        if let Some(primaries) = self.primaries.get_mut(&id) {
            primaries.remove(&region);
        }
    }
}

/// Whether a primary is not on its way in or out. A key that is dying does not show that it is.
fn is_steady(state: KeyState) -> bool {
    matches!(state, KeyState::Enabled | KeyState::Disabled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::scene::{Scene, abroad, key_in};
    use std::collections::BTreeSet;

    fn primary(state: KeyState) -> Changed {
        let Changed::Key { id, material, .. } = key_in(state) else { unreachable!() };
        let role = Some(SetRole::Primary(BTreeSet::new()));
        let (pending, rotation_days, deletion, imports) = (false, None, None, None);
        Changed::Key { id, state, material, role, pending, rotation_days, deletion, imports }
    }

    fn violations(scene: &Scene) -> usize {
        scene.judge(&ENTRY).violations.len()
    }

    fn two(here: KeyState, there: KeyState) -> Scene {
        let mut scene = Scene::new();
        scene.task(vec![primary(here)]);
        scene.commit_in(abroad(), vec![primary(there)]);
        scene
    }

    #[test]
    fn one_primary_may_hand_over_to_another() {
        assert_eq!(violations(&two(KeyState::Updating, KeyState::Updating)), 0);
        assert_eq!(two(KeyState::Updating, KeyState::Enabled).judge(&ENTRY).judged, 2);
        assert_eq!(violations(&two(KeyState::Enabled, KeyState::Updating)), 0);
    }

    #[test]
    fn two_primaries_are_told_once() {
        let mut scene = two(KeyState::Enabled, KeyState::Enabled);
        assert_eq!(violations(&scene), 1);
        scene.commit_in(abroad(), vec![primary(KeyState::Disabled)]);
        assert_eq!(violations(&scene), 1);
    }

    #[test]
    fn a_handover_that_ends_with_two_primaries_is_told() {
        let mut scene = two(KeyState::Enabled, KeyState::Updating);
        scene.commit_in(abroad(), vec![primary(KeyState::Enabled)]);
        assert_eq!(violations(&scene), 1);
    }

    #[test]
    fn a_primary_that_is_gone_or_a_replica_now_does_not_count() {
        for end in [Changed::KeyErased(crate::oracle::scene::key_id()), key_in(KeyState::Enabled)] {
            let mut scene = Scene::new();
            scene.task(vec![primary(KeyState::Enabled)]);
            scene.task(vec![end]);
            scene.commit_in(abroad(), vec![primary(KeyState::Enabled)]);
            assert_eq!(violations(&scene), 0);
        }
    }

    #[test]
    fn without_a_journal_there_is_no_judgement() {
        Scene::new().cannot_judge(&ENTRY, Source::Journal);
    }
}
