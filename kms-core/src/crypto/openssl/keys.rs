//! Key pairs of OpenSSL: RSA, the curves, and Ed25519.

use ::openssl::bn::{BigNum, BigNumContext};
use ::openssl::derive::Deriver;
use ::openssl::ec::{EcGroup, EcKey, EcPoint};
use ::openssl::hash::{MessageDigest, hash};
use ::openssl::md::{Md, MdRef};
use ::openssl::nid::Nid;
use ::openssl::pkey::{HasPublic, Id, PKey, Private, Public};
use ::openssl::pkey_ctx::PkeyCtx;
use ::openssl::rsa::{Padding, Rsa};
use ::openssl::sign::{RsaPssSaltlen, Signer, Verifier};

use crate::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use crate::crypto::{CryptoFailure, Family, Message, PrivateKey, SecretBytes, codec};
use crate::env::Random;
use crate::key::{KeySpec, KeyUsage};

/// A parsed key.
struct OpenSslKey {
    spec: KeySpec,
    public: Vec<u8>,
    key: PKey<Private>,
}

impl PrivateKey for OpenSslKey {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// Salts and nonces come from the library's own generator.
    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        check(self.spec, algorithm, message)?;
        if self.spec == KeySpec::EccNistEdwards25519 {
            let mut signer = Signer::new_without_digest(&self.key)?;
            return Ok(signer.sign_oneshot_to_vec(message.bytes)?);
        }
        let mut context = PkeyCtx::new(&self.key)?;
        context.sign_init()?;
        pad(&mut context, algorithm)?;
        let mut signature = Vec::new();
        context.sign_to_vec(&digest(algorithm, message)?, &mut signature)?;
        Ok(signature)
    }

    fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        let mut context = PkeyCtx::new(&self.key)?;
        context.decrypt_init()?;
        oaep(&mut context, algorithm)?;
        let mut plaintext = Vec::new();
        context.decrypt_to_vec(ciphertext, &mut plaintext)?;
        Ok(SecretBytes::from(plaintext))
    }

    fn agree(&self, peer: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        if !self.spec.usages().contains(&KeyUsage::KeyAgreement) {
            return Err(CryptoFailure);
        }
        agree(&self.key, curve(self.spec)?, codec::public_key(self.spec, peer)?)
    }
}

/// New RSA material, from the library's own generator.
pub(super) fn generate_rsa(spec: KeySpec) -> Result<SecretBytes, CryptoFailure> {
    let bits = spec.modulus_bits().and_then(|bits| u32::try_from(bits).ok());
    let encoded = Rsa::generate(bits.ok_or(CryptoFailure)?)?.private_key_to_der()?;
    codec::encode_rsa(spec, &zeroize::Zeroizing::new(encoded))
}

/// A key from canonical material.
pub(super) fn load(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let material = material.as_bytes();
    let (key, public) = match Family::of(spec) {
        Family::Rsa => {
            let numbers = codec::rsa_private(spec, material)?;
            let key = Rsa::private_key_from_der(numbers.encoded)?;
            (PKey::from_rsa(key)?, numbers.public()?)
        }
        Family::Curve => {
            let (scalar, point) = codec::scalar(spec, material)?;
            let (group, public) = point_of(curve(spec)?, point)?;
            let scalar = BigNum::from_slice(scalar)?;
            let key = EcKey::from_private_components(&group, &scalar, &public)?;
            key.check_key()?;
            (PKey::from_ec_key(key)?, point.to_vec())
        }
        Family::Edwards => {
            let seed = codec::edwards_seed(material)?;
            let key = PKey::private_key_from_raw_bytes(seed, Id::ED25519)?;
            let public = key.raw_public_key()?;
            (key, public)
        }
        _ => return Err(CryptoFailure),
    };
    Ok(Box::new(OpenSslKey { spec, public: codec::encode_public_key(spec, &public)?, key }))
}

/// Whether a signature is of this message.
pub(super) fn verify(
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
    let key = public(spec, public_key)?;
    let valid = if spec == KeySpec::EccNistEdwards25519 {
        Verifier::new_without_digest(&key)?.verify_oneshot(signature, message.bytes)?
    } else {
        let mut context = PkeyCtx::new(&key)?;
        context.verify_init()?;
        pad(&mut context, algorithm)?;
        context.verify(&digest(algorithm, message)?, signature)?
    };
    valid.then_some(()).ok_or(CryptoFailure)
}

/// A ciphertext for the holder of the private half.
pub(super) fn encrypt(
    spec: KeySpec,
    public_key: &[u8],
    algorithm: EncryptionAlgorithm,
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoFailure> {
    let key = public(spec, public_key)?;
    let mut context = PkeyCtx::new(&key)?;
    context.encrypt_init()?;
    oaep(&mut context, algorithm)?;
    let mut ciphertext = Vec::new();
    context.encrypt_to_vec(plaintext, &mut ciphertext)?;
    Ok(ciphertext)
}

/// The x-coordinate that a key and a peer's point agree on.
pub(super) fn agree(
    key: &PKey<Private>,
    curve: Nid,
    peer: &[u8],
) -> Result<SecretBytes, CryptoFailure> {
    if peer.first() != Some(&4) {
        return Err(CryptoFailure);
    }
    let (group, point) = point_of(curve, peer)?;
    let peer = PKey::from_ec_key(EcKey::from_public_key(&group, &point)?)?;
    let mut deriver = Deriver::new(key)?;
    deriver.set_peer(&peer)?;
    Ok(SecretBytes::from(deriver.derive_to_vec()?))
}

/// A public key that the codec has taken.
fn public(spec: KeySpec, encoded: &[u8]) -> Result<PKey<Public>, CryptoFailure> {
    let bare = codec::public_key(spec, encoded)?;
    match Family::of(spec) {
        Family::Rsa => Ok(PKey::from_rsa(Rsa::public_key_from_der_pkcs1(bare)?)?),
        Family::Curve => {
            let (group, point) = point_of(curve(spec)?, bare)?;
            Ok(PKey::from_ec_key(EcKey::from_public_key(&group, &point)?)?)
        }
        Family::Edwards => Ok(PKey::public_key_from_raw_bytes(bare, Id::ED25519)?),
        _ => Err(CryptoFailure),
    }
}

/// A point that is on its curve.
fn point_of(curve: Nid, point: &[u8]) -> Result<(EcGroup, EcPoint), CryptoFailure> {
    let group = EcGroup::from_curve_name(curve)?;
    let mut context = BigNumContext::new()?;
    let point = EcPoint::from_bytes(&group, point, &mut context)?;
    let valid = point.is_on_curve(&group, &mut context)? && !point.is_infinity(&group);
    valid.then_some((group, point)).ok_or(CryptoFailure)
}

fn curve(spec: KeySpec) -> Result<Nid, CryptoFailure> {
    match spec {
        KeySpec::EccNistP256 => Ok(Nid::X9_62_PRIME256V1),
        KeySpec::EccNistP384 => Ok(Nid::SECP384R1),
        KeySpec::EccNistP521 => Ok(Nid::SECP521R1),
        KeySpec::EccSecgP256k1 => Ok(Nid::SECP256K1),
        _ => Err(CryptoFailure),
    }
}

fn check(
    spec: KeySpec,
    algorithm: SigningAlgorithm,
    message: Message<'_>,
) -> Result<(), CryptoFailure> {
    spec.must_sign_by(algorithm)?;
    message.check(algorithm)?;
    let prehashed = algorithm == SigningAlgorithm::Ed25519PhSha512;
    (!prehashed).then_some(()).ok_or(CryptoFailure)
}

/// The padding of an RSA signature; the other algorithms have none.
fn pad<T: HasPublic>(
    context: &mut PkeyCtx<T>,
    algorithm: SigningAlgorithm,
) -> Result<(), CryptoFailure> {
    use SigningAlgorithm as A;
    let (_, function) = functions(algorithm)?;
    match algorithm {
        A::RsassaPkcs1V15Sha256 | A::RsassaPkcs1V15Sha384 | A::RsassaPkcs1V15Sha512 => {
            context.set_rsa_padding(Padding::PKCS1)?;
            context.set_signature_md(function)?;
        }
        A::RsassaPssSha256 | A::RsassaPssSha384 | A::RsassaPssSha512 => {
            context.set_rsa_padding(Padding::PKCS1_PSS)?;
            context.set_signature_md(function)?;
            context.set_rsa_mgf1_md(function)?;
            context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
        _ => {}
    }
    Ok(())
}

fn oaep<T: HasPublic>(
    context: &mut PkeyCtx<T>,
    algorithm: EncryptionAlgorithm,
) -> Result<(), CryptoFailure> {
    let function = match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => Md::sha1(),
        EncryptionAlgorithm::RsaesOaepSha256 => Md::sha256(),
        EncryptionAlgorithm::SymmetricDefault | EncryptionAlgorithm::Sm2Pke => {
            return Err(CryptoFailure);
        }
    };
    context.set_rsa_padding(Padding::PKCS1_OAEP)?;
    context.set_rsa_oaep_md(function)?;
    Ok(context.set_rsa_mgf1_md(function)?)
}

/// What is signed: the digest of the message, or the one that was given.
fn digest(algorithm: SigningAlgorithm, message: Message<'_>) -> Result<Vec<u8>, CryptoFailure> {
    let (function, _) = functions(algorithm)?;
    match message.kind {
        MessageType::Raw => Ok(hash(function, message.bytes)?.to_vec()),
        _ => Ok(message.bytes.to_vec()),
    }
}

fn functions(
    algorithm: SigningAlgorithm,
) -> Result<(MessageDigest, &'static MdRef), CryptoFailure> {
    use SigningAlgorithm as A;
    match algorithm {
        A::RsassaPssSha256 | A::RsassaPkcs1V15Sha256 | A::EcdsaSha256 => {
            Ok((MessageDigest::sha256(), Md::sha256()))
        }
        A::RsassaPssSha384 | A::RsassaPkcs1V15Sha384 | A::EcdsaSha384 => {
            Ok((MessageDigest::sha384(), Md::sha384()))
        }
        A::RsassaPssSha512 | A::RsassaPkcs1V15Sha512 | A::EcdsaSha512 => {
            Ok((MessageDigest::sha512(), Md::sha512()))
        }
        A::Sm2Dsa | A::MlDsaShake256 | A::Ed25519Sha512 | A::Ed25519PhSha512 => Err(CryptoFailure),
    }
}
