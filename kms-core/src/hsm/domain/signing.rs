//! The signatures of a domain: ECDSA on P-384 with SHA-384 (AWS KMS Cryptographic Details, Digital
//! signatures), by HSMs, operators, and Regions towards each other.

use crate::algorithm::{MessageType, SigningAlgorithm};
use crate::crypto::{CryptoBackend, CryptoFailure, Message, PrivateKey};
use crate::env::Random;
use crate::key::KeySpec;
use std::fmt;
use std::sync::Arc;

const SPEC: KeySpec = KeySpec::EccNistP384;
const ALGORITHM: SigningAlgorithm = SigningAlgorithm::EcdsaSha384;

/// The public half of a signing key, SubjectVerifyingKeyInfo in DER.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifyingKey(pub(super) Arc<[u8]>);

impl VerifyingKey {
    /// The DER.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether the holder of the private half signed this.
    pub(in crate::hsm) fn verify(
        &self,
        backend: &dyn CryptoBackend,
        bytes: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoFailure> {
        backend.verify(SPEC, &self.0, ALGORITHM, raw(bytes), signature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tail = self.0.len().saturating_sub(4);
        write!(f, "VerifyingKey({:02x?})", &self.0[tail..])
    }
}

/// A signing key: of an HSM, of an operator's token, or of a Region.
#[derive(Clone)]
pub struct SigningKey {
    key: Arc<dyn PrivateKey>,
    material: crate::crypto::SecretBytes,
    public: VerifyingKey,
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// When the backend has no P-384.
    pub fn generate(
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Result<SigningKey, CryptoFailure> {
        SigningKey::from_material(backend.generate(SPEC, random)?, backend)
    }

    /// The key in this material.
    pub(super) fn from_material(
        material: crate::crypto::SecretBytes,
        backend: &dyn CryptoBackend,
    ) -> Result<SigningKey, CryptoFailure> {
        let key: Arc<dyn PrivateKey> = Arc::from(backend.load(SPEC, &material)?);
        let public = VerifyingKey(key.public_key().into());
        Ok(SigningKey { key, material, public })
    }

    /// The private half, to be sealed.
    pub(super) fn material(&self) -> &[u8] {
        self.material.as_bytes()
    }

    /// Whether this is its private half.
    pub(super) fn is_of(&self, material: &crate::crypto::SecretBytes) -> bool {
        self.material == *material
    }

    /// The public half.
    pub fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// A signature in DER.
    pub(in crate::hsm) fn sign(
        &self,
        bytes: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        self.key.sign(ALGORITHM, raw(bytes), random)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {:?})", self.public)
    }
}

fn raw(bytes: &[u8]) -> Message<'_> {
    Message { bytes, kind: MessageType::Raw }
}
