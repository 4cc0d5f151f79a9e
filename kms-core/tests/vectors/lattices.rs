//! ML-DSA and ML-KEM by NIST's ACVP server, and by the deterministic answers that went round with the
//! final standards.

use super::keys::of_bare;
use super::records::records;
use super::tally::{Fixed, Tally, VALID};
use kms_core::algorithm::{MessageType, SigningAlgorithm};
use kms_core::crypto::{Algorithm, Message, RustCrypto, SecretBytes};
use kms_core::key::KeySpec;
use shake::{ExtendableOutput, Shake256, Update, XofReader};

const ALGORITHM: SigningAlgorithm = SigningAlgorithm::MlDsaShake256;
const SPECS: [KeySpec; 6] = [
    KeySpec::MlDsa44,
    KeySpec::MlDsa65,
    KeySpec::MlDsa87,
    KeySpec::MlKem512,
    KeySpec::MlKem768,
    KeySpec::MlKem1024,
];

/// The one thing that keys of the spec are for.
fn purpose(spec: KeySpec) -> Algorithm {
    match spec {
        KeySpec::MlDsa44 | KeySpec::MlDsa65 | KeySpec::MlDsa87 => {
            Algorithm::Signing(ALGORITHM, MessageType::Raw)
        }
        _ => Algorithm::Encapsulation,
    }
}

#[test]
fn acvp_keys() {
    let file = records(include_str!("data/acvp-lattice-keys.txt"));
    for spec in SPECS {
        let mut tally = Tally::of("ACVP key generation", spec, purpose(spec));
        let own = file.iter().filter(|record| record.word("spec") == spec.as_str());
        for (number, record) in own.enumerate() {
            let seed = SecretBytes::from(record.bytes("seed"));
            let public = of_bare(spec, &record.bytes("public"));
            tally.case(number, VALID, |backend| {
                backend.load(spec, &seed).is_ok_and(|key| key.public_key() == public)
            });
        }
        tally.must_be(3, 0);
    }
}

#[test]
fn acvp_external_mu() {
    let file = records(include_str!("data/acvp-ml-dsa-external-mu.txt"));
    for spec in &SPECS[..3] {
        let asked = Algorithm::Signing(ALGORITHM, MessageType::ExternalMu);
        let mut tally = Tally::of("ACVP ML-DSA, external mu", *spec, asked);
        let own = file.iter().filter(|record| record.word("spec") == spec.as_str());
        for (number, record) in own.enumerate() {
            let public = of_bare(*spec, &record.bytes("public"));
            let (mu, signature) = (record.bytes("mu"), record.bytes("signature"));
            tally.case(number, record.result(), |backend| {
                let message = Message { bytes: &mu, kind: MessageType::ExternalMu };
                backend.verify(*spec, &public, ALGORITHM, message, &signature).is_ok()
            });
        }
        tally.must_be(2, 0);
    }
}

/// Every one of these has a context, which AWS KMS has not; its μ has it inside (FIPS 204,
/// algorithms 2 and 7), and is signed with a hedge of zeroes.
#[test]
fn deterministic_ml_dsa() {
    let mut tally = Tally::of_one("ML-DSA, deterministic", &RustCrypto);
    let file = records(include_str!("data/ml-dsa-deterministic.txt"));
    for (number, record) in file.iter().enumerate() {
        let spec = KeySpec::parse(record.word("spec")).expect("a spec");
        let seed = SecretBytes::from(record.bytes("seed"));
        let expected = record.bytes("signature");
        tally.case(number, VALID, |backend| {
            let key = backend.load(spec, &seed).expect("a seed");
            let mu = mu(spec, key.public_key(), &record.bytes("context"), &record.bytes("message"));
            let message = Message { bytes: &mu, kind: MessageType::ExternalMu };
            let signed = key.sign(ALGORITHM, message, &mut Fixed(&[0; 32]));
            signed.is_ok_and(|signature| signature == expected)
        });
    }
    tally.must_be(9, 0);
}

fn mu(spec: KeySpec, public: &[u8], context: &[u8], message: &[u8]) -> [u8; 64] {
    let bare = kms_core::crypto::codec::public_key(spec, public).expect("a public key");
    let length = u8::try_from(context.len()).expect("at most 255 bytes");
    shake256(&[&shake256(&[bare]), &[0, length], context, message])
}

pub(crate) fn shake256(parts: &[&[u8]]) -> [u8; 64] {
    let mut state = Shake256::default();
    parts.iter().for_each(|part| state.update(part));
    let mut out = [0; 64];
    state.finalize_xof().read(&mut out);
    out
}

/// The drawn secret makes one ciphertext; and everybody finds the secret in it again. What is no
/// ciphertext of the key gives the secret that rejects (FIPS 203, algorithm 18), and no error.
#[test]
fn ml_kem_with_implicit_rejection() {
    let file = records(include_str!("data/ml-kem.txt"));
    for spec in &SPECS[3..] {
        let mut tally = Tally::of("ML-KEM", *spec, Algorithm::Encapsulation);
        let own = file.iter().filter(|record| record.word("spec") == spec.as_str());
        for (number, record) in own.enumerate() {
            let seed = SecretBytes::from(record.bytes("seed"));
            let (ciphertext, tampered) = (record.bytes("ciphertext"), record.bytes("tampered"));
            let (secret, rejected) = (record.bytes("secret"), record.bytes("rejected"));
            tally.case(number, VALID, |backend| {
                let key = backend.load(*spec, &seed).expect("a seed");
                let is = |ciphertext: &[u8], expected: &[u8]| {
                    let agreed = key.decapsulate(ciphertext);
                    agreed.is_ok_and(|agreed| agreed.as_bytes() == expected)
                };
                is(&ciphertext, &secret) && is(&tampered, &rejected)
            });
        }
        tally.must_be(3, 0);
    }
}

#[test]
fn acvp_encapsulation() {
    let mut tally = Tally::of_one("ACVP ML-KEM encapsulation", &RustCrypto);
    let file = records(include_str!("data/acvp-ml-kem-encapsulation.txt"));
    for (number, record) in file.iter().enumerate() {
        let spec = KeySpec::parse(record.word("spec")).expect("a spec");
        let public = of_bare(spec, &record.bytes("public"));
        let (drawn, ciphertext) = (record.bytes("drawn"), record.bytes("ciphertext"));
        let secret = record.bytes("secret");
        tally.case(number, VALID, |backend| {
            let made = backend.encapsulate(spec, &public, &mut Fixed(&drawn));
            made.is_ok_and(|(made, agreed)| made == ciphertext && agreed.as_bytes() == secret)
        });
    }
    tally.must_be(9, 0);
}
