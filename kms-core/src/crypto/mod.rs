//! The cryptography the core needs, as a trait that real libraries implement.
//!
//! The core knows no library. A backend gets every random byte as an argument and keeps no state, so
//! that the same inputs give the same outputs on every backend, and swapping one for another changes
//! no protocol decision. What AWS documents of the primitives: AES-256-GCM, SP 800-108 counter mode
//! with HMAC-SHA-256, ECDH and ECDSA on P-384 between HSMs (AWS KMS Cryptographic Details).

mod asymmetric;
mod aws_lc;
pub mod codec;
mod family;
mod forward;
#[cfg(feature = "openssl")]
mod openssl;
mod production;
mod ring;
mod rust_crypto;
mod secret;
#[cfg(test)]
mod tests;

pub use asymmetric::{Message, PrivateKey};
pub use aws_lc::AwsLc;
use family::Family;
#[cfg(feature = "openssl")]
pub use openssl::OpenSsl;
pub use production::{BACKENDS, Production, backend};
pub use ring::Ring;
pub use rust_crypto::RustCrypto;
pub use secret::{SecretBytes, SecretKey};

use crate::algorithm::{EncryptionAlgorithm, MacAlgorithm, MessageType, SigningAlgorithm};
use crate::env::{Random, Site, draw};
use crate::key::KeySpec;
use zeroize::Zeroizing;

/// The length of a GCM initialisation vector.
pub const IV_LENGTH: usize = 12;
/// The length of a GCM tag.
pub const TAG_LENGTH: usize = 16;
/// The length of an uncompressed P-384 point.
pub const P384_POINT: usize = 97;
/// The length of a P-384 scalar and of a shared secret.
pub const P384_SCALAR: usize = 48;

/// A cryptographic operation failed; which one, and why, nobody may learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CryptoFailure;

/// A key that others are derived from, ready for use. It wipes itself when dropped.
pub trait DerivationKey: Send + Sync {
    /// What [`CryptoBackend::derive_key`] makes of it under its label.
    fn derive(&self, context: &[u8]) -> SecretKey;
}

/// Of a library that computes nothing ahead.
pub struct Underived {
    /// The library.
    pub backend: &'static dyn CryptoBackend,
    /// The key.
    pub key: SecretKey,
    /// The label.
    pub label: &'static [u8],
}

impl DerivationKey for Underived {
    fn derive(&self, context: &[u8]) -> SecretKey {
        self.backend.derive_key(&self.key, self.label, context)
    }
}

/// What HMAC is computed of for a derived key: before the context, and behind it. 256 bits are one
/// block of HMAC-SHA-256, so that the counter in front never gets past 1 (SP 800-108r1, section 4.1).
fn derivation_parts(label: &[u8]) -> ([&[u8]; 3], &'static [u8]) {
    const COUNTER: [u8; 4] = 1_u32.to_be_bytes();
    const BITS: [u8; 4] = 256_u32.to_be_bytes();
    ([&COUNTER, label, &[0]], &BITS)
}

/// A library that does the cryptography.
pub trait CryptoBackend: Send + Sync {
    /// The name `--backend` takes.
    fn name(&self) -> &'static str;

    /// SHA-256.
    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32];

    /// HMAC-SHA-256.
    fn hmac_sha256(&self, key: &SecretKey, parts: &[&[u8]]) -> [u8; 32];

    /// One 256-bit key by SP 800-108r1 in counter mode with HMAC-SHA-256: 32-bit counter in front,
    /// then label, a zero byte, the context and the length in bits.
    fn derive_key(&self, key: &SecretKey, label: &[u8], context: &[u8]) -> SecretKey;

    /// A key to derive others from by [`CryptoBackend::derive_key`] again and again, under one label:
    /// what depends on these alone is computed once.
    fn derivation_key(&self, key: &SecretKey, label: &'static [u8]) -> Box<dyn DerivationKey>;

    /// AES-256-GCM: appends ciphertext and tag to `out`.
    fn seal(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    );

    /// AES-256-GCM: the plaintext of ciphertext and tag.
    ///
    /// # Errors
    /// When key, vector, additional data, ciphertext or tag are not what they were.
    fn open(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, CryptoFailure>;

    /// The public point of a P-384 private scalar.
    ///
    /// # Errors
    /// When the scalar is zero or not below the group order.
    fn p384_public(&self, private: &[u8; P384_SCALAR]) -> Result<[u8; P384_POINT], CryptoFailure>;

    /// A new P-384 key: its private scalar and its public point.
    fn p384_pair(
        &self,
        random: &mut dyn Random,
    ) -> (Zeroizing<[u8; P384_SCALAR]>, [u8; P384_POINT]) {
        loop {
            let private = Zeroizing::new(draw(random, Site::EphemeralKey));
            if let Ok(public) = self.p384_public(&private) {
                return (private, public);
            }
        }
    }

    /// The x-coordinate of ECDH on P-384.
    ///
    /// # Errors
    /// When the scalar or the peer's point is not valid.
    fn p384_agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretBytes, CryptoFailure>;

    /// Whether this backend can do an algorithm with a key of a spec; what it says no to fails.
    fn supports(&self, spec: KeySpec, algorithm: Algorithm) -> bool;

    /// Whether the time of its private operations tells nothing of the key. Production runs no key of
    /// a spec on a backend that says no.
    fn constant_time(&self, _: KeySpec) -> bool {
        true
    }

    /// New key material for a spec, in canonical form.
    ///
    /// # Errors
    /// When the backend cannot make keys of that spec.
    fn generate(
        &self,
        spec: KeySpec,
        random: &mut dyn Random,
    ) -> Result<SecretBytes, CryptoFailure>;

    /// A private key from its canonical material.
    ///
    /// # Errors
    /// When the material is not canonical, or not of that spec.
    fn load(
        &self,
        spec: KeySpec,
        material: &SecretBytes,
    ) -> Result<Box<dyn PrivateKey>, CryptoFailure>;

    /// Whether a signature is of this message, by the private half of this public key.
    ///
    /// # Errors
    /// When it is not.
    fn verify(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), CryptoFailure>;

    /// A ciphertext for the holder of the private half.
    ///
    /// # Errors
    /// When the key has no such algorithm, or the plaintext is too long for it.
    fn encrypt_for(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure>;

    /// A shared secret, and its encapsulation for the holder of the private half.
    ///
    /// # Errors
    /// When the public key is not a valid one of that spec.
    fn encapsulate(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, SecretBytes), CryptoFailure>;

    /// HMAC with any of the SHA-2 functions.
    fn hmac(&self, algorithm: MacAlgorithm, key: &SecretBytes, message: &[u8]) -> Vec<u8>;

    /// AES key wrap with padding (RFC 5649), undone.
    ///
    /// # Errors
    /// When the wrapping key has neither 128 nor 256 bits, or the wrapped bytes are not what they were.
    fn unwrap_key(&self, key: &SecretBytes, wrapped: &[u8]) -> Result<SecretBytes, CryptoFailure>;
}

/// One thing a backend may be able to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Encrypt and decrypt.
    Encryption(EncryptionAlgorithm),
    /// Sign and verify what is given as this.
    Signing(SigningAlgorithm, MessageType),
    /// Authenticate a message.
    Mac(MacAlgorithm),
    /// Agree on a shared secret.
    KeyAgreement,
    /// Encapsulate and decapsulate a shared secret.
    Encapsulation,
}

impl KeySpec {
    /// All that keys of this spec are for.
    pub fn algorithms(self) -> Vec<Algorithm> {
        let signing = self.signing_algorithms().iter().flat_map(|algorithm| {
            let forms = algorithm.message_forms().iter();
            forms.map(|(kind, _)| Algorithm::Signing(*algorithm, *kind))
        });
        let encryption = self.encryption_algorithms().iter().copied().map(Algorithm::Encryption);
        let agreement = self.key_agreement_algorithms().iter().map(|_| Algorithm::KeyAgreement);
        let encapsulation =
            self.encapsulation_algorithms().iter().map(|_| Algorithm::Encapsulation);
        let mac = self.mac_algorithm().map(Algorithm::Mac);
        encryption.chain(signing).chain(agreement).chain(encapsulation).chain(mac).collect()
    }

    /// Whether keys of this spec are for that algorithm, whoever does it.
    pub fn has(self, algorithm: Algorithm) -> bool {
        self.algorithms().contains(&algorithm)
    }

    /// Fails unless keys of this spec sign by that algorithm.
    fn must_sign_by(self, algorithm: SigningAlgorithm) -> Result<(), CryptoFailure> {
        self.signing_algorithms().contains(&algorithm).then_some(()).ok_or(CryptoFailure)
    }

    /// Fails unless keys of this spec encrypt that much by that algorithm.
    fn must_encrypt_by(
        self,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<(), CryptoFailure> {
        let fits = self.encryption_algorithms().contains(&algorithm)
            && plaintext.len() <= self.longest_plaintext(algorithm);
        fits.then_some(()).ok_or(CryptoFailure)
    }
}
