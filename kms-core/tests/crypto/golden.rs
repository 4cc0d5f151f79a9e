//! The golden transcript: everything RustCrypto computes from fixed seeds, as one SHA-256.
//!
//! The simulator's histories hold these bytes, so a run replays on another machine only if they are
//! the same there: in release and debug, with the processor's instructions for AES and SHA and
//! without. `.ci/golden` runs this test in all three ways and compares.

use super::support::{material, public_key, random};
use kms_core::crypto::{Algorithm, CryptoBackend, Message, RustCrypto, SecretKey};
use kms_core::key::KeySpec;

const GOLDEN: &str = "9d0f72581ec8e36c8d206ca009d16cfead4defb3b270c55366714bdbf2377bec";

/// Whose code this is: what `portable.toml` sets is set for every crate.
const CODE: &str = match cfg!(aes_backend = "soft") {
    true => "portable",
    false => "accelerated",
};

#[test]
fn the_transcript_is_the_pinned_one() {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for spec in KeySpec::ALL.iter().copied() {
        lines.push(spec.as_str().as_bytes().to_vec());
        lines.push(material(spec).as_bytes().to_vec());
        if spec.is_asymmetric() {
            lines.push(public_key(spec));
        }
        for algorithm in spec.algorithms() {
            lines.extend(computed(spec, algorithm));
        }
    }
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let digest = RustCrypto.sha256(&lines);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("golden transcript, {CODE}: {digest}");
    assert_eq!(digest, GOLDEN, "of {} parts", lines.len());
}

/// What one algorithm makes of fixed inputs, and again what undoes it.
fn computed(spec: KeySpec, algorithm: Algorithm) -> Vec<Vec<u8>> {
    let key = RustCrypto.load(spec, &material(spec));
    let random = &mut random(11);
    match (algorithm, key) {
        (Algorithm::Signing(algorithm, kind), Ok(key)) => {
            let form = algorithm.message_forms().iter().find(|form| form.0 == kind);
            let bytes = vec![3; form.and_then(|form| form.1).unwrap_or(300)];
            vec![key.sign(algorithm, Message { bytes: &bytes, kind }, random).expect("a signature")]
        }
        (Algorithm::Encryption(algorithm), Ok(key)) => {
            let public = key.public_key();
            vec![RustCrypto.encrypt_for(spec, public, algorithm, b"text", random).expect("sealed")]
        }
        (Algorithm::KeyAgreement, Ok(key)) => {
            vec![key.agree(key.public_key()).expect("a secret").as_bytes().to_vec()]
        }
        (Algorithm::Encapsulation, Ok(key)) => {
            let public = key.public_key();
            let (ciphertext, secret) =
                RustCrypto.encapsulate(spec, public, random).expect("a secret");
            let rejected = key.decapsulate(&vec![0; ciphertext.len()]).expect("another secret");
            vec![ciphertext, secret.as_bytes().to_vec(), rejected.as_bytes().to_vec()]
        }
        (Algorithm::Mac(algorithm), _) => {
            vec![RustCrypto.hmac(algorithm, &material(spec), b"text")]
        }
        (_, Err(_)) => vec![sealed()],
    }
}

/// A message sealed as a key of 256 bits seals it: derived, then encrypted.
fn sealed() -> Vec<u8> {
    let derived = RustCrypto.derive_key(&SecretKey::new([1; 32]), b"label", b"context");
    let mut out = Vec::new();
    RustCrypto.seal(&derived, &[2; 12], b"aad", b"text", &mut out);
    out
}
