//! The way of a backing key into another Region: an offer there, an export here, an import there.
//!
//! Each message is signed with the replication signing key of its Region, and names both Regions, the
//! domain keys that were active, the key, and the ephemeral keys of both sides: it is worth nothing in
//! a third Region, for another key or in answer to another offer, and whoever carries it can change
//! nothing about it (AWS KMS Cryptographic Details, Replicating keys).

use super::tokens::NewToken;
use super::{Answer, Execution};
use crate::crypto::{P384_POINT, P384_SCALAR, SecretKey};
use crate::env::{Random, Site, draw};
use crate::hsm::domain::{Canon, Scalar, VerifyingKey, new_pair, wrapping_key};
use crate::hsm::{BackingKeyRef, Fault, Reply, TransferOffer, TransferredKey};
use crate::key::KeySpec;
use crate::name::{KeyId, MaterialId, RegionName, TokenId};
use crate::token::{KeyToken, TokenKind};
use std::sync::Arc;
use zeroize::Zeroizing;

const TRANSFER_LABEL: &[u8] = b"keyquake multi-Region transfer v3";

impl Execution<'_> {
    pub(super) fn offer(&self, key: KeyId, random: &mut dyn Random) -> Answer {
        let (private, public) = new_pair(self.backend, random);
        let id = TokenId(draw(random, Site::TokenId));
        let material = MaterialId(self.backend.sha256(&[public.as_slice()]));
        let new = NewToken { id, key, material, kind: TokenKind::TransferKey };
        let sealed = self.wrap(new, &*private, random)?;
        let region = self.domain.charter.region;
        let mut offer = TransferOffer { region, public, sealed, signature: Vec::new() };
        offer.signature = self.domain.replication.sign(&offered(&offer).done(), random)?;
        Ok(Reply::Offer(offer))
    }

    pub(super) fn export(
        &self,
        keys: &[BackingKeyRef],
        offer: &TransferOffer,
        random: &mut dyn Random,
    ) -> Answer {
        let receiver = self.signer_of(offer.region)?;
        let genuine =
            receiver.verify(self.backend, &offered(offer).done(), &offer.signature).is_ok();
        if !genuine || keys.iter().any(|with| with.key != offer.sealed.key) {
            return Err(Fault::Refused);
        }
        let (private, own) = new_pair(self.backend, random);
        let wrapping = self.agree(&private, &offer.public)?;
        let wrapped = keys.iter().map(|with| {
            let (spec, backing) = self.backing_key(with)?;
            let mut one = self.unsealed(with.material, spec, &own, random)?;
            let aad = transferred_by(&one, offer).done();
            self.backend.seal(&wrapping, &one.iv, &aad, backing.as_bytes(), &mut one.sealed);
            let statement = transferred_by(&one, offer).bytes(&one.sealed).done();
            one.signature = self.domain.replication.sign(&statement, random)?;
            Ok(one)
        });
        Ok(Reply::Transferred(wrapped.collect::<Result<_, Fault>>()?))
    }

    fn unsealed(
        &self,
        material: MaterialId,
        spec: KeySpec,
        own: &[u8; P384_POINT],
        random: &mut dyn Random,
    ) -> Result<TransferredKey, Fault> {
        Ok(TransferredKey {
            from: self.domain.charter.region,
            epoch: self.domain.active().ok_or(Fault::NotJoined)?.epoch,
            material,
            spec,
            sender: Box::new(*own),
            iv: draw(random, Site::TokenIv),
            sealed: Vec::new(),
            signature: Vec::new(),
        })
    }

    pub(super) fn import(
        &self,
        key: KeyId,
        offer: &TransferOffer,
        transferred: &[TransferredKey],
        random: &mut dyn Random,
    ) -> Answer {
        let private = self.private_half_of(key, offer)?;
        let tokens = transferred.iter().map(|one| self.import_one(&private, offer, one, random));
        Ok(Reply::Tokens { tokens: tokens.collect::<Result<_, Fault>>()? })
    }

    /// The private half of an offer that this domain made for that key.
    fn private_half_of(&self, key: KeyId, offer: &TransferOffer) -> Result<Scalar, Fault> {
        let public = self.backend.sha256(&[offer.public.as_slice()]);
        let token = &offer.sealed;
        let named = (token.key, token.material.0, token.kind);
        let ours = offer.region == self.domain.charter.region;
        if !ours || named != (key, public, TokenKind::TransferKey) {
            return Err(Fault::Refused);
        }
        let private = self.unwrap(token)?;
        Ok(Zeroizing::new(*private.as_bytes().first_chunk().ok_or(Fault::Refused)?))
    }

    fn import_one(
        &self,
        private: &[u8; P384_SCALAR],
        offer: &TransferOffer,
        one: &TransferredKey,
        random: &mut dyn Random,
    ) -> Result<Arc<KeyToken>, Fault> {
        let statement = transferred_by(one, offer).bytes(&one.sealed).done();
        let genuine = self.signer_of(one.from)?.verify(self.backend, &statement, &one.signature);
        genuine.map_err(|_| Fault::Refused)?;
        let wrapping = self.agree(private, &one.sender)?;
        let aad = transferred_by(one, offer).done();
        let backing = self.backend.open(&wrapping, &one.iv, &aad, &one.sealed);
        let backing = backing.map_err(|_| Fault::Refused)?;
        let new = NewToken {
            id: TokenId(draw(random, Site::TokenId)),
            key: offer.sealed.key,
            material: one.material,
            kind: TokenKind::BackingKey(one.spec),
        };
        self.wrap(new, backing.as_bytes(), random)
    }

    /// Who signs for another Region that the domain trusts.
    fn signer_of(&self, region: RegionName) -> Result<&VerifyingKey, Fault> {
        let charter = &self.domain.charter;
        let other = charter.regions.get(&region).filter(|_| region != charter.region);
        other.ok_or(Fault::Refused)
    }

    fn agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretKey, Fault> {
        wrapping_key(private, peer, TRANSFER_LABEL, self.backend).map_err(|_| Fault::Refused)
    }
}

/// What an offer says, as it is signed.
fn offered(offer: &TransferOffer) -> Canon {
    Canon::new("keyquake transfer offer v1")
        .bytes(offer.region.as_str().as_bytes())
        .number(u64::from(offer.sealed.epoch.0))
        .bytes(&offer.sealed.key.to_bytes())
        .bytes(offer.public.as_slice())
}

/// What a transferred key says of itself and of the offer it answers: sealed with it, and signed
/// together with what is sealed.
fn transferred_by(one: &TransferredKey, offer: &TransferOffer) -> Canon {
    Canon::new("keyquake transfer v3")
        .bytes(one.from.as_str().as_bytes())
        .number(u64::from(one.epoch.0))
        .bytes(&offered(offer).done())
        .bytes(&one.material.0)
        .bytes(one.spec.as_str().as_bytes())
        .bytes(one.sender.as_slice())
        .bytes(&one.iv)
}
