//! Agreement on a wrapping key: ECDH on P-384, and a 256-bit key derived from what both sides share
//! (AWS KMS Cryptographic Details, Key agreement).

use crate::crypto::{CryptoBackend, CryptoFailure, P384_POINT, P384_SCALAR, SecretKey};
use crate::env::Random;
use zeroize::Zeroizing;

/// A private scalar.
pub(in crate::hsm) type Scalar = Zeroizing<[u8; P384_SCALAR]>;

/// A new agreement key, private and public: an ephemeral one, or an HSM's for as long as it exists.
pub(in crate::hsm) fn new_pair(
    backend: &dyn CryptoBackend,
    random: &mut dyn Random,
) -> (Scalar, Box<[u8; P384_POINT]>) {
    let (private, public) = backend.p384_pair(random);
    (private, Box::new(public))
}

/// The 256-bit wrapping key that both sides come to; the label says what for.
pub(in crate::hsm) fn wrapping_key(
    private: &[u8; P384_SCALAR],
    peer: &[u8; P384_POINT],
    label: &[u8],
    backend: &dyn CryptoBackend,
) -> Result<SecretKey, CryptoFailure> {
    let shared = backend.p384_agree(private, peer)?;
    let (head, tail) = shared.as_bytes().split_first_chunk::<32>().ok_or(CryptoFailure)?;
    Ok(backend.derive_key(&SecretKey::new(*head), label, tail))
}
