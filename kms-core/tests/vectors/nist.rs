//! What NIST's validation programmes and the RFCs print for the algorithms that are older than the
//! lattices.

use super::keys::{of_bare, of_edwards_seed, of_modulus, of_scalar, signature_of};
use super::records::{Record, records};
use super::tally::{Tally, VALID};
use kms_core::algorithm::{EncryptionAlgorithm, MacAlgorithm, MessageType, SigningAlgorithm as A};
use kms_core::crypto::codec::rsa_of_primes;
use kms_core::crypto::{Algorithm, Message, SecretBytes, SecretKey};
use kms_core::key::KeySpec;
use kms_core::local::SeededRandom;

/// The cases of a file whose `name` is this word.
fn about<'a>(file: &'a str, name: &str, word: &str) -> Vec<Record<'a>> {
    records(file).into_iter().filter(|record| record.word(name) == word).collect()
}

fn raw(algorithm: A) -> Algorithm {
    Algorithm::Signing(algorithm, MessageType::Raw)
}

#[test]
fn cavp_aes_gcm() {
    let mut tally = Tally::of_all("CAVP AES-256-GCM");
    for (number, record) in records(include_str!("data/cavp-aes-gcm-256.txt")).iter().enumerate() {
        let key = SecretKey::from_slice(&record.bytes("key")).expect("256 bits");
        let iv = record.bytes("iv").try_into().expect("96 bits");
        let (aad, valid) = (record.bytes("aad"), record.result() == VALID);
        let text = if valid { record.bytes("pt") } else { Vec::new() };
        let sealed = [record.bytes("ct"), record.bytes("tag")].concat();
        tally.case(number, record.result(), |backend| {
            let mut out = Vec::new();
            backend.seal(&key, &iv, &aad, &text, &mut out);
            let opened = backend.open(&key, &iv, &aad, &sealed);
            opened.is_ok_and(|opened| opened.as_bytes() == text && out == sealed)
        });
    }
    tally.must_be(198, 0);
}

/// The published cases have one opaque fixed input, so they go through the function that
/// `derive_key` is one block of; how it lays its fixed input out is tested beside the backends.
#[test]
fn cavp_key_derivation() {
    let mut tally = Tally::of_all("CAVP KBKDF, HMAC-SHA-256");
    let file = include_str!("data/cavp-kbkdf-hmac-sha256.txt");
    for (number, record) in records(file).iter().enumerate() {
        let key = SecretKey::from_slice(&record.bytes("key")).expect("256 bits");
        let (fixed, output) = (record.bytes("fixed"), record.bytes("output"));
        tally.case(number, record.result(), |backend| {
            let block = |counter: u32| backend.hmac_sha256(&key, &[&counter.to_be_bytes(), &fixed]);
            let derived = [block(1), block(2)].concat();
            output.len() <= derived.len() && derived.starts_with(&output)
        });
    }
    tally.must_be(40, 0);
}

#[test]
fn rfc_4231_hmac() {
    let file = include_str!("data/rfc-4231-hmac.txt");
    for algorithm in MacAlgorithm::ALL {
        let mut tally = Tally::of_all("RFC 4231");
        for (number, record) in about(file, "algorithm", algorithm.as_str()).iter().enumerate() {
            let key = SecretBytes::from(record.bytes("key"));
            let (message, tag) = (record.bytes("message"), record.bytes("tag"));
            tally.case(number, record.result(), |backend| {
                backend.hmac(*algorithm, &key, &message) == tag
            });
        }
        tally.must_be(6, 0);
    }
}

#[test]
fn cavp_key_wrap_with_padding() {
    let mut tally = Tally::of_all("CAVP AES key wrap with padding");
    for (number, record) in records(include_str!("data/cavp-aes-kwp.txt")).iter().enumerate() {
        let key = SecretBytes::from(record.bytes("key"));
        let wrapped = record.bytes("wrapped");
        let valid = record.result() == VALID;
        let expected = valid.then(|| record.bytes("plaintext"));
        tally.case(number, record.result(), |backend| {
            let unwrapped = backend.unwrap_key(&key, &wrapped);
            unwrapped.is_ok_and(|text| expected.as_deref().is_none_or(|it| it == text.as_bytes()))
        });
    }
    tally.must_be(104, 0);
}

#[test]
fn cavp_ecdsa() {
    let file = include_str!("data/cavp-ecdsa.txt");
    for (spec, algorithm) in [
        (KeySpec::EccNistP256, A::EcdsaSha256),
        (KeySpec::EccNistP384, A::EcdsaSha384),
        (KeySpec::EccNistP521, A::EcdsaSha512),
        (KeySpec::EccSecgP256k1, A::EcdsaSha256),
    ] {
        let mut tally = Tally::of("CAVP ECDSA", spec, raw(algorithm));
        for (number, record) in about(file, "spec", spec.as_str()).iter().enumerate() {
            let key = of_bare(spec, &record.bytes("public"));
            let signature = signature_of(&record.bytes("r"), &record.bytes("s"));
            let message = record.bytes("message");
            tally.case(number, record.result(), |backend| {
                let message = Message { bytes: &message, kind: MessageType::Raw };
                backend.verify(spec, &key, algorithm, message, &signature).is_ok()
            });
        }
        tally.must_be(30, 0);
    }
}

#[test]
fn cavp_ecdh() {
    let file = include_str!("data/cavp-ecdh.txt");
    for spec in [KeySpec::EccNistP256, KeySpec::EccNistP384, KeySpec::EccNistP521] {
        let mut tally = Tally::of("CAVP ECC CDH", spec, Algorithm::KeyAgreement);
        for (number, record) in about(file, "spec", spec.as_str()).iter().enumerate() {
            let peer = of_bare(spec, &record.bytes("public"));
            let material = of_scalar(spec, &record.bytes("scalar"));
            let expected = record.bytes("secret");
            tally.case(number, record.result(), |backend| {
                let own = backend.load(spec, &material).expect("canonical");
                own.agree(&peer).is_ok_and(|secret| secret.as_bytes() == expected)
            });
        }
        tally.must_be(22, 0);
    }
}

#[test]
fn cavp_rsa_signatures() {
    let file = include_str!("data/cavp-rsa-pkcs1.txt");
    for spec in [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096] {
        for algorithm in [A::RsassaPkcs1V15Sha256, A::RsassaPkcs1V15Sha384, A::RsassaPkcs1V15Sha512]
        {
            let mut tally = Tally::of("CAVP RSASSA-PKCS1-v1_5", spec, raw(algorithm));
            let cases = about(file, "spec", spec.as_str());
            let cases = cases.iter().filter(|case| case.word("algorithm") == algorithm.as_str());
            for (number, record) in cases.enumerate() {
                let key = of_modulus(&record.bytes("modulus"));
                let (message, signature) = (record.bytes("message"), record.bytes("signature"));
                tally.case(number, record.result(), |backend| {
                    let message = Message { bytes: &message, kind: MessageType::Raw };
                    backend.verify(spec, &key, algorithm, message, &signature).is_ok()
                });
            }
            tally.must_be(3, 0);
        }
    }
}

#[test]
fn pkcs1_oaep() {
    let spec = KeySpec::Rsa2048;
    let file = include_str!("data/pkcs1-oaep.txt");
    for (algorithm, ran) in
        [(EncryptionAlgorithm::RsaesOaepSha1, 6), (EncryptionAlgorithm::RsaesOaepSha256, 24)]
    {
        let mut tally = Tally::of("PKCS #1 OAEP", spec, Algorithm::Encryption(algorithm));
        for (number, record) in about(file, "algorithm", algorithm.as_str()).iter().enumerate() {
            let (first, second) = (record.bytes("prime1"), record.bytes("prime2"));
            let material = rsa_of_primes(spec, &first, &second).expect("two primes");
            let (plaintext, ciphertext) = (record.bytes("plaintext"), record.bytes("ciphertext"));
            tally.case(number, record.result(), |backend| {
                let key = backend.load(spec, &material).expect("canonical");
                let read = key.decrypt(algorithm, &ciphertext);
                read.is_ok_and(|read| read.as_bytes() == plaintext)
            });
        }
        tally.must_be(ran, 0);
    }
}

/// The tests 1 to 3 of RFC 8032 are among these.
#[test]
fn edwards() {
    let (spec, algorithm) = (KeySpec::EccNistEdwards25519, A::Ed25519Sha512);
    let mut tally = Tally::of("Ed25519, RFC 8032", spec, raw(algorithm));
    for (number, record) in records(include_str!("data/ed25519.txt")).iter().enumerate() {
        let material = of_edwards_seed(&record.bytes("seed"));
        let (public, message) = (record.bytes("public"), record.bytes("message"));
        let expected = record.bytes("signature");
        tally.case(number, record.result(), |backend| {
            let key = backend.load(spec, &material).expect("canonical");
            let message = Message { bytes: &message, kind: MessageType::Raw };
            let signed = key.sign(algorithm, message, &mut SeededRandom::new(1));
            let verified = backend.verify(spec, key.public_key(), algorithm, message, &expected);
            key.public_key().ends_with(&public)
                && signed.is_ok_and(|made| made == expected)
                && verified.is_ok()
        });
    }
    tally.must_be(80, 0);
}
