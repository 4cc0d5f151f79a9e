//! The ciphertext blob of symmetric keys, and the encryption context it is bound to.
//!
//! ```text
//! version 1 │ use 1 │ key id 17 │ material id 32 │ nonce 16 │ iv 12 │ ciphertext … │ tag 16
//! └────────── header ──────────┘
//! ```
//! Every message has its own key, derived from the backing key and the nonce, so that one backing key
//! may seal any number of messages. Header, material id and encryption context are authenticated:
//! AAD = header ‖ material id ‖ encryption context, sorted and length-prefixed. AWS documents the
//! derivation and the binding, not the layout; this one is ours (`aws` blobs do not decrypt here).

use crate::crypto::{IV_LENGTH, TAG_LENGTH};
use crate::name::{KeyId, MaterialId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version this build writes.
const VERSION: u8 = 1;
/// The bytes before everything else: version, use and key.
pub(crate) const HEADER: usize = 1 + 1 + 17;
const PREFIX: usize = HEADER + 32 + NONCE_LENGTH + IV_LENGTH;

/// What made the blob, which decides how it goes on behind the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Use {
    /// An HSM of the KMS: a message of Encrypt or a data key.
    Message = 1,
    /// The proxy of an external key store, of a blob of the first kind.
    ExternalKeyStore = 2,
    /// The cluster of an AWS CloudHSM key store.
    CloudHsm = 3,
}

/// The length of the nonce a message key is derived with.
pub const NONCE_LENGTH: usize = 16;
/// The label of that derivation; it names the version and the use of the blob.
pub const KDF_LABEL: &[u8] = b"keyquake ciphertext v1 message";
/// How many bytes a blob is longer than its plaintext.
pub const OVERHEAD: usize = PREFIX + TAG_LENGTH;

/// The pairs a ciphertext is bound to; order does not matter, case does.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EncryptionContext(Arc<Context>);

#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Context {
    pairs: BTreeMap<String, String>,
    /// What is authenticated of them: made once, used by every message.
    canonical: Vec<u8>,
}

impl EncryptionContext {
    /// A context of these pairs.
    pub fn new(pairs: BTreeMap<String, String>) -> EncryptionContext {
        let mut canonical = Vec::new();
        for text in pairs.iter().flat_map(|(key, value)| [key, value]) {
            canonical.extend_from_slice(&(text.len() as u64).to_be_bytes());
            canonical.extend_from_slice(text.as_bytes());
        }
        EncryptionContext(Arc::new(Context { pairs, canonical }))
    }

    /// The pairs, sorted by key.
    pub fn pairs(&self) -> &BTreeMap<String, String> {
        &self.0.pairs
    }

    /// The pairs as bytes, sorted and length-prefixed: no two contexts have the same.
    pub fn canonical(&self) -> &[u8] {
        &self.0.canonical
    }

    /// Whether there is no pair.
    pub fn is_empty(&self) -> bool {
        self.0.pairs.is_empty()
    }

    /// Keys and values in bytes, which the size limit counts.
    pub fn size(&self) -> usize {
        self.0.canonical.len() - 2 * size_of::<u64>() * self.0.pairs.len()
    }
}

/// A blob taken apart. The parts are what it claims; only opening it proves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob<'a> {
    /// The key it claims to be made with.
    pub key: KeyId,
    /// The material it claims to be made with.
    pub material: MaterialId,
    /// The nonce of the message key.
    pub nonce: [u8; NONCE_LENGTH],
    /// The initialisation vector.
    pub iv: [u8; IV_LENGTH],
    /// Ciphertext and tag.
    pub sealed: &'a [u8],
}

impl<'a> Blob<'a> {
    /// Takes a blob apart, strictly: any other version, use or length is none.
    pub fn parse(bytes: &'a [u8]) -> Option<Blob<'a>> {
        let (prefix, sealed) = bytes.split_at_checked(PREFIX)?;
        let (key, rest) = split_header(prefix, Use::Message)?;
        let (material, rest) = rest.split_first_chunk::<32>()?;
        let (nonce, iv) = rest.split_first_chunk::<NONCE_LENGTH>()?;
        let blob = Blob {
            key,
            material: MaterialId(*material),
            nonce: *nonce,
            iv: *iv.first_chunk()?,
            sealed,
        };
        (sealed.len() > TAG_LENGTH).then_some(blob)
    }

    /// Everything before ciphertext and tag, as bytes to append those to.
    pub fn prefix(
        key: KeyId,
        material: MaterialId,
        nonce: &[u8; NONCE_LENGTH],
        iv: &[u8; IV_LENGTH],
        plaintext: usize,
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(OVERHEAD + plaintext);
        bytes.extend_from_slice(&header(key, Use::Message));
        bytes.extend_from_slice(&material.0);
        bytes.extend_from_slice(nonce);
        bytes.extend_from_slice(iv);
        bytes
    }
}

/// The additional data a message is sealed with.
pub fn aad(key: KeyId, material: MaterialId, context: &EncryptionContext) -> Vec<u8> {
    let mut aad = Vec::with_capacity(HEADER + 32 + context.canonical().len());
    aad.extend_from_slice(&header(key, Use::Message));
    aad.extend_from_slice(&material.0);
    aad.extend_from_slice(context.canonical());
    aad
}

/// The header of a blob.
pub(crate) fn header(key: KeyId, made_by: Use) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[0] = VERSION;
    header[1] = made_by as u8;
    header[2..].copy_from_slice(&key.to_bytes());
    header
}

/// The key that a blob of that use claims to be made with, and what follows the header.
pub(crate) fn split_header(bytes: &[u8], made_by: Use) -> Option<(KeyId, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER>()?;
    let [VERSION, found, ..] = header else { return None };
    let key = KeyId::from_bytes(header.last_chunk()?)?;
    (*found == made_by as u8).then_some((key, rest))
}

/// The key that a blob of any use claims to be made with.
pub fn key_of(bytes: &[u8]) -> Option<KeyId> {
    let uses = [Use::Message, Use::ExternalKeyStore, Use::CloudHsm];
    uses.into_iter().find_map(|made_by| split_header(bytes, made_by)).map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        let pairs = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        EncryptionContext::new(pairs.collect())
    }

    #[test]
    fn a_blob_comes_apart_as_it_was_put_together() {
        let (key, material) = (KeyId::multi_region([5; 16]), MaterialId([6; 32]));
        let mut bytes = Blob::prefix(key, material, &[7; 16], &[8; 12], 4);
        bytes.extend_from_slice(&[9; 20]);
        let blob = Blob::parse(&bytes).unwrap();
        assert_eq!(
            (blob.key, blob.material, blob.nonce, blob.iv),
            (key, material, [7; 16], [8; 12])
        );
        assert_eq!(blob.sealed, [9; 20]);
    }

    #[test]
    fn other_versions_uses_and_lengths_are_no_blob() {
        let mut bytes =
            Blob::prefix(KeyId::single_region([1; 16]), MaterialId([2; 32]), &[3; 16], &[4; 12], 1);
        assert!(Blob::parse(&bytes).is_none(), "nothing sealed");
        bytes.extend_from_slice(&[0; TAG_LENGTH]);
        assert!(Blob::parse(&bytes).is_none(), "an empty message");
        bytes.push(0);
        assert!(Blob::parse(&bytes).is_some());
        for (at, value) in [(0, 2), (1, 0), (2, 7)] {
            let mut other = bytes.clone();
            other[at] = value;
            assert!(Blob::parse(&other).is_none(), "byte {at}");
        }
    }

    #[test]
    fn two_contexts_never_share_their_bytes() {
        let (key, material) = (KeyId::single_region([1; 16]), MaterialId([2; 32]));
        let a = aad(key, material, &context(&[("a", "bc")]));
        let b = aad(key, material, &context(&[("ab", "c")]));
        let c = aad(key, material, &context(&[("c", "1"), ("b", "2")]));
        let d = aad(key, material, &context(&[("b", "2"), ("c", "1")]));
        assert_ne!(a, b);
        assert_eq!(c, d);
    }
}
