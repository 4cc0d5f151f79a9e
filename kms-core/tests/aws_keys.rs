//! Keys that AWS services hold: AWS managed keys, which an account sees and cannot change, and AWS owned
//! keys, which it does not see.

use kms_core::env::Caller;
use kms_core::integration::{Integration, Used};
use kms_core::key::{DAY, KeyManager, KeyState};
use kms_core::local::Local;
use kms_core::name::{KeyArn, PrincipalArn};
use kms_core::ops::describe_key::KeyMetadata;
use kms_core::ops::{
    Operation, Request, Response, create_alias, create_grant, create_key, decrypt, describe_key,
    encrypt, generate_data_key, get_key_policy, get_key_rotation_status, list_aliases, list_grants,
    list_keys, revoke_grant,
};
use kms_core::policy::{GrantOperation, Policy, PolicyKind};
use kms_core::wire::{GrantTokens, KeyRef, Shape, decode_request};
use kms_core::{ErrorCode, Result};
use serde_json::json;
use std::sync::Arc;

/// Sends a request of the owner's through a service.
fn through(local: &mut Local, service: &str, request: impl Into<Request>) -> Result<Response> {
    let owner = local.owner();
    through_as(local, service, &owner, request)
}

fn through_as(
    local: &mut Local,
    service: &str,
    caller: &Arc<Caller>,
    request: impl Into<Request>,
) -> Result<Response> {
    let region = kms_core::name::RegionName::parse("us-east-1").expect("a Region");
    let used = Used { account: caller.account(), region, name: "orders" };
    let service = Integration::named(service).expect("a service").between(used);
    local.outcome_through(region, caller, Some(service), &request.into()).result
}

fn describe(named: impl Into<KeyRef>) -> describe_key::Request {
    describe_key::Request { key_id: named.into(), grant_tokens: GrantTokens::default() }
}

fn described(answer: Result<Response>) -> KeyMetadata {
    match answer {
        Ok(Response::DescribeKey(answer)) => *answer.key_metadata,
        other => panic!("{other:?}"),
    }
}

fn code(answer: Result<Response>) -> ErrorCode {
    answer.expect_err("a refusal").code
}

/// The key of Amazon EBS, made by its first use.
fn of_ebs(local: &mut Local) -> KeyArn {
    described(through(local, "ebs", describe(KeyRef::new("alias/aws/ebs")))).arn
}

#[test]
fn the_first_look_at_it_makes_the_key_and_no_use_does() {
    let mut local = Local::single_region();
    let alias = KeyRef::new("alias/aws/ebs");
    let request = generate_data_key::Request::new(alias.clone());
    assert_eq!(code(through(&mut local, "ebs", request)), ErrorCode::NotFound);
    let other = KeyRef::new("arn:aws:kms:us-east-1:444455556666:alias/aws/ebs");
    assert_eq!(code(through(&mut local, "ebs", describe(other))), ErrorCode::NotFound);
    let unknown = KeyRef::new("alias/aws/nothing-of-the-kind");
    assert_eq!(code(local.call(describe(unknown))), ErrorCode::NotFound);
    let made = described(through(&mut local, "ebs", describe(alias.clone())));
    assert_eq!((made.key_manager, made.key_state), (KeyManager::Aws, KeyState::Enabled));
    assert_eq!((made.multi_region, made.account.as_str()), (false, "111122223333"));
    let again = described(through(&mut local, "ebs", describe(alias.clone())));
    assert_eq!(again, made);
    assert_eq!(described(local.call(describe(alias))), made);
    let own = local.create_key();
    assert_eq!(described(local.call(describe(own))).key_manager, KeyManager::Customer);
}

/// A caller with this policy, or without any.
fn alice(policy: Option<&str>) -> Arc<Caller> {
    let arn = "arn:aws:iam::111122223333:user/alice";
    let caller = Caller::new(PrincipalArn::parse(arn).expect("an ARN"));
    let policy = policy.map(|text| Policy::parse(text, PolicyKind::Identity).expect("a policy"));
    Arc::new(policy.map_or(caller.clone(), |policy| caller.with_policy(Arc::new(policy))))
}

/// ListAliases shows the predefined aliases from the start, and whoever asked which key is behind one
/// was told that there is none, such as the data source of Terraform.
#[test]
fn whoever_may_describe_it_has_it_made() {
    let mut local = Local::single_region();
    let request = Request::from(describe(KeyRef::new("alias/aws/s3")));
    let region = kms_core::name::RegionName::parse("us-east-1").expect("a Region");
    let mut ask = |policy| local.outcome(region, &alice(policy), &request).result;
    let refused = ask(None).expect_err("a refusal");
    let said = refused.message.as_deref().unwrap_or_default();
    assert_eq!(refused.code, ErrorCode::AccessDenied);
    assert!(said.contains("resource: arn:aws:kms:us-east-1:111122223333:alias/aws/s3 "), "{said}");
    let may = r#"{"Statement": {"Effect": "Allow", "Action": "kms:DescribeKey",
        "Resource": "arn:aws:kms:us-east-1:111122223333:key/*"}}"#;
    let made = described(ask(Some(may)));
    assert_eq!((made.key_manager, made.key_state), (KeyManager::Aws, KeyState::Enabled));
    assert_eq!(made.arn.account.to_string(), "111122223333");
    assert_eq!(described(ask(Some(may))), made);
    assert_eq!(described(local.call(describe(KeyRef::new("alias/aws/s3")))), made);
    let request = generate_data_key::Request::new(KeyRef::new("alias/aws/s3"));
    assert!(through(&mut local, "s3", request).is_ok(), "and its service uses it");
}

#[test]
fn a_principal_that_iam_denies_makes_no_key() {
    let mut local = Local::single_region();
    let policy =
        r#"{"Statement": {"Effect": "Deny", "Action": "kms:DescribeKey", "Resource": "*"}}"#;
    let policy = Policy::parse(policy, PolicyKind::Identity).expect("a policy");
    let denied = Arc::new((*local.owner()).clone().with_policy(Arc::new(policy)));
    let alias = KeyRef::new("alias/aws/ebs");
    let answer = through_as(&mut local, "ebs", &denied, describe(alias.clone()));
    assert_eq!(code(answer), ErrorCode::AccessDenied);
    let request = generate_data_key::Request::new(alias);
    assert_eq!(code(through(&mut local, "ebs", request)), ErrorCode::NotFound);
}

#[test]
fn it_is_used_through_its_service_alone() {
    let mut local = Local::single_region();
    let key = of_ebs(&mut local);
    let request = generate_data_key::Request::new(KeyRef::new("alias/aws/ebs"));
    let Ok(Response::GenerateDataKey(made)) = through(&mut local, "ebs", request.clone()) else {
        panic!()
    };
    assert_eq!(made.key_id, key);
    let request_by_arn = encrypt::Request::new(key, *b"secret");
    for answer in [
        local.call(request.clone()),
        local.call(request_by_arn),
        local.call(decrypt::Request::new(made.ciphertext_blob.clone())),
        through(&mut local, "s3", request),
    ] {
        assert_eq!(code(answer), ErrorCode::AccessDenied);
    }
    let opened = through(&mut local, "ebs", decrypt::Request::new(made.ciphertext_blob));
    assert!(opened.is_ok());
    let stranger = PrincipalArn::parse("arn:aws:iam::444455556666:role/other").expect("an ARN");
    let stranger = Arc::new(Caller::new(stranger));
    let answer = through_as(&mut local, "ebs", &stranger, encrypt::Request::new(key, *b"secret"));
    assert_eq!(code(answer), ErrorCode::AccessDenied);
}

/// What the account's administrator may not do with an AWS managed key: a request of each operation
/// that changes a key, what else it names, and the answer.
const FORBIDDEN: &[(&str, &str)] = &[
    ("CancelKeyDeletion", "{}"),
    ("CreateAlias", r#"{"AliasName": "alias/mine"}"#),
    (
        "CreateGrant",
        r#"{"GranteePrincipal": "arn:aws:iam::111122223333:role/x", "Operations": ["Decrypt"]}"#,
    ),
    ("DeleteImportedKeyMaterial", "{}"),
    ("DisableKey", "{}"),
    ("DisableKeyRotation", "{}"),
    ("EnableKey", "{}"),
    ("EnableKeyRotation", r#"{"RotationPeriodInDays": 90}"#),
    ("Encrypt", r#"{"Plaintext": "AAAA"}"#),
    ("GenerateDataKeyPair", r#"{"KeyPairSpec": "RSA_2048"}"#),
    ("PutKeyPolicy", r#"{"Policy": "{\"Statement\": []}"}"#),
    ("ReplicateKey", r#"{"ReplicaRegion": "eu-west-1"}"#),
    ("RotateKeyOnDemand", "{}"),
    ("ScheduleKeyDeletion", "{}"),
    ("TagResource", r#"{"Tags": [{"TagKey": "a", "TagValue": "b"}]}"#),
    ("UntagResource", r#"{"TagKeys": ["a"]}"#),
    ("UpdateAlias", r#"{"AliasName": "alias/own"}"#),
    ("UpdateKeyDescription", r#"{"Description": "mine"}"#),
    ("UpdatePrimaryRegion", r#"{"PrimaryRegion": "eu-west-1"}"#),
];

#[test]
fn nobody_in_the_account_changes_it() {
    let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
    let key = of_ebs(&mut local);
    let own = local.create_key();
    local.call(create_alias::Request::new("alias/own", own)).expect("an alias");
    let before = local.key(key);
    for (operation, rest) in FORBIDDEN {
        let mut body: serde_json::Value = serde_json::from_str(rest).expect("JSON");
        let members = Operation::parse(operation).expect("an operation").request_members();
        let named = if members.contains(&"TargetKeyId") { "TargetKeyId" } else { "KeyId" };
        body[named] = json!(key.id.to_string());
        let request =
            decode_request(&format!("TrentService.{operation}"), body.to_string().as_bytes());
        let direct = local.call(request.expect("a request"));
        assert_eq!(code(direct), ErrorCode::AccessDenied, "{operation}");
    }
    let body = json!({ "AliasName": "alias/aws/ebs" }).to_string();
    let request = decode_request("TrentService.DeleteAlias", body.as_bytes()).expect("a request");
    assert_eq!(code(local.call(request)), ErrorCode::AccessDenied);
    let body =
        json!({ "AliasName": "alias/aws/ebs", "TargetKeyId": own.id.to_string() }).to_string();
    let request = decode_request("TrentService.UpdateAlias", body.as_bytes()).expect("a request");
    assert_eq!(code(local.call(request)), ErrorCode::AccessDenied);
    assert!(*before == *local.key(key));
}

#[test]
fn the_account_may_look_at_it() {
    let mut local = Local::single_region();
    let key = of_ebs(&mut local);
    let policy = get_key_policy::Request { key_id: key.into(), policy_name: None };
    let Ok(Response::GetKeyPolicy(policy)) = local.call(policy) else { panic!() };
    assert!(policy.policy.as_str().contains(r#""kms:ViaService" : "ec2.us-east-1.amazonaws.com""#));
    let status = get_key_rotation_status::Request { key_id: key.into() };
    let Ok(Response::GetKeyRotationStatus(status)) = local.call(status) else { panic!() };
    assert_eq!((status.key_rotation_enabled, status.rotation_period_in_days), (true, Some(365)));
    let Ok(Response::ListKeys(keys)) = local.call(list_keys::Request::default()) else { panic!() };
    assert!(format!("{keys:?}").contains(&key.to_string()));
}

#[test]
fn it_is_rotated_every_year() {
    let mut local = Local::single_region();
    let key = of_ebs(&mut local);
    let request = generate_data_key::Request::new(key);
    let material = |answer: Result<Response>| match answer {
        Ok(Response::GenerateDataKey(made)) => made.key_material_id,
        other => panic!("{other:?}"),
    };
    let first = material(through(&mut local, "ebs", request.clone()));
    local.advance(364 * DAY);
    assert_eq!(material(through(&mut local, "ebs", request.clone())), first);
    local.advance(DAY);
    assert_ne!(material(through(&mut local, "ebs", request)), first);
}

#[test]
fn grants_come_through_the_service_and_the_account_may_revoke_them() {
    let mut local = Local::single_region();
    let key = of_ebs(&mut local);
    let role = "arn:aws:iam::111122223333:role/instance";
    let request = create_grant::Request::new(key, role, GrantOperation::parse("Decrypt"));
    local.settings_mut().limits.grants_per_key = 1;
    let made: Vec<_> = (0..3)
        .map(|_| match through(&mut local, "ebs", request.clone()) {
            Ok(Response::CreateGrant(made)) => made.grant_id,
            other => panic!("{other:?}"),
        })
        .collect();
    let list = list_grants::Request::new(key);
    let Ok(Response::ListGrants(listed)) = local.call(list) else { panic!() };
    assert_eq!(listed.grants.0.len(), 3);
    for grant in made {
        local.call(revoke_grant::Request::new(key, grant)).expect("a revocation");
    }
}

#[test]
fn the_predefined_aliases_are_listed_with_and_without_a_key() {
    let mut local = Local::single_region();
    let own = local.create_key();
    for name in ["alias/app", "alias/zone"] {
        local.call(create_alias::Request::new(name, own)).expect("an alias");
    }
    let key = of_ebs(&mut local);
    let list = |local: &mut Local, key: Option<KeyArn>| {
        let request = list_aliases::Request { key_id: key.map(KeyRef::from), ..Default::default() };
        match local.call(request) {
            Ok(Response::ListAliases(list)) => list.aliases.0,
            other => panic!("{other:?}"),
        }
    };
    let all = list(&mut local, None);
    assert!(all.is_sorted_by(|one, next| one.alias_name < next.alias_name));
    assert_eq!(all.len(), Integration::predefined_aliases().len() + 2);
    for entry in &all {
        let has_key = entry.target_key_id.is_some();
        let expected = ["alias/app", "alias/aws/ebs", "alias/zone"];
        assert_eq!(has_key, expected.contains(&entry.alias_name.as_str()), "{entry:?}");
        assert_eq!(has_key, entry.creation_date.is_some());
    }
    let of_key = list(&mut local, Some(key));
    assert_eq!(of_key.len(), 1);
    assert_eq!(of_key[0].target_key_id, Some(key.id.to_string()));
    assert!(of_key[0].encode_members().contains_key("TargetKeyId"));
}

#[test]
fn it_counts_for_no_quota_of_keys() {
    let mut local = Local::single_region();
    local.settings_mut().limits.keys = 1;
    let first = of_ebs(&mut local);
    let second = described(through(&mut local, "s3", describe(KeyRef::new("alias/aws/s3")))).arn;
    assert_ne!(first, second);
    local.create_key();
    assert_eq!(code(local.call(create_key::Request::default())), ErrorCode::LimitExceeded);
}

#[test]
fn every_service_with_a_predefined_alias_makes_its_key_and_uses_it() {
    let mut local = Local::single_region();
    for (alias, services) in Integration::predefined_aliases() {
        for service in services {
            let named = KeyRef::new(alias.as_str());
            let described = described(through(&mut local, &service.name, describe(named.clone())));
            assert_eq!(described.key_manager, KeyManager::Aws, "{alias}");
            let request = generate_data_key::Request::new(named);
            assert!(through(&mut local, &service.name, request).is_ok(), "{}", service.name);
        }
    }
}

/// A key that a service made in an account of its own, for what it keeps for its users.
#[test]
fn an_aws_owned_key_is_not_visible_in_the_users_account() {
    let mut local = Local::single_region();
    let service = PrincipalArn::parse("arn:aws:iam::999988887777:role/service").expect("an ARN");
    let policy = r#"{"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#;
    let policy = Policy::parse(policy, PolicyKind::Identity).expect("a policy");
    let service = Arc::new(Caller::new(service).with_policy(Arc::new(policy)));
    local.settings_mut().limits.keys = 1;
    let Ok(Response::CreateKey(owned)) = local.call_as(&service, create_key::Request::default())
    else {
        panic!()
    };
    let owned = owned.key_metadata.arn;
    local.call_as(&service, encrypt::Request::new(owned, *b"secret")).expect("a ciphertext");
    let Ok(Response::ListKeys(keys)) = local.call(list_keys::Request::default()) else { panic!() };
    assert!(!format!("{keys:?}").contains(&owned.id.to_string()));
    assert_eq!(code(local.call(describe(owned.id))), ErrorCode::NotFound);
    assert_eq!(code(local.call(describe(owned))), ErrorCode::AccessDenied);
    let request = encrypt::Request::new(owned, *b"secret");
    assert_eq!(code(local.call(request)), ErrorCode::AccessDenied);
    local.create_key();
}
