//! The default backend: AWS-LC, the library whose FIPS build runs inside AWS itself.
//!
//! Only the safe interface of `aws-lc-rs` is used. Its own generator cannot be replaced: signatures,
//! OAEP, encapsulation and RSA keys draw from it whatever [`Random`] is given, so a simulation takes
//! those from another backend. What the interface lacks, `supports` says no to.

mod digest;
mod ecc;
mod edwards;
mod ml_dsa;
mod ml_kem;
mod rsa;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{ECDH_P384, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::digest as hash;
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::hmac;
use aws_lc_rs::kdf::{KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac};
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrapPadded};

use super::{
    Algorithm, CryptoBackend, CryptoFailure, DerivationKey, Family, IV_LENGTH, Message, P384_POINT,
    P384_SCALAR, RustCrypto, SecretBytes, SecretKey, TAG_LENGTH, derivation_parts,
};
use crate::algorithm::{EncryptionAlgorithm, MacAlgorithm, MessageType, SigningAlgorithm};
use crate::env::Random;
use crate::key::KeySpec;

/// The first byte of an uncompressed point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 0x04;

/// The backend on AWS-LC.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLc;

/// An HMAC that has taken in its key, which is half of the hashing of a short message.
struct Keyed(hmac::Context);

impl DerivationKey for Keyed {
    fn derive(&self, context: &[u8]) -> SecretKey {
        let mut state = self.0.clone();
        state.update(context);
        state.update(derivation_parts(&[]).1);
        SecretKey::new(thirty_two(state.sign().as_ref()))
    }
}

impl CryptoBackend for AwsLc {
    fn name(&self) -> &'static str {
        "aws-lc-rs"
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hash::Context::new(&hash::SHA256);
        for part in parts {
            context.update(part);
        }
        thirty_two(context.finish().as_ref())
    }

    fn hmac_sha256(&self, key: &SecretKey, parts: &[&[u8]]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(part);
        }
        thirty_two(context.sign().as_ref())
    }

    /// The library's KBKDF writes straight into the key and spares the copies of the HMAC context
    /// that its streaming HMAC makes: a third less time, although the fixed info needs a buffer.
    fn derive_key(&self, key: &SecretKey, label: &[u8], context: &[u8]) -> SecretKey {
        let algorithm = get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256)
            .expect("AWS-LC always has SHA-256");
        let mut derived = SecretKey::new([0; SecretKey::LENGTH]);
        let info = fixed_info(label, context);
        kbkdf_ctr_hmac(algorithm, key.as_bytes(), &info, derived.as_mut_bytes())
            .expect("neither the key nor the output is empty");
        derived
    }

    fn derivation_key(&self, key: &SecretKey, label: &'static [u8]) -> Box<dyn DerivationKey> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let mut state = hmac::Context::with_key(&key);
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
        let tag = aes_256_gcm(key)
            .seal_in_place_separate_tag(nonce(iv), Aad::from(aad), &mut out[start..])
            .expect("a plaintext is far below GCM's limit of 64 GiB");
        out.extend_from_slice(tag.as_ref());
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
        aes_256_gcm(key)
            .open_in_place_separate_tag(nonce(iv), Aad::from(aad), tag, text.as_mut_bytes())
            .map_err(|_| CryptoFailure)?;
        Ok(text)
    }

    fn p384_public(&self, private: &[u8; P384_SCALAR]) -> Result<[u8; P384_POINT], CryptoFailure> {
        let public = private_key(private)?.compute_public_key().map_err(|_| CryptoFailure)?;
        public.as_ref().try_into().map_err(|_| CryptoFailure)
    }

    /// The first byte is looked at here, because the library reads hybrid points too.
    fn p384_agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretBytes, CryptoFailure> {
        if peer[0] != UNCOMPRESSED {
            return Err(CryptoFailure);
        }
        let peer = UnparsedPublicKey::new(&ECDH_P384, peer);
        agree(&private_key(private)?, peer, CryptoFailure, |shared| {
            Ok(SecretBytes::from(shared.to_vec()))
        })
    }

    fn supports(&self, spec: KeySpec, algorithm: Algorithm) -> bool {
        let beyond = matches!(
            algorithm,
            Algorithm::Signing(SigningAlgorithm::Ed25519PhSha512, _)
                | Algorithm::Signing(_, MessageType::ExternalMu)
        );
        spec.has(algorithm) && spec != KeySpec::Sm2 && !beyond
    }

    /// Only RSA keys are the library's own: the others are drawn bytes, and the same on each backend.
    fn generate(
        &self,
        spec: KeySpec,
        random: &mut dyn Random,
    ) -> Result<SecretBytes, CryptoFailure> {
        match spec.modulus_bits() {
            Some(_) => rsa::generate(spec),
            None => RustCrypto.generate(spec, random),
        }
    }

    fn load(
        &self,
        spec: KeySpec,
        material: &SecretBytes,
    ) -> Result<Box<dyn super::PrivateKey>, CryptoFailure> {
        match Family::of(spec) {
            Family::Rsa => rsa::load(spec, material),
            Family::Curve => ecc::load(spec, material),
            Family::Edwards => edwards::load(material),
            Family::MlDsa => ml_dsa::load(spec, material),
            Family::MlKem => ml_kem::load(spec, material),
            Family::Sm2 | Family::Secret => Err(CryptoFailure),
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
            Family::MlKem | Family::Sm2 | Family::Secret => Err(CryptoFailure),
        }
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
        rsa::encrypt(spec, public_key, algorithm, plaintext)
    }

    fn encapsulate(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        _: &mut dyn Random,
    ) -> Result<(Vec<u8>, SecretBytes), CryptoFailure> {
        ml_kem::encapsulate(spec, public_key)
    }

    fn hmac(&self, algorithm: MacAlgorithm, key: &SecretBytes, message: &[u8]) -> Vec<u8> {
        let function = match algorithm {
            MacAlgorithm::HmacSha224 => hmac::HMAC_SHA224,
            MacAlgorithm::HmacSha256 => hmac::HMAC_SHA256,
            MacAlgorithm::HmacSha384 => hmac::HMAC_SHA384,
            MacAlgorithm::HmacSha512 => hmac::HMAC_SHA512,
        };
        hmac::sign(&hmac::Key::new(function, key.as_bytes()), message).as_ref().to_vec()
    }

    fn unwrap_key(&self, key: &SecretBytes, wrapped: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        let cipher = match key.len() {
            16 => &AES_128,
            _ => &AES_256,
        };
        let mut unwrapped = SecretBytes::from(vec![0; wrapped.len()]);
        let key = AesKek::new(cipher, key.as_bytes())?;
        let length = key.unwrap_with_padding(wrapped, unwrapped.as_mut_bytes())?.len();
        unwrapped.truncate(length);
        Ok(unwrapped)
    }
}

impl From<Unspecified> for CryptoFailure {
    fn from(_: Unspecified) -> Self {
        CryptoFailure
    }
}

impl From<KeyRejected> for CryptoFailure {
    fn from(_: KeyRejected) -> Self {
        CryptoFailure
    }
}

/// What SP 800-108r1, section 4.1, hashes behind the counter: label, a zero byte, context, bits.
fn fixed_info(label: &[u8], context: &[u8]) -> Vec<u8> {
    const BITS: [u8; 4] = 256_u32.to_be_bytes();
    let mut info = Vec::with_capacity(label.len() + 1 + context.len() + BITS.len());
    info.extend_from_slice(label);
    info.push(0);
    info.extend_from_slice(context);
    info.extend_from_slice(&BITS);
    info
}

fn aes_256_gcm(key: &SecretKey) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key.as_bytes()).expect("the key has 256 bits");
    LessSafeKey::new(key)
}

fn nonce(iv: &[u8; IV_LENGTH]) -> Nonce {
    Nonce::assume_unique_for_key(*iv)
}

fn private_key(scalar: &[u8; P384_SCALAR]) -> Result<PrivateKey, CryptoFailure> {
    PrivateKey::from_private_key(&ECDH_P384, scalar).map_err(|_| CryptoFailure)
}

fn thirty_two(digest: &[u8]) -> [u8; 32] {
    digest.try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_info_is_laid_out_as_sp_800_108_says() {
        assert_eq!(fixed_info(b"label", b"ctx"), b"label\0ctx\x00\x00\x01\x00");
        assert_eq!(fixed_info(b"", b""), b"\0\x00\x00\x01\x00");
    }
}
