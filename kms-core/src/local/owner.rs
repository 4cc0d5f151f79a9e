//! Who calls unless a test says otherwise.

use crate::env::Caller;
use crate::name::PrincipalArn;
use crate::policy::{Policy, PolicyKind};
use std::sync::Arc;

/// An administrator whose account allows it everything.
pub(super) fn owner() -> Caller {
    let principal = PrincipalArn::parse("arn:aws:iam::111122223333:role/owner").expect("an ARN");
    let policy = r#"{"Version":"2012-10-17","Statement":
        {"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
    let policy = Policy::parse(policy, PolicyKind::Identity).expect("a policy");
    Caller::new(principal).with_policy(Arc::new(policy))
}
