//! RetireGrant: gives a grant back when its work is done, by whom the grant itself lets.

use super::Info;
use super::revoke_grant::grant_id;
use crate::error::{Error, ErrorCode, Result};
use crate::kms::Checks;
use crate::name::{GrantId, KeyId};
use crate::state::Change;
use crate::step::Next;
use crate::wire::{GrantIdText, GrantToken, KeyRef};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::InvalidArn,
        ErrorCode::InvalidGrantToken,
        ErrorCode::InvalidGrantId,
        ErrorCode::NotFound,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// Which grant: by a token of it, or by its key and id.
    #[derive(Default)]
    pub struct Request {
        /// A token of the grant.
        grant_token: Option<GrantToken> = "GrantToken",
        /// The key, by ARN or id.
        key_id: Option<KeyRef> = "KeyId",
        /// The grant.
        grant_id: Option<GrantIdText> = "GrantId",
        /// Only check.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let (key, grant) = named(&mut checks, request)?;
    let grant = checks.grant_to_retire(key, grant)?;
    let mut effects = checks.pass(request.dry_run)?;
    effects.record(Change::RemoveGrant(grant.id));
    effects.done(Response {})
}

/// The key and the grant that a request names, in one way and not in both.
fn named(checks: &mut Checks<'_, '_>, request: &Request) -> Result<(KeyId, GrantId)> {
    match (&request.grant_token, &request.key_id, &request.grant_id) {
        (Some(token), None, None) => {
            let grant = checks.grant_by_token(token)?.ok_or_else(gone)?;
            Ok((grant.key, grant.id))
        }
        (None, Some(key), Some(grant)) => {
            let grant = grant_id(grant)?;
            let key = checks.resolve_name(key)?;
            Ok((checks.existing(key)?, grant))
        }
        _ => Err(ErrorCode::Validation
            .says("You must specify either GrantToken, or both KeyId and GrantId.")),
    }
}

/// A token made here whose grant is retired or revoked.
fn gone() -> Error {
    ErrorCode::NotFound.says("The grant of the grant token does not exist.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::{KeyArn, PrincipalArn};
    use crate::ops::{Response as Any, create_grant, schedule_key_deletion};
    use crate::policy::GrantOperation;
    use std::sync::Arc;

    const GRANTEE: &str = "arn:aws:iam::444455556666:user/grantee";
    const RETIRING: &str = "arn:aws:iam::444455556666:user/retiring";
    const BYSTANDER: &str = "arn:aws:iam::111122223333:user/bystander";

    fn granted(operations: &[&str]) -> (Local, KeyArn, create_grant::Response) {
        let mut local = Local::single_region();
        let key = local.create_key();
        let operations = operations.iter().filter_map(|name| GrantOperation::parse(name));
        let request = create_grant::Request {
            retiring_principal: Some(RETIRING.into()),
            ..create_grant::Request::new(key, GRANTEE, operations)
        };
        match local.call(request).unwrap() {
            Any::CreateGrant(response) => (local, key, response),
            other => panic!("{other:?}"),
        }
    }

    fn caller(arn: &str) -> Arc<Caller> {
        Arc::new(Caller::new(PrincipalArn::parse(arn).unwrap()))
    }

    fn by_token(grant: &create_grant::Response) -> Request {
        Request { grant_token: Some(grant.grant_token.clone()), ..Request::default() }
    }

    fn by_id(key: KeyArn, grant: &create_grant::Response) -> Request {
        let (key_id, grant_id) = (Some(key.into()), Some(grant.grant_id.clone()));
        Request { key_id, grant_id, ..Request::default() }
    }

    #[test]
    fn the_retiring_principal_the_permitted_grantee_and_the_issuing_account_may() {
        for (operations, who, may) in [
            (&["Decrypt"] as &[_], RETIRING, true),
            (&["Decrypt", "RetireGrant"], GRANTEE, true),
            (&["Decrypt"], GRANTEE, false),
            (&["Decrypt", "RetireGrant"], BYSTANDER, false),
            (&["Decrypt"], "arn:aws:iam::111122223333:root", true),
        ] {
            let (mut local, key, grant) = granted(operations);
            for request in [by_token(&grant), by_id(key, &grant)] {
                let dry = Request { dry_run: true, ..request };
                let code = local.call_as(&caller(who), dry).unwrap_err().code;
                let expected =
                    if may { ErrorCode::DryRunOperation } else { ErrorCode::AccessDenied };
                assert_eq!(code, expected, "{who} {operations:?}");
            }
        }
    }

    #[test]
    fn another_grant_that_may_be_retired_does_not_help() {
        let (mut local, key, grant) = granted(&["Decrypt"]);
        let operations = GrantOperation::parse("RetireGrant");
        local.call(create_grant::Request::new(key, GRANTEE, operations)).unwrap();
        let refused = local.call_as(&caller(GRANTEE), by_token(&grant)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::AccessDenied);
    }

    #[test]
    fn a_retired_grant_is_gone() {
        let (mut local, key, grant) = granted(&["Decrypt"]);
        local.call_as(&caller(RETIRING), by_token(&grant)).unwrap();
        let by_token = local.call_as(&caller(RETIRING), by_token(&grant)).unwrap_err();
        assert_eq!(by_token.code, ErrorCode::NotFound);
        let by_id = local.call_as(&caller(RETIRING), by_id(key, &grant)).unwrap_err();
        assert_eq!(by_id.code, ErrorCode::InvalidGrantId);
        assert_eq!(local.journal().state().grants_after(key.id, None).count(), 0);
    }

    #[test]
    fn a_dying_key_lets_its_grants_go() {
        let (mut local, key, grant) = granted(&["Decrypt"]);
        let pending_window_in_days = None;
        let schedule =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days };
        local.call(schedule).unwrap();
        local.call_as(&caller(RETIRING), by_id(key, &grant)).unwrap();
    }

    #[test]
    fn a_grant_is_named_in_one_way() {
        let (mut local, key, grant) = granted(&["Decrypt"]);
        let both = Request { grant_token: Some(grant.grant_token.clone()), ..by_id(key, &grant) };
        let half = Request { grant_id: None, ..by_id(key, &grant) };
        for bad in [both, half, Request::default()] {
            assert_eq!(local.call(bad).unwrap_err().code, ErrorCode::Validation);
        }
        let made_up = Request { grant_token: Some("made-up".into()), ..Request::default() };
        assert_eq!(local.call(made_up).unwrap_err().code, ErrorCode::InvalidGrantToken);
        let other = local.create_key();
        let elsewhere = local.call(by_id(other, &grant)).unwrap_err();
        assert_eq!(elsewhere.code, ErrorCode::InvalidGrantId);
    }
}
