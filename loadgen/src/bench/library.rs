//! The library alone: an algorithm of a backend with a parsed key.

use super::case::{Case, Deed};
use entropy::SecureRandom;
use kms_core::Random;
use kms_core::ciphertext::KDF_LABEL;
use kms_core::crypto::{
    Algorithm, CryptoBackend, CryptoFailure, Message, PrivateKey, Production, SecretBytes,
    SecretKey,
};
use kms_core::env::Site;
use kms_core::key::KeySpec;
use kms_core::local::SeededRandom;
use std::collections::BTreeMap;
use std::hint::black_box;

/// Something that can be done over and over; false when it failed.
pub(super) type Call = Box<dyn FnMut() -> bool>;

/// Keys, made once and the same for every backend.
#[derive(Default)]
pub(super) struct Keys(BTreeMap<KeySpec, SecretBytes>);

impl Keys {
    fn of(&mut self, spec: KeySpec) -> Result<SecretBytes, CryptoFailure> {
        if let Some(material) = self.0.get(&spec) {
            return Ok(material.clone());
        }
        let material = Production::default().generate(spec, &mut SeededRandom::new(7))?;
        self.0.insert(spec, material.clone());
        Ok(material)
    }
}

/// A case on a backend, ready to be timed; none when the backend cannot do it.
pub(super) fn call(
    case: &Case,
    backend: &'static dyn CryptoBackend,
    keys: &mut Keys,
) -> Option<Call> {
    let Some(spec) = case.spec else { return Some(random(case.bytes)) };
    let Some(algorithm) = case.algorithm else { return generate(spec, backend) };
    if spec == KeySpec::SymmetricDefault {
        return symmetric(case, backend, keys).ok();
    }
    if !backend.supports(spec, algorithm) {
        return None;
    }
    let material = keys.of(spec).ok()?;
    if let Algorithm::Mac(algorithm) = algorithm {
        let message = vec![5; case.bytes];
        return Some(Box::new(move || {
            !backend.hmac(algorithm, &material, black_box(&message)).is_empty()
        }));
    }
    let key = backend.load(spec, &material).ok()?;
    pair(case, (spec, algorithm), backend, key).ok()
}

fn random(bytes: usize) -> Call {
    let (mut source, mut into) = (SecureRandom::default(), vec![0; bytes]);
    Box::new(move || {
        source.fill(Site::CallerBytes, black_box(&mut into));
        true
    })
}

fn generate(spec: KeySpec, backend: &'static dyn CryptoBackend) -> Option<Call> {
    let mut source = SecureRandom::default();
    let mut call = move || black_box(backend.generate(spec, &mut source)).is_ok();
    call().then(|| Box::new(call) as Call)
}

/// What Encrypt and Decrypt ask of a library: a key for the message, and AES-256-GCM with it.
fn symmetric(
    case: &Case,
    backend: &'static dyn CryptoBackend,
    keys: &mut Keys,
) -> Result<Call, CryptoFailure> {
    let material = keys.of(KeySpec::SymmetricDefault)?;
    let key = SecretKey::from_slice(material.as_bytes()).ok_or(CryptoFailure)?;
    let (nonce, iv, aad, plaintext) = ([4; 16], [2; 12], [3; 64], vec![6; case.bytes]);
    let mut sealed = Vec::new();
    backend.seal(&backend.derive_key(&key, KDF_LABEL, &nonce), &iv, &aad, &plaintext, &mut sealed);
    if case.deed == Deed::Decrypt {
        return Ok(Box::new(move || {
            let derived = backend.derive_key(&key, KDF_LABEL, black_box(&nonce));
            black_box(backend.open(&derived, &iv, &aad, black_box(&sealed))).is_ok()
        }));
    }
    Ok(Box::new(move || {
        let derived = backend.derive_key(&key, KDF_LABEL, black_box(&nonce));
        let mut out = Vec::with_capacity(sealed.len());
        backend.seal(&derived, &iv, &aad, black_box(&plaintext), &mut out);
        !black_box(out).is_empty()
    }))
}

fn pair(
    case: &Case,
    (spec, algorithm): (KeySpec, Algorithm),
    backend: &'static dyn CryptoBackend,
    key: Box<dyn PrivateKey>,
) -> Result<Call, CryptoFailure> {
    let public = key.public_key().to_vec();
    let mut random = SecureRandom::default();
    Ok(match (algorithm, case.deed) {
        (Algorithm::Signing(algorithm, kind), deed) => {
            let form = algorithm.message_forms().iter().find(|form| form.0 == kind);
            let bytes = vec![5; form.and_then(|form| form.1).unwrap_or(case.bytes)];
            let message = Message { bytes: &bytes, kind };
            let signature = key.sign(algorithm, message, &mut random)?;
            match deed {
                Deed::Sign => Box::new(move || {
                    let message = Message { bytes: black_box(&bytes[..]), kind };
                    black_box(key.sign(algorithm, message, &mut random)).is_ok()
                }),
                _ => Box::new(move || {
                    let message = Message { bytes: black_box(&bytes[..]), kind };
                    backend.verify(spec, &public, algorithm, message, &signature).is_ok()
                }),
            }
        }
        (Algorithm::Encryption(algorithm), deed) => {
            let plaintext = vec![6; case.bytes];
            let sealed = backend.encrypt_for(spec, &public, algorithm, &plaintext, &mut random)?;
            match deed {
                Deed::Encrypt => Box::new(move || {
                    let plaintext = black_box(&plaintext[..]);
                    let made =
                        backend.encrypt_for(spec, &public, algorithm, plaintext, &mut random);
                    black_box(made).is_ok()
                }),
                _ => {
                    Box::new(move || black_box(key.decrypt(algorithm, black_box(&sealed))).is_ok())
                }
            }
        }
        (Algorithm::KeyAgreement, _) => {
            Box::new(move || black_box(key.agree(black_box(&public))).is_ok())
        }
        (Algorithm::Encapsulation, Deed::Encapsulate) => Box::new(move || {
            black_box(backend.encapsulate(spec, black_box(&public), &mut random)).is_ok()
        }),
        (Algorithm::Encapsulation, _) => {
            let (ciphertext, _) = backend.encapsulate(spec, &public, &mut random)?;
            Box::new(move || black_box(key.decapsulate(black_box(&ciphertext))).is_ok())
        }
        (Algorithm::Mac(_), _) => return Err(CryptoFailure),
    })
}
