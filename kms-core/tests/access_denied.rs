//! What a caller hears when it may not: who, what, on which resource, and never why. Which policy or
//! grant fell short is for the audit of the key's owner alone.

use kms_core::env::Caller;
use kms_core::local::Local;
use kms_core::name::{KeyArn, PrincipalArn};
use kms_core::ops::{Request, create_grant, encrypt, put_key_policy};
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

fn cases() -> Vec<Case> {
    let boundary = PolicyKind::Restricting(Restriction::ServiceControl);
    let mut bound = case(OWN, &[statement(OWN, "Allow")]);
    bound.caller.restricting_policies.push(policy("Deny", boundary));
    vec![
        case(OWN, &[]),
        case(OWN, &[statement(OWN, "Deny")]),
        with(case(OWN, &[statement(OWN, "Allow")]), "Deny"),
        case(FOREIGN, &[statement(FOREIGN, "Allow")]),
        with(case(FOREIGN, &[]), "Allow"),
        Case { grant: true, ..case(OWN, &[]) },
        bound,
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
fn a_refusal_says_who_what_and_where_and_never_why() {
    let mut reasons = BTreeSet::new();
    for case in cases() {
        let (mut local, key) = prepared(&case);
        let caller = Arc::new(case.caller);
        let request = Request::from(encrypt::Request::new(key, *b"x"));
        let outcome = local.outcome(key.region, &caller, &request);
        let error = outcome.result.expect_err("a refusal");
        assert_eq!(error.code, ErrorCode::AccessDenied);
        let expected = format!(
            "User: {} is not authorized to perform: kms:Encrypt on resource: {key}",
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
    assert_eq!(reasons.len(), 7, "each case is refused for its own reason: {reasons:#?}");
}
