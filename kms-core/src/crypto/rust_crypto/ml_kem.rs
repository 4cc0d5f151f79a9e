//! ML-KEM (FIPS 203).

#[expect(deprecated, reason = "the expanded form is all that AWS-LC's safe interface reads")]
use ml_kem::ExpandedKeyEncoding;
use ml_kem::kem::{Decapsulator, Encapsulate};
use ml_kem::{
    Ciphertext, Decapsulate, Kem, KeyExport, KeyInit, MlKem512, MlKem768, MlKem1024, TryKeyInit,
};

use super::draws::Draws;
use crate::crypto::{CryptoFailure, PrivateKey, SecretBytes, codec};
use crate::env::{Random, Site};
use crate::key::KeySpec;

/// A parsed key.
struct MlKemKey<D> {
    public: Vec<u8>,
    key: D,
}

impl<D: Decapsulate + Send + Sync> PrivateKey for MlKemKey<D> {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        let ciphertext: &Ciphertext<D::Kem> = ciphertext.try_into().map_err(|_| CryptoFailure)?;
        Ok(SecretBytes::from(self.key.decapsulate(ciphertext).to_vec()))
    }
}

/// A key from its seed.
pub(super) fn load(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    match spec {
        KeySpec::MlKem512 => expand::<MlKem512>(spec, material),
        KeySpec::MlKem768 => expand::<MlKem768>(spec, material),
        KeySpec::MlKem1024 => expand::<MlKem1024>(spec, material),
        _ => Err(CryptoFailure),
    }
}

/// A shared secret, and its encapsulation.
pub(super) fn encapsulate(
    spec: KeySpec,
    public_key: &[u8],
    random: &mut dyn Random,
) -> Result<(Vec<u8>, SecretBytes), CryptoFailure> {
    let key = codec::public_key(spec, public_key)?;
    match spec {
        KeySpec::MlKem512 => encapsulate_by::<MlKem512>(key, random),
        KeySpec::MlKem768 => encapsulate_by::<MlKem768>(key, random),
        KeySpec::MlKem1024 => encapsulate_by::<MlKem1024>(key, random),
        _ => Err(CryptoFailure),
    }
}

fn expand<K>(spec: KeySpec, material: &SecretBytes) -> Result<Box<dyn PrivateKey>, CryptoFailure>
where
    K: Kem,
    K::DecapsulationKey: Decapsulate + KeyInit + Send + Sync + 'static,
{
    let key = K::DecapsulationKey::new_from_slice(material.as_bytes());
    let key = key.map_err(|_| CryptoFailure)?;
    let public = codec::encode_public_key(spec, &key.encapsulation_key().to_bytes())?;
    Ok(Box::new(MlKemKey { public, key }))
}

fn encapsulate_by<K: Kem>(
    key: &[u8],
    random: &mut dyn Random,
) -> Result<(Vec<u8>, SecretBytes), CryptoFailure> {
    let key = K::EncapsulationKey::new_from_slice(key).map_err(|_| CryptoFailure)?;
    let (ciphertext, secret) =
        key.encapsulate_with_rng(&mut Draws::at(Site::Encapsulation, random));
    Ok((ciphertext.to_vec(), SecretBytes::from(secret.to_vec())))
}

/// The decapsulation and the encapsulation key of a seed, expanded.
pub(super) fn expand_keys(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<(SecretBytes, Vec<u8>), CryptoFailure> {
    match spec {
        KeySpec::MlKem512 => expand_by::<MlKem512>(material),
        KeySpec::MlKem768 => expand_by::<MlKem768>(material),
        KeySpec::MlKem1024 => expand_by::<MlKem1024>(material),
        _ => Err(CryptoFailure),
    }
}

#[expect(deprecated, reason = "the expanded form is all that AWS-LC's safe interface reads")]
fn expand_by<K>(material: &SecretBytes) -> Result<(SecretBytes, Vec<u8>), CryptoFailure>
where
    K: Kem,
    K::DecapsulationKey: ExpandedKeyEncoding + KeyInit,
{
    let key = K::DecapsulationKey::new_from_slice(material.as_bytes());
    let key = key.map_err(|_| CryptoFailure)?;
    let expanded = SecretBytes::from(key.to_expanded_bytes().to_vec());
    Ok((expanded, key.encapsulation_key().to_bytes().to_vec()))
}
