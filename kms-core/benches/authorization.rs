//! What an authorization costs: by the default policy; by a large policy and one of 50,000 grants on
//! the key; and when nothing allows, which looks everywhere.

use criterion::{Criterion, criterion_group, criterion_main};
use kms_core::env::{Call, Caller, NetworkPath, RequestId, Timestamp};
use kms_core::local::Local;
use kms_core::name::{GrantId, KeyArn, KeyId, PrincipalArn};
use kms_core::ops::create_key;
use kms_core::policy::context::Pairs;
use kms_core::policy::{
    Action, ContextConstraint, Decision, Grant, GrantOperation, GrantTerms, Party, Policy,
    PolicyKind, RequestContext,
};
use kms_core::state::{Change, LogEntry};
use kms_core::{Kms, Settings};
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::111122223333:role/team/app";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/app/i-0abc";
const GRANTS: u32 = 50_000;

/// Twenty statements about every action of the service: five with wildcards in their conditions or
/// resources, five more with plain conditions, ten about other principals. None lets the role in.
fn large_policy() -> String {
    let mut text = String::from(r#"{"Version":"2012-10-17","Statement":["#);
    let mut statement = |principal: &str, resource: &str, condition: &str| {
        let comma = if text.ends_with('[') { "" } else { "," };
        let _ = write!(
            text,
            r#"{comma}{{"Effect":"Allow","Principal":{principal},"Action":"kms:*","Resource":"{resource}"{condition}}}"#
        );
    };
    for number in 0..10 {
        let principal = format!(r#"{{"AWS":"arn:aws:iam::111122223333:role/other-{number}"}}"#);
        statement(&principal, "*", "");
    }
    for (resource, condition) in [
        ("*", r#"{"StringLike":{"kms:ViaService":"*.us-east-1.amazonaws.com"}}"#),
        ("*", r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin-*"}}"#),
        ("*", r#"{"StringLike":{"kms:EncryptionContext:volume":"vol-9*"}}"#),
        ("arn:aws:kms:eu-*:111122223333:key/*", r#"{"Bool":{"aws:SecureTransport":"true"}}"#),
        ("*", r#"{"StringLike":{"kms:RequestAlias":"alias/team-*/app-?"}}"#),
        ("*", r#"{"StringEquals":{"kms:CallerAccount":"444455556666"}}"#),
        ("*", r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","203.0.113.0/24"]}}"#),
        ("*", r#"{"StringEquals":{"aws:PrincipalTag/team":"blue"}}"#),
        ("*", r#"{"NumericLessThan":{"aws:EpochTime":"1000"},"Null":{"aws:SourceVpce":"false"}}"#),
        ("*", r#"{"ForAnyValue:StringEquals":{"kms:EncryptionContextKeys":["owner","stage"]}}"#),
    ] {
        statement(r#""*""#, resource, &format!(r#","Condition":{condition}"#));
    }
    text.push_str("]}");
    text
}

fn call(principal: &str) -> Call {
    let principal = PrincipalArn::parse(principal).expect("an ARN");
    let policy = r#"{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
    let policy = Policy::parse(policy, PolicyKind::Identity).expect("a policy");
    let mut caller = Caller::new(principal);
    if !caller.principal.as_str().contains("/app/") {
        caller = caller.with_policy(Arc::new(policy));
    }
    Call {
        request_id: RequestId(1),
        caller: Arc::new(caller),
        service: None,
        network: NetworkPath { source_ip: "198.51.100.7".parse().ok(), ..NetworkPath::default() },
        now: Timestamp::from_seconds(1_767_225_600),
        monotonic: Duration::ZERO,
        decision: 0,
        caught_up: true,
    }
}

fn pairs(volume: u32) -> Pairs {
    let pairs = [("volume", format!("vol-{volume:08x}")), ("account", "111122223333".to_owned())];
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

/// A host that knows one key with this policy, and that many grants to the role.
fn host(policy: Option<&str>, grants: u32) -> (Kms, KeyId) {
    let mut local = Local::regions(&["us-east-1"]);
    let request = create_key::Request {
        policy: policy.map(Into::into),
        bypass_policy_lockout_safety_check: Some(policy.is_some()),
        ..create_key::Request::default()
    };
    let key: KeyArn = match local.call(request) {
        Ok(kms_core::ops::Response::CreateKey(made)) => made.key_metadata.arn,
        other => panic!("{other:?}"),
    };
    let mut kms = Kms::new(key.region, Settings::default());
    local.journal().entries_after(0).iter().for_each(|entry| kms.apply(entry));
    let changes = (0..grants).map(|number| Change::PutGrant(Arc::new(grant(key.id, number))));
    let position = kms.state().position() + 1;
    let changes = changes.collect();
    kms.apply(&LogEntry { position, id: 1, committed: Timestamp::EPOCH, changes });
    (kms, key.id)
}

fn grant(key: KeyId, number: u32) -> Grant {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let operations = ["Decrypt", "GenerateDataKey"].into_iter().filter_map(GrantOperation::parse);
    let grantee = PrincipalArn::parse(ROLE).expect("an ARN");
    Grant {
        id: GrantId(id),
        key,
        grantee: Party::Principal(grantee.clone()),
        retiring: None,
        terms: GrantTerms {
            operations: operations.collect(),
            context: ContextConstraint::Equals(Arc::new(pairs(number))),
            source_arn: None,
        },
        name: None,
        issuer: grantee,
        created: Timestamp::EPOCH,
    }
}

fn decide<'a>(kms: &'a Kms, key: KeyId, call: &'a Call, pairs: &'a Pairs) -> Decision<'a> {
    let mut context = RequestContext::new(call, Action::Decrypt);
    context.encryption_context = Some(pairs);
    context.encryption_algorithm = Some("SYMMETRIC_DEFAULT");
    kms.decision(black_box(key), context).expect("a key")
}

fn authorization(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("authorization");
    let (kms, key) = host(None, 0);
    let (user, context) = (call("arn:aws:iam::111122223333:role/admin"), pairs(7));
    assert!(decide(&kms, key, &user, &context).is_allowed());
    group.bench_function("default policy", |b| b.iter(|| decide(&kms, key, &user, &context)));
    let (kms, key) = host(Some(&large_policy()), GRANTS);
    let session = call(SESSION);
    assert!(decide(&kms, key, &session, &context).is_allowed());
    group.bench_function("20 statements, one of 50,000 grants allows", |b| {
        b.iter(|| decide(&kms, key, &session, &context));
    });
    let other = pairs(GRANTS + 1);
    assert!(!decide(&kms, key, &session, &other).is_allowed());
    group.bench_function("20 statements, 50,000 grants, nothing allows", |b| {
        b.iter(|| decide(&kms, key, &session, &other));
    });
    group.finish();
}

criterion_group!(benches, authorization);
criterion_main!(benches);
