//! Bugs in what hosts and workers append.

use kms_core::env::Timestamp;
use kms_core::key::{Key, MultiRegion, Status};
use kms_core::policy::GrantOperation;
use kms_core::state::Change;
use kms_core::step::{Append, Precondition};
use std::sync::Arc;

const DAY_MICROS: u64 = 86_400_000_000;

fn earlier(time: Timestamp, days: u64) -> Timestamp {
    Timestamp::from_micros(time.as_micros().saturating_sub(days * DAY_MICROS))
}

/// Passes every key that an append puts through a change. Whether one of them was touched.
fn keys(append: &mut Append, mut change: impl FnMut(&mut Key) -> bool) -> bool {
    let mut touched = false;
    for one in &mut append.changes {
        if let Change::PutKey(key) = one {
            touched |= change(Arc::make_mut(key));
        }
    }
    touched
}

/// Leaves things out of a list. Whether there were any.
fn leave_out<T>(all: &mut Vec<T>, which: impl Fn(&T) -> bool) -> bool {
    let before = all.len();
    all.retain(|one| !which(one));
    all.len() < before
}

pub(super) fn without_versions(_: &'static str, append: &mut Append) -> bool {
    let before = append.preconditions.len();
    append.preconditions.retain(|one| !matches!(one, Precondition::VersionIs(..)));
    append.preconditions.len() < before
}

pub(super) fn of_another_version(_: &'static str, append: &mut Append) -> bool {
    let version = append.preconditions.iter_mut().find_map(|one| match one {
        Precondition::VersionIs(_, version) => Some(version),
        _ => None,
    });
    version.is_some_and(|version| std::mem::replace(version, u64::MAX) != u64::MAX)
}

pub(super) fn without_oldest_material(_: &'static str, append: &mut Append) -> bool {
    keys(append, |key| {
        let several = key.materials.len() > 1;
        if several {
            key.materials.remove(0);
        }
        several
    })
}

pub(super) fn without_newest_material(_: &'static str, append: &mut Append) -> bool {
    keys(append, |key| {
        let replica = matches!(key.multi_region, Some(MultiRegion::Replica { .. }));
        replica && key.materials.len() > 1 && key.materials.pop().is_some()
    })
}

pub(super) fn with_early_end(_: &'static str, append: &mut Append) -> bool {
    keys(append, |key| {
        let Status::PendingDeletion { at, erase } = &mut key.status else { return false };
        (*at, *erase) = (earlier(*at, 1), earlier(*erase, 1));
        true
    })
}

pub(super) fn with_a_day_to_live(operation: &'static str, append: &mut Append) -> bool {
    keys(append, |key| match &mut key.status {
        Status::PendingDeletion { at, erase } if operation == "ScheduleKeyDeletion" => {
            *erase = earlier(*at, 6);
            true
        }
        _ => false,
    })
}

pub(super) fn without_cancellation(operation: &'static str, append: &mut Append) -> bool {
    operation == "CancelKeyDeletion" && leave_out(&mut append.changes, |_| true)
}

pub(super) fn with_default_policy(operation: &'static str, append: &mut Append) -> bool {
    operation == "PutKeyPolicy" && leave_out(&mut append.changes, |_| true)
}

pub(super) fn with_every_permission(_: &'static str, append: &mut Append) -> bool {
    let mut touched = false;
    for one in &mut append.changes {
        if let Change::PutGrant(grant) = one {
            Arc::make_mut(grant).terms.operations = GrantOperation::all().collect();
            touched = true;
        }
    }
    touched
}

pub(super) fn without_grant_end(_: &'static str, append: &mut Append) -> bool {
    leave_out(&mut append.changes, |one| matches!(one, Change::RemoveGrant(_)))
}

pub(super) fn without_alias_end(_: &'static str, append: &mut Append) -> bool {
    leave_out(&mut append.changes, |one| matches!(one, Change::RemoveAlias(..)))
}

pub(super) fn with_primary_kept(_: &'static str, append: &mut Append) -> bool {
    keys(append, |key| {
        let Some(MultiRegion::Replica { shared_version, .. }) = &key.multi_region else {
            return false;
        };
        let shared_version = *shared_version;
        let primary = kms_core::key::Primary { shared_version, ..Default::default() };
        key.multi_region = Some(MultiRegion::Primary(primary));
        true
    })
}

pub(super) fn enabled_not_disabled(_: &'static str, append: &mut Append) -> bool {
    keys(append, |key| {
        let fits = matches!(key.status, Status::Disabled | Status::Restored);
        if fits {
            key.status = Status::Enabled;
        }
        fits
    })
}
