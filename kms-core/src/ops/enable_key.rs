//! EnableKey: switches a key on again.
//!
//! A rotation that was missed meanwhile is not skipped: its date stays in the past, so it is due at
//! once (AWS KMS Developer Guide, Rotate AWS KMS keys).

use super::Info;
use super::disable_key::switch;
use crate::error::{ErrorCode, Result};
use crate::key::Status;
use crate::kms::Checks;
use crate::policy::Action;
use crate::step::Next;
use crate::wire::KeyRef;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
        ErrorCode::LimitExceeded,
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
    /// Nothing.
    pub struct Response {}
}

pub(crate) fn decide(checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    switch(checks, &request.key_id, Action::EnableKey, Status::Enabled)?.done(Response {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::DAY;
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{
        Response as Any, disable_key, enable_key_rotation, encrypt, schedule_key_deletion,
    };
    use crate::wire::RotationPeriodInDays;
    use std::time::Duration;

    fn enable(local: &mut Local, key: KeyArn) -> Result<Any> {
        local.call(Request { key_id: key.into() })
    }

    fn materials(local: &Local, key: KeyArn) -> usize {
        local.key(key).materials.len()
    }

    #[test]
    fn an_enabled_key_works_again_and_enabling_again_is_fine() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        for _ in 0..2 {
            enable(&mut local, key).unwrap();
            local.call(encrypt::Request::new(key, *b"x")).unwrap();
        }
    }

    #[test]
    fn a_dying_key_must_be_saved_first() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let request =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
        local.call(request).unwrap();
        assert_eq!(enable(&mut local, key).unwrap_err().code, ErrorCode::KmsInvalidState);
    }

    #[test]
    fn a_missed_rotation_happens_as_soon_as_the_key_is_enabled() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let mut rotation = enable_key_rotation::Request::new(key);
        rotation.rotation_period_in_days = Some(RotationPeriodInDays(90));
        local.call(rotation).unwrap();
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        local.advance(91 * DAY);
        assert_eq!(materials(&local, key), 1);
        enable(&mut local, key).unwrap();
        local.advance(Duration::from_secs(1));
        assert_eq!(materials(&local, key), 2);
        local.advance(88 * DAY);
        assert_eq!(materials(&local, key), 2, "the dates still count from the first day");
        local.advance(2 * DAY);
        assert_eq!(materials(&local, key), 3);
    }
}
