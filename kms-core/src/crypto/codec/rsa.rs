//! What makes a row of RSA numbers a key: exact length, the one exponent, values that fit each other.
//!
//! AWS KMS makes keys with the public exponent 65537 alone, and its specs name the exact modulus
//! length, so anything else is no key of that spec.

use ::rsa::BoxedUint;
use der::{Decode, Encode};
use p384::elliptic_curve::bigint::{ConcatenatingMul, Limb, NonZero, Resize};
use pkcs1::{RsaPrivateKeyRef, RsaPublicKeyRef, UintRef};
use zeroize::Zeroizing;

use super::super::CryptoFailure;
use super::must;
use crate::key::KeySpec;

/// 65537 (FIPS 186-5, appendix A.1, and AWS KMS).
const EXPONENT: [u8; 3] = [1, 0, 1];

/// The same as a number.
const E: u64 = 65537;

/// The numbers of an RSA private key, each of a plausible length, borrowed from its encoding.
pub(crate) struct RsaNumbers<'a> {
    /// RSAPrivateKey in DER (RFC 8017, appendix A.1.2).
    pub(crate) encoded: &'a [u8],
    /// The same, taken apart.
    pub(crate) parsed: RsaPrivateKeyRef<'a>,
}

impl RsaNumbers<'_> {
    /// RSAPublicKey in DER (RFC 8017, appendix A.1.1).
    pub(crate) fn public(&self) -> Result<Vec<u8>, CryptoFailure> {
        Ok(self.parsed.public_key().to_der()?)
    }

    /// Whether the numbers fit each other: n = p·q, e·d ≡ 1 modulo p-1 and q-1, and the three values
    /// of the Chinese remainder theorem follow from p, q and d.
    pub(super) fn check(&self) -> Result<(), CryptoFailure> {
        use ::rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
        let key = ::rsa::RsaPrivateKey::from_pkcs1_der(self.encoded).map_err(|_| CryptoFailure)?;
        let again = key.to_pkcs1_der().map_err(|_| CryptoFailure)?;
        must(again.as_bytes() == self.encoded)
    }
}

/// Takes an RSAPrivateKey apart. Its numbers have the right lengths; whether they fit each other is
/// checked where a key comes from outside, and by the backend that loads it.
pub(crate) fn rsa_numbers(spec: KeySpec, encoded: &[u8]) -> Result<RsaNumbers<'_>, CryptoFailure> {
    let parsed = RsaPrivateKeyRef::from_der(encoded)?;
    must(parsed.other_prime_infos.is_none())?;
    check_parts(spec, &parsed.modulus, &parsed.public_exponent)?;
    let half = parsed.modulus.as_bytes().len() / 2;
    for prime in [&parsed.prime1, &parsed.prime2] {
        must(prime.as_bytes().len() == half && prime.as_bytes()[half - 1] & 1 == 1)?;
    }
    must(parsed.prime1 != parsed.prime2)?;
    Ok(RsaNumbers { encoded, parsed })
}

/// Whether an RSAPublicKey is one of that spec.
pub(super) fn check_public(spec: KeySpec, encoded: &[u8]) -> Result<(), CryptoFailure> {
    let parsed = RsaPublicKeyRef::from_der(encoded)?;
    check_parts(spec, &parsed.modulus, &parsed.public_exponent)
}

fn check_parts(
    spec: KeySpec,
    modulus: &UintRef<'_>,
    exponent: &UintRef<'_>,
) -> Result<(), CryptoFailure> {
    let modulus = modulus.as_bytes();
    let exact = Some(modulus.len() * 8) == spec.modulus_bits();
    must(exact && modulus[0] & 0x80 != 0 && modulus[modulus.len() - 1] & 1 == 1)?;
    must(exponent.as_bytes() == EXPONENT)
}

/// The RSAPrivateKey of two primes.
pub(super) fn of_primes(p: &[u8], q: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
    use ::rsa::pkcs1::EncodeRsaPrivateKey;
    let number = |prime: &[u8]| {
        let bits = u32::try_from(prime.len() * 8).map_err(|_| CryptoFailure)?;
        BoxedUint::from_be_slice(prime, bits).map_err(|_| CryptoFailure)
    };
    let (p, q) = (number(p)?, number(q)?);
    let d = private_exponent(&p, &q)?;
    let (n, e) = (p.concatenating_mul(&q), BoxedUint::from(E));
    let key = ::rsa::RsaPrivateKey::from_components(n, e, d, vec![p, q]);
    let encoded = key.map_err(|_| CryptoFailure)?.to_pkcs1_der().map_err(|_| CryptoFailure)?;
    Ok(Zeroizing::new(encoded.as_bytes().to_vec()))
}

/// The inverse of 65537 modulo φ = (p-1)·(q-1). It is (1 + k·φ)/65537 for the one k below 65537 that makes
/// this a whole number, and k follows from φ modulo 65537: no long number has to be inverted.
fn private_exponent(p: &BoxedUint, q: &BoxedUint) -> Result<BoxedUint, CryptoFailure> {
    let e = NonZero::new(Limb::from(E)).into_option().ok_or(CryptoFailure)?;
    let one = BoxedUint::one();
    let phi = Zeroizing::new((p - &one).concatenating_mul(&(q - &one)));
    let remainder = phi.rem_limb(e).0;
    // 65537 is a prime, so that the power of 65535 = 2^16 - 1 is the inverse (Fermat).
    let inverse = (0..16).fold(1, |power, _| power * power % E * remainder % E);
    let product = Zeroizing::new(phi.concatenating_mul(&BoxedUint::from(E - inverse)));
    let (d, rest) = (&*product + &one).div_rem_limb(e);
    must(rest == Limb::ZERO)?;
    d.try_resize(phi.bits_precision()).ok_or(CryptoFailure)
}

/// The canonical encoding of a key that a library has made.
pub(super) fn canonical(encoded: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
    Ok(Zeroizing::new(RsaPrivateKeyRef::from_der(encoded)?.to_der()?))
}
