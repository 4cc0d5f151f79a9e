//! RevokeGrant: takes a grant back, by whoever the key policy lets.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::name::GrantId;
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::{GrantIdText, KeyRef};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidArn,
        ErrorCode::InvalidGrantId,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// Which grant.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// The grant; a grant token is none.
        grant_id: GrantIdText = "GrantId",
        /// Only check.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

impl Request {
    /// Revokes a grant on a key.
    pub fn new(key: impl Into<KeyRef>, grant: GrantIdText) -> Request {
        Request { key_id: key.into(), grant_id: grant, dry_run: false }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::RevokeGrant);
    let key = checks.key_by_name(&request.key_id, context)?;
    let grant = checks.grant_on(key.id(), grant_id(&request.grant_id)?)?;
    let mut effects = checks.pass(request.dry_run)?;
    effects.record(Change::RemoveGrant(grant.id));
    effects.done(Response {})
}

/// The id that a request spells.
pub(super) fn grant_id(text: &GrantIdText) -> Result<GrantId> {
    GrantId::parse(text.as_str()).ok_or_else(|| {
        ErrorCode::InvalidGrantId
            .says(format!("'{text}' is no grant id, which has 64 hexadecimal digits"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::{KeyArn, PrincipalArn};
    use crate::ops::{Response as Any, create_grant, disable_key, encrypt};
    use crate::policy::GrantOperation;
    use std::sync::Arc;

    const ALICE: &str = "arn:aws:iam::444455556666:user/alice";

    fn granted() -> (Local, KeyArn, create_grant::Response) {
        let mut local = Local::single_region();
        let key = local.create_key();
        let operations = GrantOperation::parse("Encrypt");
        match local.call(create_grant::Request::new(key, ALICE, operations)).unwrap() {
            Any::CreateGrant(response) => (local, key, response),
            other => panic!("{other:?}"),
        }
    }

    fn alice() -> Arc<Caller> {
        Arc::new(Caller::new(PrincipalArn::parse(ALICE).unwrap()))
    }

    #[test]
    fn a_revoked_grant_permits_nothing_even_by_its_token() {
        let (mut local, key, grant) = granted();
        local.call_as(&alice(), encrypt::Request::new(key, *b"x")).unwrap();
        local.call(Request::new(key, grant.grant_id.clone())).unwrap();
        let mut again = encrypt::Request::new(key, *b"x");
        again.grant_tokens.0.push(grant.grant_token);
        let refused = local.call_as(&alice(), again).unwrap_err();
        assert_eq!(refused.code, ErrorCode::AccessDenied);
        let twice = local.call(Request::new(key, grant.grant_id)).unwrap_err();
        assert_eq!(twice.code, ErrorCode::InvalidGrantId);
    }

    #[test]
    fn a_grant_is_named_by_its_id_and_its_key() {
        let (mut local, key, grant) = granted();
        let other = local.create_key();
        let token = GrantIdText::from(grant.grant_token.as_str());
        for (key, id) in [(other, grant.grant_id), (key, token), (key, "0".repeat(64).into())] {
            let error = local.call(Request::new(key, id)).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidGrantId);
        }
    }

    #[test]
    fn the_grantee_may_not_and_a_disabled_key_does_not_matter() {
        let (mut local, key, grant) = granted();
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        let request = Request::new(key, grant.grant_id);
        let refused = local.call_as(&alice(), request.clone()).unwrap_err();
        assert_eq!(refused.code, ErrorCode::AccessDenied);
        let dry = local.call(Request { dry_run: true, ..request.clone() }).unwrap_err();
        assert_eq!(dry.code, ErrorCode::DryRunOperation);
        local.call(request).unwrap();
    }
}
