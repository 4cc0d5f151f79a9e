//! Private keys: the canonical material that key tokens hold, from and to PKCS#8.
//!
//! Canonical are: for RSA and for keys on curves a PKCS#8 of version 1 without attributes, for keys on
//! named curves with an ECPrivateKey that names no curve again and states its public point, for
//! lattice keys the seed, for HMAC keys the bytes.

use der::asn1::OctetStringRef;
use der::{Decode, Encode};
use pkcs8::PrivateKeyInfoRef;
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use super::super::{CryptoFailure, SecretBytes};
use super::identifier::{curve, identifier};
use super::public::encode_public_key;
use super::rsa::{RsaNumbers, canonical, rsa_numbers};
use super::{field_length, must, seed_length};
use crate::crypto::rust_crypto;
use crate::key::KeySpec;

/// The canonical material of a private key that came from outside, as PKCS#8.
///
/// # Errors
/// When it is not strict DER or carries attributes, is not of this spec, names another curve or
/// none, has a scalar out of range or of another length, states a public key that is not its own, or
/// RSA values that do not fit each other.
pub fn import(spec: KeySpec, encoded: &[u8]) -> Result<SecretBytes, CryptoFailure> {
    let info = info(spec, encoded)?;
    let inner = info.private_key.as_bytes();
    let stated = match &info.public_key {
        Some(key) => Some(key.as_bytes().ok_or(CryptoFailure)?),
        None => None,
    };
    if spec.modulus_bits().is_some() {
        let numbers = rsa_numbers(spec, inner)?;
        numbers.check()?;
        must(stated.is_none_or(|key| numbers.public().is_ok_and(|own| own == key)))?;
        return wrap(spec, inner);
    }
    if let Some(field) = field_length(spec) {
        return import_scalar(spec, field, inner, stated);
    }
    if spec == KeySpec::EccNistEdwards25519 {
        let seed = <&OctetStringRef>::from_der(inner)?.as_bytes();
        let seed: &[u8; 32] = seed.try_into().map_err(|_| CryptoFailure)?;
        must(stated.is_none_or(|key| key == rust_crypto::edwards_public(seed)))?;
        return encode_edwards(seed);
    }
    must(stated.is_none())?;
    seed_of(spec, inner).map(|seed| SecretBytes::from(seed.to_vec()))
}

/// PKCS#8 as GenerateDataKeyPair returns it: lattice keys as their seed (AWS KMS API, 2026).
///
/// # Errors
/// When the material is not canonical, or the spec has no public half.
pub fn export(spec: KeySpec, material: &SecretBytes) -> Result<SecretBytes, CryptoFailure> {
    if seed_length(spec).is_some() {
        let seed = material.as_bytes();
        let inner = Zeroizing::new([&seed_header(spec)?[..], seed].concat());
        seed_of(spec, &inner)?;
        return wrap(spec, &inner);
    }
    info(spec, material.as_bytes())?;
    Ok(material.clone())
}

/// The scalar and the public point of canonical material.
///
/// # Errors
/// When it is not canonical. Whether they belong together is left to the backend.
pub fn scalar(spec: KeySpec, material: &[u8]) -> Result<(&[u8], &[u8]), CryptoFailure> {
    let field = field_length(spec).ok_or(CryptoFailure)?;
    let info = info(spec, material)?;
    let key = EcPrivateKey::from_der(info.private_key.as_bytes())?;
    must(key.parameters.is_none() && info.public_key.is_none())?;
    must(key.private_key.len() == field)?;
    let point = key.public_key.ok_or(CryptoFailure)?;
    must(point.len() == 1 + 2 * field && point[0] == 4)?;
    Ok((key.private_key, point))
}

/// The numbers of canonical RSA material.
///
/// # Errors
/// When it is not canonical.
pub(crate) fn rsa_private(spec: KeySpec, material: &[u8]) -> Result<RsaNumbers<'_>, CryptoFailure> {
    let info = info(spec, material)?;
    must(info.public_key.is_none())?;
    rsa_numbers(spec, info.private_key.as_bytes())
}

/// The SubjectPublicKeyInfo that canonical material of an RSA key or a point brings along. Whether the two
/// halves fit is for a backend to say.
///
/// # Errors
/// When it is not canonical, or of another kind.
pub fn public_half(spec: KeySpec, material: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
    match spec.modulus_bits() {
        Some(_) => encode_public_key(spec, &rsa_private(spec, material)?.public()?),
        None => encode_public_key(spec, scalar(spec, material)?.1),
    }
}

/// The seed of canonical Ed25519 material.
///
/// # Errors
/// When it is not canonical.
pub(crate) fn edwards_seed(material: &[u8]) -> Result<&[u8; 32], CryptoFailure> {
    let info = info(KeySpec::EccNistEdwards25519, material)?;
    must(info.public_key.is_none())?;
    let seed = <&OctetStringRef>::from_der(info.private_key.as_bytes())?.as_bytes();
    seed.try_into().map_err(|_| CryptoFailure)
}

/// The seed of a lattice key, which is the whole material.
///
/// # Errors
/// When it has another length.
pub(crate) fn seed<const N: usize>(material: &SecretBytes) -> Result<&[u8; N], CryptoFailure> {
    material.as_bytes().try_into().map_err(|_| CryptoFailure)
}

/// Canonical material of a scalar and its public point.
///
/// # Errors
/// When the spec has no curve.
pub fn encode_scalar(
    spec: KeySpec,
    scalar: &[u8],
    point: &[u8],
) -> Result<SecretBytes, CryptoFailure> {
    let key = EcPrivateKey { private_key: scalar, parameters: None, public_key: Some(point) };
    wrap(spec, &Zeroizing::new(key.to_der()?))
}

/// Canonical material of an RSAPrivateKey that a library has made.
///
/// # Errors
/// When it is not one of that spec.
pub(crate) fn encode_rsa(spec: KeySpec, encoded: &[u8]) -> Result<SecretBytes, CryptoFailure> {
    rsa_numbers(spec, encoded)?;
    wrap(spec, &canonical(encoded)?)
}

/// Canonical material of the RSA key that two primes make, with the exponent 65537.
///
/// # Errors
/// When they do not make a key of that spec.
pub fn rsa_of_primes(spec: KeySpec, p: &[u8], q: &[u8]) -> Result<SecretBytes, CryptoFailure> {
    encode_rsa(spec, &super::rsa::of_primes(p, q)?)
}

/// Canonical material of an Ed25519 seed.
///
/// # Errors
/// None that can happen; encoding returns a `Result`.
pub(crate) fn encode_edwards(seed: &[u8; 32]) -> Result<SecretBytes, CryptoFailure> {
    let inner = Zeroizing::new(OctetStringRef::new(seed)?.to_der()?);
    wrap(KeySpec::EccNistEdwards25519, &inner)
}

/// A PrivateKeyInfo of that spec.
fn info(spec: KeySpec, encoded: &[u8]) -> Result<PrivateKeyInfoRef<'_>, CryptoFailure> {
    let info = PrivateKeyInfoRef::try_from(encoded).map_err(|_| CryptoFailure)?;
    must(info.algorithm == identifier(spec)?)?;
    // The reader skips attributes, the writer has none: only what comes out alike had none.
    must(Zeroizing::new(info.to_der()?).as_slice() == encoded)?;
    Ok(info)
}

fn wrap(spec: KeySpec, inner: &[u8]) -> Result<SecretBytes, CryptoFailure> {
    let info = PrivateKeyInfoRef::new(identifier(spec)?, OctetStringRef::new(inner)?);
    Ok(SecretBytes::from(info.to_der()?))
}

fn import_scalar(
    spec: KeySpec,
    field: usize,
    inner: &[u8],
    stated: Option<&[u8]>,
) -> Result<SecretBytes, CryptoFailure> {
    let key = EcPrivateKey::from_der(inner)?;
    must(Zeroizing::new(key.to_der()?).as_slice() == inner)?;
    must(key.private_key.len() == field)?;
    if let Some(EcParameters::NamedCurve(named)) = &key.parameters {
        must(Some(named) == curve(spec))?;
    }
    let point = rust_crypto::curve_point(spec, key.private_key)?;
    for other in [stated, key.public_key].into_iter().flatten() {
        must(other == point)?;
    }
    encode_scalar(spec, key.private_key, &point)
}

/// What stands before the seed in a lattice key's PKCS#8: an OCTET STRING with the implicit tag 0.
fn seed_header(spec: KeySpec) -> Result<[u8; 2], CryptoFailure> {
    let length = seed_length(spec).ok_or(CryptoFailure)?;
    Ok([0x80, u8::try_from(length).map_err(|_| CryptoFailure)?])
}

/// The seed inside a lattice key's PKCS#8, the only one of its forms read here (RFC 9881, section 6;
/// RFC 9935, section 6).
fn seed_of(spec: KeySpec, inner: &[u8]) -> Result<&[u8], CryptoFailure> {
    let seed = inner.strip_prefix(&seed_header(spec)?).ok_or(CryptoFailure)?;
    must(Some(seed.len()) == seed_length(spec))?;
    Ok(seed)
}
