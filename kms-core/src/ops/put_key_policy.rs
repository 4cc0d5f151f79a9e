//! PutKeyPolicy: replaces the key policy, unless the caller would lock itself out by it.

use super::get_key_policy::{DEFAULT, no_such_policy};
use super::{Info, create_key};
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::{KeyRef, PolicyName, PolicyText};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::MalformedPolicyDocument,
        ErrorCode::DependencyTimeout,
        ErrorCode::UnsupportedOperation,
        ErrorCode::KmsInternal,
        ErrorCode::LimitExceeded,
        ErrorCode::KmsInvalidState,
    ],
};

crate::shape! {
    /// Which key, and its new policy.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// `default` unless said, and nothing else can be put.
        policy_name: Option<PolicyName> = "PolicyName",
        /// The document.
        policy: PolicyText = "Policy",
        /// Accept a policy that the caller could not change again.
        bypass_policy_lockout_safety_check: Option<bool> = "BypassPolicyLockoutSafetyCheck",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

impl Request {
    /// Replaces the policy of a key, if the caller stays in control.
    pub fn new(key: impl Into<KeyRef>, policy: &str) -> Request {
        Request {
            key_id: key.into(),
            policy_name: None,
            policy: policy.into(),
            bypass_policy_lockout_safety_check: None,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let name = request.policy_name.as_ref().map_or(DEFAULT, PolicyName::as_str);
    let bypass = request.bypass_policy_lockout_safety_check;
    let mut context = checks.context(Action::PutKeyPolicy);
    context.policy_name = Some(name);
    context.bypass_lockout_check = bypass;
    let key = checks.key_by_name(&request.key_id, context)?;
    // Whoever may not put a policy of that name hears only that (AWS KMS API reference, PolicyName).
    check_name(name)?;
    let described = checks.described(&key)?;
    let policy = create_key::policy(&checks, Some(&request.policy), &described, bypass)?;
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    record.policy = policy;
    effects.record(Change::PutKey(Arc::new(record)));
    effects.done(Response {})
}

fn check_name(name: &str) -> Result<()> {
    match name {
        DEFAULT => Ok(()),
        "AWS_RAM" => {
            Err(ErrorCode::Validation
                .says("The AWS_RAM policy can only be managed by the RAM service"))
        }
        other => Err(no_such_policy(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::{KeyArn, PrincipalArn};
    use crate::ops::{Response as Any, encrypt, get_key_policy};

    const OWNER_AND_ALICE: &str = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"},
         "Action":"kms:Encrypt","Resource":"*"}]}"#;
    const STRANGER: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
        "Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"kms:*","Resource":"*"}]}"#;

    fn stored(local: &mut Local, key: KeyArn) -> String {
        let request = get_key_policy::Request { key_id: key.into(), policy_name: None };
        match local.call(request).unwrap() {
            Any::GetKeyPolicy(response) => response.policy.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_new_policy_is_stored_as_it_is_and_decides() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let alice = PrincipalArn::parse("arn:aws:iam::111122223333:user/alice").unwrap();
        let alice = Arc::new(Caller::new(alice));
        let refused = local.call_as(&alice, encrypt::Request::new(key, *b"x")).unwrap_err();
        assert_eq!(refused.code, ErrorCode::AccessDenied);
        local.call(Request::new(key, OWNER_AND_ALICE)).unwrap();
        local.call_as(&alice, encrypt::Request::new(key, *b"x")).unwrap();
        assert_eq!(stored(&mut local, key), OWNER_AND_ALICE);
    }

    #[test]
    fn a_policy_that_locks_the_caller_out_needs_the_bypass() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let request = Request::new(key, STRANGER);
        let error = local.call(request.clone()).unwrap_err();
        assert_eq!(error.code, ErrorCode::MalformedPolicyDocument);
        let bypass = Request { bypass_policy_lockout_safety_check: Some(true), ..request.clone() };
        local.call(bypass).unwrap();
        let locked_out = local.call(Request::new(key, OWNER_AND_ALICE)).unwrap_err();
        assert_eq!(locked_out.code, ErrorCode::AccessDenied);
    }

    #[test]
    fn only_the_default_policy_can_be_put() {
        let mut local = Local::single_region();
        let key = local.create_key();
        for (name, expected) in [
            ("default", None),
            ("AWS_RAM", Some(ErrorCode::Validation)),
            ("other", Some(ErrorCode::NotFound)),
        ] {
            let policy_name = Some(name.into());
            let request = Request { policy_name, ..Request::new(key, OWNER_AND_ALICE) };
            assert_eq!(local.call(request).err().map(|error| error.code), expected, "{name}");
        }
    }

    #[test]
    fn a_policy_is_one_and_is_not_too_long() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let error = local.call(Request::new(key, "{}x")).unwrap_err();
        assert_eq!(error.code, ErrorCode::MalformedPolicyDocument);
        let pad = |length: usize| format!("{OWNER_AND_ALICE:<length$}");
        local.call(Request::new(key, &pad(32_768))).unwrap();
        let error = local.call(Request::new(key, &pad(32_769))).unwrap_err();
        assert_eq!(error.code, ErrorCode::LimitExceeded);
    }
}
