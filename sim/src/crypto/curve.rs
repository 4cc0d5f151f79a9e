//! The P-384 keys that a simulation draws: of HSMs, operators, Regions, sessions and customers.
//!
//! A product with a scalar of 384 bits takes 160 to 320 µs, and sessions and domain tokens need several
//! each. The private scalars that are drawn here are therefore not any, but e·D: e is a number of 48
//! bits, and D a scalar that nobody chose. The point e·(D·G) is then a sum of eight points out of a
//! table, and what two such keys agree on, e·f·(D²·G), one of sixteen. They are keys like others to every
//! library, and 2⁴⁸ of them are enough for a run never to draw the same one twice. They are no secret to
//! anybody who has this file, and the time that they take depends on them.

use kms_core::crypto::{CryptoBackend, CryptoFailure, P384_POINT, P384_SCALAR, SecretBytes};
use kms_core::crypto::{SecretKey, codec};
use kms_core::env::{Random, Site, draw};
use kms_core::key::KeySpec;
use p384::ecdsa::Signature;
use p384::elliptic_curve::ops::{Invert, Reduce};
use p384::elliptic_curve::point::AffineCoordinates;
use p384::elliptic_curve::sec1::ToSec1Point;
use p384::elliptic_curve::{BatchNormalize, PrimeField};
use p384::{AffinePoint, FieldBytes, ProjectivePoint, Scalar};
use sha2::{Digest, Sha384};
use std::sync::LazyLock;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// How many bits a drawn number has.
const BITS: usize = 48;

/// How many bits of a number choose one point of a table.
const DIGIT: usize = 6;

/// The e of a private scalar e·D.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Number(u64);

impl Number {
    /// A new key.
    pub(super) fn new(random: &mut dyn Random, site: Site) -> Number {
        loop {
            if let Some(number) = Number::of_bytes(draw(random, site)) {
                return number;
            }
        }
    }

    /// The key whose private scalar this is, if it is one of these.
    pub(super) fn of_private(private: &[u8; P384_SCALAR]) -> Option<Number> {
        let scalar = Option::<Scalar>::from(Scalar::from_repr(FieldBytes::from(*private)))?;
        let quotient =
            Zeroizing::new(<[u8; P384_SCALAR]>::from((scalar * TABLES.inverse).to_repr()));
        let (head, tail) = quotient.split_last_chunk()?;
        head.iter().all(|byte| *byte == 0).then_some(Number::of_bytes(*tail)?)
    }

    fn of_bytes(bytes: [u8; BITS / 8]) -> Option<Number> {
        let number = bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        (number != 0).then_some(Number(number))
    }

    fn scalar(&self) -> Scalar {
        Scalar::from(self.0) * TABLES.unit
    }

    /// The private scalar.
    pub(super) fn private(&self) -> Zeroizing<[u8; P384_SCALAR]> {
        Zeroizing::new(self.scalar().to_repr().into())
    }

    /// The public point, uncompressed.
    pub(super) fn public(&self) -> [u8; P384_POINT] {
        let mut public = [0; P384_POINT];
        public.copy_from_slice(self.point().to_sec1_point(false).as_bytes());
        public
    }

    fn point(&self) -> AffinePoint {
        TABLES.keys.times(u128::from(self.0))
    }

    /// What the holders of two keys agree on: the x-coordinate of the product of all.
    pub(super) fn agreed(&self, other: &Number) -> SecretBytes {
        let product = Zeroizing::new(u128::from(self.0) * u128::from(other.0));
        SecretBytes::from(TABLES.agreements.times(*product).x().to_vec())
    }

    /// ECDSA with SHA-384, in DER. The nonce is a drawn key too, out of key and message.
    pub(super) fn sign(
        &self,
        library: &dyn CryptoBackend,
        message: &[u8],
    ) -> Result<Vec<u8>, CryptoFailure> {
        let mut key = Zeroizing::new([0; SecretKey::LENGTH]);
        key[..8].copy_from_slice(&self.0.to_be_bytes());
        let key = SecretKey::new(*key);
        let digest = Sha384::digest(message);
        let drawn = Zeroizing::new(library.hmac_sha256(&key, &[&digest]));
        let nonce = drawn.first_chunk().and_then(|bytes| Number::of_bytes(*bytes));
        let nonce = nonce.ok_or(CryptoFailure)?;
        let (r, z) = (Scalar::reduce(&nonce.point().x()), Scalar::reduce(&digest));
        let inverse = Invert::invert_vartime(&nonce.scalar()).into_option().ok_or(CryptoFailure)?;
        let s = inverse * (z + r * self.scalar());
        let signature = Signature::from_scalars(r, s).map_err(|_| CryptoFailure)?;
        Ok(signature.to_der().as_bytes().to_vec())
    }

    /// The canonical material of the key.
    pub(super) fn material(&self) -> Result<SecretBytes, CryptoFailure> {
        codec::encode_scalar(KeySpec::EccNistP384, self.private().as_slice(), &self.public())
    }

    /// The key in a material, if it is one of these.
    pub(super) fn of_material(material: &SecretBytes) -> Option<Number> {
        let (private, _) = codec::scalar(KeySpec::EccNistP384, material.as_bytes()).ok()?;
        Number::of_private(private.first_chunk()?)
    }
}

/// What products are summed up from.
struct Tables {
    /// D.
    unit: Scalar,
    /// 1/D.
    inverse: Scalar,
    /// Multiples of D·G.
    keys: Multiples,
    /// Multiples of D²·G.
    agreements: Multiples,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let unit = Scalar::reduce(&Sha384::digest(b"keyquake: the unit of simulated P-384 keys"));
    let inverse = Invert::invert_vartime(&unit).into_option().expect("no digest is zero");
    let point = ProjectivePoint::GENERATOR * unit;
    let keys = Multiples::of(point, BITS);
    Tables { unit, inverse, keys, agreements: Multiples::of(point * unit, 2 * BITS) }
});

/// The multiples of a point by every value of every digit of a number.
struct Multiples(Vec<Vec<AffinePoint>>);

impl Multiples {
    /// Of a point, for numbers of so many bits.
    fn of(mut point: ProjectivePoint, bits: usize) -> Multiples {
        let digits = (0..bits.div_ceil(DIGIT)).map(|_| {
            let one = point.to_affine();
            let next = |multiple: &ProjectivePoint| Some(*multiple + one);
            let mut multiples: Vec<_> =
                std::iter::successors(Some(point), next).take(1 << DIGIT).collect();
            // The last one belongs to the next digit.
            point = multiples.pop().unwrap_or_default();
            <ProjectivePoint as BatchNormalize<[_]>>::batch_normalize(multiples.as_slice())
        });
        Multiples(digits.collect())
    }

    fn times(&self, number: u128) -> AffinePoint {
        let mut sum = ProjectivePoint::IDENTITY;
        for (place, multiples) in self.0.iter().enumerate() {
            let digit = number >> (place * DIGIT) & ((1 << DIGIT) - 1);
            // Digit 0 adds nothing.
            let index = usize::try_from(digit).ok().and_then(|digit| digit.checked_sub(1));
            if let Some(multiple) = index.and_then(|index| multiples.get(index)) {
                sum += multiple;
            }
        }
        sum.to_affine()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kms_core::algorithm::{MessageType, SigningAlgorithm};
    use kms_core::crypto::{AwsLc, Message, RustCrypto};
    use kms_core::local::SeededRandom;

    const LIBRARIES: [&dyn CryptoBackend; 2] = [&AwsLc, &RustCrypto];

    /// The least and the greatest, numbers with digits that are zero, and drawn ones.
    fn numbers() -> Vec<Number> {
        let random = &mut SeededRandom::new(1);
        let edges = [1, (1 << BITS) - 1, 1 << DIGIT, (1 << (BITS - 1)) + 1];
        let drawn = (0..20).map(|_| Number::new(random, Site::EphemeralKey));
        edges.map(Number).into_iter().chain(drawn).collect()
    }

    #[test]
    fn keys_and_agreements_are_what_the_libraries_come_to() {
        let numbers = numbers();
        for (number, other) in numbers.iter().zip(numbers.iter().rev()) {
            for library in LIBRARIES {
                assert_eq!(library.p384_public(&number.private()), Ok(number.public()));
                let agreed = library.p384_agree(&number.private(), &other.public()).unwrap();
                assert_eq!(agreed, number.agreed(other));
            }
        }
    }

    #[test]
    fn a_private_scalar_tells_its_number() {
        for number in numbers() {
            assert_eq!(Number::of_private(&number.private()).unwrap().0, number.0);
            assert_eq!(Number::of_material(&number.material().unwrap()).unwrap().0, number.0);
        }
        let above = Scalar::from(1_u64 << BITS) * TABLES.unit;
        for other in [Scalar::ZERO, Scalar::ONE, above] {
            assert!(Number::of_private(&other.to_repr().into()).is_none());
        }
        assert!(Number::of_private(&[0xff; P384_SCALAR]).is_none());
    }

    #[test]
    fn its_signatures_are_valid_and_always_the_same() {
        let (spec, algorithm) = (KeySpec::EccNistP384, SigningAlgorithm::EcdsaSha384);
        for (length, number) in numbers().iter().enumerate() {
            let bytes = vec![0x5a; length];
            let message = Message { bytes: &bytes, kind: MessageType::Raw };
            let public = codec::public_half(spec, number.material().unwrap().as_bytes()).unwrap();
            let signature = number.sign(&AwsLc, &bytes).unwrap();
            assert_eq!(signature, number.sign(&RustCrypto, &bytes).unwrap());
            for library in LIBRARIES {
                let verified = library.verify(spec, &public, algorithm, message, &signature);
                assert_eq!(verified, Ok(()));
            }
        }
    }
}
