//! The backend on the system's OpenSSL, with the feature `openssl`: what most of the world runs on.
//!
//! It has everything up to the lattices; those, SM2 and Ed25519ph need an OpenSSL of 2025 or later,
//! which systems do not have, so `supports` says no to them. Its reader takes keys that are none
//! (numbers that do not fit, scalars out of range), which is why the codec stands in front.

mod keys;

use ::openssl::bn::{BigNum, BigNumContext};
use ::openssl::cipher::Cipher as Wrapping;
use ::openssl::cipher_ctx::{CipherCtx, CipherCtxFlags};
use ::openssl::ec::{EcGroup, EcKey, EcPoint, PointConversionForm};
use ::openssl::error::ErrorStack;
use ::openssl::hash::MessageDigest;
use ::openssl::nid::Nid;
use ::openssl::pkey::{PKey, Private};
use ::openssl::sha::Sha256;
use ::openssl::sign::Signer;
use ::openssl::symm::{Cipher, decrypt_aead, encrypt_aead};

use super::{
    Algorithm, CryptoBackend, CryptoFailure, DerivationKey, Family, IV_LENGTH, Message, P384_POINT,
    P384_SCALAR, PrivateKey, RustCrypto, SecretBytes, SecretKey, TAG_LENGTH, Underived,
    derivation_parts,
};
use crate::algorithm::{EncryptionAlgorithm, MacAlgorithm, SigningAlgorithm};
use crate::env::Random;
use crate::key::KeySpec;

/// The backend on OpenSSL.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenSsl;

impl CryptoBackend for OpenSsl {
    fn name(&self) -> &'static str {
        "openssl"
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut state = Sha256::new();
        for part in parts {
            state.update(part);
        }
        state.finish()
    }

    fn hmac_sha256(&self, key: &SecretKey, parts: &[&[u8]]) -> [u8; 32] {
        let tag = tag(MessageDigest::sha256(), key.as_bytes(), parts);
        tag.try_into().expect("HMAC-SHA-256 has 32 bytes")
    }

    /// One block, as in the RustCrypto backend.
    fn derive_key(&self, key: &SecretKey, label: &[u8], context: &[u8]) -> SecretKey {
        let ([counter, label, zero], bits) = derivation_parts(label);
        SecretKey::new(self.hmac_sha256(key, &[counter, label, zero, context, bits]))
    }

    fn derivation_key(&self, key: &SecretKey, label: &'static [u8]) -> Box<dyn DerivationKey> {
        Box::new(Underived { backend: &OpenSsl, key: key.clone(), label })
    }

    fn seal(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) {
        let (cipher, mut tag) = (Cipher::aes_256_gcm(), [0; TAG_LENGTH]);
        let sealed = encrypt_aead(cipher, key.as_bytes(), Some(iv), aad, plaintext, &mut tag)
            .expect("a plaintext is far below GCM's limit of 64 GiB");
        out.extend_from_slice(&sealed);
        out.extend_from_slice(&tag);
    }

    fn open(
        &self,
        key: &SecretKey,
        iv: &[u8; IV_LENGTH],
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        let (text, tag) = sealed.split_last_chunk::<TAG_LENGTH>().ok_or(CryptoFailure)?;
        let cipher = Cipher::aes_256_gcm();
        let text = decrypt_aead(cipher, key.as_bytes(), Some(iv), aad, text, tag)?;
        Ok(SecretBytes::from(text))
    }

    fn p384_public(&self, private: &[u8; P384_SCALAR]) -> Result<[u8; P384_POINT], CryptoFailure> {
        let (group, key) = p384(private)?;
        let mut context = BigNumContext::new()?;
        let form = PointConversionForm::UNCOMPRESSED;
        let point = key.public_key().to_bytes(&group, form, &mut context)?;
        point.try_into().map_err(|_| CryptoFailure)
    }

    fn p384_agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretBytes, CryptoFailure> {
        let (_, key) = p384(private)?;
        keys::agree(&PKey::from_ec_key(key)?, Nid::SECP384R1, peer)
    }

    fn supports(&self, spec: KeySpec, algorithm: Algorithm) -> bool {
        let known = match Family::of(spec) {
            Family::Secret | Family::Rsa | Family::Curve | Family::Edwards => true,
            Family::MlDsa | Family::MlKem | Family::Sm2 => false,
        };
        let prehashed =
            matches!(algorithm, Algorithm::Signing(SigningAlgorithm::Ed25519PhSha512, _));
        spec.has(algorithm) && known && !prehashed
    }

    /// Only RSA keys are the library's own: the others are drawn bytes, and the same on each backend.
    fn generate(
        &self,
        spec: KeySpec,
        random: &mut dyn Random,
    ) -> Result<SecretBytes, CryptoFailure> {
        match Family::of(spec) {
            Family::Rsa => keys::generate_rsa(spec),
            Family::Secret | Family::Curve | Family::Edwards => RustCrypto.generate(spec, random),
            Family::MlDsa | Family::MlKem | Family::Sm2 => Err(CryptoFailure),
        }
    }

    fn load(
        &self,
        spec: KeySpec,
        material: &SecretBytes,
    ) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
        keys::load(spec, material)
    }

    fn verify(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), CryptoFailure> {
        keys::verify(spec, public_key, algorithm, message, signature)
    }

    fn encrypt_for(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        spec.must_encrypt_by(algorithm, plaintext)?;
        keys::encrypt(spec, public_key, algorithm, plaintext)
    }

    fn encapsulate(
        &self,
        _: KeySpec,
        _: &[u8],
        _: &mut dyn Random,
    ) -> Result<(Vec<u8>, SecretBytes), CryptoFailure> {
        Err(CryptoFailure)
    }

    fn hmac(&self, algorithm: MacAlgorithm, key: &SecretBytes, message: &[u8]) -> Vec<u8> {
        let function = match algorithm {
            MacAlgorithm::HmacSha224 => MessageDigest::sha224(),
            MacAlgorithm::HmacSha256 => MessageDigest::sha256(),
            MacAlgorithm::HmacSha384 => MessageDigest::sha384(),
            MacAlgorithm::HmacSha512 => MessageDigest::sha512(),
        };
        tag(function, key.as_bytes(), &[message])
    }

    /// The buffer is longer than the binding asks for, because the library writes whole blocks of a
    /// text that turns out to be altered.
    fn unwrap_key(&self, key: &SecretBytes, wrapped: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        let cipher = match key.len() {
            16 => Wrapping::aes_128_wrap_pad(),
            32 => Wrapping::aes_256_wrap_pad(),
            _ => return Err(CryptoFailure),
        };
        if wrapped.len() < 16 || wrapped.len() % 8 != 0 {
            return Err(CryptoFailure);
        }
        let mut context = CipherCtx::new()?;
        context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
        context.decrypt_init(Some(cipher), Some(key.as_bytes()), None)?;
        let mut unwrapped = SecretBytes::from(vec![0; wrapped.len() + 16]);
        let length = context.cipher_update(wrapped, Some(unwrapped.as_mut_bytes()))?;
        unwrapped.truncate(length);
        Ok(unwrapped)
    }
}

impl From<ErrorStack> for CryptoFailure {
    fn from(_: ErrorStack) -> Self {
        CryptoFailure
    }
}

fn tag(function: MessageDigest, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let tag = || -> Result<Vec<u8>, ErrorStack> {
        let key = PKey::hmac(key)?;
        let mut signer = Signer::new(function, &key)?;
        for part in parts {
            signer.update(part)?;
        }
        signer.sign_to_vec()
    };
    tag().expect("HMAC takes any key and any message")
}

/// A private key of P-384; the library itself does not look at the range of the scalar.
fn p384(private: &[u8]) -> Result<(EcGroup, EcKey<Private>), CryptoFailure> {
    let group = EcGroup::from_curve_name(Nid::SECP384R1)?;
    let scalar = BigNum::from_slice(private)?;
    let (mut context, mut order) = (BigNumContext::new()?, BigNum::new()?);
    group.order(&mut order, &mut context)?;
    if scalar.num_bits() == 0 || scalar >= order {
        return Err(CryptoFailure);
    }
    let mut point = EcPoint::new(&group)?;
    point.mul_generator2(&group, &scalar, &mut context)?;
    let key = EcKey::from_private_components(&group, &scalar, &point)?;
    Ok((group, key))
}
