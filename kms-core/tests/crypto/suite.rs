//! One check an algorithm, over every backend that has it, crosswise: what one makes, all read, and
//! what was changed, none reads.

use super::support::{everything, material, public_key, random, supporting};
use kms_core::algorithm::{EncryptionAlgorithm, MacAlgorithm, MessageType, SigningAlgorithm};
use kms_core::crypto::{
    Algorithm, BACKENDS, CryptoBackend, CryptoFailure, Message, Production, RustCrypto, SecretBytes,
};
use kms_core::key::KeySpec;

/// The message of a kind that an algorithm takes.
fn message(algorithm: SigningAlgorithm, kind: MessageType) -> Vec<u8> {
    let form = algorithm.message_forms().iter().find(|(form, _)| *form == kind);
    vec![0x5a; form.and_then(|(_, length)| *length).unwrap_or(1000)]
}

fn check_signing(spec: KeySpec, algorithm: SigningAlgorithm, kind: MessageType) {
    let bytes = message(algorithm, kind);
    let given = Message { bytes: &bytes, kind };
    let public = public_key(spec);
    let asked = Algorithm::Signing(algorithm, kind);
    for signer in supporting(spec, asked) {
        let what = format!("{spec} {algorithm} {kind} signed by {}", signer.name());
        let key = signer.load(spec, &material(spec)).expect("canonical");
        assert_eq!(key.public_key(), public, "{what}");
        let signature = key.sign(algorithm, given, &mut random(1)).expect(&what);
        for verifier in supporting(spec, asked) {
            let what = format!("{what}, verified by {}", verifier.name());
            let verify = |message: &[u8], signature: &[u8]| {
                let message = Message { bytes: message, kind };
                verifier.verify(spec, &public, algorithm, message, signature)
            };
            assert_eq!(verify(&bytes, &signature), Ok(()), "{what}");
            let mut other = bytes.clone();
            other[0] ^= 1;
            assert_eq!(verify(&other, &signature), Err(CryptoFailure), "{what}: message");
            for at in [0, signature.len() / 2, signature.len() - 1] {
                let mut bad = signature.clone();
                bad[at] ^= 1;
                assert_eq!(verify(&bytes, &bad), Err(CryptoFailure), "{what}: byte {at}");
            }
            let longer = [&signature[..], &[0]].concat();
            assert_eq!(verify(&bytes, &longer), Err(CryptoFailure), "{what}: longer");
            let shorter = &signature[..signature.len() - 1];
            assert_eq!(verify(&bytes, shorter), Err(CryptoFailure), "{what}: shorter");
            assert_eq!(verify(&bytes, &[]), Err(CryptoFailure), "{what}: empty");
        }
    }
}

fn check_encryption(spec: KeySpec, algorithm: EncryptionAlgorithm) {
    if algorithm == EncryptionAlgorithm::SymmetricDefault {
        return;
    }
    let longest = spec.longest_plaintext(algorithm);
    let asked = Algorithm::Encryption(algorithm);
    let public = public_key(spec);
    for sender in supporting(spec, asked) {
        for length in [1, 32, longest] {
            let plaintext = vec![0xa5; length];
            let what = format!("{spec} {algorithm} {length} bytes by {}", sender.name());
            let encrypt = |plaintext: &[u8]| {
                sender.encrypt_for(spec, &public, algorithm, plaintext, &mut random(2))
            };
            let ciphertext = encrypt(&plaintext).expect(&what);
            for receiver in supporting(spec, asked) {
                let what = format!("{what}, read by {}", receiver.name());
                let key = receiver.load(spec, &material(spec)).expect("canonical");
                let read = key.decrypt(algorithm, &ciphertext).expect(&what);
                assert_eq!(read.as_bytes(), plaintext, "{what}");
                for at in [0, ciphertext.len() / 2, ciphertext.len() - 1] {
                    let mut bad = ciphertext.clone();
                    bad[at] ^= 1;
                    assert_eq!(key.decrypt(algorithm, &bad), Err(CryptoFailure), "{what}: {at}");
                }
                let shorter = &ciphertext[..ciphertext.len() - 1];
                assert_eq!(key.decrypt(algorithm, shorter), Err(CryptoFailure), "{what}");
                assert_eq!(key.decrypt(algorithm, &[]), Err(CryptoFailure), "{what}");
            }
        }
        let too_long = vec![0; longest + 1];
        let refused = sender.encrypt_for(spec, &public, algorithm, &too_long, &mut random(2));
        assert_eq!(refused, Err(CryptoFailure), "{spec} {algorithm} by {}", sender.name());
    }
}

fn check_agreement(spec: KeySpec) {
    let other = RustCrypto.generate(spec, &mut random(8)).expect("a key");
    let theirs = RustCrypto.load(spec, &other).expect("canonical");
    let expected = theirs.agree(&public_key(spec)).expect("a secret");
    let strangers =
        [KeySpec::EccNistP256, KeySpec::EccNistP384, KeySpec::EccSecgP256k1, KeySpec::Rsa2048];
    for backend in supporting(spec, Algorithm::KeyAgreement) {
        let own = backend.load(spec, &material(spec)).expect("canonical");
        assert_eq!(own.agree(theirs.public_key()).as_ref(), Ok(&expected), "{}", backend.name());
        for stranger in strangers.into_iter().filter(|stranger| *stranger != spec) {
            let refused = own.agree(&public_key(stranger));
            assert_eq!(refused, Err(CryptoFailure), "{spec} with {stranger}: {}", backend.name());
        }
    }
}

fn check_encapsulation(spec: KeySpec) {
    for sender in supporting(spec, Algorithm::Encapsulation) {
        let (ciphertext, secret) =
            sender.encapsulate(spec, &public_key(spec), &mut random(3)).expect("a secret");
        let mut altered = ciphertext.clone();
        altered[10] ^= 1;
        let mut rejected = Vec::new();
        for receiver in supporting(spec, Algorithm::Encapsulation) {
            let what = format!("{spec} from {} to {}", sender.name(), receiver.name());
            let key = receiver.load(spec, &material(spec)).expect("canonical");
            assert_eq!(key.decapsulate(&ciphertext).as_ref(), Ok(&secret), "{what}");
            rejected.push(key.decapsulate(&altered).expect(&what));
            for length in [0, ciphertext.len() - 1] {
                let cut = key.decapsulate(&ciphertext[..length]);
                assert_eq!(cut, Err(CryptoFailure), "{what}: {length} bytes");
            }
            let longer = key.decapsulate(&[&ciphertext[..], &[0]].concat());
            assert_eq!(longer, Err(CryptoFailure), "{what}: longer");
        }
        // Implicit rejection is another secret, the same one wherever it is computed.
        assert!(rejected.iter().all(|other| *other == rejected[0] && *other != secret), "{spec}");
    }
}

fn check_mac(spec: KeySpec, algorithm: MacAlgorithm) {
    let key = material(spec);
    let expected = RustCrypto.hmac(algorithm, &key, b"message");
    assert_eq!(Some(expected.len()), spec.secret_length(), "{spec}");
    for backend in supporting(spec, Algorithm::Mac(algorithm)) {
        assert_eq!(backend.hmac(algorithm, &key, b"message"), expected, "{}", backend.name());
        assert_ne!(backend.hmac(algorithm, &key, b"Message"), expected, "{}", backend.name());
    }
}

/// Every algorithm of every spec, each time on all backends that have it.
#[test]
fn every_algorithm_of_every_spec() {
    for (spec, algorithm) in everything() {
        assert!(supporting(spec, algorithm).next().is_some(), "{spec} {algorithm:?}: by nobody");
        match algorithm {
            Algorithm::Signing(algorithm, kind) => check_signing(spec, algorithm, kind),
            Algorithm::Encryption(algorithm) => check_encryption(spec, algorithm),
            Algorithm::KeyAgreement => check_agreement(spec),
            Algorithm::Encapsulation => check_encapsulation(spec),
            Algorithm::Mac(algorithm) => check_mac(spec, algorithm),
        }
    }
}

/// What a backend says it has not, it refuses to do.
#[test]
fn a_backend_refuses_what_it_has_not() {
    let mut refused = 0;
    for backend in BACKENDS {
        for (spec, algorithm) in everything() {
            let Algorithm::Signing(signing, kind) = algorithm else { continue };
            if backend.supports(spec, algorithm) {
                continue;
            }
            refused += 1;
            let bytes = message(signing, kind);
            let given = Message { bytes: &bytes, kind };
            let signature = backend
                .load(spec, &material(spec))
                .and_then(|key| key.sign(signing, given, &mut random(1)));
            assert_eq!(signature, Err(CryptoFailure), "{spec} {signing} by {}", backend.name());
            let signer = RustCrypto.load(spec, &material(spec)).expect("canonical");
            let good = signer.sign(signing, given, &mut random(1)).expect("a signature");
            let verified = backend.verify(spec, &public_key(spec), signing, given, &good);
            assert_eq!(verified, Err(CryptoFailure), "{spec} {signing} by {}", backend.name());
        }
    }
    assert!(refused > 0, "no backend lacks anything");
}

/// Keys of one backend are canonical, so that every other one reads them.
#[test]
fn keys_of_every_backend_are_read_by_all() {
    for backend in BACKENDS {
        for spec in KeySpec::ALL.iter().copied().filter(|spec| spec.is_asymmetric()) {
            let Ok(made) = backend.generate(spec, &mut random(9)) else { continue };
            let publics: Vec<_> = BACKENDS
                .iter()
                .filter_map(|reader| reader.load(spec, &made).ok())
                .map(|key| key.public_key().to_vec())
                .collect();
            assert!(!publics.is_empty(), "{spec} by {}", backend.name());
            assert!(publics.iter().all(|public| *public == publics[0]), "{spec}");
        }
    }
}

/// Production has everything, whichever library was chosen, and never RSA on the one library whose
/// time tells of the key.
#[test]
fn production_is_complete_and_keeps_rsa_off_rust_crypto() {
    assert!(!RustCrypto.constant_time(KeySpec::Rsa2048));
    for backend in BACKENDS {
        let production = Production::named(backend.name()).expect("a name of the table");
        for (spec, algorithm) in everything() {
            let library = production.library(spec, algorithm).expect("production has everything");
            assert!(library.constant_time(spec), "{spec} {algorithm:?}");
            let is_rsa = matches!(spec, KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096);
            assert!(!is_rsa || library.name() != RustCrypto.name(), "{spec} {algorithm:?}");
        }
    }
    assert!(Production::named("no such library").is_none());
}

/// A key of production does all algorithms of its spec, whichever library each of them is from.
#[test]
fn a_key_of_production_signs_by_every_algorithm() {
    let production = Production::default();
    for (spec, algorithm) in everything() {
        let Algorithm::Signing(signing, kind) = algorithm else { continue };
        let key = production.load(spec, &material(spec)).expect("canonical");
        let bytes = message(signing, kind);
        let given = Message { bytes: &bytes, kind };
        let signature = key.sign(signing, given, &mut random(4)).expect("a signature");
        let verified = production.verify(spec, &public_key(spec), signing, given, &signature);
        assert_eq!(verified, Ok(()), "{spec} {signing} {kind}");
    }
}

/// One block alone would be an empty key, and no length but that of AES-128 and AES-256 is a key.
#[test]
fn nothing_is_unwrapped_that_is_no_wrapped_key() {
    let empty = [0xa6, 0x59, 0x59, 0xa6, 0, 0, 0, 0];
    for backend in BACKENDS {
        for (key, wrapped) in [(32, &empty[..]), (32, &[]), (24, &[0; 16]), (0, &[0; 16])] {
            let key = SecretBytes::from(vec![1; key]);
            let refused = backend.unwrap_key(&key, wrapped);
            assert_eq!(refused, Err(CryptoFailure), "{}: {wrapped:?}", backend.name());
        }
    }
}
