//! Keys and signatures as vectors print them, brought into the forms that AWS KMS takes.

use super::records::hex;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Encode, Tag};
use kms_core::crypto::codec::{import, public_key};
use kms_core::crypto::{CryptoBackend, RustCrypto, SecretBytes};
use kms_core::key::KeySpec;
use kms_core::local::SeededRandom;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use sec1::EcPrivateKey;

/// A SubjectPublicKeyInfo around a bare key that is as long as every key of its spec: what stands in
/// front of another key of the spec, and then this one.
pub(crate) fn of_bare(spec: KeySpec, bare: &[u8]) -> Vec<u8> {
    let other = RustCrypto.generate(spec, &mut SeededRandom::new(1)).expect("a key");
    let other = RustCrypto.load(spec, &other).expect("canonical");
    let encoded = other.public_key();
    let length = public_key(spec, encoded).expect("a public key").len();
    [&encoded[..encoded.len() - length], bare].concat()
}

/// The SubjectPublicKeyInfo of an RSA modulus and the exponent 65537.
pub(crate) fn of_modulus(modulus: &[u8]) -> Vec<u8> {
    let modulus = UintRef::new(modulus).expect("a number");
    let public_exponent = UintRef::new(&[1, 0, 1]).expect("a number");
    let key = pkcs1::RsaPublicKey { modulus, public_exponent }.to_der().expect("an RSA key");
    let algorithm = AlgorithmIdentifierRef {
        oid: ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
        parameters: Some(AnyRef::NULL),
    };
    let subject_public_key = BitStringRef::from_bytes(&key).expect("short");
    SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der().expect("a public key")
}

/// Canonical material of an Ed25519 seed: what stands before it in a PKCS#8 of version 1 (RFC 8410,
/// section 7), and then the seed.
pub(crate) fn of_edwards_seed(seed: &[u8]) -> SecretBytes {
    let encoded = [&hex("302e020100300506032b657004220420")[..], seed].concat();
    import(KeySpec::EccNistEdwards25519, &encoded).expect("PKCS#8")
}

/// Canonical material of a number, by the way that a key from outside takes.
pub(crate) fn of_scalar(spec: KeySpec, number: &[u8]) -> SecretBytes {
    let (field, curve) = match spec {
        KeySpec::EccNistP256 => (32, "1.2.840.10045.3.1.7"),
        KeySpec::EccNistP384 => (48, "1.3.132.0.34"),
        KeySpec::EccNistP521 => (66, "1.3.132.0.35"),
        KeySpec::Sm2 => (32, "1.2.156.10197.1.301"),
        other => panic!("{other} has no vectors with a scalar"),
    };
    let curve = ObjectIdentifier::new(curve).expect("a curve");
    let at = number.iter().position(|byte| *byte != 0).expect("not zero");
    let scalar = &[&vec![0; field - (number.len() - at)], &number[at..]].concat();
    let key = EcPrivateKey { private_key: scalar, parameters: None, public_key: None };
    let key = key.to_der().expect("an EC key");
    let algorithm = AlgorithmIdentifierRef {
        oid: ObjectIdentifier::new_unwrap("1.2.840.10045.2.1"),
        parameters: Some((&curve).into()),
    };
    let info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(&key).expect("short"));
    import(spec, &info.to_der().expect("PKCS#8")).expect("a strict PKCS#8")
}

/// The DER of two numbers.
pub(crate) fn signature_of(r: &[u8], s: &[u8]) -> Vec<u8> {
    sequence(&[number(r), number(s)])
}

/// The DER of a number.
pub(crate) fn number(bytes: &[u8]) -> Vec<u8> {
    UintRef::new(bytes).and_then(|number| number.to_der()).expect("a number")
}

/// The DER of a sequence of what is encoded.
pub(crate) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    let body = parts.concat();
    AnyRef::new(Tag::Sequence, &body).and_then(|any| any.to_der()).expect("short")
}
