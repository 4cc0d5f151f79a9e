//! The keys and signatures of HSMs, operators and Regions, made in a third of the time.

use kms_core::crypto::{CryptoBackend, CryptoFailure, P384_SCALAR, SecretBytes, codec};
use kms_core::env::{Random, Site, draw};
use kms_core::key::KeySpec;
use p384::ecdsa::Signature;
use p384::elliptic_curve::ops::Reduce;
use p384::elliptic_curve::{Curve, PrimeField};
use p384::{FieldBytes, NistP384, Scalar, U384};
use rfc6979::KGenerator;
use sha2::{Digest, Sha384};
use zeroize::Zeroizing;

/// ECDSA on P-384 with SHA-384 and the nonce of RFC 6979, which is what RustCrypto signs, bit for bit.
/// The one product on the curve, which is nearly all of the work and has one right answer, is the chosen
/// library's.
pub(super) fn sign(
    library: &dyn CryptoBackend,
    material: &SecretBytes,
    message: &[u8],
) -> Result<Vec<u8>, CryptoFailure> {
    let (private, _) = codec::scalar(KeySpec::EccNistP384, material.as_bytes())?;
    let private = private.first_chunk().ok_or(CryptoFailure)?;
    let digest = Sha384::digest(message);
    let mut nonce = [0; P384_SCALAR];
    KGenerator::<Sha384, U384>::new(private, &digest, &[], &NistP384::ORDER)
        .fill_next_k(&mut nonce);
    let point = library.p384_public(&nonce)?;
    let x = FieldBytes::try_from(&point[1..=P384_SCALAR]).map_err(|_| CryptoFailure)?;
    let scalar = |bytes: &[u8; P384_SCALAR]| {
        Scalar::from_repr(FieldBytes::from(*bytes)).into_option().ok_or(CryptoFailure)
    };
    let (r, z) = (Scalar::reduce(&x), Scalar::reduce(&digest));
    let inverse = scalar(&nonce)?.invert().into_option().ok_or(CryptoFailure)?;
    let s = inverse * (z + r * scalar(private)?);
    let signature = Signature::from_scalars(r, s).map_err(|_| CryptoFailure)?;
    Ok(signature.to_der().as_bytes().to_vec())
}

/// A scalar, drawn until it is one of the curve.
pub(super) fn new_scalar(random: &mut dyn Random) -> Zeroizing<[u8; P384_SCALAR]> {
    loop {
        let drawn = Zeroizing::new(draw(random, Site::BackingKey));
        let scalar = Scalar::from_repr(FieldBytes::from(*drawn)).into_option();
        if scalar.is_some_and(|scalar| scalar != Scalar::ZERO) {
            return drawn;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kms_core::algorithm::{MessageType, SigningAlgorithm};
    use kms_core::crypto::{AwsLc, Message, RustCrypto};
    use kms_core::local::SeededRandom;

    #[test]
    fn it_signs_what_rust_crypto_signs() {
        let random = &mut SeededRandom::new(1);
        for length in 0..200 {
            let material = RustCrypto.generate(KeySpec::EccNistP384, random).unwrap();
            let bytes = vec![0x5a; length];
            let message = Message { bytes: &bytes, kind: MessageType::Raw };
            let key = RustCrypto.load(KeySpec::EccNistP384, &material).unwrap();
            let expected = key.sign(SigningAlgorithm::EcdsaSha384, message, random).unwrap();
            assert_eq!(sign(&AwsLc, &material, &bytes).unwrap(), expected);
        }
    }
}
