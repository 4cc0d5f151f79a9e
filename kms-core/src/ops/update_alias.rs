//! UpdateAlias: points a name at another key of the same kind.

use super::Info;
use super::create_alias::{own_alias, room_on};
use super::delete_alias::no_such_alias;
use crate::error::{ErrorCode, Result};
use crate::key::{Key, KeySpec};
use crate::key_state;
use crate::kms::Checks;
use crate::ops::Operation;
use crate::policy::Action;
use crate::state::Change;
use crate::step::{Next, Precondition};
use crate::wire::{AliasText, KeyRef};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::DependencyTimeout,
        ErrorCode::NotFound,
        ErrorCode::KmsInternal,
        ErrorCode::LimitExceeded,
        ErrorCode::KmsInvalidState,
    ],
};

crate::shape! {
    /// A name and the key it shall stand for from now on.
    pub struct Request {
        /// The name, with its prefix `alias/`.
        alias_name: AliasText = "AliasName",
        /// The key, by id or ARN.
        target_key_id: KeyRef = "TargetKeyId",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

impl Request {
    /// Names a key by a name that another key has.
    pub fn new(alias: &str, key: impl Into<KeyRef>) -> Request {
        Request { alias_name: alias.into(), target_key_id: key.into() }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let arn = own_alias(&checks, &request.alias_name)?;
    checks.alias(Action::UpdateAlias, &arn)?;
    checks.read_alias(arn.account, &arn.name);
    let (alias, _) =
        checks.state().alias(arn.account, &arn.name).ok_or_else(|| no_such_alias(&arn))?;
    let context = checks.context(Action::UpdateAlias);
    let from = checks.key_by_id(alias.target, context, &[])?;
    let to = checks.key_by_name(&request.target_key_id, context)?;
    // An alias may leave a key that is pending deletion; for the key it comes to, the rule is the
    // same as for a new alias.
    key_state::check(Operation::CreateAlias, &to, checks.state_of(&to))?;
    check_kind(&from, &to)?;
    let room = room_for_move(&checks, &from, &to)?;
    let mut effects = checks.pass(false)?;
    if let Some(room) = room {
        effects.require(room);
    }
    effects.record(Change::PutAlias(arn.account, arn.name, to.id(), alias.created));
    effects.done(Response {})
}

/// Both symmetric, both asymmetric or both HMAC, and for the same usage. HMAC keys have a usage of
/// their own.
fn check_kind(from: &Key, to: &Key) -> Result<()> {
    let symmetric = |key: &Key| key.spec == KeySpec::SymmetricDefault;
    if from.usage == to.usage && symmetric(from) == symmetric(to) {
        return Ok(());
    }
    Err(ErrorCode::Validation.says(format!(
        "The alias of {} ({} for {}) cannot be associated with {} ({} for {}): both keys must be of \
         the same type and usage.",
        from.arn, from.spec, from.usage, to.arn, to.spec, to.usage
    )))
}

/// An alias that stays where it is takes up no more room.
fn room_for_move(checks: &Checks<'_, '_>, from: &Key, to: &Key) -> Result<Option<Precondition>> {
    (from.id() != to.id()).then(|| room_on(checks, to.id())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyUsage;
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{Response as Any, create_alias, encrypt, schedule_key_deletion};

    fn two_keys() -> (Local, KeyArn, KeyArn) {
        let mut local = Local::single_region();
        let (from, to) = (local.create_key(), local.create_key());
        local.call(create_alias::Request::new("alias/app", from)).unwrap();
        (local, from, to)
    }

    fn schedule(local: &mut Local, key: KeyArn) {
        let pending_window_in_days = None;
        let request = schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days };
        local.call(request).unwrap();
    }

    fn named(local: &mut Local) -> KeyArn {
        let request = encrypt::Request::new(KeyRef::new("alias/app"), *b"x");
        match local.call(request).unwrap() {
            Any::Encrypt(response) => response.key_id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_name_stands_for_the_other_key() {
        let (mut local, from, to) = two_keys();
        assert_eq!(named(&mut local), from);
        local.call(Request::new("alias/app", to)).unwrap();
        assert_eq!(named(&mut local), to);
    }

    #[test]
    fn a_name_that_is_no_alias_is_not_found() {
        let (mut local, _, to) = two_keys();
        for missing in ["alias/other", "alias/aws/s3"] {
            let error = local.call(Request::new(missing, to)).unwrap_err();
            assert_eq!(error.code, ErrorCode::NotFound, "{missing}");
        }
        let bare = local.call(Request::new("app", to)).unwrap_err();
        assert_eq!(bare.code, ErrorCode::Validation);
    }

    #[test]
    fn an_alias_leaves_a_dying_key_and_does_not_come_to_one() {
        let (mut local, from, to) = two_keys();
        schedule(&mut local, from);
        local.call(Request::new("alias/app", to)).unwrap();
        let back = local.call(Request::new("alias/app", from)).unwrap_err();
        assert_eq!(back.code, ErrorCode::KmsInvalidState);
        assert_eq!(named(&mut local), to);
    }

    #[test]
    fn the_quota_is_the_new_keys() {
        let (mut local, from, to) = two_keys();
        local.settings_mut().limits.aliases_per_key = 1;
        local.call(Request::new("alias/app", from)).unwrap();
        local.call(create_alias::Request::new("alias/other", to)).unwrap();
        let full = local.call(Request::new("alias/app", to)).unwrap_err();
        assert_eq!(full.code, ErrorCode::LimitExceeded);
    }

    #[test]
    fn both_keys_are_of_one_kind() {
        let (local, from, _) = two_keys();
        let from = local.key(from);
        let with = |spec, usage| Key { spec, usage, ..Key::clone(&from) };
        let rsa = with(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt);
        let signing = with(KeySpec::Rsa2048, KeyUsage::SignVerify);
        let elliptic = with(KeySpec::EccNistP256, KeyUsage::SignVerify);
        let hmac = with(KeySpec::Hmac256, KeyUsage::GenerateVerifyMac);
        assert_eq!(check_kind(&signing, &elliptic), Ok(()));
        for (a, b) in [(&*from, &rsa), (&*from, &hmac), (&rsa, &signing)] {
            assert_eq!(check_kind(a, b).unwrap_err().code, ErrorCode::Validation);
        }
    }
}
