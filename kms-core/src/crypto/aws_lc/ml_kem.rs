//! ML-KEM (FIPS 203). The library's safe interface reads no seeds, so the seed is expanded by the
//! RustCrypto backend (FIPS 203, algorithm 16, draws nothing); all the rest is the library's.

use aws_lc_rs::kem::{
    Algorithm, AlgorithmId, Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_512, ML_KEM_768,
    ML_KEM_1024,
};

use crate::crypto::{CryptoFailure, PrivateKey, SecretBytes, codec, rust_crypto};
use crate::key::KeySpec;

/// A parsed key.
struct MlKemKey {
    public: Vec<u8>,
    key: DecapsulationKey<AlgorithmId>,
}

impl PrivateKey for MlKemKey {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        let secret = self.key.decapsulate(Ciphertext::from(ciphertext))?;
        Ok(SecretBytes::from(secret.as_ref().to_vec()))
    }
}

/// A key from its seed.
pub(super) fn load(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let (expanded, public) = rust_crypto::expand_ml_kem(spec, material)?;
    let key = DecapsulationKey::new(parameters(spec)?, expanded.as_bytes())?;
    Ok(Box::new(MlKemKey { public: codec::encode_public_key(spec, &public)?, key }))
}

/// A shared secret, from the library's own generator, and its encapsulation.
pub(super) fn encapsulate(
    spec: KeySpec,
    public_key: &[u8],
) -> Result<(Vec<u8>, SecretBytes), CryptoFailure> {
    let key = EncapsulationKey::new(parameters(spec)?, codec::public_key(spec, public_key)?)?;
    let (ciphertext, secret) = key.encapsulate()?;
    Ok((ciphertext.as_ref().to_vec(), SecretBytes::from(secret.as_ref().to_vec())))
}

fn parameters(spec: KeySpec) -> Result<&'static Algorithm<AlgorithmId>, CryptoFailure> {
    match spec {
        KeySpec::MlKem512 => Ok(&ML_KEM_512),
        KeySpec::MlKem768 => Ok(&ML_KEM_768),
        KeySpec::MlKem1024 => Ok(&ML_KEM_1024),
        _ => Err(CryptoFailure),
    }
}
