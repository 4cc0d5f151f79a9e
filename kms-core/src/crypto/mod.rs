//! The cryptography the core needs, as a trait that real libraries implement.
//!
//! The core knows no library. A backend gets every random byte as an argument and keeps no state, so
//! that the same inputs give the same outputs on every backend, and swapping one for another changes
//! no protocol decision. What AWS documents of the primitives: AES-256-GCM, SP 800-108 counter mode
//! with HMAC-SHA-256, ECDH and ECDSA on P-384 between HSMs (AWS KMS Cryptographic Details).

mod aws_lc;
mod rust_crypto;
mod secret;

pub use aws_lc::AwsLc;
pub use rust_crypto::RustCrypto;
pub use secret::{SecretBytes, SecretKey};

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

    /// The x-coordinate of ECDH on P-384.
    ///
    /// # Errors
    /// When the scalar or the peer's point is not valid.
    fn p384_agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretBytes, CryptoFailure>;
}
