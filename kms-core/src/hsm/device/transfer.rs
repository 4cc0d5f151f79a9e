//! The way of a backing key into another Region: an offer there, an export here, an import there.
//!
//! Source: AWS KMS Cryptographic Details, Replicating keys.

use super::tokens::NewToken;
use super::{Answer, Session};
use crate::crypto::{P384_POINT, P384_SCALAR};
use crate::env::{Random, Site, draw};
use crate::hsm::domain::wrapping_key;
use crate::hsm::{BackingKeyRef, Fault, Reply, TransferOffer, TransferredKey};
use crate::name::{KeyId, MaterialId, TokenId};
use crate::token::{KeyToken, TokenKind};
use std::sync::Arc;
use zeroize::Zeroizing;

const TRANSFER_LABEL: &[u8] = b"keyquake multi-Region transfer v2";

impl Session<'_> {
    pub(super) fn offer(&self, key: KeyId, random: &mut dyn Random) -> Answer {
        let (private, public) = self.ephemeral(random);
        let id = TokenId(draw(random, Site::TokenId));
        let material = MaterialId(self.backend.sha256(&[&public]));
        let new = NewToken { id, key, material, kind: TokenKind::TransferKey };
        let sealed = self.wrap(new, &*private, random)?;
        Ok(Reply::Offer(TransferOffer { public: Box::new(public), sealed }))
    }

    fn ephemeral(
        &self,
        random: &mut dyn Random,
    ) -> (Zeroizing<[u8; P384_SCALAR]>, [u8; P384_POINT]) {
        loop {
            let private = Zeroizing::new(draw(random, Site::EphemeralKey));
            if let Ok(public) = self.backend.p384_public(&private) {
                return (private, public);
            }
        }
    }

    pub(super) fn export(
        &self,
        keys: &[BackingKeyRef],
        recipient: &[u8; P384_POINT],
        random: &mut dyn Random,
    ) -> Answer {
        let (private, sender) = self.ephemeral(random);
        let shared = self.backend.p384_agree(&private, recipient).map_err(|_| Fault::Refused)?;
        let wrapping = wrapping_key(&shared, TRANSFER_LABEL, self.backend)?;
        let wrapped = keys.iter().map(|with| {
            let (spec, backing) = self.backing_key(with)?;
            let iv = draw(random, Site::TokenIv);
            let mut one = TransferredKey {
                material: with.material,
                spec,
                sender: Box::new(sender),
                iv,
                sealed: Vec::new(),
            };
            let aad = transfer_aad(with.key, &one, recipient);
            self.backend.seal(&wrapping, &iv, &aad, backing.as_bytes(), &mut one.sealed);
            Ok(one)
        });
        Ok(Reply::Transferred(wrapped.collect::<Result<_, Fault>>()?))
    }

    pub(super) fn import(
        &self,
        key: KeyId,
        offer: &TransferOffer,
        transferred: &[TransferredKey],
        random: &mut dyn Random,
    ) -> Answer {
        let own = self.backend.sha256(&[offer.public.as_slice()]);
        let token = &offer.sealed;
        if (token.key, token.material.0, token.kind) != (key, own, TokenKind::TransferKey) {
            return Err(Fault::Refused);
        }
        let private = self.unwrap(&offer.sealed)?;
        let private = Zeroizing::new(*private.as_bytes().first_chunk().ok_or(Fault::Refused)?);
        let tokens = transferred
            .iter()
            .map(|one| self.import_one(key, &private, &offer.public, one, random));
        Ok(Reply::Tokens { tokens: tokens.collect::<Result<_, Fault>>()? })
    }

    fn import_one(
        &self,
        key: KeyId,
        private: &[u8; P384_SCALAR],
        own: &[u8; P384_POINT],
        one: &TransferredKey,
        random: &mut dyn Random,
    ) -> Result<Arc<KeyToken>, Fault> {
        let shared = self.backend.p384_agree(private, &one.sender).map_err(|_| Fault::Refused)?;
        let wrapping = wrapping_key(&shared, TRANSFER_LABEL, self.backend)?;
        let aad = transfer_aad(key, one, own);
        let backing = self.backend.open(&wrapping, &one.iv, &aad, &one.sealed);
        let backing = backing.map_err(|_| Fault::Refused)?;
        let id = TokenId(draw(random, Site::TokenId));
        let kind = TokenKind::BackingKey(one.spec);
        self.wrap(NewToken { id, key, material: one.material, kind }, backing.as_bytes(), random)
    }
}

fn transfer_aad(key: KeyId, one: &TransferredKey, recipient: &[u8; P384_POINT]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(17 + 32 + 2 * P384_POINT + 24);
    aad.extend_from_slice(&key.to_bytes());
    aad.extend_from_slice(&one.material.0);
    aad.extend_from_slice(one.sender.as_slice());
    aad.extend_from_slice(recipient);
    aad.extend_from_slice(one.spec.as_str().as_bytes());
    aad
}
