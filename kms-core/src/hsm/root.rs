//! The root key: what everything secret is sealed under that has to lie in a store.
//!
//! ```text
//! salt 16 │ iv 12 │ ciphertext … │ tag 16
//! ```
//! Every sealing has its own key, derived from the root key and the salt, so that any number of them
//! may be made. The label says what is sealed, the additional data where it belongs.

use crate::crypto::{CryptoBackend, CryptoFailure, IV_LENGTH, SecretBytes, SecretKey, TAG_LENGTH};
use crate::env::{Random, Site, draw};
use std::fmt;

const SALT: usize = 16;
const FINGERPRINT: &[u8] = b"keyquake root key fingerprint";
const WRAPPED: &[u8] = b"keyquake wrapped key 1";

/// A root key.
#[derive(Clone)]
pub struct RootKey(SecretKey);

impl RootKey {
    /// The root key that is this key.
    pub fn new(key: SecretKey) -> RootKey {
        RootKey(key)
    }

    /// What a store may keep to recognise its root key by.
    pub fn fingerprint(&self, backend: &dyn CryptoBackend) -> [u8; 16] {
        self.tag(FINGERPRINT, &[], backend)
    }

    /// Another key, sealed for a purpose.
    pub fn wrap(
        &self,
        key: &SecretKey,
        purpose: &str,
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Vec<u8> {
        self.seal(WRAPPED, purpose.as_bytes(), key.as_bytes(), backend, random)
    }

    /// The key that was sealed for a purpose.
    ///
    /// # Errors
    /// When it was not, or under another root key.
    pub fn unwrap(
        &self,
        sealed: &[u8],
        purpose: &str,
        backend: &dyn CryptoBackend,
    ) -> Result<SecretKey, CryptoFailure> {
        let bytes = self.open(WRAPPED, purpose.as_bytes(), sealed, backend)?;
        SecretKey::from_slice(bytes.as_bytes()).ok_or(CryptoFailure)
    }

    pub(crate) fn seal(
        &self,
        label: &[u8],
        aad: &[u8],
        plaintext: &[u8],
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Vec<u8> {
        let salt: [u8; SALT] = draw(random, Site::MessageNonce);
        let iv: [u8; IV_LENGTH] = draw(random, Site::MessageIv);
        let mut out = Vec::with_capacity(SALT + IV_LENGTH + plaintext.len() + TAG_LENGTH);
        out.extend_from_slice(&salt);
        out.extend_from_slice(&iv);
        let key = backend.derive_key(&self.0, label, &salt);
        backend.seal(&key, &iv, aad, plaintext, &mut out);
        out
    }

    pub(crate) fn open(
        &self,
        label: &[u8],
        aad: &[u8],
        sealed: &[u8],
        backend: &dyn CryptoBackend,
    ) -> Result<SecretBytes, CryptoFailure> {
        let (salt, rest) = sealed.split_first_chunk::<SALT>().ok_or(CryptoFailure)?;
        let (iv, sealed) = rest.split_first_chunk::<IV_LENGTH>().ok_or(CryptoFailure)?;
        let key = backend.derive_key(&self.0, label, salt);
        backend.open(&key, iv, aad, sealed)
    }

    /// Half of a MAC over these parts, for what is no secret and yet has to be genuine.
    pub(crate) fn tag(
        &self,
        label: &[u8],
        parts: &[&[u8]],
        backend: &dyn CryptoBackend,
    ) -> [u8; 16] {
        let key = backend.derive_key(&self.0, label, &[]);
        let mut tag = [0; 16];
        tag.copy_from_slice(&backend.hmac_sha256(&key, parts)[..16]);
        tag
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Production;
    use crate::local::SeededRandom;

    #[test]
    fn a_key_is_unwrapped_only_by_its_root_key_and_for_its_purpose() {
        let (backend, random) = (Production::default(), &mut SeededRandom::new(1));
        let root = RootKey::new(SecretKey::new([1; 32]));
        let key = SecretKey::new([2; 32]);
        let sealed = root.wrap(&key, "purpose", &backend, random);
        assert_eq!(root.unwrap(&sealed, "purpose", &backend), Ok(key));
        assert_eq!(root.unwrap(&sealed, "another", &backend), Err(CryptoFailure));
        let other = RootKey::new(SecretKey::new([3; 32]));
        assert_eq!(other.unwrap(&sealed, "purpose", &backend), Err(CryptoFailure));
        assert_ne!(root.fingerprint(&backend), other.fingerprint(&backend));
        assert_eq!(format!("{root:?}"), "RootKey");
    }

    #[test]
    fn a_changed_byte_is_noticed_wherever_it_is() {
        let (backend, random) = (Production::default(), &mut SeededRandom::new(1));
        let root = RootKey::new(SecretKey::new([1; 32]));
        let sealed = root.seal(b"label", b"place", b"secret", &backend, random);
        assert_eq!(root.open(b"label", b"place", &sealed, &backend).unwrap().as_bytes(), b"secret");
        for at in 0..sealed.len() {
            let mut broken = sealed.clone();
            broken[at] ^= 1;
            assert!(root.open(b"label", b"place", &broken, &backend).is_err(), "byte {at}");
            assert!(root.open(b"label", b"place", &sealed[..at], &backend).is_err(), "{at} bytes");
        }
    }
}
