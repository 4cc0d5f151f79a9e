//! The one way keys and signatures get in and out, in front of every backend.
//!
//! Libraries differ in what they read: some take trailing bytes, explicit curve parameters, a scalar
//! of zero, a public key that belongs to another scalar or RSA values that do not fit each other. So
//! none of them reads what a caller sent. This codec does, and hands on the bare bytes; what it
//! encodes is canonical, so that every backend reads what another one wrote.
//!
//! - [`identifier`]: which AlgorithmIdentifier a spec has, one table.
//! - [`public`]: SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7).
//! - [`private`]: the canonical key material, from and to PKCS#8 (RFC 5958).
//! - [`rsa`]: what makes RSA values a key.
//! - [`signature`]: the DER of ECDSA and SM2 signatures (RFC 3279, section 2.2.3).

mod identifier;
mod private;
mod public;
mod rsa;
mod signature;

pub(crate) use private::{edwards_seed, encode_edwards, encode_rsa, rsa_private, seed};
pub use private::{encode_scalar, export, import, public_half, rsa_of_primes, scalar};
pub(crate) use public::encode_public_key;
pub use public::public_key;
pub(crate) use signature::check_signature;

use super::CryptoFailure;
use crate::key::KeySpec;

/// How many bytes a coordinate and a scalar of the curve have; nothing for what is on no curve.
pub(crate) fn field_length(spec: KeySpec) -> Option<usize> {
    match spec {
        KeySpec::EccNistP256 | KeySpec::EccSecgP256k1 | KeySpec::Sm2 => Some(32),
        KeySpec::EccNistP384 => Some(48),
        KeySpec::EccNistP521 => Some(66),
        _ => None,
    }
}

/// How many bytes the seed of a lattice key has (FIPS 203, section 7.1; FIPS 204, section 5.1).
pub(crate) fn seed_length(spec: KeySpec) -> Option<usize> {
    match spec {
        KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => Some(32),
        KeySpec::MlKem512 | KeySpec::MlKem768 | KeySpec::MlKem1024 => Some(64),
        _ => None,
    }
}

/// Fails unless it holds.
fn must(holds: bool) -> Result<(), CryptoFailure> {
    holds.then_some(()).ok_or(CryptoFailure)
}

impl From<der::Error> for CryptoFailure {
    fn from(_: der::Error) -> Self {
        CryptoFailure
    }
}
