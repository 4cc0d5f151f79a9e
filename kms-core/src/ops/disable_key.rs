//! DisableKey: switches a key off for all use, and nothing else about it.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::key::Status;
use crate::kms::{Checks, Effects};
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
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
    /// Nothing.
    pub struct Response {}
}

pub(crate) fn decide(checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    switch(checks, &request.key_id, Action::DisableKey, Status::Disabled)?.done(Response {})
}

/// Gives a key a status, for EnableKey and DisableKey. The change is recorded even if the key has the
/// status already: a host that is behind the journal must not answer that there is nothing to do. One
/// that was saved from deletion is disabled already.
pub(super) fn switch<'s, 'a>(
    mut checks: Checks<'s, 'a>,
    named: &KeyRef,
    action: Action,
    status: Status,
) -> Result<Effects<'s, 'a>> {
    let context = checks.context(action);
    let key = checks.key_by_name(named, context)?;
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    if (record.status, status) != (Status::Restored, Status::Disabled) {
        record.status = status;
    }
    effects.record(Change::PutKey(Arc::new(record)));
    Ok(effects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::DAY;
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{
        Response as Any, decrypt, enable_key_rotation, encrypt, get_key_rotation_status,
        schedule_key_deletion,
    };
    use crate::wire::CiphertextBlob;

    fn disable(local: &mut Local, key: KeyArn) -> Result<Any> {
        local.call(Request { key_id: key.into() })
    }

    fn sealed(local: &mut Local, key: KeyArn) -> CiphertextBlob {
        match local.call(encrypt::Request::new(key, *b"x")).unwrap() {
            Any::Encrypt(response) => response.ciphertext_blob,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_disabled_key_neither_seals_nor_opens() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let blob = sealed(&mut local, key);
        disable(&mut local, key).unwrap();
        let seal = local.call(encrypt::Request::new(key, *b"x")).unwrap_err();
        let open = local.call(decrypt::Request::new(blob)).unwrap_err();
        for error in [seal, open] {
            assert_eq!(error, ErrorCode::Disabled.says(format!("{key} is disabled.")));
        }
    }

    #[test]
    fn disabling_again_is_fine_until_the_key_is_dying() {
        let mut local = Local::single_region();
        let key = local.create_key();
        disable(&mut local, key).unwrap();
        disable(&mut local, key).unwrap();
        let request =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
        local.call(request).unwrap();
        assert_eq!(disable(&mut local, key).unwrap_err().code, ErrorCode::KmsInvalidState);
    }

    #[test]
    fn a_disabled_key_keeps_its_rotation_and_does_not_rotate() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call(enable_key_rotation::Request::new(key)).unwrap();
        disable(&mut local, key).unwrap();
        local.advance(400 * DAY);
        let Any::GetKeyRotationStatus(status) =
            local.call(get_key_rotation_status::Request { key_id: key.into() }).unwrap()
        else {
            panic!()
        };
        assert!(status.key_rotation_enabled);
        assert_eq!(local.key(key).materials.len(), 1);
    }
}
