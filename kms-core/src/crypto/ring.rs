//! The backend on ring: less than the others, and on what it has a third opinion.
//!
//! It signs and verifies whole messages with RSA, P-256, P-384 and Ed25519, and no digests; it makes no
//! RSA keys and encrypts with none. It also lacks HMAC-SHA-224, key wrapping and static ECDH: those
//! three are no algorithm of a key spec that could be said no to, so RustCrypto lends them.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::error::{KeyRejected, Unspecified};
use ring::rand::SystemRandom;
use ring::signature::{
    self as library, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding,
    RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm,
};
use ring::{digest, hmac};

use super::{
    Algorithm, CryptoBackend, CryptoFailure, DerivationKey, Family, IV_LENGTH, Message, P384_POINT,
    P384_SCALAR, PrivateKey, RustCrypto, SecretBytes, SecretKey, TAG_LENGTH, Underived, codec,
    derivation_parts,
};
use crate::algorithm::{EncryptionAlgorithm, MacAlgorithm, MessageType, SigningAlgorithm};
use crate::env::Random;
use crate::key::KeySpec;

/// The backend on ring.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ring;

impl CryptoBackend for Ring {
    fn name(&self) -> &'static str {
        "ring"
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = digest::Context::new(&digest::SHA256);
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

    /// One block, as in the RustCrypto backend.
    fn derive_key(&self, key: &SecretKey, label: &[u8], context: &[u8]) -> SecretKey {
        let ([counter, label, zero], bits) = derivation_parts(label);
        SecretKey::new(self.hmac_sha256(key, &[counter, label, zero, context, bits]))
    }

    /// The library does not wipe what it computes ahead.
    fn derivation_key(&self, key: &SecretKey, label: &'static [u8]) -> Box<dyn DerivationKey> {
        Box::new(Underived { backend: &Ring, key: key.clone(), label })
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
        let mut text = SecretBytes::from(sealed.to_vec());
        let length =
            aes_256_gcm(key).open_in_place(nonce(iv), Aad::from(aad), text.as_mut_bytes())?.len();
        text.truncate(length);
        Ok(text)
    }

    fn p384_public(&self, private: &[u8; P384_SCALAR]) -> Result<[u8; P384_POINT], CryptoFailure> {
        RustCrypto.p384_public(private)
    }

    fn p384_agree(
        &self,
        private: &[u8; P384_SCALAR],
        peer: &[u8; P384_POINT],
    ) -> Result<SecretBytes, CryptoFailure> {
        RustCrypto.p384_agree(private, peer)
    }

    fn supports(&self, spec: KeySpec, algorithm: Algorithm) -> bool {
        let known = match algorithm {
            Algorithm::Signing(algorithm, MessageType::Raw) => {
                verification(spec, algorithm).is_ok()
            }
            Algorithm::Mac(algorithm) => algorithm != MacAlgorithm::HmacSha224,
            _ => false,
        };
        spec.has(algorithm) && known
    }

    /// Drawn bytes make every key but an RSA one.
    fn generate(
        &self,
        spec: KeySpec,
        random: &mut dyn Random,
    ) -> Result<SecretBytes, CryptoFailure> {
        match Family::of(spec) {
            Family::Secret | Family::Edwards => RustCrypto.generate(spec, random),
            Family::Curve if signing_curve(spec).is_ok() => RustCrypto.generate(spec, random),
            _ => Err(CryptoFailure),
        }
    }

    fn load(
        &self,
        spec: KeySpec,
        material: &SecretBytes,
    ) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
        let (pair, public) = match Family::of(spec) {
            Family::Rsa => {
                let numbers = codec::rsa_private(spec, material.as_bytes())?;
                (Pair::Rsa(RsaKeyPair::from_der(numbers.encoded)?), numbers.public()?)
            }
            Family::Curve => {
                let (scalar, point) = codec::scalar(spec, material.as_bytes())?;
                let curve = signing_curve(spec)?;
                let random = SystemRandom::new();
                let pair =
                    EcdsaKeyPair::from_private_key_and_public_key(curve, scalar, point, &random)?;
                (Pair::Ecdsa(pair), point.to_vec())
            }
            Family::Edwards => {
                let seed = codec::edwards_seed(material.as_bytes())?;
                let pair = Ed25519KeyPair::from_seed_unchecked(seed)?;
                let public = pair.public_key().as_ref().to_vec();
                (Pair::Edwards(pair), public)
            }
            _ => return Err(CryptoFailure),
        };
        Ok(Box::new(RingKey { spec, public: codec::encode_public_key(spec, &public)?, pair }))
    }

    fn verify(
        &self,
        spec: KeySpec,
        public_key: &[u8],
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), CryptoFailure> {
        check(spec, algorithm, message)?;
        if Family::of(spec) == Family::Curve {
            codec::check_signature(spec, signature)?;
        }
        let key = codec::public_key(spec, public_key)?;
        let key = UnparsedPublicKey::new(verification(spec, algorithm)?, key);
        Ok(key.verify(message.bytes, signature)?)
    }

    fn encrypt_for(
        &self,
        _: KeySpec,
        _: &[u8],
        _: EncryptionAlgorithm,
        _: &[u8],
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        Err(CryptoFailure)
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
            MacAlgorithm::HmacSha224 => return RustCrypto.hmac(algorithm, key, message),
            MacAlgorithm::HmacSha256 => hmac::HMAC_SHA256,
            MacAlgorithm::HmacSha384 => hmac::HMAC_SHA384,
            MacAlgorithm::HmacSha512 => hmac::HMAC_SHA512,
        };
        hmac::sign(&hmac::Key::new(function, key.as_bytes()), message).as_ref().to_vec()
    }

    fn unwrap_key(&self, key: &SecretBytes, wrapped: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        RustCrypto.unwrap_key(key, wrapped)
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

/// A parsed key.
struct RingKey {
    spec: KeySpec,
    public: Vec<u8>,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Edwards(Ed25519KeyPair),
}

impl PrivateKey for RingKey {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// Salts, nonces and blinding come from the library's own generator.
    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        check(self.spec, algorithm, message)?;
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(padding(algorithm)?, &random, message.bytes, &mut signature)?;
                Ok(signature)
            }
            Pair::Ecdsa(pair) => Ok(pair.sign(&random, message.bytes)?.as_ref().to_vec()),
            Pair::Edwards(pair) => Ok(pair.sign(message.bytes).as_ref().to_vec()),
        }
    }
}

/// Whether the library can take this message for this algorithm.
fn check(
    spec: KeySpec,
    algorithm: SigningAlgorithm,
    message: Message<'_>,
) -> Result<(), CryptoFailure> {
    spec.must_sign_by(algorithm)?;
    message.check(algorithm)?;
    (message.kind == MessageType::Raw).then_some(()).ok_or(CryptoFailure)
}

fn padding(algorithm: SigningAlgorithm) -> Result<&'static dyn RsaEncoding, CryptoFailure> {
    use SigningAlgorithm as A;
    Ok(match algorithm {
        A::RsassaPssSha256 => &library::RSA_PSS_SHA256,
        A::RsassaPssSha384 => &library::RSA_PSS_SHA384,
        A::RsassaPssSha512 => &library::RSA_PSS_SHA512,
        A::RsassaPkcs1V15Sha256 => &library::RSA_PKCS1_SHA256,
        A::RsassaPkcs1V15Sha384 => &library::RSA_PKCS1_SHA384,
        A::RsassaPkcs1V15Sha512 => &library::RSA_PKCS1_SHA512,
        _ => return Err(CryptoFailure),
    })
}

fn signing_curve(spec: KeySpec) -> Result<&'static EcdsaSigningAlgorithm, CryptoFailure> {
    match spec {
        KeySpec::EccNistP256 => Ok(&library::ECDSA_P256_SHA256_ASN1_SIGNING),
        KeySpec::EccNistP384 => Ok(&library::ECDSA_P384_SHA384_ASN1_SIGNING),
        _ => Err(CryptoFailure),
    }
}

fn verification(
    spec: KeySpec,
    algorithm: SigningAlgorithm,
) -> Result<&'static dyn VerificationAlgorithm, CryptoFailure> {
    use SigningAlgorithm as A;
    Ok(match algorithm {
        A::RsassaPssSha256 => &library::RSA_PSS_2048_8192_SHA256,
        A::RsassaPssSha384 => &library::RSA_PSS_2048_8192_SHA384,
        A::RsassaPssSha512 => &library::RSA_PSS_2048_8192_SHA512,
        A::RsassaPkcs1V15Sha256 => &library::RSA_PKCS1_2048_8192_SHA256,
        A::RsassaPkcs1V15Sha384 => &library::RSA_PKCS1_2048_8192_SHA384,
        A::RsassaPkcs1V15Sha512 => &library::RSA_PKCS1_2048_8192_SHA512,
        A::EcdsaSha256 if spec == KeySpec::EccNistP256 => &library::ECDSA_P256_SHA256_ASN1,
        A::EcdsaSha384 => &library::ECDSA_P384_SHA384_ASN1,
        A::Ed25519Sha512 => &library::ED25519,
        _ => return Err(CryptoFailure),
    })
}

fn aes_256_gcm(key: &SecretKey) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key.as_bytes()).expect("the key has 256 bits");
    LessSafeKey::new(key)
}

fn nonce(iv: &[u8; IV_LENGTH]) -> Nonce {
    Nonce::assume_unique_for_key(*iv)
}

fn thirty_two(digest: &[u8]) -> [u8; 32] {
    digest.try_into().expect("SHA-256 has 32 bytes")
}
