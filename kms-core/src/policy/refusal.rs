//! What a caller is told of why it may not: which kind of policy fell short, and never which statement
//! or grant. That is for the audit of the key's owner.
//!
//! The words are AWS's (IAM User Guide, "Troubleshoot access denied error messages"). Of the key policy
//! and the grants of another account, a caller learns nothing.

use super::evaluate::{Question, Resource};
use super::reason::{Denied, Layer};
use crate::name::PrincipalKind;

/// The message of a refusal.
pub(crate) fn message(question: &Question<'_>, denied: &Denied<'_>) -> String {
    let (principal, action) = (&question.caller.principal, question.action);
    let resource: &dyn std::fmt::Display = match &question.resource {
        Resource::Key { arn, .. } => arn,
        Resource::Alias(alias) => alias,
        Resource::Principal(retiring) => retiring,
        Resource::AnyKmsResource => &"*",
    };
    let ending = ending(question, denied);
    format!(
        "User: {principal} is not authorized to perform: {action} on resource: {resource}{ending}"
    )
}

fn ending(question: &Question<'_>, denied: &Denied<'_>) -> String {
    let lacks = |kind: &str| format!(" because no {kind} allows the {} action", question.action);
    match denied {
        Denied::ExplicitDeny(statement) if statement.layer == Layer::KeyPolicy => {
            match is_foreign(question) {
                true => ELSEWHERE.to_owned(),
                false => format!(" with an explicit deny in a {RESOURCE_BASED}"),
            }
        }
        Denied::ExplicitDeny(statement) => match statement.layer {
            Layer::Restricting(kind) => format!(" with an explicit deny in a {kind}"),
            _ => format!(" with an explicit deny in an {IDENTITY_BASED}"),
        },
        Denied::RestrictedBy(kind) => lacks(&kind.to_string()),
        Denied::CrossAccountNeedsIdentityPolicy | Denied::NoIdentityPolicy => lacks(IDENTITY_BASED),
        // As where there is no such grant and the key policy is the usual one.
        Denied::GrantFallsShort { .. } if !is_foreign(question) => lacks(IDENTITY_BASED),
        Denied::CrossAccountNotAllowed(_) | Denied::MayNotRetire => String::new(),
        _ if is_foreign(question) => ELSEWHERE.to_owned(),
        _ => match question.resource {
            Resource::Key { .. } => lacks(RESOURCE_BASED),
            _ => lacks(IDENTITY_BASED),
        },
    }
}

const IDENTITY_BASED: &str = "identity-based policy";
const RESOURCE_BASED: &str = "resource-based policy";
const ELSEWHERE: &str = " because the resource does not exist in this Region, no resource-based policies \
    allow access, or a resource-based policy explicitly denies access";

/// Whether the key is of another account; a service is of none.
fn is_foreign(question: &Question<'_>) -> bool {
    let caller = &question.caller.principal;
    let own = |account| caller.kind() == PrincipalKind::Service || account == caller.account();
    matches!(question.resource, Resource::Key { arn, .. } if !own(arn.account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::key::KeyManager;
    use crate::name::{KeyArn, KeyId, PrincipalArn, RegionName};
    use crate::policy::{Action, Policy, PolicyKind};

    #[test]
    fn nothing_is_told_of_the_policy_of_another_account() {
        let policy = Policy::parse(
            r#"{"Statement": {"Effect": "Allow", "Principal": "*"}}"#,
            PolicyKind::Key,
        )
        .unwrap();
        let told = |user: &str, reason: Denied<'_>| {
            let caller = Caller::new(PrincipalArn::parse(user).unwrap());
            let arn = KeyArn {
                region: RegionName::parse("us-east-1").unwrap(),
                account: crate::name::AccountId::new(111_122_223_333),
                id: KeyId::single_region([1; 16]),
            };
            let resource = Resource::Key { arn, policy: &policy, manager: KeyManager::Customer };
            let question = Question { caller: &caller, action: Action::Decrypt, resource };
            ending(&question, &reason)
        };
        let own = "arn:aws:iam::111122223333:user/alice";
        let foreign = "arn:aws:iam::444455556666:user/bob";
        let silent = " because no resource-based policy allows the kms:Decrypt action";
        for reason in [Denied::NoKeyPolicyDelegation, Denied::NothingAllows] {
            assert_eq!(told(own, reason), silent);
            assert_eq!(told(foreign, reason), ELSEWHERE);
        }
        assert_eq!(told(foreign, Denied::CrossAccountNeedsKeyPolicy), ELSEWHERE);
        assert_eq!(told(foreign, Denied::CrossAccountNotAllowed(Action::Decrypt)), "");
    }
}
