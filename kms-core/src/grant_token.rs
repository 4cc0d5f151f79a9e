//! Grant tokens: opaque, not secret, and recognisable, so that a made-up one is refused.
//!
//! A token names its grant, carries a nonce that makes every token of a grant different, and a tag
//! that proves this Region made it.

use crate::name::GrantId;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const NONCE: usize = 16;
const TAG: usize = 16;

/// A token for a grant.
pub(crate) fn seal(grant: GrantId, nonce: [u8; NONCE], key: &[u8; 32]) -> String {
    let mut bytes = grant.0.to_vec();
    bytes.extend_from_slice(&nonce);
    let tag = tag(&bytes, key);
    bytes.extend_from_slice(&tag);
    STANDARD.encode(bytes)
}

/// The grant a token is for, if it was made with this key.
pub(crate) fn open(token: &str, key: &[u8; 32]) -> Option<GrantId> {
    let bytes = decode(token)?;
    let (body, given) = bytes.split_at_checked(32 + NONCE)?;
    let grant = *body.first_chunk()?;
    (given == tag(body, key)).then_some(GrantId(grant))
}

/// The grant a token says it is for, whoever made it.
pub(crate) fn claimed(token: &str) -> Option<GrantId> {
    let bytes = decode(token)?;
    bytes.first_chunk().copied().map(GrantId)
}

/// Base64, or the alphabet for addresses, which tokens had before.
fn decode(token: &str) -> Option<Vec<u8>> {
    STANDARD.decode(token).or_else(|_| URL_SAFE_NO_PAD.decode(token)).ok()
}

fn tag(body: &[u8], key: &[u8; 32]) -> [u8; TAG] {
    let mut mac =
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes any key length");
    mac.update(b"keyquake grant token v1");
    mac.update(body);
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    *full.first_chunk().expect("a tag is shorter than the digest")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS's tokens are base64, with its `+`, `/` and padding; those made here had another alphabet.
    #[test]
    fn a_token_is_base64_and_older_ones_still_open() {
        let (grant, key) = (GrantId([0xfb; 32]), [9; 32]);
        let token = seal(grant, [0xff; NONCE], &key);
        assert!(token.starts_with("+/v7+") && token.ends_with('='), "{token}");
        let older = token.trim_end_matches('=').replace('+', "-").replace('/', "_");
        for token in [token, older] {
            assert_eq!((open(&token, &key), claimed(&token)), (Some(grant), Some(grant)));
        }
    }

    #[test]
    fn only_tokens_made_here_open() {
        let grant = GrantId([7; 32]);
        let token = seal(grant, [1; NONCE], &[9; 32]);
        assert_eq!(open(&token, &[9; 32]), Some(grant));
        assert_eq!(open(&token, &[8; 32]), None);
        assert_ne!(token, seal(grant, [2; NONCE], &[9; 32]));
        for bad in ["", "AAAA", "not base64!", &token[1..]] {
            assert_eq!(open(bad, &[9; 32]), None, "{bad}");
        }
    }
}
