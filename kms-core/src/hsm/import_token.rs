//! Import tokens: the private half of a wrapping key, on its way to the caller and back.
//!
//! HSMs keep nothing between two commands, so the pair that is made for an import travels with the
//! caller, sealed under the domain key that is active at the time. A token is good for a day, and a
//! domain keeps its last four keys, which are each active for at least a day; so whatever rotates in
//! between, the domain key that opens the token is there for as long as the token is good. Nothing has
//! to be stored for it, and nothing erased: once the domain has dropped that key, nobody can open the
//! token. Sources: AWS KMS API, GetParametersForImport; AWS KMS Cryptographic Details, Importing key
//! material.

use crate::algorithm::{WrappingAlgorithm, WrappingKeySpec};
use crate::env::Timestamp;
use crate::imported::Wrapping;
use crate::name::KeyId;
use crate::token::DomainEpoch;
use std::fmt;

const MAGIC: &[u8; 8] = b"kqimport";

/// What an import is about, which the seal of its token authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportTerms {
    /// The key the material is for.
    pub key: KeyId,
    /// How it is wrapped.
    pub wrapping: Wrapping,
    /// The end of the token.
    pub valid_to: Timestamp,
}

/// An import token.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportToken {
    /// What it is for.
    pub terms: ImportTerms,
    /// The domain key that opens it.
    pub epoch: DomainEpoch,
    pub(super) iv: [u8; 12],
    pub(super) sealed: Vec<u8>,
}

impl ImportToken {
    /// The token as the caller holds it.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&self.aad(), &self.iv[..], &self.sealed].concat()
    }

    /// What the token says of itself. Only an HSM can tell whether it is true.
    pub fn parse(bytes: &[u8]) -> Option<ImportToken> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (epoch, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_first_chunk()?;
        let ([wrapping_key, algorithm], rest) = rest.split_first_chunk()?;
        let (valid_to, rest) = rest.split_first_chunk()?;
        let (iv, sealed) = rest.split_first_chunk()?;
        let terms = ImportTerms {
            key: KeyId::from_bytes(key)?,
            wrapping: Wrapping {
                key: *WrappingKeySpec::ALL.get(usize::from(*wrapping_key))?,
                algorithm: *WrappingAlgorithm::ALL.get(usize::from(*algorithm))?,
            },
            valid_to: Timestamp::from_micros(u64::from_be_bytes(*valid_to)),
        };
        let epoch = DomainEpoch(u32::from_be_bytes(*epoch));
        Some(ImportToken { terms, epoch, iv: *iv, sealed: sealed.to_vec() })
    }

    /// What the seal authenticates beside the private key: all that stands before it.
    pub(super) fn aad(&self) -> Vec<u8> {
        let ImportTerms { key, wrapping, valid_to } = self.terms;
        let mut aad = MAGIC.to_vec();
        aad.extend_from_slice(&self.epoch.0.to_be_bytes());
        aad.extend_from_slice(&key.to_bytes());
        aad.extend_from_slice(&[wrapping.key as u8, wrapping.algorithm as u8]);
        aad.extend_from_slice(&valid_to.as_micros().to_be_bytes());
        aad
    }
}

impl fmt::Debug for ImportToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportToken({:?}, epoch {})", self.terms, self.epoch.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> ImportToken {
        ImportToken {
            terms: ImportTerms {
                key: KeyId::multi_region([7; 16]),
                wrapping: Wrapping {
                    key: WrappingKeySpec::Rsa4096,
                    algorithm: WrappingAlgorithm::RsaAesKeyWrapSha256,
                },
                valid_to: Timestamp::from_micros(1_767_225_600_123_456),
            },
            epoch: DomainEpoch(9),
            iv: [3; 12],
            sealed: vec![5; 60],
        }
    }

    #[test]
    fn a_token_survives_its_bytes() {
        assert_eq!(ImportToken::parse(&token().to_bytes()), Some(token()));
    }

    #[test]
    fn what_is_cut_or_names_nothing_known_is_no_token() {
        let bytes = token().to_bytes();
        let whole_header = bytes.len() - token().sealed.len();
        for length in 0..whole_header {
            assert_eq!(ImportToken::parse(&bytes[..length]), None, "{length} bytes");
        }
        for at in [0, 12, 29, 30] {
            let mut broken = bytes.clone();
            broken[at] = 0xee;
            assert_eq!(ImportToken::parse(&broken), None, "byte {at}");
        }
    }

    #[test]
    fn the_largest_private_key_fits_the_wire() {
        let largest = ImportToken { sealed: vec![0; 2400 + 16], ..token() };
        assert!(largest.to_bytes().len() <= 6144);
    }
}
