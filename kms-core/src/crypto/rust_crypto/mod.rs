//! The backend on RustCrypto: pure Rust, on every target, nothing hidden.
//!
//! It shares no code with AWS-LC. That makes it the second opinion: whatever one library computes,
//! the other must compute too, and the tests of this file and of `aws_lc` hold both to the
//! published vectors and to each other.

mod digest;
mod draws;
mod ecc;
mod edwards;
mod mac;
mod ml_dsa;
mod ml_kem;
mod rsa;
mod sm2;

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use hmac::{Hmac, Mac};
use p384::elliptic_curve::sec1::ToSec1Point;
use sha2::{Digest, Sha256};

use super::{
    Algorithm, CryptoBackend, CryptoFailure, DerivationKey, Family, IV_LENGTH, Message, P384_POINT,
    P384_SCALAR, PrivateKey, SecretBytes, SecretKey, TAG_LENGTH, codec, derivation_parts,
};
use crate::algorithm::{EncryptionAlgorithm, MacAlgorithm, SigningAlgorithm};
use crate::env::{Random, Site};
use crate::key::KeySpec;

/// The backend on RustCrypto.
#[derive(Clone, Copy, Debug, Default)]
pub struct RustCrypto;

/// An HMAC that has taken in its key and the label.
struct Keyed(Hmac<Sha256>);

impl DerivationKey for Keyed {
    fn derive(&self, context: &[u8]) -> SecretKey {
        let mut state = self.0.clone();
        state.update(context);
        state.update(derivation_parts(&[]).1);
        SecretKey::new(state.finalize().into_bytes().into())
    }
}

impl CryptoBackend for RustCrypto {
    fn name(&self) -> &'static str {
        "rust-crypto"
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut state = Sha256::new();
        for part in parts {
            state.update(part);
        }
        state.finalize().into()
    }

    fn hmac_sha256(&self, key: &SecretKey, parts: &[&[u8]]) -> [u8; 32] {
        let mut state =
            Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
        for part in parts {
            state.update(part);
        }
        state.finalize().into_bytes().into()
    }

    fn derive_key(&self, key: &SecretKey, label: &[u8], context: &[u8]) -> SecretKey {
        let ([counter, label, zero], bits) = derivation_parts(label);
        SecretKey::new(self.hmac_sha256(key, &[counter, label, zero, context, bits]))
    }

    fn derivation_key(&self, key: &SecretKey, label: &'static [u8]) -> Box<dyn DerivationKey> {
        let keyed = Hmac::new_from_slice(key.as_bytes());
        let mut state: Hmac<Sha256> = keyed.expect("HMAC takes a key of any length");
        derivation_parts(label).0.iter().for_each(|part| state.update(part));
        Box::new(Keyed(state))
    }

    fn seal(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        out.reserve(plaintext.len() + TAG_LENGTH);
        out.extend_from_slice(plaintext);
        let tag = Aes256Gcm::new(key.as_bytes().into())
            .encrypt_inout_detached(iv.into(), aad, (&mut out[start..]).into())
            .expect("a plaintext is far below GCM's limit of 64 GiB");
        out.extend_from_slice(&tag);
    }

    fn open(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_LENGTH>().ok_or(CryptoFailure)?;
        let mut text = SecretBytes::from(ciphertext.to_vec());
        Aes256Gcm::new(key.as_bytes().into())
            .decrypt_inout_detached(iv.into(), aad, text.as_mut_bytes().into(), tag.into())
            .map_err(|_| CryptoFailure)?;
        Ok(text)
    }

    fn p384_public(&self, private: &[u8; P384_SCALAR]) -> Result<[u8; P384_POINT], CryptoFailure> {
        let point = private_key(private)?.public_key().to_sec1_point(false);
        point.as_bytes().try_into().map_err(|_| CryptoFailure)
    }

    fn p384_agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretBytes, CryptoFailure> {
        let private = private_key(private)?;
        let peer = p384::PublicKey::from_sec1_bytes(peer).map_err(|_| CryptoFailure)?;
        let shared = p384::ecdh::diffie_hellman(private.to_nonzero_scalar(), peer.as_affine());
        Ok(SecretBytes::from(shared.raw_secret_bytes().to_vec()))
    }

    fn supports(&self, spec: KeySpec, algorithm: Algorithm) -> bool {
        spec.has(algorithm)
    }

    /// The RSA of this library leaks its key through time (RUSTSEC-2023-0071).
    fn constant_time(&self, spec: KeySpec) -> bool {
        spec.modulus_bits().is_none()
    }

    fn generate(
        &self,
        spec: KeySpec,
        random: &mut dyn Random,
    ) -> Result<SecretBytes, CryptoFailure> {
        if let Some(length) = spec.secret_length().or(codec::seed_length(spec)) {
            return Ok(bytes(length, random));
        }
        match spec {
            KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => rsa::generate(spec, random),
            KeySpec::EccNistEdwards25519 => edwards::generate(random),
            curved => ecc::generate(curved, random),
        }
    }

    fn load(
        &self,
        spec: KeySpec,
        material: &SecretBytes,
    ) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
        match Family::of(spec) {
            Family::Rsa => rsa::load(spec, material),
            Family::Curve => ecc::load(spec, material),
            Family::Edwards => edwards::load(material),
            Family::MlDsa => ml_dsa::load(spec, material),
            Family::MlKem => ml_kem::load(spec, material),
            Family::Sm2 => sm2::load(material),
            Family::Secret => Err(CryptoFailure),
        }
    }

    fn verify(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), CryptoFailure> {
        match Family::of(spec) {
            Family::Rsa => rsa::verify(spec, public_key, algorithm, message, signature),
            Family::Curve => ecc::verify(spec, public_key, algorithm, message, signature),
            Family::Edwards => edwards::verify(public_key, algorithm, message, signature),
            Family::MlDsa => ml_dsa::verify(spec, public_key, algorithm, message, signature),
            Family::Sm2 => sm2::verify(public_key, algorithm, message, signature),
            Family::MlKem | Family::Secret => Err(CryptoFailure),
        }
    }

    fn encrypt_for(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        spec.must_encrypt_by(algorithm, plaintext)?;
        match Family::of(spec) {
            Family::Rsa => rsa::encrypt(spec, public_key, algorithm, plaintext, random),
            Family::Sm2 => sm2::encrypt(public_key, plaintext, random),
            _ => Err(CryptoFailure),
        }
    }

    fn encapsulate(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        random: &mut dyn Random,
    ) -> Result<(Vec<u8>, SecretBytes), CryptoFailure> {
        ml_kem::encapsulate(spec, public_key, random)
    }

    fn hmac(&self, algorithm: MacAlgorithm, key: &SecretBytes, message: &[u8]) -> Vec<u8> {
        mac::hmac(algorithm, key.as_bytes(), message)
    }

    fn unwrap_key(&self, key: &SecretBytes, wrapped: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        mac::unwrap_key(key.as_bytes(), wrapped)
    }
}

/// The point of a scalar, for the codec.
pub(super) fn curve_point(spec: KeySpec, scalar: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
    ecc::point(spec, scalar)
}

/// The public key of an Ed25519 seed, for the codec.
pub(super) fn edwards_public(seed: &[u8; 32]) -> [u8; 32] {
    edwards::public(seed)
}

/// The two keys of an ML-KEM seed in their expanded form, for a library that reads no seeds.
pub(super) fn expand_ml_kem(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<(SecretBytes, Vec<u8>), CryptoFailure> {
    ml_kem::expand_keys(spec, material)
}

fn bytes(length: usize, random: &mut dyn Random) -> SecretBytes {
    let mut bytes = SecretBytes::from(vec![0; length]);
    random.fill(Site::BackingKey, bytes.as_mut_bytes());
    bytes
}

fn private_key(scalar: &[u8; P384_SCALAR]) -> Result<p384::SecretKey, CryptoFailure> {
    p384::SecretKey::from_bytes(scalar.into()).map_err(|_| CryptoFailure)
}
