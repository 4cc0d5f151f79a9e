//! What a caller hears when it may not: who, what, on which resource, and which kind of policy fell
//! short. Which policy, statement or grant it was is for the audit of the key's owner alone.

use kms_core::env::Caller;
use kms_core::local::Local;
use kms_core::name::{KeyArn, PrincipalArn};
use kms_core::ops::{
    Request, create_alias, create_grant, delete_alias, encrypt, list_keys, list_retirable_grants,
    put_key_policy, update_alias,
};
use kms_core::policy::{GrantOperation, Policy, PolicyKind, Restriction};
use kms_core::{ErrorCode, wire};
use std::collections::BTreeSet;
use std::sync::Arc;

const OWN: &str = "arn:aws:iam::111122223333:user/alice";
const FOREIGN: &str = "arn:aws:iam::444455556666:user/bob";
const TRUST: &str = r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
    "Action": "kms:*", "Resource": "*"}"#;

fn statement(principal: &str, effect: &str) -> String {
    format!(
        r#"{{"Sid": "TopSecretSid", "Effect": "{effect}", "Principal": {{"AWS": "{principal}"}},
            "Action": "kms:Encrypt", "Resource": "*"}}"#
    )
}

fn policy(effect: &str, kind: PolicyKind) -> Arc<Policy> {
    let text = format!(
        r#"{{"Statement": {{"Sid": "TopSecretSid", "Effect": "{effect}", "Action": "kms:Encrypt",
            "Resource": "*"}}}}"#
    );
    Arc::new(Policy::parse(&text, kind).expect("a policy"))
}

const IDENTITY: &str = " because no identity-based policy allows the kms:Encrypt action";
const ELSEWHERE: &str = " because the resource does not exist in this Region, no resource-based policies \
    allow access, or a resource-based policy explicitly denies access";

/// A caller, further statements of the key policy, whether a grant is made that falls short.
struct Case {
    caller: Caller,
    statements: Vec<String>,
    grant: bool,
}

fn case(principal: &str, statements: &[String]) -> Case {
    let caller = Caller::new(PrincipalArn::parse(principal).expect("an ARN"));
    Case { caller, statements: statements.to_vec(), grant: false }
}

fn with(case: Case, effect: &str) -> Case {
    let caller = case.caller.with_policy(policy(effect, PolicyKind::Identity));
    Case { caller, ..case }
}

/// The cases, and how the refusal ends.
fn cases() -> Vec<(Case, String)> {
    let boundary = PolicyKind::Restricting(Restriction::ServiceControl);
    let mut bound = case(OWN, &[statement(OWN, "Allow")]);
    bound.caller.restricting_policies.push(policy("Deny", boundary));
    let denied_in = |policy: &str| format!(" with an explicit deny in {policy}");
    vec![
        (case(OWN, &[]), IDENTITY.to_owned()),
        (case(OWN, &[statement(OWN, "Deny")]), denied_in("a resource-based policy")),
        (
            with(case(OWN, &[statement(OWN, "Allow")]), "Deny"),
            denied_in("an identity-based policy"),
        ),
        (case(FOREIGN, &[statement(FOREIGN, "Allow")]), IDENTITY.to_owned()),
        (with(case(FOREIGN, &[]), "Allow"), ELSEWHERE.to_owned()),
        (with(case(FOREIGN, &[statement(FOREIGN, "Deny")]), "Allow"), ELSEWHERE.to_owned()),
        (Case { grant: true, ..case(OWN, &[]) }, IDENTITY.to_owned()),
        (bound, denied_in("a service control policy")),
    ]
}

fn prepared(case: &Case) -> (Local, KeyArn) {
    let mut local = Local::single_region();
    let key = local.create_key();
    let mut statements = vec![TRUST.to_owned()];
    statements.extend(case.statements.iter().cloned());
    let text = format!(r#"{{"Statement": [{}]}}"#, statements.join(", "));
    local.call(put_key_policy::Request::new(key, &text)).expect("a policy");
    if case.grant {
        let operations = GrantOperation::parse("Decrypt");
        let request = create_grant::Request::new(key, OWN, operations);
        local.call(request).expect("a grant");
    }
    (local, key)
}

#[test]
fn a_refusal_says_who_what_and_where_and_which_kind_of_policy_fell_short() {
    let mut reasons = BTreeSet::new();
    for (case, ending) in cases() {
        let (mut local, key) = prepared(&case);
        let caller = Arc::new(case.caller);
        let request = Request::from(encrypt::Request::new(key, *b"x"));
        let outcome = local.outcome(key.region, &caller, &request);
        let error = outcome.result.expect_err("a refusal");
        assert_eq!(error.code, ErrorCode::AccessDenied);
        let expected = format!(
            "User: {} is not authorized to perform: kms:Encrypt on resource: {key}{ending}",
            caller.principal
        );
        let body = wire::encode_error(&error);
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let said: Vec<&str> =
            body.as_object().expect("an object").values().filter_map(|v| v.as_str()).collect();
        assert_eq!(said.len(), 2, "a name and a message: {body}");
        assert!(said.contains(&expected.as_str()), "{body}");
        assert!(!body.to_string().contains("TopSecretSid"), "{body}");
        reasons.insert(outcome.audit.denied_because.expect("the audit knows the reason"));
    }
    assert_eq!(reasons.len(), 7, "all but one are refused for their own reason: {reasons:#?}");
}

/// Whoever may make some aliases and not others was told that it may on no resource at all, "*".
#[test]
fn a_refusal_names_the_alias_or_the_retiring_principal() {
    let mut local = Local::single_region();
    let key = local.create_key();
    let text = r#"{"Statement": {"Effect": "Allow", "Action": "kms:*Alias",
        "Resource": ["arn:aws:kms:*:111122223333:alias/mine-*",
            "arn:aws:kms:*:111122223333:key/*"]}}"#;
    let caller = Caller::new(PrincipalArn::parse(OWN).expect("an ARN"));
    let policy = Policy::parse(text, PolicyKind::Identity).expect("a policy");
    let caller = Arc::new(caller.with_policy(Arc::new(policy)));
    let alias = "alias/other-x";
    local.call(create_alias::Request::new(alias, key)).expect("an alias");
    let resource = format!("arn:aws:kms:{}:111122223333:{alias}", key.region);
    let requests = [
        ("CreateAlias", create_alias::Request::new(alias, key).into(), &*resource),
        ("DeleteAlias", delete_alias::Request { alias_name: alias.into() }.into(), &*resource),
        ("UpdateAlias", update_alias::Request::new(alias, key).into(), &*resource),
        ("ListRetirableGrants", list_retirable_grants::Request::new(FOREIGN).into(), FOREIGN),
        ("ListRetirableGrants", list_retirable_grants::Request::new(OWN).into(), OWN),
        ("ListKeys", list_keys::Request::default().into(), "*"),
    ];
    for (name, request, resource) in requests {
        let outcome = local.outcome(key.region, &caller, &request);
        let error = outcome.result.expect_err(name);
        let expected =
            format!("User: {OWN} is not authorized to perform: kms:{name} on resource: {resource}");
        let said = error.message.as_deref().unwrap_or_default();
        let ending = said.strip_prefix(&expected).unwrap_or_else(|| panic!("{said}"));
        let of_identity = format!(" because no identity-based policy allows the kms:{name} action");
        assert!(resource == FOREIGN && ending.is_empty() || ending == of_identity, "{said}");
    }
}
