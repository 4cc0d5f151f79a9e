//! Public keys: SubjectPublicKeyInfo in DER, and nothing that only resembles it.

use der::asn1::BitStringRef;
use der::{Decode, Encode};
use pkcs8::spki::SubjectPublicKeyInfoRef;

use super::super::CryptoFailure;
use super::identifier::identifier;
use super::{field_length, must, rsa};
use crate::key::KeySpec;

/// The first byte of an uncompressed point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 0x04;

/// The bare public key inside a SubjectPublicKeyInfo: an uncompressed point, an RSAPublicKey, or the
/// bytes of an Edwards or lattice key.
///
/// Whether a point is on its curve is left to the backend, which must look anyway.
///
/// # Errors
/// When it is not strict DER, not of this spec, its curve is not named, its point is compressed, its
/// RSA modulus is not of exactly the spec's length or its exponent is not 65537.
pub fn public_key(spec: KeySpec, encoded: &[u8]) -> Result<&[u8], CryptoFailure> {
    let info = SubjectPublicKeyInfoRef::from_der(encoded)?;
    must(info.algorithm == identifier(spec)?)?;
    let key = info.subject_public_key.as_bytes().ok_or(CryptoFailure)?;
    check(spec, key)?;
    Ok(key)
}

/// The SubjectPublicKeyInfo of a bare public key.
///
/// # Errors
/// When it cannot be one of that spec.
pub(crate) fn encode_public_key(spec: KeySpec, key: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
    check(spec, key)?;
    let subject_public_key = BitStringRef::from_bytes(key)?;
    Ok(SubjectPublicKeyInfoRef { algorithm: identifier(spec)?, subject_public_key }.to_der()?)
}

/// What can be told of a bare key by its form.
fn check(spec: KeySpec, key: &[u8]) -> Result<(), CryptoFailure> {
    if spec.modulus_bits().is_some() {
        return rsa::check_public(spec, key);
    }
    match field_length(spec) {
        Some(field) => must(key.len() == 1 + 2 * field && key[0] == UNCOMPRESSED),
        None => must(Some(key.len()) == bare_length(spec)),
    }
}

/// The length of a public key that is bare bytes (RFC 8032; FIPS 204, table 2; FIPS 203, table 3).
fn bare_length(spec: KeySpec) -> Option<usize> {
    match spec {
        KeySpec::EccNistEdwards25519 => Some(32),
        KeySpec::MlDsa44 => Some(1312),
        KeySpec::MlDsa65 => Some(1952),
        KeySpec::MlDsa87 => Some(2592),
        KeySpec::MlKem512 => Some(800),
        KeySpec::MlKem768 => Some(1184),
        KeySpec::MlKem1024 => Some(1568),
        _ => None,
    }
}
