//! Every decoder that bytes from outside reach, given any bytes and valid inputs with a few bytes
//! changed: each must come back, and what it accepts must encode to itself where it has an encoding.

use kms_core::algorithm::{MessageType, SigningAlgorithm};
use kms_core::attestation;
use kms_core::ciphertext::Blob;
use kms_core::crypto::codec::{export, import, public_key};
use kms_core::crypto::{BACKENDS, CryptoBackend, Message, RustCrypto, SecretBytes};
use kms_core::env::Timestamp;
use kms_core::hsm::ImportToken;
use kms_core::key::KeySpec;
use kms_core::local::SeededRandom;
use kms_core::name::{AliasName, KeyIdentifier, PrincipalArn, RegionName};
use kms_core::policy::{Policy, PolicyKind};
use kms_core::wire::{TARGET_PREFIX, decode_request, encode_request};
use proptest::prelude::*;
use serde_json::Value;

/// Specs whose keys are parsed in different ways and made fast.
const SPECS: [KeySpec; 7] = [
    KeySpec::EccNistP256,
    KeySpec::EccNistP521,
    KeySpec::EccSecgP256k1,
    KeySpec::EccNistEdwards25519,
    KeySpec::MlDsa44,
    KeySpec::MlKem512,
    KeySpec::Sm2,
];

fn material(spec: KeySpec) -> SecretBytes {
    RustCrypto.generate(spec, &mut SeededRandom::new(1)).expect("a key")
}

fn public(spec: KeySpec) -> Vec<u8> {
    let key = RustCrypto.load(spec, &material(spec)).expect("canonical");
    key.public_key().to_vec()
}

/// Decodes a request for one operation; what was read is written and read again.
fn request(operation: &str, body: &[u8]) {
    let target = format!("{TARGET_PREFIX}{operation}");
    if let Ok(request) = decode_request(&target, body) {
        let again = decode_request(&target, &encode_request(&request));
        assert_eq!(again.as_ref(), Ok(&request), "{operation}");
    }
}

fn private_key(spec: KeySpec, bytes: &[u8]) {
    if let Ok(material) = import(spec, bytes) {
        let again = export(spec, &material).expect("what is imported is canonical");
        assert!(import(spec, again.as_bytes()) == Ok(material), "{spec}");
    }
}

/// No bytes are a signature of what nobody signed.
fn signature(spec: KeySpec, algorithm: SigningAlgorithm, key: &[u8], bytes: &[u8]) {
    let message = Message { bytes: b"never signed", kind: MessageType::Raw };
    for backend in BACKENDS {
        assert!(backend.verify(spec, key, algorithm, message, bytes).is_err(), "{spec}");
    }
}

/// The decoders that take bytes of no certain form.
fn anything(bytes: &[u8]) {
    let _ = Blob::parse(bytes);
    let _ = attestation::verify(bytes, &[], Timestamp::from_seconds(0));
    if let Some(token) = ImportToken::parse(bytes) {
        assert_eq!(token.to_bytes(), bytes, "a token has one encoding");
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = KeyIdentifier::parse(&text);
    let _ = AliasName::parse(&text);
    let _ = PrincipalArn::parse(&text);
    let _ = RegionName::parse(&text);
    for kind in [PolicyKind::Key, PolicyKind::Identity] {
        let _ = Policy::parse(&text, kind);
    }
    for spec in KeySpec::ALL {
        private_key(*spec, bytes);
        let _ = public_key(*spec, bytes);
    }
}

/// Names, a policy and a document that mutations start from.
fn texts() -> Vec<Vec<u8>> {
    [
        "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws:kms:us-east-1:111122223333:alias/application",
        "mrk-1234abcd12ab34cd56ef1234567890ab",
        "arn:aws:sts::111122223333:assumed-role/role/session",
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Principal":"*",
        "Action":["kms:Decrypt","kms:Gen*"],"Resource":"*","Condition":{
        "StringLike":{"kms:EncryptionContext:stage":["prod-*","${aws:username}"]},
        "NumericLessThan":{"kms:ScheduleKeyDeletionPendingWindowInDays":"10"},
        "IpAddress":{"aws:SourceIp":"10.0.0.0/8"},"Null":{"kms:ViaService":"true"}}}]}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// Inputs with up to three bytes changed, and perhaps an end cut off.
fn mutated(inputs: Vec<Vec<u8>>) -> impl Strategy<Value = (usize, Vec<u8>)> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let cut = prop::option::of(any::<prop::sample::Index>());
    (0..inputs.len(), changes, cut).prop_map(move |(which, changes, cut)| {
        let mut bytes = inputs[which].clone();
        changes.iter().for_each(|(at, byte)| *at.get_mut(&mut bytes) = *byte);
        bytes.truncate(cut.map_or(bytes.len(), |at| at.index(bytes.len())));
        (which, bytes)
    })
}

fn samples() -> Vec<(String, Vec<u8>)> {
    let samples: Value =
        serde_json::from_str(include_str!("wire_samples.json")).expect("samples of the wire");
    let samples = samples.as_object().expect("by operation").clone();
    let body = |(name, sample): (String, Value)| (name, sample["request"].to_string().into());
    samples.into_iter().map(body).collect()
}

#[test]
fn any_bytes_come_back() {
    proptest!(ProptestConfig::with_cases(200), |(bytes in prop::collection::vec(any::<u8>(), 0..300))| {
        anything(&bytes);
        samples().iter().for_each(|(operation, _)| request(operation, &bytes));
    });
}

#[test]
fn changed_requests_come_back() {
    let samples = samples();
    let bodies = samples.iter().map(|sample| sample.1.clone()).collect();
    samples.iter().for_each(|(operation, body)| request(operation, body));
    proptest!(ProptestConfig::with_cases(2_000), |((which, bytes) in mutated(bodies))| {
        request(&samples[which].0, &bytes);
    });
}

#[test]
fn changed_names_and_policies_come_back() {
    proptest!(ProptestConfig::with_cases(2_000), |((_, bytes) in mutated(texts()))| {
        anything(&bytes);
    });
}

#[test]
fn changed_keys_come_back() {
    let private = |spec| export(spec, &material(spec)).expect("canonical").as_bytes().to_vec();
    let keys = SPECS.map(private).to_vec();
    proptest!(ProptestConfig::with_cases(300), |((which, bytes) in mutated(keys))| {
        private_key(SPECS[which], &bytes);
    });
    let keys = SPECS.map(public).to_vec();
    proptest!(ProptestConfig::with_cases(300), |((which, bytes) in mutated(keys))| {
        let _ = public_key(SPECS[which], &bytes);
    });
}

#[test]
fn changed_signatures_come_back() {
    let spec = KeySpec::EccNistP256;
    let algorithm = SigningAlgorithm::EcdsaSha256;
    let key = RustCrypto.load(spec, &material(spec)).expect("canonical");
    let message = Message { bytes: b"signed", kind: MessageType::Raw };
    let made = key.sign(algorithm, message, &mut SeededRandom::new(2)).expect("a signature");
    let public = key.public_key().to_vec();
    proptest!(ProptestConfig::with_cases(300), |((_, bytes) in mutated(vec![made]))| {
        signature(spec, algorithm, &public, &bytes);
    });
}
