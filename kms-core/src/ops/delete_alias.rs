//! DeleteAlias: takes a name away from its key, which stays as it is.

use super::Info;
use super::create_alias::own_alias;
use crate::error::{Error, ErrorCode, Result};
use crate::kms::Checks;
use crate::name::AliasArn;
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::AliasText;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::DependencyTimeout,
        ErrorCode::NotFound,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
    ],
};

crate::shape! {
    /// Which alias.
    pub struct Request {
        /// The name, with its prefix `alias/`.
        alias_name: AliasText = "AliasName",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let arn = own_alias(&checks, &request.alias_name)?;
    checks.alias(Action::DeleteAlias, &arn)?;
    let target = checks.read_alias(arn.account, &arn.name).ok_or_else(|| no_such_alias(&arn))?;
    let context = checks.context(Action::DeleteAlias);
    checks.key_by_id(target, context, &[])?;
    let mut effects = checks.pass(false)?;
    effects.record(Change::RemoveAlias(arn.account, arn.name));
    effects.done(Response {})
}

pub(super) fn no_such_alias(arn: &AliasArn) -> Error {
    ErrorCode::NotFound.says(format!("Alias {arn} is not found."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::{KeyArn, PrincipalArn};
    use crate::ops::{create_alias, encrypt, schedule_key_deletion};
    use crate::wire::KeyRef;
    use std::sync::Arc;

    fn with_alias() -> (Local, KeyArn) {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.call(create_alias::Request::new("alias/app", key)).unwrap();
        (local, key)
    }

    fn delete(alias: &str) -> Request {
        Request { alias_name: alias.into() }
    }

    #[test]
    fn the_name_is_gone_and_free_and_the_key_is_not() {
        let (mut local, key) = with_alias();
        local.call(delete("alias/app")).unwrap();
        let by_alias = encrypt::Request::new(KeyRef::new("alias/app"), *b"x");
        assert_eq!(local.call(by_alias).unwrap_err().code, ErrorCode::NotFound);
        local.call(encrypt::Request::new(key, *b"x")).unwrap();
        local.call(create_alias::Request::new("alias/app", key)).unwrap();
    }

    #[test]
    fn what_is_no_alias_is_not_found() {
        let (mut local, _) = with_alias();
        for missing in ["alias/other", "alias/aws/s3"] {
            let error = local.call(delete(missing)).unwrap_err();
            assert_eq!(error.code, ErrorCode::NotFound, "{missing}");
        }
        assert_eq!(local.call(delete("app")).unwrap_err().code, ErrorCode::Validation);
    }

    #[test]
    fn an_alias_of_a_dying_key_can_be_deleted() {
        let (mut local, key) = with_alias();
        let pending_window_in_days = None;
        let schedule =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days };
        local.call(schedule).unwrap();
        local.call(delete("alias/app")).unwrap();
    }

    #[test]
    fn a_key_policy_alone_does_not_permit_it() {
        let (mut local, _) = with_alias();
        let alice = PrincipalArn::parse("arn:aws:iam::111122223333:user/alice").unwrap();
        let error = local.call_as(&Arc::new(Caller::new(alice)), delete("alias/app")).unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied);
    }
}
