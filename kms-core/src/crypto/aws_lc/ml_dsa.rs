//! ML-DSA (FIPS 204) of whole messages. An external μ is beyond the library's safe interface.

use aws_lc_rs::signature::{
    KeyPair, ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87,
    ML_DSA_87_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm,
    UnparsedPublicKey,
};

use crate::algorithm::{MessageType, SigningAlgorithm};
use crate::crypto::{CryptoFailure, Message, PrivateKey, SecretBytes, codec};
use crate::env::Random;
use crate::key::KeySpec;

/// A parsed key.
struct MlDsaKey {
    public: Vec<u8>,
    key: PqdsaKeyPair,
}

impl PrivateKey for MlDsaKey {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    /// The hedge comes from the library's own generator.
    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        _: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        check(algorithm, message)?;
        let mut signature = vec![0; self.key.algorithm().signature_len()];
        let length = self.key.sign(message.bytes, &mut signature)?;
        signature.truncate(length);
        Ok(signature)
    }
}

/// A key from its seed.
pub(super) fn load(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let (signing, _) = parameters(spec)?;
    let key = PqdsaKeyPair::from_seed(signing, codec::seed::<32>(material)?)?;
    let public = codec::encode_public_key(spec, key.public_key().as_ref())?;
    Ok(Box::new(MlDsaKey { public, key }))
}

/// Whether a signature is of this message.
pub(super) fn verify(
    spec: KeySpec,
    public_key: &[u8],
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), CryptoFailure> {
    check(algorithm, message)?;
    let (_, verification) = parameters(spec)?;
    let key = UnparsedPublicKey::new(verification, codec::public_key(spec, public_key)?);
    Ok(key.verify(message.bytes, signature)?)
}

type Parameters = (&'static PqdsaSigningAlgorithm, &'static PqdsaVerificationAlgorithm);

fn parameters(spec: KeySpec) -> Result<Parameters, CryptoFailure> {
    match spec {
        KeySpec::MlDsa44 => Ok((&ML_DSA_44_SIGNING, &ML_DSA_44)),
        KeySpec::MlDsa65 => Ok((&ML_DSA_65_SIGNING, &ML_DSA_65)),
        KeySpec::MlDsa87 => Ok((&ML_DSA_87_SIGNING, &ML_DSA_87)),
        _ => Err(CryptoFailure),
    }
}

fn check(algorithm: SigningAlgorithm, message: Message<'_>) -> Result<(), CryptoFailure> {
    let known = algorithm == SigningAlgorithm::MlDsaShake256 && message.kind == MessageType::Raw;
    known.then_some(()).ok_or(CryptoFailure)
}
