//! Bytes that nobody may print, compare early or find in freed memory.
//!
//! Every plaintext, key and shared secret of the core lives in one of these two types, so that the
//! care they need is a matter of types rather than memory: they are wiped when dropped, compared in
//! constant time, and a log line shows only how long they are.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Secret bytes of any length: a plaintext, a data key, a shared secret. Clones share them, and the last
/// one wipes them.
#[derive(Clone)]
pub struct SecretBytes(Arc<Zeroizing<Vec<u8>>>);

impl SecretBytes {
    /// The bytes themselves.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes there are; the length of a secret is not secret.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes, for a backend that decrypts in place.
    pub(super) fn as_mut_bytes(&mut self) -> &mut [u8] {
        Arc::make_mut(&mut self.0).as_mut_slice()
    }

    /// Wipes and cuts off what a backend had no use for.
    pub(super) fn truncate(&mut self, length: usize) {
        let bytes = Arc::make_mut(&mut self.0);
        bytes[length..].zeroize();
        bytes.truncate(length);
    }
}

impl From<Vec<u8>> for SecretBytes {
    /// Takes the buffer over without a copy, so that nothing is left behind unwiped.
    fn from(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }
}

impl ZeroizeOnDrop for SecretBytes {}

impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl Eq for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

/// A 256-bit key: a domain key, a backing key or a key derived from one.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey([u8; Self::LENGTH]);

impl SecretKey {
    /// The length of a key in bytes.
    pub const LENGTH: usize = 32;

    /// The key made of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The key made of these bytes, if there are exactly [`Self::LENGTH`] of them.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The bytes themselves.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The bytes, for a backend that derives into them.
    pub(super) fn as_mut_bytes(&mut self) -> &mut [u8; Self::LENGTH] {
        &mut self.0
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({} bytes)", Self::LENGTH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_length_alone() {
        let bytes = SecretBytes::from(b"attack at dawn".to_vec());
        let key = SecretKey::new([0xA5; 32]);
        assert_eq!(format!("{bytes:?}"), "SecretBytes(14 bytes)");
        assert_eq!(format!("{bytes:#?}"), "SecretBytes(14 bytes)");
        assert_eq!(format!("{key:?}"), "SecretKey(32 bytes)");
        assert_eq!(format!("{:?}", Some(&key)), "Some(SecretKey(32 bytes))");
    }

    #[test]
    fn equality_is_that_of_the_bytes() {
        let bytes = |text: &str| SecretBytes::from(text.as_bytes().to_vec());
        assert_eq!(bytes("same"), bytes("same"));
        assert_eq!(bytes(""), bytes(""));
        for other in ["Same", "samE", "sam", "same ", ""] {
            assert_ne!(bytes("same"), bytes(other), "{other}");
        }
    }

    #[test]
    fn one_changed_bit_makes_another_key() {
        let key = SecretKey::new([7; 32]);
        assert_eq!(key, key.clone());
        for bit in 0..256 {
            let mut other = key.clone();
            other.as_mut_bytes()[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(key, other, "bit {bit}");
        }
    }

    #[test]
    fn a_key_has_exactly_32_bytes() {
        for length in [0, 16, 31, 33, 64] {
            assert_eq!(SecretKey::from_slice(&vec![1; length]), None, "{length} bytes");
        }
        assert_eq!(SecretKey::from_slice(&[1; 32]), Some(SecretKey::new([1; 32])));
    }

    #[test]
    fn wiping_leaves_zeroes() {
        let mut key = SecretKey::new([9; 32]);
        key.zeroize();
        assert_eq!(key.as_bytes(), &[0; 32]);
    }

    #[test]
    fn who_shares_bytes_is_not_changed_with_them() {
        let whole = SecretBytes::from(vec![9; 5]);
        let mut cut = whole.clone();
        assert_eq!(cut.as_bytes().as_ptr(), whole.as_bytes().as_ptr(), "not copied until then");
        cut.truncate(2);
        assert_eq!((cut.as_bytes(), whole.as_bytes()), (&[9; 2][..], &[9; 5][..]));
    }

    #[test]
    fn both_are_wiped_on_drop() {
        fn wiped_on_drop<T: ZeroizeOnDrop>(_: &T) -> bool {
            std::mem::needs_drop::<T>()
        }
        assert!(wiped_on_drop(&SecretBytes::from(Vec::new())));
        assert!(wiped_on_drop(&SecretKey::new([0; 32])));
    }
}
