//! What the service may do to a key by itself: the steps that no request asks for.
//!
//! Tasks and other Regions' commands leave no request in the history. Whatever they do must be one of
//! these steps; the model then takes over what the log shows.

use super::imports;
use super::key::{Key, Passage, Shown, Wish};
use crate::history::SetRole;
use kms_core::env::Timestamp;
use kms_core::key::KeyState;
use kms_core::name::{MaterialId, RegionName};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// What is known of the set of a key, or of the one key of it.
pub(super) struct Lineage<'m> {
    /// Every material that was current, oldest first.
    pub(super) materials: &'m [MaterialId],
    /// The latest moment that any clock could show at the commit.
    pub(super) latest: Timestamp,
    /// Where the key is.
    pub(super) region: RegionName,
}

/// The key after a step, or why there is no such step.
pub(super) fn step(key: &Key, shown: &Shown<'_>, lineage: &Lineage<'_>) -> Result<Key, String> {
    let mut next = key.clone();
    next.hold(imports::step(key, shown, lineage.latest)?);
    (next.wish, next.passage) = state_step(&next, shown)?;
    next.role = shown.role.cloned().map(Arc::new);
    next.leaving &= next.passage == Some(Passage::Updating) && !next.is_replica();
    role_step(key, shown, lineage.region)?;
    material_step(key, shown, lineage)?;
    schedule_step(&mut next, key, shown, lineage)?;
    next.material = shown.material;
    next.pending = shown.pending;
    Ok(next)
}

/// A replica that appears in a Region.
pub(super) fn birth(shown: &Shown<'_>, region: RegionName) -> Result<(), String> {
    match (shown.state, shown.role) {
        (KeyState::Creating, Some(role @ SetRole::Replica(..))) => list_step(role, region),
        _ => Err("a key appeared that nobody created and that is no new replica".to_owned()),
    }
}

fn state_step(key: &Key, shown: &Shown<'_>) -> Result<(Wish, Option<Passage>), String> {
    let (from, to) = (key.state(), shown.state);
    if from == to {
        return Ok((key.wish, key.passage));
    }
    let promoted = key.is_replica() && matches!(shown.role, Some(SetRole::Primary(_)));
    let replicas = match shown.role {
        Some(SetRole::Primary(replicas)) => replicas.len(),
        _ => 0,
    };
    let settled = match key.wish {
        Wish::Saved => KeyState::Disabled,
        _ if key.lacks_material() => KeyState::PendingImport,
        Wish::Off => KeyState::Disabled,
        _ => KeyState::Enabled,
    };
    match (from, to) {
        (KeyState::Creating | KeyState::Updating, _) if to == settled => Ok((key.wish, None)),
        (KeyState::Enabled, KeyState::Updating) if promoted => {
            Ok((key.wish, Some(Passage::Updating)))
        }
        (KeyState::PendingReplicaDeletion, KeyState::PendingDeletion) if replicas == 0 => {
            Ok((Wish::Gone(shown.deletion), key.passage))
        }
        (KeyState::PendingDeletion, KeyState::PendingReplicaDeletion) if replicas > 0 => {
            Ok((Wish::GoneAfterReplicas, key.passage))
        }
        _ => Err(format!("nobody asked for it, and the key went from {from} to {to}")),
    }
}

/// A replica counts itself among the replicas, and never its primary (AWS KMS API,
/// MultiRegionConfiguration).
fn list_step(role: &SetRole, region: RegionName) -> Result<(), String> {
    match role {
        SetRole::Replica(primary, all) if !all.contains(&region) || all.contains(primary) => {
            Err(format!("a replica in {region} of a primary in {primary} says there are {all:?}"))
        }
        _ => Ok(()),
    }
}

/// A primary that hands over tells of the replicas it knew, having changed places with one of them.
fn handed_over(key: &Key, shown: &Shown<'_>, region: RegionName) -> Result<(), String> {
    let (Some(SetRole::Primary(known)), Some(SetRole::Replica(primary, all))) =
        (key.role.as_deref(), shown.role)
    else {
        return Ok(());
    };
    let others = known.iter().filter(|one| *one != primary);
    let right: BTreeSet<_> = others.copied().chain([region]).collect();
    match right == *all {
        true => Ok(()),
        false => Err(format!("a primary of {known:?} became a replica among {all:?}")),
    }
}

fn role_step(key: &Key, shown: &Shown<'_>, region: RegionName) -> Result<(), String> {
    shown.role.map_or(Ok(()), |role| list_step(role, region))?;
    handed_over(key, shown, region)?;
    if key.role.is_some() != shown.role.is_some() {
        return Err("a key changed between single-Region and multi-Region".to_owned());
    }
    let was_primary = key.replicas().is_some();
    let is_primary = matches!(shown.role, Some(SetRole::Primary(_)));
    if was_primary && !is_primary && key.passage != Some(Passage::Updating) {
        return Err("a primary became a replica without handing over".to_owned());
    }
    let waits = matches!(shown.role, Some(SetRole::Primary(replicas)) if !replicas.is_empty());
    if shown.state == KeyState::PendingDeletion && waits {
        return Err("a primary that has replicas is to be deleted before them".to_owned());
    }
    Ok(())
}

fn material_step(key: &Key, shown: &Shown<'_>, lineage: &Lineage<'_>) -> Result<(), String> {
    if shown.material == key.material {
        return Ok(());
    }
    let Some(material) = shown.material else { return Err("the key lost its material".to_owned()) };
    let known = lineage.materials.contains(&material);
    match (key.is_replica(), known) {
        (true, true) | (false, false) => Ok(()),
        (true, false) => Err("a replica uses a material its primary never had".to_owned()),
        // A former primary is a replica from this step on, or was one that took over again.
        (false, true) if key.passage == Some(Passage::Updating) => Ok(()),
        (false, true) => Err("a material that was current before is current again".to_owned()),
    }
}

/// A rotation by schedule moves the date on; a replica takes over the schedule of its primary.
fn schedule_step(
    next: &mut Key,
    key: &Key,
    shown: &Shown<'_>,
    lineage: &Lineage<'_>,
) -> Result<(), String> {
    let started = !key.pending && shown.pending;
    let promoted = key.pending && !shown.pending;
    let rotated = started || (shown.material != key.material && !promoted);
    if key.is_replica() || matches!(shown.role, Some(SetRole::Replica(..))) || !rotated {
        return Ok(());
    }
    let Some(schedule) = &mut next.schedule else {
        return Err("a key rotated that has no automatic rotation".to_owned());
    };
    if key.state() != KeyState::Enabled {
        return Err(format!("a key rotated by itself while it was {}", key.state()));
    }
    if schedule.next > lineage.latest {
        return Err(format!("a key rotated by itself before {}", schedule.next));
    }
    let period = Duration::from_secs(86_400) * schedule.days.max(1);
    while schedule.next <= lineage.latest {
        schedule.next = schedule.next.after(period);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::Schedule;
    use kms_core::name::AccountId;

    const OLD: MaterialId = MaterialId([1; 32]);
    const NEW: MaterialId = MaterialId([2; 32]);

    fn europe() -> RegionName {
        RegionName::parse("eu-west-1").unwrap()
    }

    fn home() -> RegionName {
        RegionName::parse("us-east-1").unwrap()
    }

    /// The only replica, at home, of a primary in Europe.
    fn replica() -> SetRole {
        SetRole::Replica(europe(), [home()].into())
    }

    fn primary(replicas: &[RegionName]) -> SetRole {
        SetRole::Primary(replicas.iter().copied().collect::<BTreeSet<_>>())
    }

    fn key(role: Option<SetRole>) -> Key {
        Key::new(AccountId::new(1), role, Some(OLD))
    }

    fn shown(state: KeyState, role: Option<&SetRole>) -> Shown<'_> {
        Shown {
            state,
            material: Some(OLD),
            role,
            pending: false,
            rotation_days: None,
            deletion: None,
            imports: None,
        }
    }

    fn try_step(key: &Key, shown: &Shown<'_>) -> Result<Key, String> {
        let latest = Timestamp::from_seconds(1_000);
        step(key, shown, &Lineage { materials: &[OLD], latest, region: home() })
    }

    #[test]
    fn a_new_replica_gets_ready() {
        let role = replica();
        let mut replica = key(Some(role.clone()));
        replica.passage = Some(Passage::Creating);
        assert!(birth(&shown(KeyState::Creating, Some(&role)), home()).is_ok());
        assert!(birth(&shown(KeyState::Enabled, None), home()).is_err());
        let ready = try_step(&replica, &shown(KeyState::Enabled, Some(&role))).unwrap();
        assert_eq!(ready.state(), KeyState::Enabled);
        assert!(try_step(&replica, &shown(KeyState::Disabled, Some(&role))).is_err());
    }

    #[test]
    fn nobody_switches_keys_without_a_request() {
        assert!(try_step(&key(None), &shown(KeyState::Disabled, None)).is_err());
        assert!(try_step(&key(None), &shown(KeyState::PendingDeletion, None)).is_err());
        assert!(try_step(&key(None), &shown(KeyState::Enabled, Some(&primary(&[])))).is_err());
    }

    #[test]
    fn a_primary_dies_after_its_replicas() {
        let mut dying = key(Some(primary(&[europe()])));
        dying.wish = Wish::GoneAfterReplicas;
        let (alone, waiting) = (primary(&[]), primary(&[europe()]));
        let next = try_step(&dying, &shown(KeyState::PendingDeletion, Some(&alone))).unwrap();
        assert_eq!(next.state(), KeyState::PendingDeletion);
        assert!(try_step(&dying, &shown(KeyState::PendingDeletion, Some(&waiting))).is_err());
    }

    #[test]
    fn a_primary_becomes_a_replica_only_by_handing_over() {
        let mut old = key(Some(primary(&[europe()])));
        let role = replica();
        assert!(try_step(&old, &shown(KeyState::Enabled, Some(&role))).is_err());
        old.passage = Some(Passage::Updating);
        assert!(try_step(&old, &shown(KeyState::Enabled, Some(&role))).is_ok());
        let replica = key(Some(role));
        let set = primary(&[]);
        let promoted = try_step(&replica, &shown(KeyState::Updating, Some(&set))).unwrap();
        assert_eq!(promoted.replicas(), Some(0));
    }

    #[test]
    fn keys_rotate_by_themselves_when_it_is_time() {
        let mut due = key(None);
        let rotated = Shown { material: Some(NEW), ..shown(KeyState::Enabled, None) };
        assert!(try_step(&due, &rotated).is_err(), "no schedule");
        due.schedule = Some(Schedule { days: 90, next: Timestamp::from_seconds(1_001) });
        assert!(try_step(&due, &rotated).is_err(), "too early");
        due.schedule = Some(Schedule { days: 90, next: Timestamp::from_seconds(999) });
        assert_eq!(try_step(&due, &rotated).unwrap().material, Some(NEW));
        due.wish = Wish::Off;
        let off = Shown { material: Some(NEW), ..shown(KeyState::Disabled, None) };
        assert!(try_step(&due, &off).is_err(), "switched off");
    }

    #[test]
    fn a_replica_follows_its_primary() {
        let role = replica();
        let mut replica = key(Some(role.clone()));
        let unknown = Shown { material: Some(NEW), ..shown(KeyState::Enabled, Some(&role)) };
        assert!(try_step(&replica, &unknown).is_err());
        replica.material = Some(NEW);
        assert!(try_step(&replica, &shown(KeyState::Enabled, Some(&role))).is_ok());
        let lost = Shown { material: None, ..shown(KeyState::Enabled, Some(&role)) };
        assert!(try_step(&replica, &lost).is_err());
    }

    #[test]
    fn a_replica_counts_itself_and_not_its_primary() {
        let third = RegionName::parse("ap-northeast-1").unwrap();
        let was = key(Some(replica()));
        for (all, fits) in [
            (vec![home(), third], true),
            (vec![third], false),
            (vec![home(), europe()], false),
            (vec![], false),
        ] {
            let role = SetRole::Replica(europe(), all.into_iter().collect());
            let shown = shown(KeyState::Enabled, Some(&role));
            assert_eq!(try_step(&was, &shown).is_ok(), fits, "{role:?}");
        }
    }

    #[test]
    fn a_primary_that_hands_over_leaves_no_replica_out() {
        let third = RegionName::parse("ap-northeast-1").unwrap();
        let mut old = key(Some(primary(&[europe(), third])));
        old.passage = Some(Passage::Updating);
        for (all, fits) in [(vec![home(), third], true), (vec![home()], false)] {
            let role = SetRole::Replica(europe(), all.into_iter().collect());
            let shown = shown(KeyState::Updating, Some(&role));
            assert_eq!(try_step(&old, &shown).is_ok(), fits, "{role:?}");
        }
    }
}
