//! ScheduleKeyDeletion: the only way a key dies, after a waiting period of 7 to 30 days.

use super::Info;
use super::describe_key::days;
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::key::{DAY, Key, KeyState, Status};
use crate::kms::{Checks, Settings};
use crate::name::KeyArn;
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::{KeyRef, PendingWindowInDays};
use std::sync::Arc;
use std::time::Duration;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
    ],
};

crate::shape! {
    /// Which key, and when.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// The waiting period; 30 days unless said.
        pending_window_in_days: Option<PendingWindowInDays> = "PendingWindowInDays",
    }
}

crate::shape! {
    /// What will happen.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// When the waiting period ends, unless replicas hold it up.
        deletion_date: Option<Timestamp> = "DeletionDate",
        /// The new state.
        key_state: KeyState = "KeyState",
        /// The waiting period.
        pending_window_in_days: Option<u32> = "PendingWindowInDays",
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let days = request.pending_window_in_days.map_or(30, |window| window.0);
    let mut context = checks.context(Action::ScheduleKeyDeletion);
    context.pending_window_days = Some(days);
    let key = checks.key_by_name(&request.key_id, context)?;
    let window = window(days)?;
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    record.status = dying(&record, window, effects.call().now, effects.settings());
    let response = response(&record, window);
    effects.record(Change::PutKey(Arc::new(record)));
    effects.done(response)
}

fn window(days: u32) -> Result<Duration> {
    if (7..=30).contains(&days) {
        return Ok(DAY * days);
    }
    Err(ErrorCode::Validation.says(format!(
        "1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy \
         constraint: Member must be between 7 and 30 days"
    )))
}

/// A primary waits for its replicas first; every other key starts its waiting period at once.
fn dying(key: &Key, window: Duration, now: Timestamp, settings: &Settings) -> Status {
    match key.as_primary() {
        Some(primary) if !primary.replicas.is_empty() => Status::PendingReplicaDeletion { window },
        _ => pending_deletion(now, window, settings),
    }
}

/// The waiting period from `now` on.
pub(crate) fn pending_deletion(now: Timestamp, window: Duration, settings: &Settings) -> Status {
    let at = now.after(window);
    Status::PendingDeletion { at, erase: at.after(settings.deletion_grace) }
}

fn response(key: &Key, window: Duration) -> Response {
    let deletion_date = match key.status {
        Status::PendingDeletion { at, .. } => Some(at),
        _ => None,
    };
    Response {
        key_id: key.arn,
        deletion_date,
        key_state: key.state(),
        pending_window_in_days: days(window),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::ops::{Response as Any, decrypt, encrypt};

    fn schedule(local: &mut Local, key: KeyArn, days: Option<u32>) -> Result<Response> {
        let pending_window_in_days = days.map(PendingWindowInDays);
        match local.call(Request { key_id: key.into(), pending_window_in_days })? {
            Any::ScheduleKeyDeletion(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_window_is_seven_to_thirty_days() {
        let mut local = Local::single_region();
        for days in [6, 31] {
            let key = local.create_key();
            let error = schedule(&mut local, key, Some(days)).unwrap_err();
            assert_eq!(error.code, ErrorCode::Validation);
        }
        for (days, expected) in [(Some(7), 7), (Some(30), 30), (None, 30)] {
            let key = local.create_key();
            let scheduled = schedule(&mut local, key, days).unwrap();
            assert_eq!(scheduled.pending_window_in_days, Some(expected));
            assert_eq!(scheduled.deletion_date, Some(local.now().after(DAY * expected)));
        }
    }

    #[test]
    fn a_key_dies_after_its_window_and_is_erased() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let Any::Encrypt(sealed) = local.call(encrypt::Request::new(key, *b"x")).unwrap() else {
            panic!()
        };
        schedule(&mut local, key, Some(7)).unwrap();
        local.advance(7 * DAY);
        let again = schedule(&mut local, key, Some(7)).unwrap_err();
        assert_eq!(again.code, ErrorCode::KmsInvalidState, "the window is over, the key is not");
        local.advance(DAY);
        let gone = schedule(&mut local, key, Some(7)).unwrap_err();
        assert_eq!(gone.code, ErrorCode::NotFound);
        let lost = local.call(decrypt::Request::new(sealed.ciphertext_blob)).unwrap_err();
        assert_eq!(lost.code, ErrorCode::InvalidCiphertext);
        assert!(local.journal().tokens().iter().all(|token| token.key != key.id));
    }
}
