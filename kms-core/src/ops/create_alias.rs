//! CreateAlias: a friendly name for a key, unique in its account and Region.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::name::{AliasArn, AliasName, KeyId};
use crate::policy::Action;
use crate::state::Change;
use crate::step::{Counter, Next, Precondition, UniqueName};
use crate::wire::{AliasText, KeyRef};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::DependencyTimeout,
        ErrorCode::AlreadyExists,
        ErrorCode::NotFound,
        ErrorCode::InvalidAliasName,
        ErrorCode::KmsInternal,
        ErrorCode::LimitExceeded,
        ErrorCode::KmsInvalidState,
    ],
};

crate::shape! {
    /// A name and the key it shall stand for.
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
    /// Names a key.
    pub fn new(alias: &str, key: impl Into<KeyRef>) -> Request {
        Request { alias_name: alias.into(), target_key_id: key.into() }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let arn = own_alias(&checks, &request.alias_name)?;
    if arn.name.is_reserved() {
        return Err(ErrorCode::InvalidAliasName
            .says("The prefix alias/aws/ is reserved for AWS managed keys; choose another name."));
    }
    checks.alias(Action::CreateAlias, &arn)?;
    let context = checks.context(Action::CreateAlias);
    let key = checks.key_by_name(&request.target_key_id, context)?;
    if checks.state().alias(arn.account, &arn.name).is_some() {
        return Err(
            ErrorCode::AlreadyExists.says(format!("An alias with the name {arn} already exists"))
        );
    }
    let room = room_on(&checks, key.id())?;
    let mut effects = checks.pass(false)?;
    effects.require_absent(UniqueName::Alias(arn.account, arn.name.clone()));
    effects.require(room);
    let now = effects.call().now;
    effects.record(Change::PutAlias(arn.account, arn.name, key.id(), now));
    effects.done(Response {})
}

/// The alias of that name in the caller's account and this Region, whether it exists or not.
pub(super) fn own_alias(checks: &Checks<'_, '_>, text: &AliasText) -> Result<AliasArn> {
    let account = checks.call().caller.account();
    Ok(AliasArn { region: checks.region(), account, name: alias_name(text.as_str())? })
}

fn alias_name(text: &str) -> Result<AliasName> {
    if !text.starts_with("alias/") {
        return Err(ErrorCode::Validation.says(
            "Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ));
    }
    AliasName::parse(text).ok_or_else(|| {
        ErrorCode::Validation.says(format!(
            "1 validation error detected: Value '{text}' at 'aliasName' failed to satisfy \
             constraint: Member must have 1 to 250 characters of [a-zA-Z0-9:/_-] after the prefix \
             alias/"
        ))
    })
}

/// That one more alias fits the key.
pub(super) fn room_on(checks: &Checks<'_, '_>, key: KeyId) -> Result<Precondition> {
    checks.room(Counter::Aliases(key), checks.settings().limits.aliases_per_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::ops::{disable_key, encrypt, schedule_key_deletion};
    use crate::wire::PendingWindowInDays;

    fn refusal(local: &mut Local, alias: &str, key: impl Into<KeyRef>) -> ErrorCode {
        local.call(Request::new(alias, key)).unwrap_err().code
    }

    #[test]
    fn an_alias_names_the_key_from_now_on() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call(Request::new("alias/App", key)).unwrap();
        local.call(encrypt::Request::new(KeyRef::new("alias/App"), *b"x")).unwrap();
        let other_case = encrypt::Request::new(KeyRef::new("alias/app"), *b"x");
        assert_eq!(local.call(other_case).unwrap_err().code, ErrorCode::NotFound);
    }

    #[test]
    fn a_name_is_unique_and_not_reserved() {
        let mut local = Local::single_region();
        let (key, other) = (local.create_key(), local.create_key());
        local.call(Request::new("alias/app", key)).unwrap();
        assert_eq!(refusal(&mut local, "alias/app", other), ErrorCode::AlreadyExists);
        assert_eq!(refusal(&mut local, "alias/aws/app", key), ErrorCode::InvalidAliasName);
        local.call(Request::new("alias/awsome", key)).unwrap();
    }

    #[test]
    fn a_name_has_a_prefix_and_something_behind_it() {
        for bad in ["app", "Alias/app", "alias/", "alias/a b"] {
            assert_eq!(alias_name(bad).unwrap_err().code, ErrorCode::Validation, "{bad}");
        }
        let longest = format!("alias/{}", "a".repeat(250));
        assert_eq!(alias_name(&longest).unwrap().as_str(), longest);
        assert!(alias_name(&format!("{longest}a")).is_err());
    }

    #[test]
    fn a_key_has_at_most_fifty_aliases() {
        let mut local = Local::single_region();
        let (key, other) = (local.create_key(), local.create_key());
        for number in 0..50 {
            local.call(Request::new(&format!("alias/app-{number}"), key)).unwrap();
        }
        assert_eq!(refusal(&mut local, "alias/app-50", key), ErrorCode::LimitExceeded);
        local.call(Request::new("alias/app-50", other)).unwrap();
    }

    #[test]
    fn a_dying_key_gets_no_alias_and_a_disabled_one_does() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        local.call(Request::new("alias/app", key)).unwrap();
        let pending_window_in_days = Some(PendingWindowInDays(7));
        let schedule =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days };
        local.call(schedule).unwrap();
        assert_eq!(refusal(&mut local, "alias/more", key), ErrorCode::KmsInvalidState);
    }

    #[test]
    fn the_target_is_a_key_and_no_alias() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call(Request::new("alias/app", key)).unwrap();
        let code = refusal(&mut local, "alias/more", KeyRef::new("alias/app"));
        assert_eq!(code, ErrorCode::NotFound);
    }
}
