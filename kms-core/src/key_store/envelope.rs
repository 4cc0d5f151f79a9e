//! The ciphertext blob of a key in a custom key store.
//!
//! ```text
//! external key store   version 1 │ use 1 │ key id 17 │ metadata 1+n │ iv 1+n │ tag 16 │ ciphertext …
//! AWS CloudHSM         version 1 │ use 1 │ key id 17 │ what the cluster made …
//!                      └────────── header ──────────┘
//! ```
//! The ciphertext of an external key store is what the proxy made of an ordinary blob. AWS documents
//! that the KMS packs what the proxy returns into a blob of its own, not how.

use super::xks::{LONGEST_AAD, Sealed, TAG};
use crate::ciphertext::{EncryptionContext, HEADER, Use, header, split_header};
use crate::name::KeyId;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A blob of a key in an external key store, taken apart.
pub fn open_external(bytes: &[u8]) -> Option<(KeyId, Sealed)> {
    let (key, rest) = split_header(bytes, Use::ExternalKeyStore)?;
    let (metadata, rest) = split_counted(rest)?;
    let (iv, rest) = split_counted(rest)?;
    let (tag, ciphertext) = rest.split_at_checked(TAG)?;
    let sealed = Sealed {
        ciphertext: ciphertext.into(),
        iv: iv.into(),
        tag: tag.into(),
        metadata: metadata.into(),
    };
    let fits = !ciphertext.is_empty() && sealed.fits(ciphertext.len());
    fits.then_some((key, sealed))
}

/// The blob of what a proxy made; its parts have been found to fit.
pub fn seal_external(key: KeyId, sealed: &Sealed) -> Arc<[u8]> {
    let mut bytes = header(key, Use::ExternalKeyStore).to_vec();
    for part in [&sealed.metadata, &sealed.iv] {
        bytes.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(&sealed.tag);
    bytes.extend_from_slice(&sealed.ciphertext);
    bytes.into()
}

/// A blob of a key in an AWS CloudHSM key store, taken apart.
pub fn open_cloud_hsm(bytes: &[u8]) -> Option<(KeyId, &[u8])> {
    split_header(bytes, Use::CloudHsm).filter(|(_, sealed)| !sealed.is_empty())
}

/// The blob of what a cluster made.
pub fn seal_cloud_hsm(key: KeyId, sealed: &[u8]) -> Arc<[u8]> {
    let mut bytes = header(key, Use::CloudHsm).to_vec();
    bytes.extend_from_slice(sealed);
    bytes.into()
}

/// What the proxy authenticates beside the ciphertext: the header and the encryption context. A
/// context that is longer than every proxy must take is there as its hash.
pub fn proxy_aad(key: KeyId, context: &EncryptionContext) -> Arc<[u8]> {
    let mut aad = header(key, Use::ExternalKeyStore).to_vec();
    aad.extend_from_slice(context.canonical());
    if aad.len() > LONGEST_AAD {
        let hash = Sha256::digest(&aad[HEADER..]);
        aad.truncate(HEADER);
        aad.extend_from_slice(&hash);
    }
    aad.into()
}

fn split_counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn sealed() -> Sealed {
        Sealed {
            ciphertext: [1; 30].as_slice().into(),
            iv: [2; 12].as_slice().into(),
            tag: [3; 16].as_slice().into(),
            metadata: b"v=1".as_slice().into(),
        }
    }

    #[test]
    fn both_kinds_come_apart_as_they_were_put_together() {
        let key = KeyId::single_region([7; 16]);
        let blob = seal_external(key, &sealed());
        assert_eq!(open_external(&blob), Some((key, sealed())));
        assert_eq!(open_cloud_hsm(&blob), None);
        let blob = seal_cloud_hsm(key, b"sealed");
        assert_eq!(open_cloud_hsm(&blob), Some((key, b"sealed".as_slice())));
        assert_eq!(open_external(&blob), None);
    }

    #[test]
    fn what_is_cut_off_or_counts_wrong_is_no_blob() {
        let key = KeyId::single_region([7; 16]);
        let blob = seal_external(key, &sealed());
        for length in 0..HEADER + 1 + 3 + 1 + 12 + TAG {
            assert_eq!(open_external(&blob[..length]), None, "{length} bytes");
        }
        for wrong in [21, 255] {
            let mut long = blob.to_vec();
            long[HEADER] = wrong;
            assert_eq!(open_external(&long), None, "{wrong} bytes of metadata");
        }
        assert_eq!(open_cloud_hsm(&seal_cloud_hsm(key, b"")), None);
    }

    #[test]
    fn a_context_of_any_size_fits_a_proxy_and_is_bound() {
        let key = KeyId::single_region([7; 16]);
        let of =
            |value: String| EncryptionContext::new(BTreeMap::from([("key".to_owned(), value)]));
        let long = |last: char| proxy_aad(key, &of("x".repeat(9000) + &last.to_string()));
        assert_eq!(long('a').len(), HEADER + 32);
        assert_ne!(long('a'), long('b'));
        assert_ne!(proxy_aad(key, &of("a".into())), proxy_aad(key, &of("b".into())));
        assert!(proxy_aad(key, &of("a".repeat(8000))).len() <= LONGEST_AAD);
    }
}
