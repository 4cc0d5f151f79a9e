//! A key does nothing but what it is for, and grants and policies tell the algorithms apart.

use crate::world::{ask, one_of_each, opening};
use kms_core::ErrorCode;
use kms_core::env::Caller;
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::Local;
use kms_core::name::{KeyArn, PrincipalArn};
use kms_core::ops::{
    Request, create_grant, decapsulate, derive_shared_secret, encapsulate, encrypt, generate_mac,
    put_key_policy, sign, verify, verify_mac,
};
use kms_core::policy::{GrantOperation, Policy, PolicyKind};
use kms_core::wire::{
    CiphertextBlob, EncryptionAlgorithm, MacBlob, MessageType, PublicKeyBlob, SignatureBlob,
    SigningAlgorithm,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request of each operation that uses key material, whatever the key is for.
fn uses(spec: KeySpec, key: KeyArn) -> Vec<(Request, KeyUsage)> {
    let blob = || CiphertextBlob([7; 64].into());
    let ecdsa = spec.signing_algorithms().first().copied().unwrap_or(SigningAlgorithm::EcdsaSha256);
    let hmac = spec.mac_algorithm().unwrap_or(kms_core::wire::MacAlgorithm::HmacSha256);
    let by = spec.encryption_algorithms().first().copied();
    let by = by.unwrap_or(EncryptionAlgorithm::RsaesOaepSha256);
    let encrypting = encrypt::Request {
        encryption_algorithm: Some(by),
        ..encrypt::Request::new(key, *b"secret")
    };
    let peer = PublicKeyBlob([7; 64].into());
    let signature = SignatureBlob([7; 64].into());
    vec![
        (encrypting.into(), KeyUsage::EncryptDecrypt),
        (opening(key, blob(), by).into(), KeyUsage::EncryptDecrypt),
        (sign::Request::new(key, *b"message", ecdsa).into(), KeyUsage::SignVerify),
        (verify::Request::new(key, *b"message", ecdsa, signature).into(), KeyUsage::SignVerify),
        (generate_mac::Request::new(key, *b"message", hmac).into(), KeyUsage::GenerateVerifyMac),
        (
            verify_mac::Request::new(key, *b"message", hmac, MacBlob([7; 32].into())).into(),
            KeyUsage::GenerateVerifyMac,
        ),
        (derive_shared_secret::Request::new(key, peer).into(), KeyUsage::KeyAgreement),
        (encapsulate::Request::new(key).into(), KeyUsage::EncapsulateDecapsulate),
        (decapsulate::Request::new(key, blob()).into(), KeyUsage::EncapsulateDecapsulate),
    ]
}

#[test]
fn a_key_does_nothing_but_what_it_is_for() {
    let (mut local, keys) = one_of_each();
    for (spec, usage, key) in keys {
        for (request, of) in uses(spec, key) {
            let operation = request.operation();
            let result = ask(&mut local, key, request);
            if of != usage {
                let expected = ErrorCode::InvalidKeyUsage.says(format!(
                    "{key} key usage is {usage} which is not valid for {operation}."
                ));
                assert_eq!(result, Err(expected), "{spec}");
            } else if let Err(error) = result {
                assert_ne!(error.code, ErrorCode::InvalidKeyUsage, "{spec} {operation}");
                assert_ne!(error.code, ErrorCode::KmsInternal, "{spec} {operation}");
            }
        }
    }
}

/// A user of the owner's account to whom IAM allows nothing.
fn user() -> Arc<Caller> {
    let arn = PrincipalArn::parse("arn:aws:iam::111122223333:user/alice").expect("an ARN");
    Arc::new(Caller::new(arn))
}

#[test]
fn a_grant_gives_each_operation_and_its_token_works_at_once() {
    let mut local = Local::single_region();
    for (spec, usage) in [
        (KeySpec::EccNistP256, KeyUsage::SignVerify),
        (KeySpec::Hmac256, KeyUsage::GenerateVerifyMac),
        (KeySpec::EccNistP256, KeyUsage::KeyAgreement),
        (KeySpec::MlKem512, KeyUsage::EncapsulateDecapsulate),
    ] {
        let key = local.create_key_of(spec, usage);
        for (request, _) in uses(spec, key).into_iter().filter(|(_, of)| *of == usage) {
            let operation = request.operation();
            let denied = local.call_as(&user(), request.clone()).unwrap_err();
            assert_eq!(denied.code, ErrorCode::AccessDenied, "{operation}");
            let operations = GrantOperation::parse(operation.name());
            let alice = "arn:aws:iam::111122223333:user/alice";
            local.call(create_grant::Request::new(key, alice, operations)).unwrap();
            if let Err(error) = local.call_as(&user(), request) {
                assert_ne!(error.code, ErrorCode::AccessDenied, "{operation}");
            }
        }
    }
}

#[test]
fn a_grant_is_for_what_the_key_can_do() {
    let mut local = Local::single_region();
    let alice = "arn:aws:iam::111122223333:user/alice";
    let signs = local.create_key_of(KeySpec::EccNistP256, KeyUsage::SignVerify);
    for (name, fits) in [
        ("Sign", true),
        ("Verify", true),
        ("GetPublicKey", true),
        ("DescribeKey", true),
        ("Encrypt", false),
        ("GenerateMac", false),
        ("GenerateDataKeyPair", false),
        ("DeriveSharedSecret", false),
        ("Decapsulate", false),
    ] {
        let operations = GrantOperation::parse(name);
        let result = local.call(create_grant::Request::new(signs, alice, operations));
        let code = result.err().map(|error| error.code);
        assert_eq!(code, (!fits).then_some(ErrorCode::Validation), "{name}");
    }
    let symmetric = local.create_key();
    for name in ["Sign", "GetPublicKey", "Encapsulate", "VerifyMac"] {
        let request = create_grant::Request::new(symmetric, alice, GrantOperation::parse(name));
        assert_eq!(local.call(request).unwrap_err().code, ErrorCode::Validation, "{name}");
    }
    let constrained = create_grant::Request {
        constraints: Some(create_grant::GrantConstraints {
            encryption_context_subset: Some(BTreeMap::from([("a".into(), "b".into())])),
            ..Default::default()
        }),
        ..create_grant::Request::new(signs, alice, GrantOperation::parse("Sign"))
    };
    assert_eq!(local.call(constrained).unwrap_err().code, ErrorCode::Validation);
}

#[test]
fn policies_see_the_algorithm_and_the_message_type() {
    let mut local = Local::single_region();
    let key = local.create_key_of(KeySpec::Rsa2048, KeyUsage::SignVerify);
    let text = r#"{"Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
         "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/alice"},
         "Action": "kms:Sign", "Resource": "*", "Condition": {"StringEquals": {
            "kms:SigningAlgorithm": "RSASSA_PSS_SHA_256", "kms:MessageType": "DIGEST"}}}]}"#;
    Policy::parse(text, PolicyKind::Key).expect("a policy");
    local.call(put_key_policy::Request::new(key, text)).unwrap();
    for (algorithm, kind, code) in [
        (SigningAlgorithm::RsassaPssSha256, Some(MessageType::Digest), None),
        (SigningAlgorithm::RsassaPssSha256, None, Some(ErrorCode::AccessDenied)),
        (
            SigningAlgorithm::RsassaPkcs1V15Sha256,
            Some(MessageType::Digest),
            Some(ErrorCode::AccessDenied),
        ),
    ] {
        let request =
            sign::Request { message_type: kind, ..sign::Request::new(key, [7; 32], algorithm) };
        let result = local.call_as(&user(), request);
        assert_eq!(result.err().map(|error| error.code), code, "{algorithm} {kind:?}");
    }
}
