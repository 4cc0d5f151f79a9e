//! Ed25519 and Ed25519ph (RFC 8032).

use ed25519_dalek::{Digest, Sha512, Signature, Signer, SigningKey, Verifier, VerifyingKey};

use crate::algorithm::SigningAlgorithm;
use crate::crypto::{CryptoFailure, Message, PrivateKey, SecretBytes, codec};
use crate::env::{Random, Site, draw};
use crate::key::KeySpec;
use zeroize::Zeroizing;

const SPEC: KeySpec = KeySpec::EccNistEdwards25519;

/// A parsed key.
struct EdwardsKey {
    public: Vec<u8>,
    key: SigningKey,
}

impl PrivateKey for EdwardsKey {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        SPEC.must_sign_by(algorithm)?;
        message.check(algorithm)?;
        let signature = match algorithm {
            SigningAlgorithm::Ed25519PhSha512 => self.key.sign_prehashed(hashed(message), None),
            _ => self.key.try_sign(message.bytes),
        };
        Ok(signature.map_err(|_| CryptoFailure)?.to_vec())
    }
}

/// New material.
pub(super) fn generate(random: &mut dyn Random) -> Result<SecretBytes, CryptoFailure> {
    codec::encode_edwards(&Zeroizing::new(draw(random, Site::BackingKey)))
}

/// The public key of a seed.
pub(super) fn public(seed: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

/// A key from canonical material.
pub(super) fn load(material: &SecretBytes) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let key = SigningKey::from_bytes(codec::edwards_seed(material.as_bytes())?);
    let public = codec::encode_public_key(SPEC, key.verifying_key().as_bytes())?;
    Ok(Box::new(EdwardsKey { public, key }))
}

/// Whether a signature is of this message.
pub(super) fn verify(
    public_key: &[u8],
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), CryptoFailure> {
    SPEC.must_sign_by(algorithm)?;
    message.check(algorithm)?;
    let key = codec::public_key(SPEC, public_key)?.try_into().map_err(|_| CryptoFailure)?;
    let key = VerifyingKey::from_bytes(key).map_err(|_| CryptoFailure)?;
    let signature = Signature::from_slice(signature).map_err(|_| CryptoFailure)?;
    match algorithm {
        SigningAlgorithm::Ed25519PhSha512 => {
            key.verify_prehashed(hashed(message), None, &signature)
        }
        _ => key.verify(message.bytes, &signature),
    }
    .map_err(|_| CryptoFailure)
}

/// Ed25519ph hashes its message. AWS KMS takes a digest for the message, so the digest is hashed again
/// (AWS KMS API, Sign).
fn hashed(message: Message<'_>) -> Sha512 {
    Sha512::new_with_prefix(message.bytes)
}
