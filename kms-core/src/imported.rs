//! Imported key material: what comes in, ends, and comes back.
//!
//! A material that a key has once had belongs to it for good: it may be deleted or expire, and the key
//! is then of no use until the same bytes are imported again. A material that awaits its rotation on
//! demand does not belong to the key yet, and what ends it ends it without a trace. Every Region of a
//! set has to be given each material for itself; which materials there are is the primary's to say.
//! Sources: AWS KMS Developer Guide, Importing key material, Rotating imported key material; AWS KMS
//! API, ImportKeyMaterial, DeleteImportedKeyMaterial.

pub mod client;

use crate::algorithm::{EncryptionAlgorithm, WrappingAlgorithm, WrappingKeySpec};
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::key::{
    DAY, Holding, Key, KeySpec, Material, MultiRegion, Origin, Rotation, RotationType, Status,
};
use crate::name::{MaterialId, RegionName, TokenId};
use crate::wire::{ExpirationModel, ImportType, KeyMaterialState};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// How long an import token and its wrapping key are good for.
pub const TOKEN_LIFE: Duration = DAY;

/// The longest life an expiring material can be given.
pub const LONGEST_LIFE: Duration = Duration::from_secs(365 * 86_400);

impl KeySpec {
    /// Whether a key of this spec can be created for imported material. ML-DSA keys cannot; of ML-KEM
    /// keys AWS says nothing, and they are read to be like ML-DSA.
    pub fn is_importable(self) -> bool {
        !matches!(
            self,
            KeySpec::MlDsa44
                | KeySpec::MlDsa65
                | KeySpec::MlDsa87
                | KeySpec::MlKem512
                | KeySpec::MlKem768
                | KeySpec::MlKem1024
        )
    }

    /// How many bytes imported material may have when it is no more than bytes: from the length of the
    /// hash to its block size for HMAC keys (AWS KMS Developer Guide, Requirements for imported key
    /// material).
    pub fn imported_length(self) -> Option<RangeInclusive<usize>> {
        match self {
            KeySpec::SymmetricDefault => Some(32..=32),
            KeySpec::Hmac224 => Some(28..=64),
            KeySpec::Hmac256 => Some(32..=64),
            KeySpec::Hmac384 => Some(48..=128),
            KeySpec::Hmac512 => Some(64..=128),
            _ => None,
        }
    }
}

impl WrappingKeySpec {
    /// The spec of the pair itself.
    pub fn key_spec(self) -> KeySpec {
        match self {
            WrappingKeySpec::Rsa2048 => KeySpec::Rsa2048,
            WrappingKeySpec::Rsa3072 => KeySpec::Rsa3072,
            WrappingKeySpec::Rsa4096 => KeySpec::Rsa4096,
            WrappingKeySpec::Sm2 => KeySpec::Sm2,
        }
    }
}

impl WrappingAlgorithm {
    /// What is done with the public key itself; nothing is with the algorithm that was withdrawn.
    pub(crate) fn padding(self) -> Option<EncryptionAlgorithm> {
        use WrappingAlgorithm as A;
        match self {
            A::RsaesOaepSha1 | A::RsaAesKeyWrapSha1 => Some(EncryptionAlgorithm::RsaesOaepSha1),
            A::RsaesOaepSha256 | A::RsaAesKeyWrapSha256 => {
                Some(EncryptionAlgorithm::RsaesOaepSha256)
            }
            A::Sm2Pke => Some(EncryptionAlgorithm::Sm2Pke),
            A::RsaesPkcs1V15 => None,
        }
    }

    /// Whether what is under the public key is an AES key that wraps the material.
    pub fn wraps_a_key(self) -> bool {
        matches!(
            self,
            WrappingAlgorithm::RsaAesKeyWrapSha1 | WrappingAlgorithm::RsaAesKeyWrapSha256
        )
    }
}

/// How material is wrapped on its way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrapping {
    /// With what kind of public key.
    pub key: WrappingKeySpec,
    /// By which algorithm.
    pub algorithm: WrappingAlgorithm,
}

/// Whether material of that spec can be wrapped so (AWS KMS Developer Guide, Select a wrapping
/// algorithm). An RSA private key is longer than OAEP takes, and a P-521 key longer than RSA 2048
/// takes. `RSAES_PKCS1_V1_5` was withdrawn in October 2023.
pub fn can_wrap(spec: KeySpec, wrapping: Wrapping) -> bool {
    use WrappingAlgorithm as A;
    let Wrapping { key, algorithm } = wrapping;
    match (algorithm, key) {
        (A::RsaesPkcs1V15, _) => false,
        (A::Sm2Pke, key) => key == WrappingKeySpec::Sm2 && spec == KeySpec::Sm2,
        (_, WrappingKeySpec::Sm2) => false,
        _ => match spec {
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => algorithm.wraps_a_key(),
            KeySpec::EccNistP521 => algorithm.wraps_a_key() || key != WrappingKeySpec::Rsa2048,
            spec if spec.imported_length().is_some() => !algorithm.wraps_a_key(),
            spec => spec.is_importable(),
        },
    }
}

/// Material that an HSM has taken in, and what the owner wants it to be.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    /// Which material the bytes turned out to be.
    pub id: MaterialId,
    /// Where it is.
    pub token: TokenId,
    /// When it expires, if it does.
    pub expires: Option<Timestamp>,
    /// What the owner says of it; what was said before stays if nothing is.
    pub label: Option<Arc<str>>,
    /// The public half, of a key that has one.
    pub public_key: Option<Arc<[u8]>>,
}

impl Key {
    /// Whether the material comes from outside.
    pub fn is_imported(&self) -> bool {
        self.origin == Origin::External
    }

    /// Whether a material that belongs to the key is not here.
    pub(crate) fn lacks_material(&self) -> bool {
        let missing = || self.materials.iter().any(|material| material.token.is_none());
        self.is_imported() && (self.materials.is_empty() || missing())
    }

    /// Whether a material that belongs to the key has expired and is still here.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        let expired = |material: &Material| material.expires.is_some_and(|at| at <= now);
        self.is_imported() && self.materials.iter().any(expired)
    }

    /// What kind of import a request means that does not say: the first one of a key brings a new
    /// material. A replica is never the first.
    pub(crate) fn default_import(&self) -> ImportType {
        match self.materials.is_empty() && !self.is_replica() {
            true => ImportType::New,
            false => ImportType::Existing,
        }
    }

    /// When the first of the materials that are here expires.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.all_materials().filter_map(|material| material.expires).min()
    }

    /// What DescribeKey says of the expiry of the materials that belong to the key and are here.
    pub(crate) fn expiration(&self) -> Option<(ExpirationModel, Option<Timestamp>)> {
        let here = || self.materials.iter().filter(|material| material.token.is_some());
        let expires = here().filter_map(|material| material.expires).min();
        (self.is_imported() && here().next().is_some())
            .then(|| (ExpirationModel::of(expires), expires))
    }

    /// Takes a new material in: as the first one, which completes the key, or to await its rotation.
    ///
    /// # Errors
    /// `IncorrectKeyMaterial` when the key has it already.
    pub(crate) fn take_new(&mut self, arrival: Arrival) -> Result<()> {
        if self.all_materials().any(|material| material.id == arrival.id) {
            return Err(incorrect("is already associated with the KMS key"));
        }
        let material = Material {
            expires: arrival.expires,
            label: arrival.label,
            public_key: arrival.public_key,
            ..Material::new(arrival.id, arrival.token)
        };
        let first = self.materials.is_empty();
        match first {
            true => {
                self.materials.push(material);
                self.completed();
            }
            false => self.awaiting = Some(material),
        }
        let since = self.shared_change();
        if let (false, Some(MultiRegion::Primary(primary))) = (first, &mut self.multi_region) {
            primary.awaiting_since = since;
        }
        Ok(())
    }

    /// Takes a material in that the key had before, or knows from its primary. Returns the key token
    /// that held it so far.
    ///
    /// # Errors
    /// `IncorrectKeyMaterial` when the key does not know it.
    pub(crate) fn take_again(&mut self, arrival: Arrival) -> Result<Option<TokenId>> {
        let lacked = self.lacks_material();
        let mut known = self.materials.iter_mut().chain(&mut self.awaiting);
        let Some(material) = known.find(|material| material.id == arrival.id) else {
            return Err(incorrect("is not one that was imported into the KMS key before"));
        };
        let before = material.token.replace(arrival.token);
        material.expires = arrival.expires;
        if arrival.label.is_some() && arrival.label != material.label {
            material.label = arrival.label;
            self.shared_change();
        }
        if lacked && !self.lacks_material() {
            self.completed();
        }
        self.owe_report(arrival.id);
        Ok(before)
    }

    /// The import that brings the last material a key lacks switches it on.
    fn completed(&mut self) {
        if matches!(self.status, Status::Disabled | Status::Restored) {
            self.status = Status::Enabled;
        }
    }

    /// Loses a material; without one that belongs to it, the key waits for its import. Returns the key
    /// token that held it.
    pub(crate) fn lose(&mut self, id: MaterialId) -> Option<TokenId> {
        let mut known = self.materials.iter_mut().chain(&mut self.awaiting);
        let material = known.find(|material| material.id == id)?;
        material.expires = None;
        let token = material.token.take();
        let belongs = self.materials.iter().any(|material| material.id == id);
        if belongs && token.is_some() && self.status == Status::Restored {
            self.status = Status::Disabled;
        }
        self.owe_report(id);
        // A replica goes on waiting for the material that its primary names.
        if self.awaits(id) && !self.is_replica() {
            self.awaiting = None;
            self.shared_change();
        }
        token
    }

    /// Loses every material that has expired by now. Returns the key tokens that held them.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Vec<TokenId> {
        let over = |material: &&Material| material.expires.is_some_and(|expires| expires <= now);
        let expired: Vec<_> = self.all_materials().filter(over).map(|one| one.id).collect();
        expired.into_iter().filter_map(|id| self.lose(id)).collect()
    }

    /// Whether that is the material that awaits its rotation.
    fn awaits(&self, id: MaterialId) -> bool {
        self.awaiting.as_ref().is_some_and(|material| material.id == id)
    }

    fn owe_report(&mut self, id: MaterialId) {
        let awaits = self.awaits(id);
        if let Some(MultiRegion::Replica { owes_report, .. }) = &mut self.multi_region {
            *owes_report |= awaits;
        }
    }

    /// The material that awaits its rotation, if it is here.
    pub(crate) fn awaiting_here(&self) -> Option<&Material> {
        self.awaiting.as_ref().filter(|material| material.token.is_some())
    }

    /// What the material that awaits rotation still waits for, as this key knows it.
    pub(crate) fn awaiting_state(&self) -> KeyMaterialState {
        let here = self.awaiting_here().map(|material| material.id);
        let everywhere = match &self.multi_region {
            Some(MultiRegion::Primary(primary)) => {
                primary.replicas.iter().all(|(region, replica)| {
                    primary.holdings.get(&region).is_some_and(|told| {
                        told.created == replica.created
                            && told.material == here
                            && told.shared_version >= primary.awaiting_since
                    })
                })
            }
            _ => true,
        };
        match here.is_some() && everywhere {
            true => KeyMaterialState::PendingRotation,
            false => KeyMaterialState::PendingMultiRegionImportAndRotation,
        }
    }

    /// Makes the material current that awaits it.
    pub(crate) fn rotate_to_imported(&mut self, now: Timestamp) {
        let Some(material) = self.awaiting.take() else { return };
        let rotation = Some(Rotation { at: now, kind: RotationType::OnDemand });
        self.materials.push(Material { rotation, ..material });
        self.on_demand_rotations += 1;
        self.shared_change();
    }

    /// Notes what a replica says of the material that awaits rotation; whether that is news.
    pub(crate) fn hear_of(&mut self, region: RegionName, told: Holding) -> bool {
        let Some(MultiRegion::Primary(primary)) = &mut self.multi_region else { return false };
        let known = primary.holdings.get(&region);
        let news = known.is_none_or(|known| known.as_of < told.as_of);
        if news {
            primary.holdings.insert(region, told);
        }
        news
    }
}

impl ExpirationModel {
    /// The model of a material that expires then, or never.
    pub fn of(expires: Option<Timestamp>) -> ExpirationModel {
        expires.map_or(ExpirationModel::DoesNotExpire, |_| ExpirationModel::Expires)
    }
}

/// What the caller hears of material that is not the one it should be.
pub(crate) fn incorrect(why: &str) -> crate::Error {
    ErrorCode::IncorrectKeyMaterial.says(format!("The key material {why}."))
}

/// What the caller hears of a token that was not made here, or for another key.
pub(crate) fn invalid_import_token() -> crate::Error {
    ErrorCode::InvalidImportToken.says("The import token is not valid for the KMS key.")
}

#[cfg(test)]
mod tests;
