//! Every decoder that bytes from outside reach, each behind one function. Whatever the bytes, it comes
//! back; and what a decoder accepts is written again as what it was, where it has an encoding.
//!
//! The fuzz targets call these functions, and so do the tests beside them, which replay the corpus on
//! a stable compiler and change valid inputs.

use hyper::http::request::Parts;
use kms_core::Timestamp;
use kms_core::algorithm::{MessageType, SigningAlgorithm};
use kms_core::attestation::{self, Fingerprint};
use kms_core::ciphertext::{Blob, key_of};
use kms_core::crypto::codec::{export, import, public_key};
use kms_core::crypto::{AwsLc, BACKENDS, CryptoBackend, Message, RustCrypto, SecretKey};
use kms_core::env::RequestId;
use kms_core::hsm::{ImportToken, RootKey};
use kms_core::key::KeySpec;
use kms_core::key_store::XksKeyId;
use kms_core::key_store::xks::{ProxyRequest, RequestMetadata, Sealed};
use kms_core::local::{Local, SeededRandom};
use kms_core::name::{
    AccountId, AliasName, GrantId, KeyArn, KeyId, KeyIdentifier, PrincipalArn, RegionName,
};
use kms_core::ops::{Response, create_grant, describe_key};
use kms_core::page;
use kms_core::policy::{GrantOperation, Policy, PolicyKind};
use kms_core::record::Scribe;
use kms_core::wire::{
    GrantToken, GrantTokens, Marker, TARGET_PREFIX, decode_request, encode_request,
};
use scenarios::state::{Home, Inventory, check};
use scenarios::{Scenario, Vocabulary};
use server::{Identities, verify};
use std::cell::RefCell;
use std::fmt::{Debug, Display};
use std::sync::{Arc, LazyLock};

/// One decoder, or a few that take the same bytes.
pub struct Decoder {
    /// The name of its fuzz target and of the folder of its corpus.
    pub name: &'static str,
    /// Gives it bytes.
    pub run: fn(&[u8]),
}

/// All of them, by name.
pub const DECODERS: &[Decoder] = &[
    Decoder { name: "attestation", run: attestation },
    Decoder { name: "authorization", run: authorization },
    Decoder { name: "blob", run: blob },
    Decoder { name: "grant_token", run: grant_token },
    Decoder { name: "key", run: key },
    Decoder { name: "marker", run: marker },
    Decoder { name: "name", run: name },
    Decoder { name: "policy", run: policy },
    Decoder { name: "proxy", run: proxy },
    Decoder { name: "record", run: record },
    Decoder { name: "request", run: request },
    Decoder { name: "scenario", run: scenario },
    Decoder { name: "signature", run: signature },
    Decoder { name: "state", run: state },
    Decoder { name: "token", run: token },
];

/// An attestation document: COSE, what is signed, and the chain of certificates.
pub fn attestation(bytes: &[u8]) {
    let roots = [Fingerprint::AWS_NITRO_ENCLAVES];
    assert!(attestation::verify(bytes, &roots, Timestamp::EPOCH).is_err(), "nobody signed it");
}

/// A request with a signature, which holds for one body.
pub fn authorization(bytes: &[u8]) {
    let Some((parts, body)) = http_request(bytes) else { return };
    if is_signed(&parts, &body) {
        assert!(!is_signed(&parts, &[&body[..], b" "].concat()), "{parts:?}");
    }
}

/// A request as text: method and URI, the headers, an empty line and the body.
pub fn http_request(bytes: &[u8]) -> Option<(Parts, Vec<u8>)> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let (method, uri) = lines.next()?.split_once(' ')?;
    let headers = lines.filter_map(|line| line.split_once(": "));
    let request = hyper::Request::builder().method(method).uri(uri);
    let request = headers.fold(request, |request, (name, value)| request.header(name, value));
    Some((request.body(()).ok()?.into_parts().0, body.into()))
}

/// Whether a request is signed by the example key of AWS's documentation.
pub fn is_signed(parts: &Parts, body: &[u8]) -> bool {
    static IDENTITIES: LazyLock<Identities> = LazyLock::new(|| {
        let mut identities = Identities::development();
        identities.add(EXAMPLE_IDENTITY).expect("an identity");
        identities
    });
    verify(parts, body, &IDENTITIES, EXAMPLE_MOMENT).is_ok()
}

const EXAMPLE_IDENTITY: &str = r#"
    [[identity]]
    access_key = "AKIDEXAMPLE"
    secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    principal = "arn:aws:iam::111122223333:user/example"
"#;

/// 2015-08-30T12:36:00Z, when AWS's examples are signed.
const EXAMPLE_MOMENT: Timestamp = Timestamp::from_seconds(1_440_938_160);

/// What Encrypt makes.
pub fn blob(bytes: &[u8]) {
    let Some(blob) = Blob::parse(bytes) else { return };
    assert_eq!(key_of(bytes), Some(blob.key));
    let prefix = Blob::prefix(blob.key, blob.material, &blob.nonce, &blob.iv, 0);
    assert_eq!(bytes, [&prefix[..], blob.sealed].concat(), "a blob has one encoding");
}

/// A grant token. Nothing but the token that was made is one.
pub fn grant_token(bytes: &[u8]) {
    thread_local! {
        static WORLD: RefCell<(Local, KeyArn, String)> = RefCell::new(granted());
    }
    let text = String::from_utf8_lossy(bytes);
    let _ = GrantToken::from(&*text).claims();
    WORLD.with_borrow_mut(|(local, key, made)| {
        assert_eq!(takes(local, *key, &text), text == **made, "{text:?}");
    });
}

fn takes(local: &mut Local, key: KeyArn, token: &str) -> bool {
    let grant_tokens = GrantTokens(vec![token.into()]);
    local.call(describe_key::Request { key_id: key.into(), grant_tokens }).is_ok()
}

/// A key with a grant, and its token.
fn granted() -> (Local, KeyArn, String) {
    let mut local = Local::single_region();
    let key = local.create_key();
    let user = "arn:aws:iam::111122223333:user/test";
    let described = GrantOperation::parse("DescribeKey");
    match local.call(create_grant::Request::new(key, user, described)) {
        Ok(Response::CreateGrant(made)) => {
            let token = made.grant_token.to_string();
            assert!(takes(&mut local, key, &token), "it was made here");
            (local, key, token)
        }
        other => panic!("CreateGrant answered {other:?}"),
    }
}

/// The halves of key pairs: PKCS#8 and SubjectPublicKeyInfo, as every spec.
pub fn key(bytes: &[u8]) {
    for spec in KeySpec::ALL {
        private_key(*spec, bytes);
        let _ = public_key(*spec, bytes);
    }
}

/// A PKCS#8 key of one spec.
pub fn private_key(spec: KeySpec, bytes: &[u8]) {
    if let Ok(material) = import(spec, bytes) {
        let again = export(spec, &material).expect("what is imported is canonical");
        assert!(import(spec, again.as_bytes()) == Ok(material), "{spec}");
    }
}

/// Where a page of a list goes on.
pub fn marker(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let marker = Marker::from(text.as_ref());
    let _ = page::position(Some(&marker), "keys", KeyId::parse);
    let _ = page::position(Some(&marker), "aliases", AliasName::parse);
    let _ = page::position(Some(&marker), "grants", GrantId::parse);
}

/// Ids, ARNs and names.
pub fn name(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    same(KeyIdentifier::parse(text).ok(), text, |again| KeyIdentifier::parse(again).ok());
    same(AliasName::parse(text), text, AliasName::parse);
    same(PrincipalArn::parse(text), text, PrincipalArn::parse);
    same(RegionName::parse(text), text, RegionName::parse);
    same(AccountId::parse(text), text, AccountId::parse);
    same(GrantId::parse(text), text, GrantId::parse);
}

/// What was read is written as something that reads as the same.
fn same<T: Debug + Display + PartialEq>(
    read: Option<T>,
    text: &str,
    parse: impl Fn(&str) -> Option<T>,
) {
    if let Some(read) = read {
        assert_eq!(parse(&read.to_string()), Some(read), "{text:?}");
    }
}

/// A policy document, of a key and of an identity.
pub fn policy(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for kind in [PolicyKind::Key, PolicyKind::Identity] {
        let _ = Policy::parse(&text, kind);
    }
}

/// What the proxy of an external key store answers: a status on the first line, then the body.
pub fn proxy(bytes: &[u8]) {
    let (status, body) = first_line(bytes);
    let status = status.parse().unwrap_or(200);
    let request = || RequestMetadata {
        principal: None,
        source_vpc: None,
        source_vpce: None,
        key: None,
        operation: "Decrypt",
        request: RequestId(1),
        via_service: None,
    };
    let bytes = |length: usize| -> Arc<[u8]> { vec![1; length].into() };
    let key: XksKeyId = "key".into();
    let sealed = Sealed { ciphertext: bytes(5), iv: bytes(12), tag: bytes(16), metadata: bytes(0) };
    for request in [
        ProxyRequest::GetHealthStatus { metadata: request() },
        ProxyRequest::GetKeyMetadata { key: key.clone(), metadata: request() },
        ProxyRequest::Encrypt {
            key: key.clone(),
            plaintext: bytes(5),
            aad: bytes(3),
            metadata: request(),
        },
        ProxyRequest::Decrypt { key, sealed, aad: bytes(3), metadata: request() },
    ] {
        let _ = request.decode_answer(status, body);
    }
}

/// What lies in a store, as its key token and as its log entry: behind a seal that is genuine.
pub fn record(bytes: &[u8]) {
    let root = RootKey::new(SecretKey::new([1; 32]));
    let Some(region) = RegionName::parse("us-east-1") else { return };
    let scribe = Scribe { region, root: &root, backend: &AwsLc };
    if let Ok(token) = scribe.read_token(&scribe.authenticate(bytes)) {
        assert_eq!(scribe.write_token(&token), scribe.authenticate(bytes));
    }
    let random = &mut SeededRandom::new(1);
    if let Ok(entry) = scribe.open_entry(1, &scribe.seal(1, bytes, random)) {
        let again = scribe.seal_entry(&entry, &mut SeededRandom::new(1));
        assert_eq!(scribe.open_entry(1, &again), Ok(entry));
    }
}

/// A request: the operation on the first line, then the body.
pub fn request(bytes: &[u8]) {
    let (operation, body) = first_line(bytes);
    let target = format!("{TARGET_PREFIX}{operation}");
    if let Ok(request) = decode_request(&target, body) {
        let again = decode_request(&target, &encode_request(&request));
        assert_eq!(again.as_ref(), Ok(&request), "{operation}");
    }
}

fn first_line(bytes: &[u8]) -> (&str, &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(end);
    (std::str::from_utf8(line).unwrap_or_default(), rest.get(1..).unwrap_or_default())
}

/// A scenario file. What is wrong with it is said in one line.
pub fn scenario(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(error) = Scenario::parse("fuzzed.toml", &text, &[], &Vocabulary::open()) {
        assert!(error.to_string().starts_with("fuzzed.toml"), "{error}");
    }
}

/// A signature in DER, or as bare bytes. No bytes are a signature of what nobody signed.
pub fn signature(bytes: &[u8]) {
    static KEYS: LazyLock<Vec<(KeySpec, SigningAlgorithm, Vec<u8>)>> = LazyLock::new(|| {
        let public = |(spec, algorithm)| {
            let material = RustCrypto.generate(spec, &mut SeededRandom::new(1)).ok()?;
            let key = RustCrypto.load(spec, &material).ok()?;
            Some((spec, algorithm, key.public_key().to_vec()))
        };
        SIGNERS.into_iter().filter_map(public).collect()
    });
    let message = Message { bytes: b"never signed", kind: MessageType::Raw };
    for (spec, algorithm, key) in KEYS.iter() {
        for backend in BACKENDS {
            assert!(backend.verify(*spec, key, *algorithm, message, bytes).is_err(), "{spec}");
        }
    }
}

/// Key specs whose signatures are encoded in different ways, and an algorithm of each.
pub const SIGNERS: [(KeySpec, SigningAlgorithm); 6] = [
    (KeySpec::EccNistP256, SigningAlgorithm::EcdsaSha256),
    (KeySpec::EccNistP384, SigningAlgorithm::EcdsaSha384),
    (KeySpec::EccNistP521, SigningAlgorithm::EcdsaSha512),
    (KeySpec::EccSecgP256k1, SigningAlgorithm::EcdsaSha256),
    (KeySpec::EccNistEdwards25519, SigningAlgorithm::Ed25519Sha512),
    (KeySpec::MlDsa44, SigningAlgorithm::MlDsaShake256),
];

/// A template or a plan that keys are loaded from.
pub fn state(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Some(region) = RegionName::parse("us-east-1") else { return };
    let home = Home { account: AccountId::new(111_122_223_333), region };
    if let Ok(inventory) = Inventory::read(&text, home) {
        let _ = check(&inventory, &[]);
    }
}

/// An import token.
pub fn token(bytes: &[u8]) {
    if let Some(token) = ImportToken::parse(bytes) {
        assert_eq!(token.to_bytes(), bytes, "a token has one encoding");
    }
}
