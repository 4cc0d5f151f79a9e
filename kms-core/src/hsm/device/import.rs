//! Imported key material on its way in: a pair that wraps it, and the unwrapping. The private half and
//! the material are in the clear only while one command runs.

use super::tokens::NewToken;
use super::{Answer, Execution};
use crate::crypto::SecretBytes;
use crate::env::{Random, Site, draw};
use crate::hsm::import_token::{ImportTerms, ImportToken};
use crate::hsm::{Fault, Reply};
use crate::key::KeySpec;
use crate::name::TokenId;
use crate::token::TokenKind;
use std::sync::Arc;

/// The AES key that `RSA_AES_KEY_WRAP` wraps the material with has 256 bits.
const KEY_WRAP_KEY: usize = 32;

impl Execution<'_> {
    /// A pair for one import: the public half for the caller, the private half in an import token.
    pub(super) fn wrapping_pair(&self, terms: ImportTerms, random: &mut dyn Random) -> Answer {
        let spec = terms.wrapping.key.key_spec();
        let private = self.backend.generate(spec, random)?;
        let public_key = self.backend.load(spec, &private)?.public_key().into();
        let active = self.domain.active().ok_or(Fault::NotJoined)?;
        let iv = draw(random, Site::TokenIv);
        let mut token = ImportToken { terms, epoch: active.epoch, iv, sealed: Vec::new() };
        let aad = token.aad();
        self.backend.seal(&active.key, &iv, &aad, private.as_bytes(), &mut token.sealed);
        Ok(Reply::ImportParameters { public_key, token: token.to_bytes().into() })
    }

    /// Takes wrapped material in: unwrapped, checked, and wrapped again as a key token.
    pub(super) fn take_in(
        &self,
        spec: KeySpec,
        token: &ImportToken,
        wrapped: &[u8],
        random: &mut dyn Random,
    ) -> Answer {
        let material = self.unwrap_material(token, wrapped)?;
        let public_key = self.check_material(spec, &material)?;
        let key = token.terms.key;
        let new = NewToken {
            id: TokenId(draw(random, Site::TokenId)),
            key,
            material: self.material_id(key, &material),
            kind: TokenKind::BackingKey(spec),
        };
        let token = self.wrap(new, material.as_bytes(), random)?;
        Ok(Reply::BackingKey { token, public_key })
    }

    fn unwrap_material(&self, token: &ImportToken, wrapped: &[u8]) -> Result<SecretBytes, Fault> {
        let spec = token.terms.wrapping.key.key_spec();
        let pair = self.backend.load(spec, &self.private_half(token)?)?;
        let algorithm = token.terms.wrapping.algorithm;
        let padding = algorithm.padding().ok_or(Fault::BadImportToken)?;
        let open = |sealed| pair.decrypt(padding, sealed).map_err(|_| Fault::BadCiphertext);
        if !algorithm.wraps_a_key() {
            return open(wrapped);
        }
        let modulus = spec.modulus_bits().ok_or(Fault::BadImportToken)? / 8;
        let (sealed_key, material) =
            wrapped.split_at_checked(modulus).ok_or(Fault::BadCiphertext)?;
        let aes = open(sealed_key)?;
        if aes.len() != KEY_WRAP_KEY {
            return Err(Fault::BadCiphertext);
        }
        self.backend.unwrap_key(&aes, material).map_err(|_| Fault::BadCiphertext)
    }

    /// The private half in an import token. A token under a domain key that this HSM has never heard
    /// of may be fine; one under a key that the domain has dropped is not.
    fn private_half(&self, token: &ImportToken) -> Result<SecretBytes, Fault> {
        let active = self.domain.active().ok_or(Fault::NotJoined)?;
        let Some(domain_key) = self.domain.key(token.epoch) else {
            return Err(match token.epoch > active.epoch {
                true => Fault::UnknownDomainKey,
                false => Fault::BadImportToken,
            });
        };
        let opened = self.backend.open(&domain_key.key, &token.iv, &token.aad(), &token.sealed);
        opened.map_err(|_| Fault::BadImportToken)
    }

    /// That the material is one of a key of that spec; its public half, if it has one.
    fn check_material(
        &self,
        spec: KeySpec,
        material: &SecretBytes,
    ) -> Result<Option<Arc<[u8]>>, Fault> {
        match spec.imported_length() {
            Some(lengths) if lengths.contains(&material.len()) => Ok(None),
            Some(_) => Err(Fault::BadMaterial),
            None => {
                let pair = self.backend.load(spec, material).map_err(|_| Fault::BadMaterial)?;
                Ok(Some(pair.public_key().into()))
            }
        }
    }
}
