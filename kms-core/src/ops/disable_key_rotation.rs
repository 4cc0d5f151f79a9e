//! DisableKeyRotation: no automatic rotation any more. What rotated stays, and an on-demand rotation
//! that is under way goes on.

use super::Info;
use super::enable_key_rotation::set_schedule;
use super::rotate_key_on_demand::check_rotates_by_itself;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::policy::Action;
use crate::step::Next;
use crate::wire::KeyRef;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::Disabled,
        ErrorCode::InvalidArn,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::UnsupportedOperation,
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

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::DisableKeyRotation);
    let key = checks.key_by_name(&request.key_id, context)?;
    check_rotates_by_itself(&key)?;
    set_schedule(checks.pass(false)?, &key, None).done(Response {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::DAY;
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{Response as Any, disable_key, enable_key_rotation, schedule_key_deletion};

    fn disable(local: &mut Local, key: KeyArn) -> Result<Any> {
        local.call(Request { key_id: key.into() })
    }

    fn materials(local: &Local, key: KeyArn) -> usize {
        local.key(key).materials.len()
    }

    #[test]
    fn a_key_stops_rotating_and_keeps_what_it_has() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call(enable_key_rotation::Request::new(key)).unwrap();
        local.advance(366 * DAY);
        assert_eq!(materials(&local, key), 2);
        disable(&mut local, key).unwrap();
        local.advance(800 * DAY);
        assert_eq!(materials(&local, key), 2);
    }

    #[test]
    fn what_is_off_can_be_switched_off() {
        let mut local = Local::single_region();
        let key = local.create_key();
        disable(&mut local, key).unwrap();
        assert_eq!(local.key(key).rotation, None);
    }

    #[test]
    fn the_key_must_be_enabled() {
        let mut local = Local::single_region();
        let (disabled, dying) = (local.create_key(), local.create_key());
        local.call(disable_key::Request { key_id: disabled.into() }).unwrap();
        let request =
            schedule_key_deletion::Request { key_id: dying.into(), pending_window_in_days: None };
        local.call(request).unwrap();
        assert_eq!(disable(&mut local, disabled).unwrap_err().code, ErrorCode::Disabled);
        assert_eq!(disable(&mut local, dying).unwrap_err().code, ErrorCode::KmsInvalidState);
    }
}
