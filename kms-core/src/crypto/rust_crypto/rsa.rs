//! RSA: OAEP, PKCS #1 v1.5 and PSS signatures (RFC 8017).
//!
//! This library's private operations do not take the same time for every key, so production never
//! comes here (see [`super::super::CryptoBackend::constant_time`]); simulation does, because salt,
//! seed and primes are drawn from its own stream.

use rsa::pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey, EncodeRsaPrivateKey};
use rsa::{Oaep, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::digest::digest;
use super::draws::Draws;
use crate::algorithm::{EncryptionAlgorithm, SigningAlgorithm};
use crate::crypto::{CryptoFailure, Message, PrivateKey, SecretBytes, codec};
use crate::env::{Random, Site};
use crate::key::KeySpec;

/// A parsed key.
struct RsaKey {
    spec: KeySpec,
    public: Vec<u8>,
    key: RsaPrivateKey,
}

impl PrivateKey for RsaKey {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        use SigningAlgorithm as A;
        self.spec.must_sign_by(algorithm)?;
        let digest = &digest(algorithm, message)?;
        let random = &mut Draws::at(Site::SignatureNonce, random);
        let key = &self.key;
        match algorithm {
            A::RsassaPkcs1V15Sha256 => key.sign(Pkcs1v15Sign::new::<Sha256>(), digest),
            A::RsassaPkcs1V15Sha384 => key.sign(Pkcs1v15Sign::new::<Sha384>(), digest),
            A::RsassaPkcs1V15Sha512 => key.sign(Pkcs1v15Sign::new::<Sha512>(), digest),
            A::RsassaPssSha256 => key.sign_with_rng(random, Pss::<Sha256>::new(), digest),
            A::RsassaPssSha384 => key.sign_with_rng(random, Pss::<Sha384>::new(), digest),
            A::RsassaPssSha512 => key.sign_with_rng(random, Pss::<Sha512>::new(), digest),
            _ => return Err(CryptoFailure),
        }
        .map_err(|_| CryptoFailure)
    }

    fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        let plaintext = match algorithm {
            EncryptionAlgorithm::RsaesOaepSha1 => self.key.decrypt(Oaep::<Sha1>::new(), ciphertext),
            EncryptionAlgorithm::RsaesOaepSha256 => {
                self.key.decrypt(Oaep::<Sha256>::new(), ciphertext)
            }
            _ => return Err(CryptoFailure),
        };
        plaintext.map(SecretBytes::from).map_err(|_| CryptoFailure)
    }
}

/// New material. It takes a tenth of a second to a second.
pub(super) fn generate(
    spec: KeySpec,
    random: &mut dyn Random,
) -> Result<SecretBytes, CryptoFailure> {
    let bits = spec.modulus_bits().ok_or(CryptoFailure)?;
    let key = RsaPrivateKey::new(&mut Draws::at(Site::BackingKey, random), bits);
    let encoded = key.map_err(|_| CryptoFailure)?.to_pkcs1_der().map_err(|_| CryptoFailure)?;
    codec::encode_rsa(spec, encoded.as_bytes())
}

/// A key from canonical material. The library rejects values that do not fit each other, except for
/// those of the Chinese remainder theorem, which it computes anew.
pub(super) fn load(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let numbers = codec::rsa_private(spec, material.as_bytes())?;
    let key = RsaPrivateKey::from_pkcs1_der(numbers.encoded).map_err(|_| CryptoFailure)?;
    let public = codec::encode_public_key(spec, &numbers.public()?)?;
    Ok(Box::new(RsaKey { spec, public, key }))
}

/// Whether a signature is of this message.
pub(super) fn verify(
    spec: KeySpec,
    public_key: &[u8],
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), CryptoFailure> {
    use SigningAlgorithm as A;
    spec.must_sign_by(algorithm)?;
    let key = public(spec, public_key)?;
    let digest = &digest(algorithm, message)?;
    match algorithm {
        A::RsassaPkcs1V15Sha256 => key.verify(Pkcs1v15Sign::new::<Sha256>(), digest, signature),
        A::RsassaPkcs1V15Sha384 => key.verify(Pkcs1v15Sign::new::<Sha384>(), digest, signature),
        A::RsassaPkcs1V15Sha512 => key.verify(Pkcs1v15Sign::new::<Sha512>(), digest, signature),
        A::RsassaPssSha256 => key.verify(Pss::<Sha256>::new(), digest, signature),
        A::RsassaPssSha384 => key.verify(Pss::<Sha384>::new(), digest, signature),
        A::RsassaPssSha512 => key.verify(Pss::<Sha512>::new(), digest, signature),
        _ => return Err(CryptoFailure),
    }
    .map_err(|_| CryptoFailure)
}

/// A ciphertext for the holder of the private half.
pub(super) fn encrypt(
    spec: KeySpec,
    public_key: &[u8],
    algorithm: EncryptionAlgorithm,
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, CryptoFailure> {
    let key = public(spec, public_key)?;
    let random = &mut Draws::at(Site::EncryptionSeed, random);
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => key.encrypt(random, Oaep::<Sha1>::new(), plaintext),
        EncryptionAlgorithm::RsaesOaepSha256 => {
            key.encrypt(random, Oaep::<Sha256>::new(), plaintext)
        }
        _ => return Err(CryptoFailure),
    }
    .map_err(|_| CryptoFailure)
}

fn public(spec: KeySpec, encoded: &[u8]) -> Result<RsaPublicKey, CryptoFailure> {
    RsaPublicKey::from_pkcs1_der(codec::public_key(spec, encoded)?).map_err(|_| CryptoFailure)
}
