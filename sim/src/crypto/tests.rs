//! What makes a run reproducible: the same bytes over every library, and nothing remembered wrongly.

use super::*;
use kms_core::crypto::{AwsLc, BACKENDS};
use kms_core::local::SeededRandom;
use std::collections::BTreeSet;

const RSA: [KeySpec; 3] = [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096];

#[test]
fn the_primes_are_distinct_and_of_full_length() {
    for spec in RSA {
        let primes = primes(spec).unwrap();
        let length = primes.len() / PRIMES;
        let distinct: BTreeSet<_> = primes.chunks(length).collect();
        assert_eq!(distinct.len(), PRIMES, "{spec}");
        for prime in distinct {
            assert!(prime[0] >= 0xc0 && prime[length - 1] & 1 == 1, "{spec}");
        }
    }
}

/// Consecutive primes make a key that another library accepts, and a signature with that key is
/// valid: so each of them is prime, or the signature would be none.
#[test]
fn every_prime_makes_keys() {
    let spec = KeySpec::Rsa2048;
    let primes = primes(spec).unwrap();
    for pair in primes.chunks(256) {
        let material = rsa_of_primes(spec, &pair[..128], &pair[128..]).unwrap();
        let key = AwsLc.load(spec, &material).expect("a key that fits together");
        let algorithm = SigningAlgorithm::RsassaPkcs1V15Sha256;
        let message = Message { bytes: b"message", kind: MessageType::Raw };
        let signature = key.sign(algorithm, message, &mut SeededRandom::new(1)).unwrap();
        let verified = AwsLc.verify(spec, key.public_key(), algorithm, message, &signature);
        assert_eq!(verified, Ok(()));
    }
}

/// A key that nobody has parsed is one that every library parses, and each to the same point.
#[test]
fn keys_on_p_384_are_keys_for_every_library() {
    let spec = KeySpec::EccNistP384;
    let backend = Reproducible::over(Arc::new(AwsLc), Secrets::default());
    for seed in 0..50 {
        let material = backend.generate(spec, &mut SeededRandom::new(seed)).unwrap();
        let key = backend.load(spec, &material).unwrap();
        for library in BACKENDS.iter().filter(|one| one.supports(spec, Algorithm::KeyAgreement)) {
            let parsed = library.load(spec, &material).unwrap();
            assert_eq!(key.public_key(), parsed.public_key());
            assert_eq!(key.agree(key.public_key()), parsed.agree(key.public_key()));
        }
    }
}

/// Drawn keys, whose numbers are known or forgotten, and keys from elsewhere, with each other.
#[test]
fn both_sides_come_to_what_the_library_comes_to() {
    let backend = Reproducible::over(Arc::new(AwsLc), Secrets::default());
    let stranger = Reproducible::over(Arc::new(AwsLc), Secrets::default());
    let random = &mut SeededRandom::new(1);
    let foreign = [7; P384_SCALAR];
    let keys = [
        backend.p384_pair(random),
        backend.p384_pair(random),
        stranger.p384_pair(random),
        (Zeroizing::new(foreign), backend.p384_public(&foreign).unwrap()),
    ];
    let mut seen = BTreeSet::new();
    for (private, public) in &keys {
        assert_eq!(AwsLc.p384_public(private), Ok(*public));
        assert_eq!(backend.p384_public(private), Ok(*public));
        for (_, peer) in &keys {
            let shared = backend.p384_agree(private, peer).unwrap();
            assert_eq!(shared, AwsLc.p384_agree(private, peer).unwrap());
            seen.insert(shared.as_bytes().to_vec());
        }
        assert!(backend.p384_agree(private, &[4; P384_POINT]).is_err());
    }
    assert_eq!(seen.len(), 10, "every pair of keys has a secret of its own");
}

/// What is remembered of a ciphertext is told to nobody who could not open it.
#[test]
fn a_known_plaintext_is_that_of_one_key_and_one_algorithm() {
    let backend = Reproducible::over(Arc::new(AwsLc), Secrets::default());
    let (spec, random) = (KeySpec::Rsa2048, &mut SeededRandom::new(1));
    let algorithm = EncryptionAlgorithm::RsaesOaepSha256;
    let materials =
        [1, 2].map(|seed| backend.generate(spec, &mut SeededRandom::new(seed)).unwrap());
    let [key, other] = materials.each_ref().map(|material| backend.load(spec, material).unwrap());
    let ciphertext =
        backend.encrypt_for(spec, key.public_key(), algorithm, b"plaintext", random).unwrap();
    let mut damaged = ciphertext.clone();
    damaged[100] ^= 1;
    for _ in 0..2 {
        let plaintext = SecretBytes::from(b"plaintext".to_vec());
        assert_eq!(key.decrypt(algorithm, &ciphertext), Ok(plaintext.clone()));
        let parsed = AwsLc.load(spec, &materials[0]).unwrap();
        assert_eq!(parsed.decrypt(algorithm, &ciphertext), Ok(plaintext));
        assert!(key.decrypt(EncryptionAlgorithm::RsaesOaepSha1, &ciphertext).is_err());
        assert!(key.decrypt(algorithm, &damaged).is_err());
        assert!(other.decrypt(algorithm, &ciphertext).is_err());
    }
}

/// A key that nobody has parsed shows the public half that a library would find.
#[test]
fn a_new_rsa_key_is_one_for_every_library() {
    let backend = Reproducible::over(Arc::new(AwsLc), Secrets::default());
    for spec in RSA {
        let material = backend.generate(spec, &mut SeededRandom::new(3)).unwrap();
        let key = backend.load(spec, &material).unwrap();
        assert_eq!(key.public_key(), AwsLc.load(spec, &material).unwrap().public_key());
    }
}

/// A signature that was found valid makes no other one valid.
#[test]
fn what_is_remembered_is_one_signature_of_one_key_over_one_message() {
    let backend = Reproducible::over(Arc::new(AwsLc), Secrets::default());
    let (spec, algorithm) = (KeySpec::EccNistP384, SigningAlgorithm::EcdsaSha384);
    let random = &mut SeededRandom::new(1);
    let mut key = || backend.load(spec, &backend.generate(spec, random).unwrap()).unwrap();
    let (key, other) = (key(), key());
    let message = Message { bytes: b"message", kind: MessageType::Raw };
    let signature = key.sign(algorithm, message, &mut SeededRandom::new(2)).unwrap();
    let mut damaged = signature.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let verify = |key: &dyn PrivateKey, bytes: &[u8], signature: &[u8]| {
        let message = Message { bytes, kind: MessageType::Raw };
        backend.verify(spec, key.public_key(), algorithm, message, signature)
    };
    for _ in 0..3 {
        assert_eq!(verify(key.as_ref(), b"message", &signature), Ok(()));
        assert_eq!(verify(key.as_ref(), b"massage", &signature), Err(CryptoFailure));
        assert_eq!(verify(key.as_ref(), b"message", &damaged), Err(CryptoFailure));
        assert_eq!(verify(other.as_ref(), b"message", &signature), Err(CryptoFailure));
    }
}

#[test]
fn a_key_follows_from_the_drawn_bytes() {
    let backend = Reproducible::over(Arc::new(RustCrypto), Secrets::default());
    for spec in RSA {
        let key = |seed| backend.generate(spec, &mut SeededRandom::new(seed)).unwrap();
        assert_eq!(key(1), key(1), "{spec}");
        let distinct: BTreeSet<_> = (0..20).map(|seed| key(seed).as_bytes().to_vec()).collect();
        assert!(distinct.len() > 18, "{spec}: {} of 20", distinct.len());
    }
}

/// All algorithms, over each library: the same bytes.
#[test]
fn every_library_gives_the_same_bytes() {
    let mut transcripts = BACKENDS.iter().map(|library| {
        let name = library.name();
        let library = kms_core::crypto::backend(name).unwrap();
        (name, transcript(Reproducible::over(library, Secrets::default()).as_ref()))
    });
    let (_, first) = transcripts.next().unwrap();
    for (name, other) in transcripts {
        assert!(first == other, "{name} differs");
    }
}

fn transcript(backend: &dyn CryptoBackend) -> Vec<Vec<u8>> {
    let mut random = SeededRandom::new(1);
    let random = &mut random;
    let mut out = Vec::new();
    for spec in KeySpec::ALL.iter().copied() {
        let material = backend.generate(spec, random).unwrap();
        out.push(material.as_bytes().to_vec());
        for algorithm in spec.algorithms() {
            out.extend(one(backend, spec, algorithm, &material, random));
        }
    }
    out
}

fn one(
    backend: &dyn CryptoBackend,
    spec: KeySpec,
    algorithm: Algorithm,
    material: &SecretBytes,
    random: &mut dyn Random,
) -> Option<Vec<u8>> {
    let key = backend.load(spec, material).ok();
    match (algorithm, key) {
        (Algorithm::Signing(algorithm, kind), Some(key)) => {
            let length = algorithm.message_forms().iter().find(|form| form.0 == kind)?.1;
            let bytes = vec![1; length.unwrap_or(50)];
            let message = Message { bytes: &bytes, kind };
            let signature = key.sign(algorithm, message, random).unwrap();
            backend
                .verify(spec, key.public_key(), algorithm, message, &signature)
                .expect("its own signature");
            Some(signature)
        }
        (Algorithm::Encryption(algorithm), Some(key)) => {
            let ciphertext = backend
                .encrypt_for(spec, key.public_key(), algorithm, b"plaintext", random)
                .unwrap();
            assert_eq!(key.decrypt(algorithm, &ciphertext).unwrap().as_bytes(), b"plaintext");
            Some(ciphertext)
        }
        (Algorithm::KeyAgreement, Some(key)) => {
            Some(key.agree(key.public_key()).unwrap().as_bytes().to_vec())
        }
        (Algorithm::Encapsulation, Some(key)) => {
            let (ciphertext, secret) = backend.encapsulate(spec, key.public_key(), random).unwrap();
            assert_eq!(key.decapsulate(&ciphertext), Ok(secret));
            Some(ciphertext)
        }
        (Algorithm::Mac(algorithm), _) => Some(backend.hmac(algorithm, material, b"message")),
        (_, None) => None,
    }
}
