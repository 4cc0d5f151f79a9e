//! Every kind of key through the service, from one table: what it may be made for, what it then does,
//! what it refuses to do, and that it does the same in another Region.

use kms_core::ciphertext::EncryptionContext;
use kms_core::env::Caller;
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::Local;
use kms_core::name::{KeyArn, PrincipalArn, RegionName};
use kms_core::ops::{
    Request, Response, create_grant, create_key, decapsulate, decrypt, derive_shared_secret,
    describe_key, encapsulate, encrypt, generate_mac, get_public_key, put_key_policy, re_encrypt,
    replicate_key, sign, verify, verify_mac,
};
use kms_core::policy::{GrantOperation, Policy, PolicyKind};
use kms_core::wire::{
    CiphertextBlob, EncryptionAlgorithm, GrantTokens, MacBlob, MessageType, Plaintext,
    PublicKeyBlob, SignatureBlob, SigningAlgorithm,
};
use kms_core::{ErrorCode, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const HOME: &str = "us-east-1";
const CHINA: &str = "cn-north-1";

fn region(name: &str) -> RegionName {
    RegionName::parse(name).expect("a Region")
}

/// Every kind of key, and the Region to make it in.
fn kinds() -> impl Iterator<Item = (RegionName, KeySpec, KeyUsage)> {
    KeySpec::ALL.iter().flat_map(|spec| {
        let region = region(if *spec == KeySpec::Sm2 { CHINA } else { HOME });
        spec.usages().iter().map(move |usage| (region, *spec, *usage))
    })
}

fn create(local: &mut Local, region: RegionName, request: create_key::Request) -> Result<KeyArn> {
    match local.call_in(region, request)? {
        Response::CreateKey(made) => Ok(made.key_metadata.arn),
        other => panic!("{other:?}"),
    }
}

/// One key of every kind.
fn one_of_each() -> (Local, Vec<(KeySpec, KeyUsage, KeyArn)>) {
    let mut local = Local::regions(&[HOME, CHINA]);
    let mut keys = Vec::new();
    for (region, spec, usage) in kinds() {
        let key = create(&mut local, region, create_key::Request::of(spec, usage)).expect("a key");
        keys.push((spec, usage, key));
    }
    (local, keys)
}

fn ask(local: &mut Local, key: KeyArn, request: impl Into<Request>) -> Result<Response> {
    local.call_in(key.region, request)
}

fn public_key(local: &mut Local, key: KeyArn) -> get_public_key::Response {
    match ask(local, key, get_public_key::Request::new(key)) {
        Ok(Response::GetPublicKey(got)) => got,
        other => panic!("{other:?}"),
    }
}

fn signature(local: &mut Local, request: sign::Request, key: KeyArn) -> SignatureBlob {
    match ask(local, key, request) {
        Ok(Response::Sign(signed)) => signed.signature,
        other => panic!("{other:?}"),
    }
}

fn sealed(
    local: &mut Local,
    key: KeyArn,
    plaintext: &[u8],
    by: EncryptionAlgorithm,
) -> CiphertextBlob {
    let request = encrypt::Request {
        encryption_algorithm: Some(by),
        ..encrypt::Request::new(key, plaintext)
    };
    match ask(local, key, request) {
        Ok(Response::Encrypt(sealed)) => sealed.ciphertext_blob,
        other => panic!("{other:?}"),
    }
}

fn opening(key: KeyArn, blob: CiphertextBlob, by: EncryptionAlgorithm) -> decrypt::Request {
    decrypt::Request {
        key_id: Some(key.into()),
        encryption_algorithm: Some(by),
        ..decrypt::Request::new(blob)
    }
}

fn opened(
    local: &mut Local,
    key: KeyArn,
    blob: CiphertextBlob,
    by: EncryptionAlgorithm,
) -> Result<Plaintext> {
    match ask(local, key, opening(key, blob, by))? {
        Response::Decrypt(opened) => Ok(opened.plaintext.expect("no recipient is named")),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_shows_what_it_is_and_what_it_can_do() {
    let (mut local, keys) = one_of_each();
    for (spec, usage, key) in keys {
        let request =
            describe_key::Request { key_id: key.into(), grant_tokens: GrantTokens::default() };
        let Ok(Response::DescribeKey(shown)) = ask(&mut local, key, request) else { panic!() };
        let shown = shown.key_metadata;
        assert_eq!((shown.key_spec, shown.key_usage, shown.enabled), (spec, usage, true));
        let counts = [
            shown.encryption_algorithms.len(),
            shown.signing_algorithms.len(),
            shown.mac_algorithms.len(),
            shown.key_agreement_algorithms.len(),
            shown.encapsulation_algorithms.len(),
        ];
        let expected = match usage {
            KeyUsage::EncryptDecrypt => [spec.encryption_algorithms().len(), 0, 0, 0, 0],
            KeyUsage::SignVerify => [0, spec.signing_algorithms().len(), 0, 0, 0],
            KeyUsage::GenerateVerifyMac => [0, 0, 1, 0, 0],
            KeyUsage::KeyAgreement => [0, 0, 0, 1, 0],
            KeyUsage::EncapsulateDecapsulate => [0, 0, 0, 0, 1],
        };
        assert_eq!(counts, expected, "{spec} {usage}");
        let symmetric = spec == KeySpec::SymmetricDefault;
        assert_eq!(shown.current_key_material_id.is_some(), symmetric);
        if spec.is_asymmetric() {
            let public = public_key(&mut local, key);
            assert_eq!((public.key_spec, public.key_usage), (spec, usage));
            assert_eq!(public.signing_algorithms, shown.signing_algorithms);
        }
    }
}

#[test]
fn a_usage_the_spec_does_not_have_and_a_spec_the_region_does_not_have_are_refused() {
    let mut local = Local::regions(&[HOME, CHINA]);
    for spec in KeySpec::ALL {
        let home = region(if *spec == KeySpec::Sm2 { CHINA } else { HOME });
        for usage in KeyUsage::ALL.iter().filter(|usage| !spec.usages().contains(usage)) {
            let error = create(&mut local, home, create_key::Request::of(*spec, *usage));
            let expected = ErrorCode::Validation
                .says(format!("KeyUsage {usage} is not compatible with KeySpec {spec}"));
            assert_eq!(error, Err(expected));
        }
        let unsaid = create_key::Request { key_spec: Some(*spec), ..Default::default() };
        let made = create(&mut local, home, unsaid);
        match spec {
            KeySpec::SymmetricDefault => drop(made.expect("the one default")),
            _ => assert_eq!(made.unwrap_err().code, ErrorCode::Validation, "{spec}"),
        }
    }
    for (place, spec) in [
        (HOME, KeySpec::Sm2),
        (CHINA, KeySpec::MlKem512),
        (CHINA, KeySpec::MlKem768),
        (CHINA, KeySpec::MlKem1024),
    ] {
        let request = create_key::Request::of(spec, spec.usages()[0]);
        let error = create(&mut local, region(place), request).unwrap_err();
        assert_eq!(error, ErrorCode::UnsupportedOperation.silent(), "{spec} in {place}");
    }
}

#[test]
fn every_signature_verifies_as_what_it_is_and_as_nothing_else() {
    let (mut local, keys) = one_of_each();
    for (spec, _, key) in keys.into_iter().filter(|(_, usage, _)| *usage == KeyUsage::SignVerify) {
        for algorithm in spec.signing_algorithms() {
            for (kind, length) in algorithm.message_forms() {
                let message = vec![7; length.unwrap_or(4096)];
                check_signature(&mut local, key, *algorithm, *kind, &message);
            }
        }
        for algorithm in SigningAlgorithm::ALL {
            if !spec.signing_algorithms().contains(algorithm) {
                let request = sign::Request::new(key, *b"message", *algorithm);
                let expected = ErrorCode::InvalidKeyUsage
                    .says(format!("Algorithm {algorithm} is incompatible with key spec {spec}."));
                assert_eq!(ask(&mut local, key, request), Err(expected));
            }
        }
    }
}

fn check_signature(
    local: &mut Local,
    key: KeyArn,
    algorithm: SigningAlgorithm,
    kind: MessageType,
    message: &[u8],
) {
    let request =
        sign::Request { message_type: Some(kind), ..sign::Request::new(key, message, algorithm) };
    let signature = signature(local, request, key);
    let verifying = |message: &[u8], signature: &[u8]| verify::Request {
        message_type: Some(kind),
        ..verify::Request::new(key, message, algorithm, SignatureBlob(signature.into()))
    };
    let good = ask(local, key, verifying(message, &signature.0));
    good.unwrap_or_else(|error| panic!("{algorithm} {kind}: {error}"));
    let mut other = message.to_vec();
    other[0] ^= 1;
    let mut damaged = signature.0.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for bad in [verifying(&other, &signature.0), verifying(message, &damaged)] {
        let error = ask(local, key, bad).expect_err("a refusal");
        assert_eq!(error, ErrorCode::KmsInvalidSignature.silent(), "{algorithm} {kind}");
    }
}

#[test]
fn every_plaintext_that_fits_comes_back_and_one_byte_more_does_not_fit() {
    let (mut local, keys) = one_of_each();
    let encrypts = |(spec, usage, _): &(KeySpec, KeyUsage, KeyArn)| {
        *usage == KeyUsage::EncryptDecrypt && spec.is_asymmetric()
    };
    for (spec, _, key) in keys.into_iter().filter(encrypts) {
        for algorithm in spec.encryption_algorithms() {
            let longest = spec.longest_plaintext(*algorithm);
            for length in [1, longest] {
                let plaintext = vec![7; length];
                let blob = sealed(&mut local, key, &plaintext, *algorithm);
                let opened = opened(&mut local, key, blob, *algorithm).unwrap();
                assert_eq!(opened.0.as_bytes(), plaintext, "{spec} {algorithm}");
            }
            let request = encrypt::Request {
                encryption_algorithm: Some(*algorithm),
                ..encrypt::Request::new(key, vec![7; longest + 1])
            };
            let expected = ErrorCode::Validation.says(format!(
                "Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than \
                 {longest} bytes."
            ));
            assert_eq!(ask(&mut local, key, request), Err(expected));
        }
        let unsaid = encrypt::Request::new(key, *b"secret");
        let expected = ErrorCode::InvalidKeyUsage
            .says(format!("Algorithm SYMMETRIC_DEFAULT is incompatible with key spec {spec}."));
        assert_eq!(ask(&mut local, key, unsaid), Err(expected));
    }
}

#[test]
fn an_asymmetric_ciphertext_needs_its_key_its_algorithm_and_no_context() {
    let mut local = Local::single_region();
    let [key, other] =
        [(); 2].map(|()| local.create_key_of(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt));
    let (sha_1, sha_256) =
        (EncryptionAlgorithm::RsaesOaepSha1, EncryptionAlgorithm::RsaesOaepSha256);
    let blob = sealed(&mut local, key, b"secret", sha_256);
    let refused = |local: &mut Local, request: decrypt::Request| {
        local.call(request).expect_err("a refusal").code
    };
    let good = opening(key, blob.clone(), sha_256);
    let unnamed = decrypt::Request { key_id: None, ..good.clone() };
    assert_eq!(refused(&mut local, unnamed), ErrorCode::Validation);
    let context = EncryptionContext::new(BTreeMap::from([("a".into(), "b".into())]));
    let bound = decrypt::Request { encryption_context: context.clone(), ..good.clone() };
    assert_eq!(refused(&mut local, bound), ErrorCode::Validation);
    let unsaid = decrypt::Request { encryption_algorithm: None, ..good.clone() };
    assert_eq!(refused(&mut local, unsaid), ErrorCode::InvalidKeyUsage);
    for wrong in [opening(other, blob.clone(), sha_256), opening(key, blob.clone(), sha_1)] {
        assert_eq!(refused(&mut local, wrong), ErrorCode::InvalidCiphertext);
    }
    let short = opening(key, CiphertextBlob(blob.0[1..].into()), sha_256);
    assert_eq!(refused(&mut local, short), ErrorCode::InvalidCiphertext);
    let Ok(Response::Decrypt(opened)) = local.call(good) else { panic!() };
    assert_eq!((opened.key_id, opened.key_material_id), (key, None));
    let request = encrypt::Request {
        encryption_algorithm: Some(sha_256),
        encryption_context: context,
        ..encrypt::Request::new(key, *b"secret")
    };
    assert_eq!(local.call(request).unwrap_err().code, ErrorCode::Validation);
}

#[test]
fn a_ciphertext_goes_from_any_kind_of_key_to_any_other() {
    let mut local = Local::single_region();
    let symmetric = (local.create_key(), EncryptionAlgorithm::SymmetricDefault);
    let rsa = local.create_key_of(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt);
    let rsa = (rsa, EncryptionAlgorithm::RsaesOaepSha256);
    for (from, to) in [(symmetric, rsa), (rsa, symmetric), (rsa, rsa)] {
        let blob = sealed(&mut local, from.0, b"secret", from.1);
        let request = re_encrypt::Request {
            source_key_id: Some(from.0.into()),
            source_encryption_algorithm: Some(from.1),
            destination_encryption_algorithm: Some(to.1),
            ..re_encrypt::Request::new(blob, to.0)
        };
        let Ok(Response::ReEncrypt(moved)) = local.call(request) else { panic!() };
        let of_symmetric = |algorithm| algorithm == EncryptionAlgorithm::SymmetricDefault;
        assert_eq!(moved.source_key_material_id.is_some(), of_symmetric(from.1));
        assert_eq!(moved.destination_key_material_id.is_some(), of_symmetric(to.1));
        let plaintext = opened(&mut local, to.0, moved.ciphertext_blob, to.1).unwrap();
        assert_eq!(plaintext.0.as_bytes(), b"secret");
    }
    let blob = sealed(&mut local, symmetric.0, &[7; 191], symmetric.1);
    let too_long = re_encrypt::Request {
        destination_encryption_algorithm: Some(rsa.1),
        ..re_encrypt::Request::new(blob, rsa.0)
    };
    assert_eq!(local.call(too_long).unwrap_err().code, ErrorCode::Validation);
}

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

#[test]
fn a_replica_of_any_kind_of_key_is_the_same_key() {
    let mut local = Local::regions(&[HOME, "eu-west-1"]);
    let there = region("eu-west-1");
    for (home, spec, usage) in kinds().filter(|(home, spec, _)| {
        home.as_str() == HOME && !matches!(spec, KeySpec::Rsa3072 | KeySpec::Rsa4096)
    }) {
        let request =
            create_key::Request { multi_region: true, ..create_key::Request::of(spec, usage) };
        let key = create(&mut local, home, request).unwrap();
        local.call(replicate_key::Request::new(key, there)).unwrap();
        local.advance(Duration::from_secs(5));
        let replica = KeyArn { region: there, ..key };
        if spec.is_asymmetric() {
            let (one, two) = (public_key(&mut local, key), public_key(&mut local, replica));
            assert_eq!(one.public_key, two.public_key, "{spec}");
        }
        if let Some(algorithm) = spec.signing_algorithms().first()
            && usage == KeyUsage::SignVerify
        {
            let request = sign::Request::new(replica, *b"message", *algorithm);
            let made = signature(&mut local, request, replica);
            local.call(verify::Request::new(key, *b"message", *algorithm, made)).unwrap();
        }
        if let Some(algorithm) = spec.mac_algorithm() {
            let mac = |local: &mut Local, key: KeyArn| {
                ask(local, key, generate_mac::Request::new(key.id, *b"message", algorithm))
            };
            let (Ok(Response::GenerateMac(one)), Ok(Response::GenerateMac(two))) =
                (mac(&mut local, key), mac(&mut local, replica))
            else {
                panic!()
            };
            assert_eq!(one.mac, two.mac);
        }
    }
}

#[test]
fn a_key_outlives_its_domain_keys() {
    let mut local = Local::single_region();
    let key = local.create_key_of(KeySpec::MlDsa44, KeyUsage::SignVerify);
    let algorithm = SigningAlgorithm::MlDsaShake256;
    let before = signature(&mut local, sign::Request::new(key, *b"message", algorithm), key);
    local.advance(Duration::from_secs(20 * 86_400));
    local.call(verify::Request::new(key, *b"message", algorithm, before)).unwrap();
    let after = signature(&mut local, sign::Request::new(key, *b"message", algorithm), key);
    local.call(verify::Request::new(key, *b"message", algorithm, after)).unwrap();
}
