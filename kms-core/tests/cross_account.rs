//! Keys of other accounts: they are reached by ARN alone, need a permission on both sides, and where
//! they are not reached nobody can tell them from keys that do not exist.

use kms_core::ciphertext::EncryptionContext;
use kms_core::env::Caller;
use kms_core::local::Local;
use kms_core::name::{AccountId, KeyArn, KeyId, PrincipalArn};
use kms_core::ops::{
    Request, Response, create_alias, decrypt, describe_key, encrypt, list_aliases, put_key_policy,
    re_encrypt, retire_grant,
};
use kms_core::policy::{Policy, PolicyKind};
use kms_core::wire::{CiphertextBlob, DryRunModifier, KeyRef};
use kms_core::{Error, ErrorCode, Result};
use std::sync::Arc;

const TRUSTING: &str = r#"{"Statement": [
    {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
     "Action": "kms:*", "Resource": "*"},
    {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"},
     "Action": ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey", "kms:ReEncrypt*"],
     "Resource": "*"}]}"#;

/// A principal of account 444455556666, whose IAM allows it everything.
fn stranger() -> Arc<Caller> {
    let policy = r#"{"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#;
    let policy = Policy::parse(policy, PolicyKind::Identity).expect("a policy");
    Arc::new(bystander().with_policy(Arc::new(policy)))
}

/// The same principal without a policy of IAM's.
fn bystander() -> Caller {
    Caller::new(PrincipalArn::parse("arn:aws:iam::444455556666:role/partner").expect("an ARN"))
}

/// A key with the alias `alias/app` that trusts the other account, and a blob of it.
fn shared_key() -> (Local, KeyArn, CiphertextBlob) {
    let mut local = Local::single_region();
    let key = local.create_key();
    local.call(put_key_policy::Request::new(key, TRUSTING)).expect("a policy");
    local.call(create_alias::Request::new("alias/app", key)).expect("an alias");
    let blob = match local.call(encrypt::Request::new(key, *b"secret")) {
        Ok(Response::Encrypt(sealed)) => sealed.ciphertext_blob,
        other => panic!("{other:?}"),
    };
    (local, key, blob)
}

fn ask(local: &mut Local, request: impl Into<Request>) -> Result<Response> {
    local.call_as(&stranger(), request)
}

fn refusal(local: &mut Local, request: impl Into<Request>) -> Error {
    ask(local, request).expect_err("a refusal")
}

fn not_found(arn: KeyArn) -> Error {
    ErrorCode::NotFound.says(format!("Key '{arn}' does not exist"))
}

fn in_account(account: u64, key: KeyArn) -> KeyArn {
    KeyArn { account: AccountId::new(account), ..key }
}

#[test]
fn a_key_arn_and_an_alias_arn_reach_it_when_both_sides_allow() {
    let (mut local, key, _) = shared_key();
    let alias = KeyRef::new(&format!("arn:aws:kms:{}:{}:alias/app", key.region, key.account));
    for named in [KeyRef::from(key), alias] {
        let answer = ask(&mut local, encrypt::Request::new(named, *b"x")).unwrap();
        let Response::Encrypt(sealed) = answer else { panic!() };
        assert_eq!(sealed.key_id, key);
    }
    let without_iam = Arc::new(bystander());
    let request = encrypt::Request::new(key, *b"x");
    assert_eq!(local.call_as(&without_iam, request).unwrap_err().code, ErrorCode::AccessDenied);
    let distrusting = local.create_key();
    let request = encrypt::Request::new(distrusting, *b"x");
    assert_eq!(refusal(&mut local, request).code, ErrorCode::AccessDenied);
}

#[test]
fn a_bare_id_or_alias_name_means_the_callers_own_account() {
    let (mut local, key, _) = shared_key();
    let missing = KeyId::single_region([9; 16]);
    for id in [key.id, missing] {
        let own = in_account(444_455_556_666, KeyArn { id, ..key });
        let request = encrypt::Request::new(id, *b"x");
        assert_eq!(refusal(&mut local, request), not_found(own));
    }
    let request = encrypt::Request::new(KeyRef::new("alias/app"), *b"x");
    let error = refusal(&mut local, request);
    let text = "Alias arn:aws:kms:us-east-1:444455556666:alias/app is not found.";
    assert_eq!(error, ErrorCode::NotFound.says(text));
}

#[test]
fn an_arn_with_the_wrong_account_names_nothing() {
    let (mut local, key, _) = shared_key();
    let wrong = in_account(777_788_889_999, key);
    let describe = |key: KeyArn| describe_key::Request {
        key_id: key.into(),
        grant_tokens: kms_core::wire::GrantTokens::default(),
    };
    assert_eq!(local.call(describe(wrong)).unwrap_err(), not_found(wrong));
    assert_eq!(refusal(&mut local, describe(wrong)), not_found(wrong));
    assert!(ask(&mut local, describe(key)).is_ok());
    let own = in_account(444_455_556_666, key);
    assert_eq!(refusal(&mut local, describe(own)), not_found(own));
}

#[test]
fn a_ciphertext_finds_its_key_in_any_account() {
    let (mut local, key, blob) = shared_key();
    let by_blob = decrypt::Request::new(blob.clone());
    let by_id = decrypt::Request { key_id: Some(key.id.into()), ..by_blob.clone() };
    let by_arn = decrypt::Request { key_id: Some(key.into()), ..by_blob.clone() };
    for request in [by_blob, by_id, by_arn] {
        let Ok(Response::Decrypt(opened)) = ask(&mut local, request) else { panic!() };
        assert_eq!((opened.key_id, opened.plaintext.unwrap().0.as_bytes()), (key, &b"secret"[..]));
    }
    let wrong = Some(in_account(444_455_556_666, key).into());
    let request = decrypt::Request { key_id: wrong, ..decrypt::Request::new(blob) };
    assert_eq!(refusal(&mut local, request).code, ErrorCode::NotFound);
}

/// A bare id of another account's key beside a ciphertext of another key, or none that can be read,
/// was once taken for that key, and the refusal then said whose it is.
#[test]
fn a_bare_id_beside_another_keys_ciphertext_means_the_callers_own_account() {
    let (mut local, shared, blob) = shared_key();
    let secret = local.create_key();
    let missing = KeyId::single_region([9; 16]);
    let unreadable = CiphertextBlob([1, 2, 3].into());
    for blob in [blob, unreadable] {
        for id in [secret.id, missing] {
            let expected = not_found(in_account(444_455_556_666, KeyArn { id, ..secret }));
            let by_id = Some(KeyRef::from(id));
            let opened =
                decrypt::Request { key_id: by_id.clone(), ..decrypt::Request::new(blob.clone()) };
            assert_eq!(refusal(&mut local, opened), expected);
            let moved = re_encrypt::Request {
                source_key_id: by_id,
                ..re_encrypt::Request::new(blob.clone(), shared)
            };
            assert_eq!(refusal(&mut local, moved), expected);
        }
    }
}

/// A dry run without a look at the ciphertext has none to know a foreign key by.
#[test]
fn a_bare_id_beside_an_ignored_ciphertext_means_the_callers_own_account() {
    let (mut local, key, blob) = shared_key();
    let expected = not_found(in_account(444_455_556_666, key));
    let opened = decrypt::Request {
        key_id: Some(key.id.into()),
        dry_run: true,
        dry_run_modifiers: vec![DryRunModifier::IgnoreCiphertext],
        ..decrypt::Request::new(blob.clone())
    };
    assert_eq!(refusal(&mut local, opened), expected);
    let moved = re_encrypt::Request {
        source_key_id: Some(key.id.into()),
        dry_run: true,
        dry_run_modifiers: vec![DryRunModifier::IgnoreCiphertext],
        ..re_encrypt::Request::new(blob, key)
    };
    assert_eq!(refusal(&mut local, moved), expected);
}

#[test]
fn re_encryption_finds_its_source_so_and_its_destination_by_arn_only() {
    let (mut local, key, blob) = shared_key();
    let by_id = re_encrypt::Request {
        source_key_id: Some(key.id.into()),
        destination_encryption_context: EncryptionContext::default(),
        ..re_encrypt::Request::new(blob.clone(), key)
    };
    for request in [by_id, re_encrypt::Request::new(blob.clone(), key)] {
        assert!(matches!(ask(&mut local, request), Ok(Response::ReEncrypt(_))));
    }
    let own = in_account(444_455_556_666, key);
    let to_bare_id = re_encrypt::Request::new(blob, key.id);
    assert_eq!(refusal(&mut local, to_bare_id), not_found(own));
}

#[test]
fn lists_and_retirements_tell_foreign_keys_from_missing_ones_no_more() {
    let (mut local, key, _) = shared_key();
    for id in [key.id, KeyId::single_region([9; 16])] {
        let own = in_account(444_455_556_666, KeyArn { id, ..key });
        let list = list_aliases::Request { key_id: Some(id.into()), ..Default::default() };
        assert_eq!(refusal(&mut local, list), not_found(own));
        let retire = retire_grant::Request {
            key_id: Some(id.into()),
            grant_id: Some("ab".repeat(32).into()),
            ..Default::default()
        };
        assert_eq!(refusal(&mut local, retire), not_found(own));
    }
}
