//! HMAC with the SHA-2 functions (RFC 2104), and AES key wrap with padding (RFC 5649).

use aes_kw::{KeyInit, KwpAes128, KwpAes256};
use hmac::{Hmac, Mac};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::algorithm::MacAlgorithm;
use crate::crypto::{CryptoFailure, SecretBytes};

/// The tag of a message.
pub(super) fn hmac(algorithm: MacAlgorithm, key: &[u8], message: &[u8]) -> Vec<u8> {
    match algorithm {
        MacAlgorithm::HmacSha224 => tag::<Hmac<Sha224>>(key, message),
        MacAlgorithm::HmacSha256 => tag::<Hmac<Sha256>>(key, message),
        MacAlgorithm::HmacSha384 => tag::<Hmac<Sha384>>(key, message),
        MacAlgorithm::HmacSha512 => tag::<Hmac<Sha512>>(key, message),
    }
}

/// What was wrapped.
///
/// The shortest wrapped key has two blocks; the library would take one block for an empty key.
pub(super) fn unwrap_key(key: &[u8], wrapped: &[u8]) -> Result<SecretBytes, CryptoFailure> {
    if wrapped.len() < 16 {
        return Err(CryptoFailure);
    }
    let mut buffer = Zeroizing::new(vec![0; wrapped.len() - 8]);
    let key = match key.len() {
        16 => KwpAes128::new_from_slice(key)?.unwrap_key(wrapped, &mut buffer)?,
        _ => KwpAes256::new_from_slice(key)?.unwrap_key(wrapped, &mut buffer)?,
    };
    Ok(SecretBytes::from(key.to_vec()))
}

impl From<aes_kw::Error> for CryptoFailure {
    fn from(_: aes_kw::Error) -> Self {
        CryptoFailure
    }
}

impl From<hmac::digest::InvalidLength> for CryptoFailure {
    fn from(_: hmac::digest::InvalidLength) -> Self {
        CryptoFailure
    }
}

fn tag<M: Mac + hmac::KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let state = <M as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    state.chain_update(message).finalize().into_bytes().to_vec()
}
