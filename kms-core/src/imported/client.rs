//! What a caller does before ImportKeyMaterial: wraps material with the key it was given. No key of the
//! service's is involved, so this is for whoever drives it: tests, workloads, load.

use super::Wrapping;
use crate::crypto::{CryptoBackend, CryptoFailure};
use crate::env::{Random, Site, draw};
use aes_kw::{KeyInit, KwpAes256};
use zeroize::Zeroizing;

/// The material, wrapped with the public key that GetParametersForImport gave out for `wrapping`.
///
/// # Errors
/// When the material is longer than the wrapping takes, or the key is none.
pub fn wrap(
    backend: &dyn CryptoBackend,
    wrapping: Wrapping,
    public_key: &[u8],
    material: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, CryptoFailure> {
    let spec = wrapping.key.key_spec();
    let padding = wrapping.algorithm.padding().ok_or(CryptoFailure)?;
    if !wrapping.algorithm.wraps_a_key() {
        return backend.encrypt_for(spec, public_key, padding, material, random);
    }
    let aes = Zeroizing::new(draw::<32>(random, Site::CallerBytes));
    let mut wrapped = backend.encrypt_for(spec, public_key, padding, &*aes, random)?;
    wrapped.extend(key_wrap(&aes, material)?);
    Ok(wrapped)
}

/// AES key wrap with padding (RFC 5649).
fn key_wrap(aes: &[u8; 32], material: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
    let mut wrapped = vec![0; material.len().next_multiple_of(8) + 8];
    let key = KwpAes256::new_from_slice(aes).map_err(|_| CryptoFailure)?;
    let length = key.wrap_key(material, &mut wrapped).map_err(|_| CryptoFailure)?.len();
    wrapped.truncate(length);
    Ok(wrapped)
}
