//! Which AlgorithmIdentifier the keys of a spec have.
//!
//! Sources: RFC 3279 (RSA), RFC 5480 (named curves), RFC 8410 (Edwards curves), RFC 9881 (ML-DSA),
//! RFC 9935 (ML-KEM), GB/T 33560 (SM2).

use der::asn1::{AnyRef, ObjectIdentifier};
use pkcs8::spki::AlgorithmIdentifierRef;

use super::super::CryptoFailure;
use crate::key::KeySpec;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const SECP256K1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.10");
const SM2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");

const ML_DSA_44: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17");
const ML_DSA_65: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18");
const ML_DSA_87: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19");
const ML_KEM_512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.1");
const ML_KEM_768: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.2");
const ML_KEM_1024: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.4.3");

/// The named curve of a spec.
pub(super) fn curve(spec: KeySpec) -> Option<&'static ObjectIdentifier> {
    match spec {
        KeySpec::EccNistP256 => Some(&P256),
        KeySpec::EccNistP384 => Some(&P384),
        KeySpec::EccNistP521 => Some(&P521),
        KeySpec::EccSecgP256k1 => Some(&SECP256K1),
        KeySpec::Sm2 => Some(&SM2),
        _ => None,
    }
}

/// The identifier of a spec; a symmetric one has none.
///
/// # Errors
/// When the spec has no public half.
pub(super) fn identifier(spec: KeySpec) -> Result<AlgorithmIdentifierRef<'static>, CryptoFailure> {
    let (oid, parameters) = match spec {
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => (RSA, Some(AnyRef::NULL)),
        KeySpec::EccNistEdwards25519 => (ED25519, None),
        KeySpec::MlDsa44 => (ML_DSA_44, None),
        KeySpec::MlDsa65 => (ML_DSA_65, None),
        KeySpec::MlDsa87 => (ML_DSA_87, None),
        KeySpec::MlKem512 => (ML_KEM_512, None),
        KeySpec::MlKem768 => (ML_KEM_768, None),
        KeySpec::MlKem1024 => (ML_KEM_1024, None),
        curved => (CURVE, Some(curve(curved).ok_or(CryptoFailure)?.into())),
    };
    Ok(AlgorithmIdentifierRef { oid, parameters })
}
