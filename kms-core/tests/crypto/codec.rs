//! What the codec takes for a key, and what it does not: each kind of bad input, and then any bytes.

use super::support::{material, public_key, random};
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode};
use kms_core::algorithm::{MessageType, SigningAlgorithm};
use kms_core::crypto::codec::{self, export, import};
use kms_core::crypto::{BACKENDS, CryptoBackend, CryptoFailure, Message, RustCrypto, SecretBytes};
use kms_core::key::KeySpec;
use pkcs1::{RsaPrivateKeyRef, UintRef};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use proptest::prelude::*;
use sec1::{EcParameters, EcPrivateKey};

const CURVES: [KeySpec; 5] = [
    KeySpec::EccNistP256,
    KeySpec::EccNistP384,
    KeySpec::EccNistP521,
    KeySpec::EccSecgP256k1,
    KeySpec::Sm2,
];

fn asymmetric() -> impl Iterator<Item = KeySpec> {
    KeySpec::ALL.iter().copied().filter(|spec| spec.is_asymmetric())
}

fn exported(spec: KeySpec) -> Vec<u8> {
    export(spec, &material(spec)).expect("canonical").as_bytes().to_vec()
}

/// The same PKCS#8 with another private key inside.
fn with_inner(encoded: &[u8], inner: &[u8]) -> Vec<u8> {
    let info = PrivateKeyInfoRef::try_from(encoded).expect("PKCS#8");
    let inner = OctetStringRef::new(inner).expect("short");
    PrivateKeyInfoRef::new(info.algorithm, inner).to_der().expect("PKCS#8")
}

#[test]
fn what_is_exported_is_imported_as_it_was() {
    for spec in asymmetric() {
        assert_eq!(import(spec, &exported(spec)), Ok(material(spec)), "{spec}");
    }
    for spec in KeySpec::ALL.iter().copied().filter(|spec| !spec.is_asymmetric()) {
        assert_eq!(export(spec, &material(spec)), Err(CryptoFailure), "{spec}");
    }
}

#[test]
fn a_key_of_one_spec_is_no_key_of_another() {
    for spec in asymmetric() {
        for other in asymmetric().filter(|other| *other != spec) {
            assert_eq!(import(other, &exported(spec)), Err(CryptoFailure), "{spec} as {other}");
            let public = public_key(spec);
            assert_eq!(codec::public_key(other, &public), Err(CryptoFailure), "{spec} as {other}");
        }
    }
}

#[test]
fn nothing_may_follow_and_nothing_may_lack() {
    for spec in asymmetric() {
        for encoded in [exported(spec), public_key(spec)] {
            let longer = [&encoded[..], &[0]].concat();
            let shorter = &encoded[..encoded.len() - 1];
            for bad in [&longer[..], shorter, &[]] {
                assert_eq!(import(spec, bad), Err(CryptoFailure), "{spec}");
                assert_eq!(codec::public_key(spec, bad), Err(CryptoFailure), "{spec}");
            }
        }
    }
}

/// OpenSSL names the curve once more inside, Java leaves the public point out; both are the same key.
#[test]
fn other_writers_of_curve_keys_are_understood() {
    for spec in CURVES {
        let encoded = exported(spec);
        let info = PrivateKeyInfoRef::try_from(&encoded[..]).expect("PKCS#8");
        let curve: ObjectIdentifier = info.algorithm.parameters_oid().expect("a named curve");
        let key = EcPrivateKey::from_der(info.private_key.as_bytes()).expect("an EC key");
        for parameters in [None, Some(EcParameters::NamedCurve(curve))] {
            for public_key in [None, key.public_key] {
                let private_key = key.private_key;
                let other = EcPrivateKey { private_key, parameters, public_key };
                let encoded = with_inner(&encoded, &other.to_der().expect("an EC key"));
                assert_eq!(import(spec, &encoded), Ok(material(spec)), "{spec}");
            }
        }
    }
}

#[test]
fn scalars_that_are_none() {
    for spec in CURVES {
        let encoded = exported(spec);
        let info = PrivateKeyInfoRef::try_from(&encoded[..]).expect("PKCS#8");
        let key = EcPrivateKey::from_der(info.private_key.as_bytes()).expect("an EC key");
        let length = key.private_key.len();
        let (zero, high) = (vec![0; length], vec![0xff; length]);
        let mut other = key.private_key.to_vec();
        other[length - 1] ^= 1;
        let longer = [&[0], key.private_key].concat();
        let stranger = EcParameters::NamedCurve(ObjectIdentifier::new_unwrap("1.3.132.0.33"));
        for (private_key, parameters, public_key, what) in [
            (&zero[..], None, None, "zero"),
            (&high[..], None, None, "beyond the order"),
            (&other[..], None, key.public_key, "of another point"),
            (&key.private_key[1..], None, None, "short"),
            (&longer[..], None, None, "long"),
            (key.private_key, Some(stranger), None, "of another curve"),
        ] {
            let bad = EcPrivateKey { private_key, parameters, public_key };
            let bad = with_inner(&encoded, &bad.to_der().expect("an EC key"));
            assert_eq!(import(spec, &bad), Err(CryptoFailure), "{spec}: {what}");
        }
    }
}

#[test]
fn points_and_curves_must_be_plain() {
    for spec in CURVES {
        let encoded = public_key(spec);
        let info = SubjectPublicKeyInfoRef::from_der(&encoded).expect("a public key");
        let point = info.subject_public_key.as_bytes().expect("whole bytes");
        let mut compressed = point[..=point.len() / 2].to_vec();
        compressed[0] = 2 + (point[point.len() - 1] & 1);
        let mut hybrid = point.to_vec();
        hybrid[0] = 6 + (point[point.len() - 1] & 1);
        let explicit = [0x30, 3, 2, 1, 1];
        let explicit = AnyRef::from_der(&explicit).expect("a sequence");
        let named = info.algorithm.parameters;
        for (parameters, key, what) in [
            (named, &compressed[..], "compressed"),
            (named, &hybrid[..], "hybrid"),
            (named, &[0][..], "at infinity"),
            (Some(explicit), point, "explicit curve"),
            (Some(AnyRef::NULL), point, "implicit curve"),
            (None, point, "no curve"),
        ] {
            let algorithm = AlgorithmIdentifierRef { oid: info.algorithm.oid, parameters };
            let subject_public_key = BitStringRef::from_bytes(key).expect("short");
            let bad = SubjectPublicKeyInfoRef { algorithm, subject_public_key };
            let bad = bad.to_der().expect("a public key");
            assert_eq!(codec::public_key(spec, &bad), Err(CryptoFailure), "{spec}: {what}");
        }
    }
}

/// One changed bit in any of its numbers, and the key does not fit together.
#[test]
fn rsa_numbers_must_fit_each_other() {
    let spec = KeySpec::Rsa2048;
    let encoded = exported(spec);
    let info = PrivateKeyInfoRef::try_from(&encoded[..]).expect("PKCS#8");
    let key = RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).expect("an RSA key");
    type Change = fn(&mut RsaPrivateKeyRef<'_>, &[UintRef<'static>; 8]);
    let changes: [(&str, Change); 8] = [
        ("modulus", |key, other| key.modulus = other[0]),
        ("public exponent", |key, other| key.public_exponent = other[1]),
        ("private exponent", |key, other| key.private_exponent = other[2]),
        ("first prime", |key, other| key.prime1 = other[3]),
        ("second prime", |key, other| key.prime2 = other[4]),
        ("first exponent", |key, other| key.exponent1 = other[5]),
        ("second exponent", |key, other| key.exponent2 = other[6]),
        ("coefficient", |key, other| key.coefficient = other[7]),
    ];
    let numbers = [
        key.modulus,
        key.public_exponent,
        key.private_exponent,
        key.prime1,
        key.prime2,
        key.exponent1,
        key.exponent2,
        key.coefficient,
    ];
    let flipped = numbers.map(|number| {
        let mut bytes = number.as_bytes().to_vec();
        let last = bytes.len() - 1;
        bytes[last] ^= 2;
        UintRef::new(bytes.leak()).expect("a number")
    });
    for (what, change) in changes {
        let mut bad = RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).expect("an RSA key");
        change(&mut bad, &flipped);
        let bad = with_inner(&encoded, &bad.to_der().expect("an RSA key"));
        assert_eq!(import(spec, &bad), Err(CryptoFailure), "{what}");
    }
}

/// A point off its curve has the right form; the backend is who notices.
#[test]
fn no_backend_takes_a_point_off_the_curve() {
    let algorithms = [
        (KeySpec::EccNistP256, SigningAlgorithm::EcdsaSha256),
        (KeySpec::EccNistP384, SigningAlgorithm::EcdsaSha384),
        (KeySpec::EccNistP521, SigningAlgorithm::EcdsaSha512),
        (KeySpec::EccSecgP256k1, SigningAlgorithm::EcdsaSha256),
        (KeySpec::Sm2, SigningAlgorithm::Sm2Dsa),
    ];
    for (spec, algorithm) in algorithms {
        let message = Message { bytes: b"message", kind: MessageType::Raw };
        let key = RustCrypto.load(spec, &material(spec)).expect("canonical");
        let signature = key.sign(algorithm, message, &mut random(1)).expect("a signature");
        let mut public = public_key(spec);
        let last = public.len() - 1;
        public[last] ^= 1;
        assert!(codec::public_key(spec, &public).is_ok(), "{spec}");
        for backend in BACKENDS {
            let verified = backend.verify(spec, &public, algorithm, message, &signature);
            assert_eq!(verified, Err(CryptoFailure), "{spec} by {}", backend.name());
            if let Ok(key) = backend.load(spec, &material(spec)) {
                assert_eq!(key.agree(&public), Err(CryptoFailure), "{spec} by {}", backend.name());
            }
        }
    }
}

/// Feeds bytes to every decoder there is; none may panic.
fn feed(spec: KeySpec, bytes: &[u8]) {
    let secret = SecretBytes::from(bytes.to_vec());
    if let Ok(imported) = import(spec, bytes) {
        let again = export(spec, &imported).expect("what is imported is canonical");
        assert_eq!(import(spec, again.as_bytes()), Ok(imported), "{spec}");
    }
    let _ = codec::public_key(spec, bytes);
    let message = Message { bytes, kind: MessageType::Raw };
    for backend in BACKENDS {
        let _ = backend.load(spec, &secret);
        let _ = backend.unwrap_key(&SecretBytes::from(vec![7; 32]), bytes);
        let _ = backend.encapsulate(spec, bytes, &mut random(1));
        for algorithm in spec.signing_algorithms() {
            let _ = backend.verify(spec, bytes, *algorithm, message, bytes);
            let _ = backend.verify(spec, &public_key(spec), *algorithm, message, bytes);
        }
        for algorithm in spec.encryption_algorithms() {
            let _ = backend.encrypt_for(spec, bytes, *algorithm, b"text", &mut random(1));
        }
        let Ok(key) = backend.load(spec, &material(spec)) else { continue };
        let _ = key.agree(bytes);
        let _ = key.decapsulate(bytes);
        for algorithm in spec.encryption_algorithms() {
            let _ = key.decrypt(*algorithm, bytes);
        }
    }
}

/// RSA of 2048 bits stands for the three: the larger ones differ in time alone.
fn any_spec() -> impl Strategy<Value = KeySpec> {
    let specs: Vec<_> = KeySpec::ALL
        .iter()
        .copied()
        .filter(|spec| !matches!(spec, KeySpec::Rsa3072 | KeySpec::Rsa4096))
        .collect();
    prop::sample::select(specs)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes_are_survived(
        spec in any_spec(),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        feed(spec, &bytes);
    }

    /// A valid encoding with some bytes changed, cut or repeated gets past the first checks.
    #[test]
    fn changed_keys_are_survived(
        spec in any_spec(),
        public: bool,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        whole: bool,
    ) {
        let mut bytes = match (spec.is_asymmetric(), public) {
            (false, _) => material(spec).as_bytes().to_vec(),
            (true, true) => public_key(spec),
            (true, false) => exported(spec),
        };
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if !whole {
            bytes.truncate(cut.index(bytes.len()));
        }
        feed(spec, &bytes);
    }
}
