//! CancelKeyDeletion: takes a scheduled deletion back and leaves the key switched off.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::key::Status;
use crate::kms::Checks;
use crate::name::KeyArn;
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::token::TokenChange;
use crate::wire::KeyRef;
use std::sync::Arc;

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
    /// Which key.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
    }
}

crate::shape! {
    /// The key that lives on.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
    }
}

/// Whatever the key was before, it is `Disabled` now (AWS KMS API, CancelKeyDeletion). Its rotation
/// goes on as it was set. Imported material that expired meanwhile is gone before the key is saved.
pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::CancelKeyDeletion);
    let key = checks.key_by_name(&request.key_id, context)?;
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    for token in record.expire(effects.call().now) {
        effects.record_token(TokenChange::Erase(token));
    }
    record.status = Status::Restored;
    effects.record(Change::PutKey(Arc::new(record)));
    effects.done(Response { key_id: key.arn })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{DAY, KeyState};
    use crate::local::Local;
    use crate::ops::{
        Response as Any, describe_key, disable_key, enable_key, enable_key_rotation, encrypt,
        get_key_rotation_status, schedule_key_deletion,
    };
    use crate::wire::{GrantTokens, PendingWindowInDays};

    fn schedule(local: &mut Local, key: KeyArn, days: u32) {
        let pending_window_in_days = Some(PendingWindowInDays(days));
        let request = schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days };
        local.call(request).unwrap();
    }

    fn state(local: &mut Local, key: KeyArn) -> KeyState {
        let request =
            describe_key::Request { key_id: key.into(), grant_tokens: GrantTokens::default() };
        match local.call(request).unwrap() {
            Any::DescribeKey(response) => {
                assert_eq!(response.key_metadata.deletion_date, None);
                response.key_metadata.key_state
            }
            other => panic!("{other:?}"),
        }
    }

    fn rotates(local: &mut Local, key: KeyArn) -> bool {
        match local.call(get_key_rotation_status::Request { key_id: key.into() }).unwrap() {
            Any::GetKeyRotationStatus(status) => status.key_rotation_enabled,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_saved_key_is_disabled_whatever_it_was_before() {
        let mut local = Local::single_region();
        let (enabled, disabled) = (local.create_key(), local.create_key());
        local.call(disable_key::Request { key_id: disabled.into() }).unwrap();
        for key in [enabled, disabled] {
            schedule(&mut local, key, 7);
            let Any::CancelKeyDeletion(saved) = local.call(Request { key_id: key.into() }).unwrap()
            else {
                panic!()
            };
            assert_eq!(saved.key_id, key);
            assert_eq!(state(&mut local, key), KeyState::Disabled);
        }
    }

    #[test]
    fn a_saved_key_outlives_its_window_and_works_again() {
        let mut local = Local::single_region();
        let key = local.create_key();
        schedule(&mut local, key, 7);
        local.advance(7 * DAY);
        local.call(Request { key_id: key.into() }).unwrap();
        local.advance(30 * DAY);
        local.call(enable_key::Request { key_id: key.into() }).unwrap();
        local.call(encrypt::Request::new(key, *b"x")).unwrap();
    }

    #[test]
    fn there_must_be_a_deletion_to_cancel() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let error = local.call(Request { key_id: key.into() }).unwrap_err();
        assert_eq!(error.code, ErrorCode::KmsInvalidState);
        assert_eq!(error.message.unwrap(), format!("{key} is not pending deletion."));
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        let error = local.call(Request { key_id: key.into() }).unwrap_err();
        assert_eq!(error.code, ErrorCode::KmsInvalidState);
    }

    #[test]
    fn rotation_is_off_while_the_key_is_dying_and_on_again_afterwards() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call(enable_key_rotation::Request::new(key)).unwrap();
        schedule(&mut local, key, 7);
        assert!(!rotates(&mut local, key));
        local.call(Request { key_id: key.into() }).unwrap();
        assert!(rotates(&mut local, key));
    }
}
