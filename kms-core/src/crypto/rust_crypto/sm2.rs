//! SM2, the curve of the China Regions: SM2DSA (GB/T 32918.2), SM2PKE (GB/T 32918.4) and the raw
//! shared secret.

use sm2::dsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey, VerifyingKey};
use sm2::pke::{DecryptingKey, EncryptingKey};

use super::draws::Draws;
use super::ecc;
use crate::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use crate::crypto::{CryptoFailure, Message, PrivateKey, SecretBytes, codec};
use crate::env::{Random, Site};
use crate::key::KeySpec;

const SPEC: KeySpec = KeySpec::Sm2;

/// The distinguishing identifier AWS KMS signs with (AWS KMS Developer Guide, Offline verification
/// with SM2 key pairs); the same as the example of GM/T 0009.
const IDENTIFIER: &str = "1234567812345678";

/// A parsed key.
struct Sm2Key {
    public: Vec<u8>,
    signing: SigningKey,
    decrypting: DecryptingKey,
}

impl PrivateKey for Sm2Key {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// The nonce is that of RFC 6979, so nothing is drawn.
    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        SPEC.must_sign_by(algorithm)?;
        message.check(algorithm)?;
        let signature: Result<Signature, _> = match message.kind {
            MessageType::Digest => self.signing.sign_prehash(message.bytes),
            _ => self.signing.try_sign(message.bytes),
        };
        Ok(signature.map_err(|_| CryptoFailure)?.to_der().as_bytes().to_vec())
    }

    fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, CryptoFailure> {
        if algorithm != EncryptionAlgorithm::Sm2Pke {
            return Err(CryptoFailure);
        }
        self.decrypting.decrypt_der(ciphertext).map(SecretBytes::from).map_err(|_| CryptoFailure)
    }

    fn agree(&self, peer: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        ecc::shared(self.signing.as_nonzero_scalar(), codec::public_key(SPEC, peer)?)
    }
}

/// A key from canonical material.
pub(super) fn load(material: &SecretBytes) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let (scalar, stated) = codec::scalar(SPEC, material.as_bytes())?;
    let signing = SigningKey::from_slice(IDENTIFIER, scalar).map_err(|_| CryptoFailure)?;
    let decrypting = DecryptingKey::from_slice(scalar).map_err(|_| CryptoFailure)?;
    if ecc::point(SPEC, scalar)? != stated {
        return Err(CryptoFailure);
    }
    let public = codec::encode_public_key(SPEC, stated)?;
    Ok(Box::new(Sm2Key { public, signing, decrypting }))
}

/// Whether a signature is of this message.
pub(super) fn verify(
    public_key: &[u8],
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), CryptoFailure> {
    SPEC.must_sign_by(algorithm)?;
    message.check(algorithm)?;
    codec::check_signature(SPEC, signature)?;
    let point = codec::public_key(SPEC, public_key)?;
    let key = VerifyingKey::from_sec1_bytes(IDENTIFIER, point).map_err(|_| CryptoFailure)?;
    let signature = Signature::from_der(signature).map_err(|_| CryptoFailure)?;
    match message.kind {
        MessageType::Digest => key.verify_prehash(message.bytes, &signature),
        _ => key.verify(message.bytes, &signature),
    }
    .map_err(|_| CryptoFailure)
}

/// A ciphertext for the holder of the private half, in DER, in the order C1, C3, C2 (GM/T 0009).
pub(super) fn encrypt(
    public_key: &[u8],
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, CryptoFailure> {
    let key = EncryptingKey::from_sec1_bytes(codec::public_key(SPEC, public_key)?);
    let random = &mut Draws::at(Site::EncryptionSeed, random);
    key.map_err(|_| CryptoFailure)?.encrypt_der(random, plaintext).map_err(|_| CryptoFailure)
}
