//! Requests from decision through the HSM to the answer, against the bare cryptography in them.

use crate::host::{Host, backends};
use crate::ratio::ratio;
use criterion::Criterion;
use kms_core::algorithm::{MessageType, SigningAlgorithm};
use kms_core::ciphertext::{EncryptionContext, KDF_LABEL, aad};
use kms_core::crypto::{CryptoBackend, Message, SecretBytes, SecretKey};
use kms_core::hsm::CACHED_KEYS;
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::name::{KeyId, MaterialId};
use kms_core::ops::{Request, Response, create_key, decrypt, encrypt, sign};
use std::hint::black_box;
use std::sync::Arc;

/// What is encrypted and signed.
pub(crate) const MESSAGE: [u8; 32] = [7; 32];

/// Key specs that sign, and by which algorithm.
const SIGNERS: [(KeySpec, SigningAlgorithm); 8] = [
    (KeySpec::Rsa2048, SigningAlgorithm::RsassaPkcs1V15Sha256),
    (KeySpec::Rsa3072, SigningAlgorithm::RsassaPssSha256),
    (KeySpec::EccNistP256, SigningAlgorithm::EcdsaSha256),
    (KeySpec::EccNistP384, SigningAlgorithm::EcdsaSha384),
    (KeySpec::EccNistEdwards25519, SigningAlgorithm::Ed25519Sha512),
    (KeySpec::MlDsa44, SigningAlgorithm::MlDsaShake256),
    (KeySpec::MlDsa65, SigningAlgorithm::MlDsaShake256),
    (KeySpec::MlDsa87, SigningAlgorithm::MlDsaShake256),
];

/// With the key in the HSM's memory, and without.
const MEMORIES: [(&str, usize); 2] = [("hit", CACHED_KEYS), ("miss", 0)];

/// All of them, on each backend.
pub(crate) fn requests(_: &mut Criterion) {
    for backend in backends() {
        symmetric(&backend);
        for (spec, algorithm) in SIGNERS {
            signer(&backend, spec, algorithm);
        }
    }
}

fn symmetric(backend: &Arc<dyn CryptoBackend>) {
    let name = backend.name();
    let sealed = raw_seal(backend.as_ref());
    for (memory, cached_keys) in MEMORIES {
        let mut host = Host::with_cache(backend, cached_keys);
        let key = host.create_key(&create_key::Request::default());
        let request: Request = encrypt::Request::new(key, MESSAGE).into();
        let Ok(Response::Encrypt(made)) = host.run(&request).result else {
            panic!("Encrypt failed")
        };
        ratio(
            &format!("{name}, Encrypt of 32 bytes against derive and seal, {memory}"),
            || drop(black_box(raw_seal(backend.as_ref()))),
            || drop(black_box(host.run(&request))),
        );
        let request: Request = decrypt::Request::new(made.ciphertext_blob).into();
        assert!(host.run(&request).result.is_ok());
        ratio(
            &format!("{name}, Decrypt of 32 bytes against derive and open, {memory}"),
            || drop(black_box(raw_open(backend.as_ref(), &sealed))),
            || drop(black_box(host.run(&request))),
        );
    }
}

fn parts(backend: &dyn CryptoBackend) -> (SecretKey, Vec<u8>) {
    let key = backend.derive_key(&SecretKey::new([1; 32]), KDF_LABEL, black_box(&[2; 16]));
    let (id, material) = (KeyId::single_region([3; 16]), MaterialId([4; 32]));
    (key, aad(id, material, &EncryptionContext::default()))
}

fn raw_seal(backend: &dyn CryptoBackend) -> Vec<u8> {
    let (key, aad) = parts(backend);
    let mut out = Vec::with_capacity(48);
    backend.seal(&key, &[5; 12], &aad, black_box(&MESSAGE), &mut out);
    out
}

fn raw_open(backend: &dyn CryptoBackend, sealed: &[u8]) -> SecretBytes {
    let (key, aad) = parts(backend);
    backend.open(&key, &[5; 12], &aad, black_box(sealed)).expect("what was sealed")
}

fn signer(backend: &Arc<dyn CryptoBackend>, spec: KeySpec, algorithm: SigningAlgorithm) {
    for (memory, cached_keys) in MEMORIES {
        let mut host = Host::with_cache(backend, cached_keys);
        let material = backend.generate(spec, &mut host.random).expect("a key");
        let bare = backend.load(spec, &material).expect("its own key");
        let message = Message { bytes: &MESSAGE, kind: MessageType::Raw };
        let mut random = host.random.clone();
        let key = host.create_key(&create_key::Request::of(spec, KeyUsage::SignVerify));
        let request: Request = sign::Request::new(key, MESSAGE, algorithm).into();
        assert!(host.run(&request).result.is_ok());
        ratio(
            &format!("{}, Sign with {spec} against a bare signature, {memory}", backend.name()),
            || drop(black_box(bare.sign(algorithm, black_box(message), &mut random))),
            || drop(black_box(host.run(&request))),
        );
    }
}
