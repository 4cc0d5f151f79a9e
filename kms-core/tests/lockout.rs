//! The lockout safety check: a key policy is accepted if the caller could replace it again, which is
//! asked of the very key, and the bypass of it is a parameter that policies can see.
//!
//! The check once knew nothing of the key but its id. A denial under a condition on the key's spec or
//! Region was accepted and locked the caller out, and an allowance under one was refused.

use kms_core::env::Caller;
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::Local;
use kms_core::name::{KeyArn, PrincipalArn, RegionName};
use kms_core::ops::{Request, Response, create_alias, create_key, put_key_policy, replicate_key};
use kms_core::policy::{Policy, PolicyKind};
use kms_core::wire::Tag;
use kms_core::{ErrorCode, Result};
use std::sync::Arc;

/// Conditions that hold for every key of these tests, with its Region and its part in its set.
const TRUE_OF_ALL: [&str; 9] = [
    r#""StringEquals": {"aws:ResourceAccount": "111122223333"}"#,
    r#""StringEquals": {"aws:ResourceTag/a": "1"}"#,
    r#""StringEquals": {"kms:CallerAccount": "111122223333"}"#,
    r#""StringEquals": {"kms:KeyOrigin": "AWS_KMS"}"#,
    r#""StringEquals": {"kms:KeySpec": "ECC_NIST_P256"}"#,
    r#""StringEquals": {"kms:KeyUsage": "SIGN_VERIFY"}"#,
    r#""StringEquals": {"kms:PolicyName": "default"}"#,
    r#""Bool": {"kms:MultiRegion": "true"}"#,
    r#""Null": {"kms:BypassPolicyLockoutSafetyCheck": "true"}"#,
];

fn true_of(region: &str, part: &str) -> Vec<String> {
    let mut all = TRUE_OF_ALL.map(str::to_owned).to_vec();
    all.push(format!(r#""StringEquals": {{"aws:RequestedRegion": "{region}"}}"#));
    all.push(format!(r#""StringEquals": {{"kms:MultiRegionKeyType": "{part}"}}"#));
    all
}

/// Allows the account everything under a condition.
fn allowing(condition: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "kms:*",
        "Resource": "*", "Principal": {{"AWS": "111122223333"}}, "Condition": {{{condition}}}}}}}"#
    )
}

/// Allows the account everything, and denies everybody PutKeyPolicy under a condition.
fn denying(condition: &str) -> String {
    format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "kms:*",
        "Resource": "*", "Principal": {{"AWS": "111122223333"}}}}, {{"Effect": "Deny",
        "Action": "kms:PutKeyPolicy", "Resource": "*", "Principal": "*",
        "Condition": {{{condition}}}}}]}}"#
    )
}

fn tags() -> Vec<Tag> {
    vec![Tag { key: "a".into(), value: "1".into() }]
}

fn region(name: &str) -> RegionName {
    RegionName::parse(name).expect("a Region")
}

fn world() -> Local {
    Local::regions(&["us-east-1", "eu-west-1"])
}

/// A primary for signatures.
fn a_primary() -> create_key::Request {
    let kind = create_key::Request::of(KeySpec::EccNistP256, KeyUsage::SignVerify);
    create_key::Request { multi_region: true, tags: tags(), ..kind }
}

fn made(response: Response) -> KeyArn {
    match response {
        Response::CreateKey(made) => made.key_metadata.arn,
        Response::ReplicateKey(made) => made.replica_key_metadata.arn,
        other => panic!("{other:?}"),
    }
}

fn create(local: &mut Local, policy: Option<&str>) -> Result<KeyArn> {
    let policy = policy.map(Into::into);
    local.call(create_key::Request { policy, ..a_primary() }).map(made)
}

fn replicate(local: &mut Local, key: KeyArn, policy: &str) -> Result<KeyArn> {
    let request = replicate_key::Request {
        policy: Some(policy.into()),
        tags: tags(),
        ..replicate_key::Request::new(key, region("eu-west-1"))
    };
    local.call(request).map(made)
}

fn locks_out<T: std::fmt::Debug>(result: Result<T>) -> bool {
    result.is_err_and(|error| error.code == ErrorCode::MalformedPolicyDocument)
}

#[test]
fn a_new_key_is_judged_as_what_it_is_to_be() {
    let mut local = world();
    for condition in true_of("us-east-1", "PRIMARY") {
        let key = create(&mut local, Some(&allowing(&condition)));
        let key = key.unwrap_or_else(|error| panic!("{condition}: {error}"));
        local.call(put_key_policy::Request::new(key, &allowing(&condition))).expect("control");
        assert!(locks_out(create(&mut local, Some(&denying(&condition)))), "{condition}");
    }
}

#[test]
fn a_key_that_is_there_is_judged_as_what_it_is() {
    let mut local = world();
    let key = create(&mut local, None).expect("a key");
    for condition in true_of("us-east-1", "PRIMARY") {
        let put = |policy: String| put_key_policy::Request::new(key, &policy);
        assert!(locks_out(local.call(put(denying(&condition)))), "{condition}");
        let accepted = local.call(put(allowing(&condition)));
        accepted.unwrap_or_else(|error| panic!("{condition}: {error}"));
    }
}

#[test]
fn a_replica_is_judged_as_what_it_is_to_be() {
    let mut local = world();
    for condition in true_of("eu-west-1", "REPLICA") {
        let key = create(&mut local, None).expect("a key");
        assert!(locks_out(replicate(&mut local, key, &denying(&condition))), "{condition}");
        let replica = replicate(&mut local, key, &allowing(&condition));
        let replica = replica.unwrap_or_else(|error| panic!("{condition}: {error}"));
        let put = put_key_policy::Request::new(replica, &allowing(&condition));
        local.call_in(replica.region, put).expect("control");
    }
}

/// Somebody in the account with this identity policy alone.
fn with_statement(statement: &str) -> Arc<Caller> {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": {statement}}}"#);
    let policy = Policy::parse(&text, PolicyKind::Identity).expect("a policy");
    let user = PrincipalArn::parse("arn:aws:iam::111122223333:user/alice").expect("an ARN");
    Arc::new(Caller::new(user).with_policy(Arc::new(policy)))
}

fn under(condition: &str) -> Arc<Caller> {
    with_statement(&format!(
        r#"{{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {{{condition}}}}}"#
    ))
}

/// IAM policies may ask for the aliases of a key, and a new key has none.
#[test]
fn the_aliases_of_the_key_count() {
    let mut local = world();
    let key = create(&mut local, None).expect("a key");
    let alias = create_alias::Request { alias_name: "alias/app".into(), target_key_id: key.into() };
    local.call(alias).expect("an alias");
    let condition = r#""ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/app"}"#;
    let caller = under(condition);
    let everything = allowing(r#""StringEquals": {"kms:CallerAccount": "111122223333"}"#);
    local.call_as(&caller, put_key_policy::Request::new(key, &everything)).expect("control");
}

/// The request with the bypass as it is said, or not said.
type Bypassing = fn(KeyArn, Option<bool>) -> Request;

#[test]
fn a_policy_can_tell_a_bypass_that_is_not_asked_for_from_one_that_is_declined() {
    let create: Bypassing = |_, bypass| {
        create_key::Request { bypass_policy_lockout_safety_check: bypass, ..Default::default() }
            .into()
    };
    let put: Bypassing = |key, bypass| {
        let everything = allowing(r#""StringEquals": {"kms:CallerAccount": "111122223333"}"#);
        let request = put_key_policy::Request::new(key, &everything);
        put_key_policy::Request { bypass_policy_lockout_safety_check: bypass, ..request }.into()
    };
    let replicate: Bypassing = |key, bypass| {
        let request = replicate_key::Request::new(key, region("eu-west-1"));
        replicate_key::Request { bypass_policy_lockout_safety_check: bypass, ..request }.into()
    };
    let null =
        |truth: bool| format!(r#""Null": {{"kms:BypassPolicyLockoutSafetyCheck": "{truth}"}}"#);
    let says =
        |truth: bool| format!(r#""Bool": {{"kms:BypassPolicyLockoutSafetyCheck": "{truth}"}}"#);
    for (name, request, action) in [
        ("CreateKey", create, "kms:CreateKey"),
        ("PutKeyPolicy", put, "kms:PutKeyPolicy"),
        ("ReplicateKey", replicate, "kms:CreateKey"),
    ] {
        for (bypass, condition, allowed) in [
            (None, null(true), true),
            (Some(false), null(true), false),
            (Some(true), null(true), false),
            (None, null(false), false),
            (Some(false), null(false), true),
            (None, says(false), false),
            (Some(false), says(false), true),
            (Some(true), says(true), true),
        ] {
            let mut local = world();
            let key = local.call(a_primary()).map(made).expect("a key");
            let statement = format!(
                r#"[{{"Effect": "Allow", "Action": "{action}", "Resource": "*",
                "Condition": {{{condition}}}}},
                {{"Effect": "Allow", "Action": "kms:ReplicateKey", "Resource": "*"}}]"#
            );
            let result = local.call_as(&with_statement(&statement), request(key, bypass));
            let code = result.err().map(|error| error.code);
            let locked = code == Some(ErrorCode::MalformedPolicyDocument);
            let passed = code.is_none() || locked && name == "PutKeyPolicy";
            assert_eq!(passed, allowed, "{name} {bypass:?} under {condition}: {code:?}");
        }
    }
}

/// What a key is to be in its set is known before it is made.
#[test]
fn a_policy_can_ask_which_part_a_new_key_has_in_its_set() {
    let caller = with_statement(
        r#"{"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*",
            "Condition": {"StringEquals": {"kms:MultiRegionKeyType": "PRIMARY"}}}"#,
    );
    let mut local = world();
    let request = |multi_region| create_key::Request { multi_region, ..Default::default() };
    local.call_as(&caller, request(true)).expect("a primary");
    let error = local.call_as(&caller, request(false)).expect_err("no part in any set");
    assert_eq!(error.code, ErrorCode::AccessDenied);
}
