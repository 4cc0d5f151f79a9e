//! Keys on the NIST curves and on secp256k1: ECDSA and ECDH.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384, ECDH_P521};
use aws_lc_rs::signature as library;
use aws_lc_rs::signature::{
    EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, UnparsedPublicKey,
};

use super::digest::digest;
use crate::algorithm::SigningAlgorithm;
use crate::crypto::{CryptoFailure, Message, PrivateKey, SecretBytes, codec};
use crate::env::Random;
use crate::key::KeySpec;

/// A parsed key.
struct EccKey {
    spec: KeySpec,
    public: Vec<u8>,
    signing: EcdsaKeyPair,
    /// Nothing on the curve that AWS KMS does not agree on.
    agreeing: Option<agreement::PrivateKey>,
}

impl PrivateKey for EccKey {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// The nonce comes from the library's own generator.
    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        self.spec.must_sign_by(algorithm)?;
        let signature = self.signing.sign_digest(&digest(algorithm, message)?)?;
        Ok(signature.as_ref().to_vec())
    }

    fn agree(&self, peer: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        let own = self.agreeing.as_ref().ok_or(CryptoFailure)?;
        let point = codec::public_key(self.spec, peer)?;
        let peer = agreement::UnparsedPublicKey::new(own.algorithm(), point);
        agreement::agree(own, peer, CryptoFailure, |shared| Ok(SecretBytes::from(shared.to_vec())))
    }
}

/// A key from canonical material.
pub(super) fn load(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let (scalar, point) = codec::scalar(spec, material.as_bytes())?;
    let (signing, _) = curve(spec)?;
    let signing = EcdsaKeyPair::from_private_key_and_public_key(signing, scalar, point)?;
    let agreeing = match agreement_curve(spec) {
        Some(curve) => Some(agreement::PrivateKey::from_private_key(curve, scalar)?),
        None => None,
    };
    let public = codec::encode_public_key(spec, point)?;
    Ok(Box::new(EccKey { spec, public, signing, agreeing }))
}

/// Whether a signature is of this message.
pub(super) fn verify(
    spec: KeySpec,
    public_key: &[u8],
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), CryptoFailure> {
    spec.must_sign_by(algorithm)?;
    codec::check_signature(spec, signature)?;
    let (_, verification) = curve(spec)?;
    let key = UnparsedPublicKey::new(verification, codec::public_key(spec, public_key)?);
    Ok(key.verify_digest(&digest(algorithm, message)?, signature)?)
}

type Curve = (&'static EcdsaSigningAlgorithm, &'static EcdsaVerificationAlgorithm);

fn curve(spec: KeySpec) -> Result<Curve, CryptoFailure> {
    Ok(match spec {
        KeySpec::EccNistP256 => {
            (&library::ECDSA_P256_SHA256_ASN1_SIGNING, &library::ECDSA_P256_SHA256_ASN1)
        }
        KeySpec::EccNistP384 => {
            (&library::ECDSA_P384_SHA384_ASN1_SIGNING, &library::ECDSA_P384_SHA384_ASN1)
        }
        KeySpec::EccNistP521 => {
            (&library::ECDSA_P521_SHA512_ASN1_SIGNING, &library::ECDSA_P521_SHA512_ASN1)
        }
        KeySpec::EccSecgP256k1 => {
            (&library::ECDSA_P256K1_SHA256_ASN1_SIGNING, &library::ECDSA_P256K1_SHA256_ASN1)
        }
        _ => return Err(CryptoFailure),
    })
}

fn agreement_curve(spec: KeySpec) -> Option<&'static agreement::Algorithm> {
    match spec {
        KeySpec::EccNistP256 => Some(&ECDH_P256),
        KeySpec::EccNistP384 => Some(&ECDH_P384),
        KeySpec::EccNistP521 => Some(&ECDH_P521),
        _ => None,
    }
}
