//! Ed25519 (RFC 8032). Ed25519ph is beyond the library's safe interface.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::algorithm::SigningAlgorithm;
use crate::crypto::{CryptoFailure, Message, PrivateKey, SecretBytes, codec};
use crate::env::Random;
use crate::key::KeySpec;

const SPEC: KeySpec = KeySpec::EccNistEdwards25519;

/// A parsed key.
struct EdwardsKey {
    public: Vec<u8>,
    key: Ed25519KeyPair,
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
        check(algorithm, message)?;
        Ok(self.key.try_sign(message.bytes)?.as_ref().to_vec())
    }
}

/// A key from canonical material.
pub(super) fn load(material: &SecretBytes) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let key = Ed25519KeyPair::from_seed_unchecked(codec::edwards_seed(material.as_bytes())?)?;
    let public = codec::encode_public_key(SPEC, key.public_key().as_ref())?;
    Ok(Box::new(EdwardsKey { public, key }))
}

/// Whether a signature is of this message.
pub(super) fn verify(
    public_key: &[u8],
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), CryptoFailure> {
    check(algorithm, message)?;
    let key = UnparsedPublicKey::new(&ED25519, codec::public_key(SPEC, public_key)?);
    Ok(key.verify(message.bytes, signature)?)
}

fn check(algorithm: SigningAlgorithm, message: Message<'_>) -> Result<(), CryptoFailure> {
    match algorithm {
        SigningAlgorithm::Ed25519Sha512 => message.check(algorithm),
        _ => Err(CryptoFailure),
    }
}
