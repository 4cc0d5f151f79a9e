//! Backing keys in and out of their key tokens.

use super::cache::Parsed;
use super::{Answer, Execution, draw_secret};
use crate::crypto::{SecretBytes, SecretKey};
use crate::env::{Random, Site, draw};
use crate::hsm::{BackingKeyRef, Fault, Reply};
use crate::key::KeySpec;
use crate::name::{KeyId, MaterialId, TokenId};
use crate::token::{KeyToken, TokenKind};
use smallvec::SmallVec;
use std::sync::Arc;

const MATERIAL_LABEL: &[u8] = b"keyquake key material id v2";

impl<'a> Execution<'a> {
    pub(super) fn generate(&self, key: KeyId, spec: KeySpec, random: &mut dyn Random) -> Answer {
        let material = self.new_material(spec, random)?;
        let public_key = self.public_half(spec, &material)?;
        let id = TokenId(draw(random, Site::TokenId));
        let new = NewToken {
            id,
            key,
            material: self.material_id(key, &material),
            kind: TokenKind::BackingKey(spec),
        };
        let token = self.wrap(new, material.as_bytes(), random)?;
        Ok(Reply::BackingKey { token, public_key })
    }

    /// New key material in canonical form.
    pub(super) fn new_material(
        &self,
        spec: KeySpec,
        random: &mut dyn Random,
    ) -> Result<SecretBytes, Fault> {
        match spec.secret_length() {
            Some(length) => Ok(draw_secret(random, Site::BackingKey, length)),
            None => Ok(self.backend.generate(spec, random)?),
        }
    }

    /// The public key that belongs to a material, if the spec has one.
    pub(super) fn public_half(
        &self,
        spec: KeySpec,
        material: &SecretBytes,
    ) -> Result<Option<Arc<[u8]>>, Fault> {
        match spec.is_asymmetric() {
            true => Ok(Some(self.backend.load(spec, material)?.public_key().into())),
            false => Ok(None),
        }
    }

    /// The id of a material: derived from key and material, so that the same bytes imported again
    /// give the same id, and telling nothing about the bytes.
    pub(super) fn material_id(&self, key: KeyId, material: &SecretBytes) -> MaterialId {
        let backing = SecretKey::new(self.backend.sha256(&[material.as_bytes()]));
        MaterialId(self.backend.hmac_sha256(&backing, &[MATERIAL_LABEL, &key.to_bytes()]))
    }

    pub(super) fn wrap(
        &self,
        new: NewToken,
        secret: &[u8],
        random: &mut dyn Random,
    ) -> Result<Arc<KeyToken>, Fault> {
        let active = self.domain.active().ok_or(Fault::NotJoined)?;
        let NewToken { id, key, material, kind } = new;
        let iv = draw(random, Site::TokenIv);
        let epoch = active.epoch;
        let mut token = KeyToken { id, epoch, key, material, kind, iv, sealed: SmallVec::new() };
        let aad = token.aad();
        let mut sealed = Vec::with_capacity(secret.len() + 16);
        self.backend.seal(&active.key, &iv, &aad, secret, &mut sealed);
        token.sealed = SmallVec::from_vec(sealed);
        Ok(Arc::new(token))
    }

    pub(super) fn unwrap(&self, token: &KeyToken) -> Result<SecretBytes, Fault> {
        let domain_key = self.domain.key(token.epoch).ok_or(Fault::UnknownDomainKey)?;
        Ok(self.backend.open(&domain_key.key, &token.iv, &token.aad(), &token.sealed)?)
    }

    fn token(&self, id: TokenId) -> Result<&'a Arc<KeyToken>, Fault> {
        self.tokens.iter().find(|token| token.id == id).ok_or(Fault::BadToken)
    }

    /// The token of a backing key, and the spec of that.
    fn token_of(&self, with: &BackingKeyRef) -> Result<(&'a Arc<KeyToken>, KeySpec), Fault> {
        let token = self.token(with.token)?;
        let TokenKind::BackingKey(spec) = token.kind else { return Err(Fault::BadToken) };
        let same = (token.key, token.material) == (with.key, with.material);
        same.then_some((token, spec)).ok_or(Fault::BadToken)
    }

    /// The bytes of a backing key, out of its token for the time of one command.
    pub(super) fn backing_key(
        &self,
        with: &BackingKeyRef,
    ) -> Result<(KeySpec, SecretBytes), Fault> {
        let (token, spec) = self.token_of(with)?;
        Ok((spec, self.unwrap(token)?))
    }

    /// A backing key ready for use: the cached one, as long as the domain key that it came under is.
    pub(super) fn parsed_key(&mut self, with: &BackingKeyRef) -> Result<Arc<Parsed>, Fault> {
        let (token, spec) = self.token_of(with)?;
        self.domain.key(token.epoch).ok_or(Fault::UnknownDomainKey)?;
        if let Some(key) = self.keys.get(token) {
            return Ok(key);
        }
        let key = Arc::new(Parsed::of(spec, self.unwrap(token)?, self.backend)?);
        self.keys.put(token, &key);
        Ok(key)
    }

    pub(super) fn reencrypt(&self, tokens: &[(KeyId, TokenId)], random: &mut dyn Random) -> Answer {
        let again = tokens.iter().map(|(_, id)| {
            let token = self.token(*id)?;
            let backing = self.unwrap(token)?;
            self.wrap(NewToken::again(token), backing.as_bytes(), random)
        });
        Ok(Reply::Tokens { tokens: again.collect::<Result<_, Fault>>()? })
    }
}

/// A key token before anything is sealed in it.
#[derive(Clone, Copy)]
pub(super) struct NewToken {
    pub(super) id: TokenId,
    pub(super) key: KeyId,
    pub(super) material: MaterialId,
    pub(super) kind: TokenKind,
}

impl NewToken {
    fn again(token: &KeyToken) -> NewToken {
        let KeyToken { id, key, material, kind, .. } = *token;
        NewToken { id, key, material, kind }
    }
}
