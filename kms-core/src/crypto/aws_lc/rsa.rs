//! RSA: OAEP, PKCS #1 v1.5 and PSS signatures (RFC 8017), with blinding and in constant time.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm,
    OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature as library;
use aws_lc_rs::signature::{RsaEncoding, RsaParameters, UnparsedPublicKey};

use super::digest::digest;
use crate::algorithm::{EncryptionAlgorithm, SigningAlgorithm};
use crate::crypto::{CryptoFailure, Message, PrivateKey, SecretBytes, codec};
use crate::env::Random;
use crate::key::KeySpec;

/// A parsed key, for either of the two usages a key may have.
struct RsaKey {
    spec: KeySpec,
    public: Vec<u8>,
    signing: KeyPair,
    decrypting: OaepPrivateDecryptingKey,
}

impl PrivateKey for RsaKey {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        self.spec.must_sign_by(algorithm)?;
        let (padding, _) = padding(algorithm)?;
        let mut signature = vec![0; self.signing.public_modulus_len()];
        self.signing.sign_digest(padding, &digest(algorithm, message)?, &mut signature)?;
        Ok(signature)
    }

    fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        let mut plaintext = SecretBytes::from(vec![0; self.decrypting.min_output_size()]);
        let buffer = plaintext.as_mut_bytes();
        let length = self.decrypting.decrypt(oaep(algorithm)?, ciphertext, buffer, None)?.len();
        plaintext.truncate(length);
        Ok(plaintext)
    }
}

/// New material, from the library's own generator, which no other can replace.
pub(super) fn generate(spec: KeySpec) -> Result<SecretBytes, CryptoFailure> {
    let size = match spec {
        KeySpec::Rsa2048 => KeySize::Rsa2048,
        KeySpec::Rsa3072 => KeySize::Rsa3072,
        KeySpec::Rsa4096 => KeySize::Rsa4096,
        _ => return Err(CryptoFailure),
    };
    let encoded = KeyPair::generate(size)?.as_der()?;
    let numbers = codec::rsa_private(spec, encoded.as_ref())?;
    codec::encode_rsa(spec, numbers.encoded)
}

/// A key from canonical material; the library checks that its values fit each other.
pub(super) fn load(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let numbers = codec::rsa_private(spec, material.as_bytes())?;
    let public = codec::encode_public_key(spec, &numbers.public()?)?;
    let signing = KeyPair::from_der(numbers.encoded)?;
    let decrypting = PrivateDecryptingKey::from_pkcs8(material.as_bytes())?;
    let decrypting = OaepPrivateDecryptingKey::new(decrypting)?;
    Ok(Box::new(RsaKey { spec, public, signing, decrypting }))
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
    let (_, parameters) = padding(algorithm)?;
    let key = UnparsedPublicKey::new(parameters, codec::public_key(spec, public_key)?);
    Ok(key.verify_digest(&digest(algorithm, message)?, signature)?)
}

/// A ciphertext for the holder of the private half.
pub(super) fn encrypt(
    spec: KeySpec,
    public_key: &[u8],
    algorithm: EncryptionAlgorithm,
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoFailure> {
    codec::public_key(spec, public_key)?;
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public_key)?)?;
    let mut ciphertext = vec![0; key.ciphertext_size()];
    key.encrypt(oaep(algorithm)?, plaintext, &mut ciphertext, None)?;
    Ok(ciphertext)
}

fn oaep(algorithm: EncryptionAlgorithm) -> Result<&'static OaepAlgorithm, CryptoFailure> {
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => Ok(&OAEP_SHA1_MGF1SHA1),
        EncryptionAlgorithm::RsaesOaepSha256 => Ok(&OAEP_SHA256_MGF1SHA256),
        EncryptionAlgorithm::SymmetricDefault | EncryptionAlgorithm::Sm2Pke => Err(CryptoFailure),
    }
}

type Padding = (&'static dyn RsaEncoding, &'static RsaParameters);

/// How to sign and how to verify; the salt of PSS is as long as the digest in both.
fn padding(algorithm: SigningAlgorithm) -> Result<Padding, CryptoFailure> {
    use SigningAlgorithm as A;
    Ok(match algorithm {
        A::RsassaPssSha256 => (&library::RSA_PSS_SHA256, &library::RSA_PSS_2048_8192_SHA256),
        A::RsassaPssSha384 => (&library::RSA_PSS_SHA384, &library::RSA_PSS_2048_8192_SHA384),
        A::RsassaPssSha512 => (&library::RSA_PSS_SHA512, &library::RSA_PSS_2048_8192_SHA512),
        A::RsassaPkcs1V15Sha256 => {
            (&library::RSA_PKCS1_SHA256, &library::RSA_PKCS1_2048_8192_SHA256)
        }
        A::RsassaPkcs1V15Sha384 => {
            (&library::RSA_PKCS1_SHA384, &library::RSA_PKCS1_2048_8192_SHA384)
        }
        A::RsassaPkcs1V15Sha512 => {
            (&library::RSA_PKCS1_SHA512, &library::RSA_PKCS1_2048_8192_SHA512)
        }
        _ => return Err(CryptoFailure),
    })
}
