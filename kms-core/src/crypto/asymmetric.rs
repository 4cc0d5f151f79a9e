//! Keys beyond AES: what a backend does with key pairs and MAC keys.
//!
//! Key material is canonical, so that every backend reads what another wrote: the strict PKCS#8 of
//! RSA, elliptic curve and Edwards keys, the seed of ML-DSA (32 bytes) and ML-KEM (64 bytes), the
//! bare bytes of HMAC keys. Public keys are SubjectPublicKeyInfo in DER, as GetPublicKey returns them.

use super::{CryptoFailure, SecretBytes};
use crate::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use crate::env::Random;
use std::fmt;

/// A message to be signed or verified, and what it is.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The message itself, its digest, or μ.
    pub bytes: &'a [u8],
    /// Which of them.
    pub kind: MessageType,
}

impl Message<'_> {
    /// Fails unless the algorithm takes a message of this kind and length.
    pub(super) fn check(&self, algorithm: SigningAlgorithm) -> Result<(), CryptoFailure> {
        let fits = |form: &(MessageType, Option<usize>)| {
            form.0 == self.kind && form.1.is_none_or(|length| length == self.bytes.len())
        };
        algorithm.message_forms().iter().any(fits).then_some(()).ok_or(CryptoFailure)
    }
}

/// A private key that a backend has parsed, ready for use. It wipes itself when dropped and shows
/// nothing of itself.
///
/// No key does all of it: what its kind is not for fails, and that is what the default bodies say.
pub trait PrivateKey: Send + Sync {
    /// The public half, SubjectPublicKeyInfo in DER.
    fn public_key(&self) -> &[u8];

    /// A signature, encoded as AWS KMS returns it: ECDSA and SM2 in DER, the others as their bytes.
    ///
    /// # Errors
    /// When the key has no such algorithm, or the message does not fit it.
    fn sign(
        &self,
        _algorithm: SigningAlgorithm,
        _message: Message<'_>,
        _random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        Err(CryptoFailure)
    }

    /// The plaintext of what was encrypted for the public half.
    ///
    /// # Errors
    /// When the ciphertext was not made for this key by this algorithm.
    fn decrypt(
        &self,
        _algorithm: EncryptionAlgorithm,
        _ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        Err(CryptoFailure)
    }

    /// The raw shared secret (the x-coordinate) with a peer's public key, SubjectPublicKeyInfo in DER.
    ///
    /// # Errors
    /// When the peer's key is not a valid one of the same curve.
    fn agree(&self, _peer: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        Err(CryptoFailure)
    }

    /// The shared secret of an encapsulation. One that was tampered with gives another secret and no
    /// error (FIPS 203, implicit rejection).
    ///
    /// # Errors
    /// When its length is not the one of the parameter set.
    fn decapsulate(&self, _ciphertext: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        Err(CryptoFailure)
    }
}

impl fmt::Debug for dyn PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}
