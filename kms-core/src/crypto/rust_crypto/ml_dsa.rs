//! ML-DSA (FIPS 204), hedged, with an empty context: of a message, or of the μ that somebody else has
//! computed from it. Both give the same signatures.

use ml_dsa::{ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams, Signature, VerifyingKey};

use super::draws::Draws;
use crate::algorithm::{MessageType, SigningAlgorithm};
use crate::crypto::{CryptoFailure, Message, PrivateKey, SecretBytes, codec};
use crate::env::{Random, Site};
use crate::key::KeySpec;

/// The representative of a message.
type Mu = ml_dsa::signature::digest::array::Array<u8, ml_dsa::signature::digest::typenum::U64>;

/// A parsed key.
struct MlDsaKey<P: MlDsaParams> {
    public: Vec<u8>,
    key: ExpandedSigningKey<P>,
    verifying: VerifyingKey<P>,
}

impl<P: MlDsaParams + Send + Sync> PrivateKey for MlDsaKey<P> {
    fn public_key(&self) -> &[u8] {
        &self.public
    }

    fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, CryptoFailure> {
        let mu = mu(&self.verifying, algorithm, message)?;
        let signature =
            self.key.sign_mu_randomized(&mu, &mut Draws::at(Site::SignatureNonce, random));
        Ok(signature.map_err(|_| CryptoFailure)?.encode().to_vec())
    }
}

/// A key from its seed.
pub(super) fn load(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    match spec {
        KeySpec::MlDsa44 => expand::<MlDsa44>(spec, material),
        KeySpec::MlDsa65 => expand::<MlDsa65>(spec, material),
        KeySpec::MlDsa87 => expand::<MlDsa87>(spec, material),
        _ => Err(CryptoFailure),
    }
}

/// Whether a signature is of this message.
pub(super) fn verify(
    spec: KeySpec,
    public_key: &[u8],
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), CryptoFailure> {
    let key = codec::public_key(spec, public_key)?;
    match spec {
        KeySpec::MlDsa44 => verify_by::<MlDsa44>(key, algorithm, message, signature),
        KeySpec::MlDsa65 => verify_by::<MlDsa65>(key, algorithm, message, signature),
        KeySpec::MlDsa87 => verify_by::<MlDsa87>(key, algorithm, message, signature),
        _ => Err(CryptoFailure),
    }
}

fn expand<P: MlDsaParams + Send + Sync + 'static>(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let key = ExpandedSigningKey::<P>::from_seed(codec::seed::<32>(material)?.into());
    let verifying = key.verifying_key();
    let public = codec::encode_public_key(spec, &verifying.encode())?;
    Ok(Box::new(MlDsaKey { public, key, verifying }))
}

fn verify_by<P: MlDsaParams>(
    key: &[u8],
    algorithm: SigningAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), CryptoFailure> {
    let key = VerifyingKey::<P>::decode(key.try_into().map_err(|_| CryptoFailure)?);
    let signature = Signature::<P>::try_from(signature).map_err(|_| CryptoFailure)?;
    let mu = mu(&key, algorithm, message)?;
    key.verify_mu(&mu, &signature).then_some(()).ok_or(CryptoFailure)
}

/// What is signed (FIPS 204, algorithm 7, line 6).
fn mu<P: MlDsaParams>(
    key: &VerifyingKey<P>,
    algorithm: SigningAlgorithm,
    message: Message<'_>,
) -> Result<Mu, CryptoFailure> {
    if algorithm != SigningAlgorithm::MlDsaShake256 {
        return Err(CryptoFailure);
    }
    message.check(algorithm)?;
    match message.kind {
        MessageType::ExternalMu => message.bytes.try_into().map_err(|_| CryptoFailure),
        _ => key.compute_mu(|state| absorb(state, message.bytes), &[]).map_err(|_| CryptoFailure),
    }
}

fn absorb<U: sha2::digest::Update>(
    state: &mut U,
    bytes: &[u8],
) -> Result<(), ml_dsa::signature::Error> {
    state.update(bytes);
    Ok(())
}
