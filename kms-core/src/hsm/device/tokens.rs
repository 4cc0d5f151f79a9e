//! Backing keys in and out of their key tokens.

use super::{Answer, Session, draw_secret};
use crate::crypto::{PrivateKey, SecretBytes, SecretKey};
use crate::env::{Random, Site, draw};
use crate::hsm::{BackingKeyRef, Fault, Reply};
use crate::key::KeySpec;
use crate::name::{KeyId, MaterialId, TokenId};
use crate::token::{KeyToken, TokenKind};
use std::sync::Arc;

const MATERIAL_LABEL: &[u8] = b"keyquake key material id v2";

/// A backing key, out of its token for the time of one command.
pub(super) struct BackingKey {
    pub(super) spec: KeySpec,
    pub(super) material: SecretBytes,
}

impl Session<'_> {
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
        let mut token = KeyToken { id, epoch, key, material, kind, iv, sealed: Vec::new() };
        let aad = token.aad();
        self.backend.seal(&active.key, &iv, &aad, secret, &mut token.sealed);
        Ok(Arc::new(token))
    }

    pub(super) fn unwrap(&self, token: &KeyToken) -> Result<SecretBytes, Fault> {
        let domain_key = self.domain.key(token.epoch).ok_or(Fault::UnknownDomainKey)?;
        Ok(self.backend.open(&domain_key.key, &token.iv, &token.aad(), &token.sealed)?)
    }

    fn token(&self, id: TokenId) -> Result<&KeyToken, Fault> {
        let found = self.tokens.iter().find(|token| token.id == id);
        found.map(AsRef::as_ref).ok_or(Fault::BadToken)
    }

    pub(super) fn backing_key(&self, with: &BackingKeyRef) -> Result<BackingKey, Fault> {
        let token = self.token(with.token)?;
        let TokenKind::BackingKey(spec) = token.kind else { return Err(Fault::BadToken) };
        if (token.key, token.material) != (with.key, with.material) {
            return Err(Fault::BadToken);
        }
        Ok(BackingKey { spec, material: self.unwrap(token)? })
    }

    /// The backing key of a symmetric encryption key.
    pub(super) fn symmetric_key(&self, with: &BackingKeyRef) -> Result<SecretKey, Fault> {
        let backing = self.backing_key(with)?;
        let symmetric = backing.spec == KeySpec::SymmetricDefault;
        let key = SecretKey::from_slice(backing.material.as_bytes()).filter(|_| symmetric);
        key.ok_or(Fault::BadToken)
    }

    /// The private key of a key pair. This is the one place where a backing key is parsed.
    pub(super) fn private_key(&self, with: &BackingKeyRef) -> Result<Arc<dyn PrivateKey>, Fault> {
        let backing = self.backing_key(with)?;
        Ok(Arc::from(self.backend.load(backing.spec, &backing.material)?))
    }

    pub(super) fn reencrypt(&self, tokens: &[TokenId], random: &mut dyn Random) -> Answer {
        let again = tokens.iter().map(|id| {
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
