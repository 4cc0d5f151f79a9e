//! RotateKeyOnDemand: a new key material now, at most 25 times in a key's life.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::key::{Key, KeySpec, Origin, RotationType};
use crate::key_state::unsupported_origin;
use crate::kms::{Checks, UsableKey, internal};
use crate::policy::Action;
use crate::rotation;
use crate::state::Change;
use crate::step::Next;
use crate::token::TokenChange;
use crate::wire::{KeyMaterialState, KeyRef};
use std::sync::Arc;
use std::time::Duration;

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
        ErrorCode::LimitExceeded,
        ErrorCode::Conflict,
    ],
};

/// How near an automatic rotation may not be (AWS KMS API, RotateKeyOnDemand).
const TOO_NEAR: Duration = Duration::from_secs(20 * 60);

crate::shape! {
    /// Which key.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
    }
}

crate::shape! {
    /// The key.
    pub struct Response {
        /// The key, by its short id, as the service answers.
        key_id: String = "KeyId",
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::RotateKeyOnDemand);
    let key = checks.key_by_name(&request.key_id, context)?;
    let now = checks.call().now;
    check_rotatable(&key)?;
    let near = |at: crate::env::Timestamp| at <= now.after(TOO_NEAR);
    if key.pending.is_some() || key.rotation.is_some_and(|schedule| near(schedule.next)) {
        return Err(
            ErrorCode::Conflict.says(format!("{} is being rotated or about to be.", key.arn))
        );
    }
    if key.on_demand_rotations >= checks.settings().limits.on_demand_rotations {
        return Err(ErrorCode::LimitExceeded
            .says(format!("{} has reached the most on-demand rotations of a key.", key.arn)));
    }
    if key.is_imported() {
        return rotate_to_imported(checks, &key);
    }
    let effects = checks.pass(false)?;
    let command = Command::GenerateBackingKey { key: key.id(), spec: key.spec };
    effects.ask_hsm(command, move |reply, mut effects| {
        let Reply::BackingKey { token, .. } = reply else { return Err(internal()) };
        let mut record = key.to_record();
        rotation::take_material(&mut record, &token, RotationType::OnDemand, now);
        effects.record(Change::PutKey(Arc::new(record)));
        effects.record_token(TokenChange::Put(token));
        effects.done(Response { key_id: key.id().to_string() })
    })
}

/// The material that was imported for it becomes current, if it is in every Region of the set.
fn rotate_to_imported(checks: Checks<'_, '_>, key: &UsableKey) -> Result<Next> {
    if key.awaiting_state() != KeyMaterialState::PendingRotation {
        return Err(ErrorCode::KmsInvalidState.says(format!(
            "{} has no imported key material that is ready to rotate to.",
            key.arn
        )));
    }
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    record.rotate_to_imported(effects.call().now);
    effects.record(Change::PutKey(Arc::new(record)));
    effects.done(Response { key_id: key.id().to_string() })
}

/// Only symmetric encryption keys rotate.
pub(super) const NO_ROTATION: &str = "Rotation is only supported for symmetric encryption keys.";

/// Only symmetric encryption keys rotate, and in a set of keys only the primary.
fn check_rotatable(key: &Key) -> Result<()> {
    let why_not = match key.spec {
        KeySpec::SymmetricDefault if key.is_replica() => {
            "A replica key is rotated with its primary key."
        }
        KeySpec::SymmetricDefault => return Ok(()),
        _ => NO_ROTATION,
    };
    Err(ErrorCode::UnsupportedOperation.says(why_not))
}

/// By itself a key rotates only if its material comes from AWS KMS.
pub(super) fn check_rotates_by_itself(key: &Key) -> Result<()> {
    check_rotatable(key)?;
    let own = key.origin == Origin::AwsKms;
    own.then_some(()).ok_or_else(|| unsupported_origin(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::DAY;
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{Response as Any, decrypt, enable_key_rotation, encrypt};
    use crate::wire::RotationPeriodInDays;

    fn rotate(local: &mut Local, key: KeyArn) -> Result<()> {
        local.call(Request { key_id: key.into() }).map(|_| ())
    }

    #[test]
    fn old_ciphertexts_open_after_twenty_five_rotations_and_the_next_is_refused() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let Any::Encrypt(sealed) = local.call(encrypt::Request::new(key, *b"old")).unwrap() else {
            panic!()
        };
        for _ in 0..25 {
            rotate(&mut local, key).unwrap();
        }
        assert_eq!(rotate(&mut local, key).unwrap_err().code, ErrorCode::LimitExceeded);
        let opened = local.call(decrypt::Request::new(sealed.ciphertext_blob)).unwrap();
        let Any::Decrypt(opened) = opened else { panic!() };
        assert_eq!(opened.plaintext.unwrap().0.as_bytes(), b"old");
    }

    #[test]
    fn an_automatic_rotation_near_by_conflicts() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let period = Some(RotationPeriodInDays(90));
        local
            .call(enable_key_rotation::Request {
                key_id: key.into(),
                rotation_period_in_days: period,
            })
            .unwrap();
        local.advance(90 * DAY - TOO_NEAR);
        assert_eq!(rotate(&mut local, key).unwrap_err().code, ErrorCode::Conflict);
        local.advance(TOO_NEAR);
        rotate(&mut local, key).unwrap();
    }
}
