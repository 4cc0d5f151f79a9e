//! The table of decisions: principal × key policy × IAM × grant × request → decision and reason.
//!
//! A statement is written `allow WHO ACTIONS [on RESOURCE] [if OPERATOR KEY VALUE]`, statements are
//! separated by `;`. A grant is `to WHO ACTIONS [equals K=V | subset K=V] [source ARN] [retire WHO]
//! [by WHO]`. Facts of the request are separated by `|`.

use super::evaluate::{Decision, Question, evaluate, lockout_check};
use super::{
    Action, Allowed, Denied, Grant, Layer, Policy, PolicyKind, RequestContext, StatementRef,
};

mod language;
mod matrix;
use language::{Facts, action_named, grant, key_arn, policy};

/// Caller, action, key policy, IAM policy of the caller, grant, request, decision.
type Row = [&'static str; 7];

#[rustfmt::skip]
const OWN_ACCOUNT: &[Row] = &[
    // The key policy alone.
    ["alice", "Encrypt", "allow alice Encrypt", "", "", "", "key 0"],
    ["alice", "Decrypt", "allow alice Encrypt", "", "", "", "NothingAllows"],
    ["carol", "Encrypt", "allow alice Encrypt", "", "", "", "NothingAllows"],
    ["alice", "Encrypt", "allow * Encrypt", "", "", "", "key 0"],
    ["alice", "Encrypt", "allow carol *; allow alice *", "", "", "", "key 1"],
    ["alice", "Encrypt", "allow alice encrypt", "", "", "", "key 0"],
    ["alice", "ReEncryptFrom", "allow alice ReEncrypt*", "", "", "", "key 0"],
    ["alice", "GenerateMac", "allow alice Generate???", "", "", "", "key 0"],
    ["alice", "Encrypt", "allow alice Encrypt on KEY", "", "", "", "key 0"],
    ["alice", "Encrypt", "allow alice Encrypt on OTHER_KEY", "", "", "", "NothingAllows"],
    ["app", "Encrypt", "allow role-app Encrypt", "", "", "", "key 0"],
    ["app", "Encrypt", "allow app Encrypt", "", "", "", "key 0"],
    ["app2", "Encrypt", "allow app Encrypt", "", "", "", "NothingAllows"],
    ["app2", "Encrypt", "allow role-app Encrypt", "", "", "", "key 0"],
    // Delegation to the account.
    ["alice", "Encrypt", "allow root *", "", "", "", "NoIdentityPolicy"],
    ["alice", "Encrypt", "allow root *", "allow Encrypt", "", "", "key 0 + iam 0"],
    ["alice", "Encrypt", "allow root *", "allow Encrypt on KEY", "", "", "key 0 + iam 0"],
    ["alice", "Encrypt", "allow root *", "allow Encrypt on OTHER_KEY", "", "", "NoIdentityPolicy"],
    ["alice", "Encrypt", "allow root *", "allow Encrypt on arn:aws:kms:*:111122223333:key/*", "", "", "key 0 + iam 0"],
    ["alice", "Encrypt", "allow root *", "allow Encrypt on arn:aws:kms:eu-*:111122223333:key/*", "", "", "NoIdentityPolicy"],
    ["alice", "Encrypt", "allow root *", "allow Encrypt on arn:aws:kms:us-east-1:111122223333:alias/app", "", "alias", "NoIdentityPolicy"],
    ["alice", "Encrypt", "allow root Decrypt", "allow Encrypt", "", "", "NoKeyPolicyDelegation"],
    ["alice", "Encrypt", "allow carol *", "allow *", "", "", "NoKeyPolicyDelegation"],
    ["alice", "Encrypt", "allow root *; allow alice Encrypt", "", "", "", "key 1"],
    ["app", "Decrypt", "allow root *", "allow Decrypt", "", "", "key 0 + iam 0"],
    ["alice", "Encrypt", "allow bob-root *", "allow *", "", "", "NoKeyPolicyDelegation"],
    // The root principal needs the key policy as everyone does.
    ["root", "PutKeyPolicy", "allow root *", "", "", "", "key 0"],
    ["root", "PutKeyPolicy", "allow alice *", "", "", "", "NoKeyPolicyDelegation"],
    ["root", "PutKeyPolicy", "allow * PutKeyPolicy", "", "", "", "key 0"],
    // Explicit denials win, wherever they stand.
    ["alice", "Encrypt", "allow alice *; deny alice Encrypt", "", "", "", "deny key 1"],
    ["alice", "Encrypt", "deny root Encrypt; allow alice *", "", "", "", "deny key 0"],
    ["alice", "Encrypt", "allow alice *", "deny Encrypt", "", "", "deny iam 0"],
    ["alice", "Encrypt", "allow alice *", "deny Encrypt on OTHER_KEY", "", "", "key 0"],
    ["alice", "Encrypt", "deny * Encrypt", "", "to alice Encrypt", "", "deny key 0"],
    ["alice", "Encrypt", "allow * *; deny !alice *", "", "", "", "key 0"],
    ["carol", "Encrypt", "allow * *; deny !alice *", "", "", "", "deny key 1"],
    ["app", "Encrypt", "allow * *; deny !role-app *", "", "", "", "key 0"],
    ["root", "Encrypt", "allow root *; deny root Encrypt", "", "", "", "deny key 1"],
];

#[rustfmt::skip]
const OTHER_ACCOUNTS: &[Row] = &[
    ["bob", "Encrypt", "allow bob Encrypt", "", "", "", "CrossAccountNeedsIdentityPolicy"],
    ["bob", "Encrypt", "allow bob Encrypt", "allow Encrypt on KEY", "", "", "key 0 + iam 0"],
    ["bob", "Encrypt", "allow bob-root Encrypt", "", "", "", "CrossAccountNeedsIdentityPolicy"],
    ["bob", "Encrypt", "allow bob-root Encrypt", "allow Encrypt on KEY", "", "", "key 0 + iam 0"],
    ["bob", "Encrypt", "allow bob-root Encrypt", "allow Encrypt on OTHER_KEY", "", "", "CrossAccountNeedsIdentityPolicy"],
    ["bob", "Encrypt", "allow root *", "allow * on KEY", "", "", "CrossAccountNeedsKeyPolicy"],
    ["bob", "Encrypt", "allow * Encrypt", "", "", "", "CrossAccountNeedsIdentityPolicy"],
    ["bob", "Encrypt", "allow * Encrypt", "allow Encrypt", "", "", "key 0 + iam 0"],
    ["bob-root", "Encrypt", "allow bob-root Encrypt", "", "", "", "key 0"],
    ["bob-root", "Encrypt", "allow bob Encrypt", "", "", "", "CrossAccountNeedsKeyPolicy"],
    ["bob", "PutKeyPolicy", "allow bob *", "allow *", "", "", "CrossAccountNotAllowed(PutKeyPolicy)"],
    ["bob", "ScheduleKeyDeletion", "allow * *", "allow *", "", "", "CrossAccountNotAllowed(ScheduleKeyDeletion)"],
    ["bob", "GetKeyRotationStatus", "allow bob *", "allow *", "", "", "key 0 + iam 0"],
    ["bob", "Encrypt", "allow bob *; deny bob-root Encrypt", "allow *", "", "", "deny key 1"],
    ["bob", "Decrypt", "allow root *", "", "to bob Decrypt", "", "grant"],
    ["bob", "Encrypt", "allow root *", "", "to bob Decrypt", "", "grant lacks Operation"],
    ["bob", "Decrypt", "allow root *", "", "to bob-root Decrypt", "", "grant lacks IdentityPolicy"],
    ["bob", "Decrypt", "allow root *", "allow Decrypt on KEY", "to bob-root Decrypt", "", "grant"],
    ["bob-root", "Decrypt", "allow root *", "", "to bob-root Decrypt", "", "grant"],
];

#[rustfmt::skip]
const GRANTS: &[Row] = &[
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt", "", "grant"],
    ["carol", "Decrypt", "allow root *", "", "to alice Decrypt", "", "NoIdentityPolicy"],
    ["alice", "Encrypt", "allow root *", "", "to alice Decrypt", "", "grant lacks Operation"],
    ["alice", "Decrypt", "allow root *", "deny Decrypt", "to alice Decrypt", "", "deny iam 0"],
    ["app", "Decrypt", "allow root *", "", "to role-app Decrypt", "", "grant"],
    ["app2", "Decrypt", "allow root *", "", "to app Decrypt", "", "NoIdentityPolicy"],
    ["alice", "Decrypt", "allow carol *", "allow Decrypt", "to root Decrypt", "", "grant"],
    ["alice", "Decrypt", "allow alice *", "", "to alice Encrypt", "", "key 0"],
    ["alice", "Decrypt", "allow root *", "", "to carol Decrypt; to alice Decrypt", "", "grant"],
    // Constraints on the encryption context.
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt equals a=1", "ec a=1", "grant"],
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt equals a=1", "ec a=1,b=2", "grant lacks EncryptionContext"],
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt equals a=1", "", "grant lacks EncryptionContext"],
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt subset a=1", "ec a=1,b=2", "grant"],
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt subset a=1", "ec A=1", "grant lacks EncryptionContext"],
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt subset a=1", "ec a=2", "grant lacks EncryptionContext"],
    ["alice", "DescribeKey", "allow root *", "", "to alice DescribeKey equals a=1", "", "grant"],
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt equals a=1; to alice Decrypt equals a=2", "ec a=2", "grant"],
    // A grant from a grant is no wider.
    ["alice", "CreateGrant", "allow root *", "", "to alice CreateGrant,Decrypt", "new Decrypt", "grant"],
    ["alice", "CreateGrant", "allow root *", "", "to alice CreateGrant,Decrypt", "new Encrypt", "grant lacks WiderChild"],
    ["alice", "CreateGrant", "allow root *", "", "to alice CreateGrant,Decrypt subset a=1", "new Decrypt", "grant lacks WiderChild"],
    ["alice", "CreateGrant", "allow root *", "", "to alice CreateGrant,Decrypt subset a=1", "new Decrypt equals a=1,b=2", "grant"],
    ["alice", "CreateGrant", "allow root *", "", "to alice CreateGrant,Decrypt equals a=1", "new Decrypt subset a=1", "grant lacks WiderChild"],
    ["alice", "CreateGrant", "allow root *", "", "to alice CreateGrant,Sign; to alice CreateGrant,Decrypt", "new Decrypt", "grant"],
    // Services and the source ARN.
    ["logs", "Decrypt", "allow logs Decrypt", "", "", "", "key 0"],
    ["logs", "Decrypt", "allow root *", "", "", "", "NothingAllows"],
    ["logs", "Decrypt", "allow root *", "", "to logs Decrypt source arn:aws:logs:::g", "source arn:aws:logs:::g", "grant"],
    ["logs", "Decrypt", "allow root *", "", "to logs Decrypt source arn:aws:logs:::g", "source arn:aws:logs:::h", "grant lacks SourceArn"],
    ["logs", "DescribeKey", "allow root *", "", "to logs DescribeKey source arn:aws:logs:::g", "", "grant lacks SourceArn"],
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt source arn:aws:logs:::g", "", "grant"],
    ["alice", "CreateGrant", "allow root *", "", "to alice Decrypt", "new Decrypt", "grant lacks Operation"],
    ["alice", "CreateGrant", "allow alice CreateGrant", "", "to alice CreateGrant,Decrypt", "new Encrypt", "key 0"],
    ["alice", "CreateGrant", "allow root *", "", "to alice CreateGrant,Decrypt source arn:aws:logs:::g", "new Decrypt", "grant lacks WiderChild"],
    ["alice", "CreateGrant", "allow root *", "", "to alice CreateGrant,Decrypt source arn:aws:logs:::g", "new Decrypt source arn:aws:logs:::g", "grant"],
    ["logs", "Encrypt", "allow root *", "", "to logs Decrypt source arn:aws:logs:::g", "source arn:aws:logs:::g", "grant lacks Operation"],
    ["alice", "Decrypt", "allow root *", "", "to logs Decrypt source arn:aws:logs:::g", "source arn:aws:logs:::g", "NoIdentityPolicy"],
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt source arn:aws:logs:::g", "via logs.us-east-1.amazonaws.com", "grant lacks SourceArn"],
    ["alice", "Decrypt", "allow root *", "", "to alice Decrypt source arn:aws:logs:::g", "via logs.us-east-1.amazonaws.com | source arn:aws:logs:::g", "grant"],
    // Revoking: whom a policy allows it, and nobody for being grantee or retiring principal.
    ["carol", "RevokeGrant", "allow carol RevokeGrant", "", "to alice Decrypt", "", "key 0"],
    ["carol", "RevokeGrant", "allow root *", "allow RevokeGrant", "to alice Decrypt", "", "key 0 + iam 0"],
    ["bob", "RevokeGrant", "allow bob RevokeGrant", "allow RevokeGrant on KEY", "to alice Decrypt", "", "key 0 + iam 0"],
    ["alice", "RevokeGrant", "allow root *", "", "to alice Decrypt,RetireGrant", "", "grant lacks Operation"],
    ["carol", "RevokeGrant", "allow root *", "", "to alice Decrypt retire carol", "", "NoIdentityPolicy"],
    // Retiring: the key policy has no say.
    ["logs", "RetireGrant", "allow alice *", "", "to alice Decrypt retire logs", "", "retires"],
    ["logs", "RetireGrant", "allow logs *", "", "to alice Decrypt", "", "MayNotRetire"],
    ["logs", "RetireGrant", "allow alice *", "", "to logs Decrypt,RetireGrant source arn:aws:logs:::g", "", "retires"],
    ["logs", "RetireGrant", "allow logs *", "", "to logs Decrypt source arn:aws:logs:::g", "source arn:aws:logs:::g", "MayNotRetire"],
    ["carol", "RetireGrant", "allow root *", "", "to alice Decrypt retire carol", "", "retires"],
    ["alice", "RetireGrant", "allow root *", "", "to alice Decrypt,RetireGrant equals a=1", "", "retires"],
    ["alice", "RetireGrant", "allow alice *", "", "to alice Decrypt", "", "MayNotRetire"],
    ["alice", "RetireGrant", "allow alice *", "allow RetireGrant", "to bob Decrypt", "", "retires"],
    ["root", "RetireGrant", "allow alice *", "", "to bob Decrypt", "", "retires"],
    ["root", "RetireGrant", "allow alice *", "", "to bob Decrypt by bob", "", "MayNotRetire"],
    ["bob", "RetireGrant", "allow alice *", "allow RetireGrant on KEY", "to alice Decrypt retire bob-root", "", "retires"],
    ["bob", "RetireGrant", "allow alice *", "", "to alice Decrypt retire bob-root", "", "MayNotRetire"],
    ["carol", "RetireGrant", "allow root *", "deny RetireGrant", "to alice Decrypt retire carol", "", "deny iam 0"],
    ["carol", "RetireGrant", "deny * *", "", "to alice Decrypt retire carol", "", "retires"],
];

/// What every layer says of whom nothing else allows: a layer that allows everything adds nothing.
#[rustfmt::skip]
const ADDS_NOTHING: &[Row] = &[
    ["carol", "Encrypt", "allow alice *", "", "", "", "NothingAllows"],
    ["carol", "Encrypt", "allow root *", "", "", "", "NoIdentityPolicy"],
    ["carol", "Encrypt", "allow alice *", "allow *", "", "", "NoKeyPolicyDelegation"],
    ["bob", "Encrypt", "allow bob *", "", "", "", "CrossAccountNeedsIdentityPolicy"],
    ["bob", "Encrypt", "allow root *", "allow *", "", "", "CrossAccountNeedsKeyPolicy"],
    ["alice", "Encrypt", "allow root *", "", "to alice Decrypt", "", "grant lacks Operation"],
    ["alice", "RetireGrant", "allow alice *", "", "to alice Decrypt", "", "MayNotRetire"],
    ["alice", "CreateKey", "", "", "", "any", "NothingAllows"],
];

/// Layers that allow everything, as facts of a request.
const OPEN_LAYERS: [&str; 5] =
    ["scp allow *", "rcp allow * *", "endpoint allow * *", "boundary allow *", "session allow *"];

#[rustfmt::skip]
const REQUESTS: &[Row] = &[
    // Restricting layers.
    ["alice", "Encrypt", "allow alice *", "", "", "scp allow Decrypt", "RestrictedBy(ServiceControl)"],
    ["alice", "Encrypt", "allow alice *", "", "", "scp allow * | scp deny Encrypt", "deny service control policy 0"],
    ["alice", "Decrypt", "allow alice *", "", "", "scp allow * | scp deny Encrypt", "key 0"],
    // A boundary's silence takes nothing from whom the key policy names by its ARN; its denial does.
    ["alice", "Encrypt", "allow alice *", "", "", "boundary allow Decrypt", "key 0"],
    ["alice", "Encrypt", "allow alice *", "", "", "boundary deny Encrypt", "deny permissions boundary 0"],
    ["alice", "Encrypt", "allow * *", "", "", "boundary allow Decrypt", "RestrictedBy(Boundary)"],
    ["alice", "Encrypt", "allow root *", "allow *", "", "boundary allow Decrypt", "RestrictedBy(Boundary)"],
    ["alice", "Encrypt", "allow root *", "allow *", "", "boundary allow Encrypt", "key 0 + iam 0"],
    ["app", "Encrypt", "allow app *", "", "", "session allow Decrypt", "key 0"],
    ["app", "Encrypt", "allow role-app *", "", "", "session allow Decrypt", "RestrictedBy(Session)"],
    ["app", "Encrypt", "allow role-app *", "", "", "session allow * | boundary allow Decrypt", "RestrictedBy(Boundary)"],
    ["app", "Encrypt", "allow app *", "", "", "session deny Encrypt", "deny session policy 0"],
    ["bob", "Encrypt", "allow bob *", "allow *", "", "boundary allow Decrypt", "RestrictedBy(Boundary)"],
    ["alice", "Encrypt", "allow alice *", "", "", "endpoint allow root Decrypt", "RestrictedBy(Endpoint)"],
    ["alice", "Encrypt", "allow alice *", "", "", "endpoint allow * * | endpoint deny alice *", "deny VPC endpoint policy 0"],
    ["carol", "Encrypt", "allow carol *", "", "", "endpoint allow * * | endpoint deny alice *", "key 0"],
    ["alice", "CreateKey", "", "allow *", "", "any | scp allow Encrypt", "RestrictedBy(ServiceControl)"],
    ["alice", "Encrypt", "allow alice *", "", "", "endpoint allow root Encrypt", "key 0"],
    ["root", "Encrypt", "allow root *", "", "", "scp deny *", "deny service control policy 0"],
    ["bob", "Decrypt", "allow root *", "", "to bob Decrypt", "session allow Encrypt", "RestrictedBy(Session)"],
    ["alice", "Encrypt", "allow alice *", "", "", "rcp deny * Encrypt", "deny resource control policy 0"],
    ["alice", "Encrypt", "allow alice *", "", "", "rcp deny * Decrypt", "key 0"],
    ["alice", "Encrypt", "allow alice *", "", "", "rcp deny * Encrypt | aws-managed", "key 0"],
    ["carol", "RetireGrant", "allow root *", "", "to alice Decrypt retire carol", "rcp deny * *", "retires"],
    // Conditions.
    ["alice", "Encrypt", "allow * * if StringEquals kms:ViaService s3.us-east-1.amazonaws.com", "", "", "via s3.us-east-1.amazonaws.com", "key 0"],
    ["alice", "Encrypt", "allow * * if StringEquals kms:ViaService s3.us-east-1.amazonaws.com", "", "", "", "NothingAllows"],
    ["alice", "Decrypt", "allow alice * if StringEquals kms:EncryptionContext:App pay", "", "", "ec app=pay", "key 0"],
    ["alice", "Sign", "allow alice * if StringEquals kms:EncryptionContext:App pay", "", "", "ec app=pay", "NothingAllows"],
    ["alice", "Encrypt", "allow alice *; deny alice * if StringNotEquals kms:EncryptionContext:App pay", "", "", "", "deny key 1"],
    ["alice", "CreateGrant", "allow alice CreateGrant if Bool kms:GrantIsForAWSResource true", "", "", "new Decrypt", "NothingAllows"],
    ["alice", "CreateGrant", "allow alice CreateGrant if Bool kms:GrantIsForAWSResource true", "", "", "new Decrypt | via rds.us-east-1.amazonaws.com", "key 0"],
    ["alice", "CreateGrant", "allow alice * if ForAllValues:StringEquals kms:GrantOperations Decrypt", "", "", "new Decrypt", "key 0"],
    ["alice", "CreateGrant", "allow alice * if ForAllValues:StringEquals kms:GrantOperations Decrypt", "", "", "new Decrypt,Encrypt", "NothingAllows"],
    ["alice", "Encrypt", "allow root *", "allow * if StringLike kms:RequestAlias alias/a*", "", "alias", "key 0 + iam 0"],
    ["alice", "Encrypt", "allow root *", "allow * if ForAnyValue:StringEquals kms:ResourceAliases alias/app", "", "alias", "key 0 + iam 0"],
    ["alice", "Encrypt", "allow alice * if ForAnyValue:StringEquals kms:ResourceAliases alias/app", "", "", "alias", "NothingAllows"],
    ["app", "Encrypt", "allow * * if ArnLike aws:PrincipalArn arn:aws:iam::*:role/app", "", "", "", "key 0"],
    // What no key policy decides.
    ["alice", "CreateKey", "", "allow CreateKey", "", "any", "iam 0"],
    ["alice", "CreateKey", "", "allow CreateKey on arn:aws:kms:*:*:*", "", "any", "NothingAllows"],
    ["root", "CreateKey", "", "", "", "any", "account root"],
    ["alice", "CreateAlias", "", "allow CreateAlias on arn:aws:kms:us-east-1:111122223333:alias/*", "", "on-alias", "iam 0"],
    ["alice", "CreateAlias", "", "allow CreateAlias if StringEquals kms:CallerAccount 111122223333", "", "on-alias", "NothingAllows"],
    ["alice", "CreateAlias", "", "allow CreateAlias if StringEquals aws:PrincipalAccount 111122223333", "", "on-alias", "iam 0"],
    ["bob", "CreateAlias", "", "allow *", "", "on-alias", "CrossAccountNotAllowed(CreateAlias)"],
    ["alice", "ListRetirableGrants", "", "allow ListRetirableGrants on arn:aws:iam::111122223333:user/carol", "", "on-carol", "iam 0"],
    ["alice", "ListRetirableGrants", "", "allow ListRetirableGrants on arn:aws:iam::111122223333:user/dave", "", "on-carol", "NothingAllows"],
];

#[test]
fn own_account() {
    check(OWN_ACCOUNT);
}

#[test]
fn other_accounts() {
    check(OTHER_ACCOUNTS);
}

#[test]
fn grants() {
    check(GRANTS);
}

#[test]
fn requests() {
    check(REQUESTS);
}

#[test]
fn a_layer_that_allows_everything_adds_nothing() {
    check(ADDS_NOTHING);
    let every = OPEN_LAYERS.join(" | ");
    for [who, action, key_policy, iam, grants, request, denied] in ADDS_NOTHING {
        for layers in OPEN_LAYERS.into_iter().chain([every.as_str()]) {
            let request = format!("{request} | {layers}");
            let found = decide(&[who, action, key_policy, iam, grants, request.as_str(), ""]);
            assert_eq!(found, *denied, "{who} {action}: {key_policy}: {request}");
        }
    }
}

#[test]
fn lockout_is_seen_before_it_happens() {
    for (who, key_policy, iam, keeps_control) in [
        ("alice", "allow alice *", "", true),
        ("alice", "allow alice Encrypt", "", false),
        ("alice", "allow carol *", "allow *", false),
        ("alice", "allow root *", "allow PutKeyPolicy", true),
        ("alice", "allow root *", "", false),
        ("root", "allow root *", "", true),
        ("alice", "allow alice *; deny * PutKeyPolicy", "", false),
        ("alice", "allow alice * if StringEquals kms:PolicyName default", "", true),
    ] {
        let call = Facts::default().call(who, iam);
        let mut context = RequestContext::new(&call, Action::PutKeyPolicy);
        context.policy_name = Some("default");
        let policy = policy(key_policy, PolicyKind::Key);
        let found = lockout_check(&policy, &call.caller, key_arn(), &context);
        assert_eq!(found, keeps_control, "{who}: {key_policy}");
    }
}

#[test]
fn old_policies_have_no_variables() {
    let text = |version: &str| {
        format!(
            r#"{{"Version": "{version}", "Statement": {{"Effect": "Allow", "Principal": "*",
            "Action": "kms:*", "Resource": "*",
            "Condition": {{"StringEquals": {{"aws:username": "${{aws:username}}"}}}}}}}}"#
        )
    };
    let call = Facts::default().call("alice", "");
    let context = RequestContext::new(&call, Action::PutKeyPolicy);
    for (version, expected) in [("2012-10-17", true), ("2008-10-17", false)] {
        let policy = Policy::parse(&text(version), PolicyKind::Key).unwrap();
        let found = lockout_check(&policy, &call.caller, key_arn(), &context);
        assert_eq!(found, expected, "{version}");
    }
}

fn check(rows: &[Row]) {
    for row in rows {
        assert_eq!(decide(row), row[6], "{row:?}");
    }
}

fn decide([who, action, key_policy, iam, grants, request, _]: &[&str; 7]) -> String {
    let action = action_named(action);
    let facts = Facts::parse(request);
    let call = facts.call(who, iam);
    let key_policy = if key_policy.is_empty() { "allow carol *" } else { key_policy };
    let policy = policy(key_policy, PolicyKind::Key);
    let grants: Vec<Grant> =
        grants.split(';').filter(|text| !text.trim().is_empty()).map(grant).collect();
    let mut context = RequestContext::new(&call, action);
    facts.fill(&mut context);
    let question = Question { caller: &call.caller, action, resource: facts.resource(&policy) };
    short(&evaluate(&question, &context, &mut grants.iter()))
}

fn short(decision: &Decision<'_>) -> String {
    match decision {
        Decision::Allow(Allowed::KeyPolicy(key)) => place(key),
        Decision::Allow(Allowed::Delegated { key, identity }) => {
            format!("{} + {}", place(key), place(identity))
        }
        Decision::Allow(Allowed::IdentityPolicy(identity)) => place(identity),
        Decision::Allow(Allowed::AccountRoot) => "account root".into(),
        Decision::Allow(Allowed::Grant(_)) => "grant".into(),
        Decision::Allow(Allowed::Retires(_)) => "retires".into(),
        Decision::Deny(Denied::ExplicitDeny(statement)) => format!("deny {}", place(statement)),
        Decision::Deny(Denied::GrantFallsShort { miss, .. }) => format!("grant lacks {miss:?}"),
        Decision::Deny(reason) => format!("{reason:?}"),
    }
}

fn place(statement: &StatementRef<'_>) -> String {
    match statement.layer {
        Layer::KeyPolicy => format!("key {}", statement.statement),
        Layer::IdentityPolicy => format!("iam {}", statement.statement),
        Layer::Restricting(layer) => format!("{layer} {}", statement.statement),
    }
}
