//! Keys on the NIST curves and on secp256k1: ECDSA with the nonces of RFC 6979, and ECDH.

use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use p256::elliptic_curve::{
    AffinePoint, CurveArithmetic, FieldBytesSize, Generate, NonZeroScalar, PublicKey, SecretKey,
    ecdh,
};

use super::digest::digest;
use super::draws::Draws;
use crate::algorithm::SigningAlgorithm;
use crate::crypto::{CryptoFailure, Message, PrivateKey, SecretBytes, codec};
use crate::env::{Random, Site};
use crate::key::{KeySpec, KeyUsage};

/// A parsed key.
struct EccKey {
    spec: KeySpec,
    public: Vec<u8>,
    signer: Box<dyn Signer>,
}

impl PrivateKey for EccKey {
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
        self.signer.sign(&digest(algorithm, message)?)
    }

    fn agree(&self, peer: &[u8]) -> Result<SecretBytes, CryptoFailure> {
        if !self.spec.usages().contains(&KeyUsage::KeyAgreement) {
            return Err(CryptoFailure);
        }
        self.signer.agree(codec::public_key(self.spec, peer)?)
    }
}

/// What a curve does with a scalar; the curves' types have nothing else in common.
trait Signer: Send + Sync {
    /// Its public point, uncompressed.
    fn point(&self) -> Vec<u8>;
    fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, CryptoFailure>;
    fn agree(&self, point: &[u8]) -> Result<SecretBytes, CryptoFailure>;
}

/// New material on a curve.
pub(super) fn generate(
    spec: KeySpec,
    random: &mut dyn Random,
) -> Result<SecretBytes, CryptoFailure> {
    match spec {
        KeySpec::EccNistP256 => new_scalar::<p256::NistP256>(spec, random),
        KeySpec::EccNistP384 => new_scalar::<p384::NistP384>(spec, random),
        KeySpec::EccNistP521 => new_scalar::<p521::NistP521>(spec, random),
        KeySpec::EccSecgP256k1 => new_scalar::<k256::Secp256k1>(spec, random),
        KeySpec::Sm2 => new_scalar::<sm2::Sm2>(spec, random),
        _ => Err(CryptoFailure),
    }
}

/// The point of a scalar, uncompressed.
pub(super) fn point(spec: KeySpec, scalar: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
    match spec {
        KeySpec::EccNistP256 => point_of(&secret::<p256::NistP256>(scalar)?),
        KeySpec::EccNistP384 => point_of(&secret::<p384::NistP384>(scalar)?),
        KeySpec::EccNistP521 => point_of(&secret::<p521::NistP521>(scalar)?),
        KeySpec::EccSecgP256k1 => point_of(&secret::<k256::Secp256k1>(scalar)?),
        KeySpec::Sm2 => point_of(&secret::<sm2::Sm2>(scalar)?),
        _ => Err(CryptoFailure),
    }
}

/// A key from canonical material.
pub(super) fn load(
    spec: KeySpec,
    material: &SecretBytes,
) -> Result<Box<dyn PrivateKey>, CryptoFailure> {
    let (scalar, stated) = codec::scalar(spec, material.as_bytes())?;
    // To parse a scalar is to multiply by it, so its point is known without doing that again.
    let signer: Box<dyn Signer> = match spec {
        KeySpec::EccNistP256 => Box::new(parse::<p256::ecdsa::SigningKey>(scalar)?),
        KeySpec::EccNistP384 => Box::new(parse::<p384::ecdsa::SigningKey>(scalar)?),
        KeySpec::EccNistP521 => Box::new(parse::<p521::ecdsa::SigningKey>(scalar)?),
        KeySpec::EccSecgP256k1 => Box::new(parse::<k256::ecdsa::SigningKey>(scalar)?),
        _ => return Err(CryptoFailure),
    };
    if signer.point() != stated {
        return Err(CryptoFailure);
    }
    Ok(Box::new(EccKey { spec, public: codec::encode_public_key(spec, stated)?, signer }))
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
    codec::check_signature(spec, signature)?;
    let point = codec::public_key(spec, public_key)?;
    let digest = digest(algorithm, message)?;
    match spec {
        KeySpec::EccNistP256 => verify_p256(point, &digest, signature),
        KeySpec::EccNistP384 => verify_p384(point, &digest, signature),
        KeySpec::EccNistP521 => verify_p521(point, &digest, signature),
        KeySpec::EccSecgP256k1 => verify_k256(point, &digest, signature),
        _ => Err(CryptoFailure),
    }
}

/// The x-coordinate of the product of a scalar and a peer's point.
pub(super) fn shared<C>(
    scalar: &NonZeroScalar<C>,
    point: &[u8],
) -> Result<SecretBytes, CryptoFailure>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let peer = PublicKey::<C>::from_sec1_bytes(point).map_err(|_| CryptoFailure)?;
    let shared = ecdh::diffie_hellman(scalar, peer.as_affine());
    Ok(SecretBytes::from(shared.raw_secret_bytes().to_vec()))
}

fn new_scalar<C>(spec: KeySpec, random: &mut dyn Random) -> Result<SecretBytes, CryptoFailure>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let secret = SecretKey::<C>::generate_from_rng(&mut Draws::at(Site::BackingKey, random));
    let scalar = zeroize::Zeroizing::new(secret.to_bytes());
    codec::encode_scalar(spec, &scalar, &point_of(&secret)?)
}

fn secret<C>(scalar: &[u8]) -> Result<SecretKey<C>, CryptoFailure>
where
    C: CurveArithmetic,
{
    let field = <C::FieldBytesSize as p256::elliptic_curve::array::typenum::Unsigned>::USIZE;
    if scalar.len() != field {
        return Err(CryptoFailure);
    }
    SecretKey::from_slice(scalar).map_err(|_| CryptoFailure)
}

fn point_of<C>(secret: &SecretKey<C>) -> Result<Vec<u8>, CryptoFailure>
where
    C: CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    Ok(secret.public_key().to_sec1_point(false).as_bytes().to_vec())
}

fn parse<'a, K: TryFrom<&'a [u8]>>(scalar: &'a [u8]) -> Result<K, CryptoFailure> {
    K::try_from(scalar).map_err(|_| CryptoFailure)
}

/// The four curves differ in type alone. Secp256k1 signs with the lower of the two possible values of
/// s and would refuse the higher one, which other libraries write and the standard allows; so it is
/// brought to the lower before it is verified.
macro_rules! curve {
    ($curve:ident, $verify:ident) => {
        impl Signer for $curve::ecdsa::SigningKey {
            fn point(&self) -> Vec<u8> {
                self.verifying_key().to_sec1_point(false).as_bytes().to_vec()
            }

            fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, CryptoFailure> {
                use $curve::ecdsa::signature::hazmat::PrehashSigner;
                let signature: $curve::ecdsa::Signature =
                    self.sign_prehash(digest).map_err(|_| CryptoFailure)?;
                Ok(signature.to_der().as_bytes().to_vec())
            }

            fn agree(&self, point: &[u8]) -> Result<SecretBytes, CryptoFailure> {
                shared(self.as_nonzero_scalar(), point)
            }
        }

        fn $verify(point: &[u8], digest: &[u8], signature: &[u8]) -> Result<(), CryptoFailure> {
            use $curve::ecdsa::signature::hazmat::PrehashVerifier;
            let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(point);
            let signature = $curve::ecdsa::Signature::from_der(signature);
            let (key, signature) = (key.map_err(|_| CryptoFailure)?, signature);
            let signature = signature.map_err(|_| CryptoFailure)?.normalize_s();
            key.verify_prehash(digest, &signature).map_err(|_| CryptoFailure)
        }
    };
}
curve!(p256, verify_p256);
curve!(p384, verify_p384);
curve!(p521, verify_p521);
curve!(k256, verify_k256);
