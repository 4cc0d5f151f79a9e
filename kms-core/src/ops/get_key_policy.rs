//! GetKeyPolicy: the key policy, as it was stored.

use super::Info;
use crate::error::{Error, ErrorCode, Result};
use crate::kms::Checks;
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{KeyRef, PolicyName, PolicyText};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
    ],
};

/// The policy that every key has and its owner manages.
pub(super) const DEFAULT: &str = "default";

crate::shape! {
    /// Which key and which of its policies.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// `default` unless said.
        policy_name: Option<PolicyName> = "PolicyName",
    }
}

crate::shape! {
    /// The policy.
    pub struct Response {
        /// The document.
        policy: PolicyText = "Policy",
        /// Its name.
        policy_name: Option<PolicyName> = "PolicyName",
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let name = request.policy_name.as_ref().map_or(DEFAULT, PolicyName::as_str);
    let mut context = checks.context(Action::GetKeyPolicy);
    context.policy_name = Some(name);
    let key = checks.key_by_name(&request.key_id, context)?;
    // No key is shared through RAM here, so none has the policy AWS_RAM.
    if name != DEFAULT {
        return Err(no_such_policy(name));
    }
    checks
        .pass(false)?
        .done(Response { policy: key.policy.text().into(), policy_name: Some(name.into()) })
}

pub(super) fn no_such_policy(name: &str) -> Error {
    ErrorCode::NotFound.says(format!("No such policy exists: {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{Response as Any, schedule_key_deletion};

    fn get(local: &mut Local, key: KeyArn, name: Option<&str>) -> Result<Response> {
        let policy_name = name.map(PolicyName::from);
        match local.call(Request { key_id: key.into(), policy_name })? {
            Any::GetKeyPolicy(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_made_without_a_policy_trusts_its_account() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let shown = get(&mut local, key, None).unwrap();
        assert_eq!(shown.policy_name, Some("default".into()));
        assert!(shown.policy.as_str().contains("arn:aws:iam::111122223333:root"));
        assert_eq!(get(&mut local, key, Some("default")).unwrap(), shown);
    }

    #[test]
    fn the_default_policy_names_the_account_in_the_partition_of_the_region() {
        for (region, root) in [
            ("cn-north-1", "\"arn:aws-cn:iam::111122223333:root\""),
            ("us-gov-west-1", "\"arn:aws-us-gov:iam::111122223333:root\""),
        ] {
            let mut local = Local::regions(&[region]);
            let key = local.create_key();
            let shown = get(&mut local, key, None).unwrap();
            assert!(shown.policy.as_str().contains(root), "{}", shown.policy.as_str());
            let other = local.create_key();
            let policy = |key| local.key(key).policy.clone();
            assert!(std::sync::Arc::ptr_eq(&policy(key), &policy(other)), "one copy in {region}");
        }
    }

    #[test]
    fn there_is_no_other_policy() {
        let mut local = Local::single_region();
        let key = local.create_key();
        for name in ["AWS_RAM", "Default", "other"] {
            let error = get(&mut local, key, Some(name)).unwrap_err();
            assert_eq!(error.code, ErrorCode::NotFound, "{name}");
        }
    }

    #[test]
    fn a_dying_key_still_shows_its_policy() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let pending_window_in_days = None;
        let schedule =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days };
        local.call(schedule).unwrap();
        get(&mut local, key, None).unwrap();
    }
}
