//! What keys of every kind sign, verify, encrypt and decrypt, by each of their algorithms.

use crate::world::{ask, one_of_each, opened, opening, sealed, signature};
use kms_core::ErrorCode;
use kms_core::ciphertext::EncryptionContext;
use kms_core::key::{KeySpec, KeyUsage};
use kms_core::local::Local;
use kms_core::name::KeyArn;
use kms_core::ops::{Response, decrypt, encrypt, re_encrypt, sign, verify};
use kms_core::wire::{
    CiphertextBlob, EncryptionAlgorithm, MessageType, SignatureBlob, SigningAlgorithm,
};
use std::collections::BTreeMap;

#[test]
fn every_signature_verifies_as_what_it_is_and_as_nothing_else() {
    let (mut local, keys) = one_of_each();
    for (spec, _, key) in keys.into_iter().filter(|(_, usage, _)| *usage == KeyUsage::SignVerify) {
        for algorithm in spec.signing_algorithms() {
            for (kind, length) in algorithm.message_forms() {
                let message = vec![7; length.unwrap_or(4096)];
                check_signature(&mut local, key, *algorithm, *kind, &message);
            }
        }
        for algorithm in SigningAlgorithm::ALL {
            if !spec.signing_algorithms().contains(algorithm) {
                let request = sign::Request::new(key, *b"message", *algorithm);
                let expected = ErrorCode::InvalidKeyUsage
                    .says(format!("Algorithm {algorithm} is incompatible with key spec {spec}."));
                assert_eq!(ask(&mut local, key, request), Err(expected));
            }
        }
    }
}

fn check_signature(
    local: &mut Local,
    key: KeyArn,
    algorithm: SigningAlgorithm,
    kind: MessageType,
    message: &[u8],
) {
    let request =
        sign::Request { message_type: Some(kind), ..sign::Request::new(key, message, algorithm) };
    let signature = signature(local, request, key);
    let verifying = |message: &[u8], signature: &[u8]| verify::Request {
        message_type: Some(kind),
        ..verify::Request::new(key, message, algorithm, SignatureBlob(signature.into()))
    };
    let good = ask(local, key, verifying(message, &signature.0));
    good.unwrap_or_else(|error| panic!("{algorithm} {kind}: {error}"));
    let mut other = message.to_vec();
    other[0] ^= 1;
    let mut damaged = signature.0.to_vec();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    for bad in [verifying(&other, &signature.0), verifying(message, &damaged)] {
        let error = ask(local, key, bad).expect_err("a refusal");
        assert_eq!(error, ErrorCode::KmsInvalidSignature.silent(), "{algorithm} {kind}");
    }
}

#[test]
fn every_plaintext_that_fits_comes_back_and_one_byte_more_does_not_fit() {
    let (mut local, keys) = one_of_each();
    let encrypts = |(spec, usage, _): &(KeySpec, KeyUsage, KeyArn)| {
        *usage == KeyUsage::EncryptDecrypt && spec.is_asymmetric()
    };
    for (spec, _, key) in keys.into_iter().filter(encrypts) {
        for algorithm in spec.encryption_algorithms() {
            let longest = spec.longest_plaintext(*algorithm);
            for length in [1, longest] {
                let plaintext = vec![7; length];
                let blob = sealed(&mut local, key, &plaintext, *algorithm);
                let opened = opened(&mut local, key, blob, *algorithm).unwrap();
                assert_eq!(opened.0.as_bytes(), plaintext, "{spec} {algorithm}");
            }
            let request = encrypt::Request {
                encryption_algorithm: Some(*algorithm),
                ..encrypt::Request::new(key, vec![7; longest + 1])
            };
            let expected = ErrorCode::Validation.says(format!(
                "Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than \
                 {longest} bytes."
            ));
            assert_eq!(ask(&mut local, key, request), Err(expected));
        }
        let unsaid = encrypt::Request::new(key, *b"secret");
        let expected = ErrorCode::InvalidKeyUsage
            .says(format!("Algorithm SYMMETRIC_DEFAULT is incompatible with key spec {spec}."));
        assert_eq!(ask(&mut local, key, unsaid), Err(expected));
    }
}

#[test]
fn an_asymmetric_ciphertext_needs_its_key_its_algorithm_and_no_context() {
    let mut local = Local::single_region();
    let [key, other] =
        [(); 2].map(|()| local.create_key_of(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt));
    let (sha_1, sha_256) =
        (EncryptionAlgorithm::RsaesOaepSha1, EncryptionAlgorithm::RsaesOaepSha256);
    let blob = sealed(&mut local, key, b"secret", sha_256);
    let refused = |local: &mut Local, request: decrypt::Request| {
        local.call(request).expect_err("a refusal").code
    };
    let good = opening(key, blob.clone(), sha_256);
    let unnamed = decrypt::Request { key_id: None, ..good.clone() };
    assert_eq!(refused(&mut local, unnamed), ErrorCode::Validation);
    let context = EncryptionContext::new(BTreeMap::from([("a".into(), "b".into())]));
    let bound = decrypt::Request { encryption_context: context.clone(), ..good.clone() };
    assert_eq!(refused(&mut local, bound), ErrorCode::Validation);
    let unsaid = decrypt::Request { encryption_algorithm: None, ..good.clone() };
    assert_eq!(refused(&mut local, unsaid), ErrorCode::InvalidKeyUsage);
    for wrong in [opening(other, blob.clone(), sha_256), opening(key, blob.clone(), sha_1)] {
        assert_eq!(refused(&mut local, wrong), ErrorCode::InvalidCiphertext);
    }
    let short = opening(key, CiphertextBlob(blob.0[1..].into()), sha_256);
    assert_eq!(refused(&mut local, short), ErrorCode::InvalidCiphertext);
    let Ok(Response::Decrypt(opened)) = local.call(good) else { panic!() };
    assert_eq!((opened.key_id, opened.key_material_id), (key, None));
    let request = encrypt::Request {
        encryption_algorithm: Some(sha_256),
        encryption_context: context,
        ..encrypt::Request::new(key, *b"secret")
    };
    assert_eq!(local.call(request).unwrap_err().code, ErrorCode::Validation);
}

#[test]
fn a_ciphertext_goes_from_any_kind_of_key_to_any_other() {
    let mut local = Local::single_region();
    let symmetric = (local.create_key(), EncryptionAlgorithm::SymmetricDefault);
    let rsa = local.create_key_of(KeySpec::Rsa2048, KeyUsage::EncryptDecrypt);
    let rsa = (rsa, EncryptionAlgorithm::RsaesOaepSha256);
    for (from, to) in [(symmetric, rsa), (rsa, symmetric), (rsa, rsa)] {
        let blob = sealed(&mut local, from.0, b"secret", from.1);
        let request = re_encrypt::Request {
            source_key_id: Some(from.0.into()),
            source_encryption_algorithm: Some(from.1),
            destination_encryption_algorithm: Some(to.1),
            ..re_encrypt::Request::new(blob, to.0)
        };
        let Ok(Response::ReEncrypt(moved)) = local.call(request) else { panic!() };
        let of_symmetric = |algorithm| algorithm == EncryptionAlgorithm::SymmetricDefault;
        assert_eq!(moved.source_key_material_id.is_some(), of_symmetric(from.1));
        assert_eq!(moved.destination_key_material_id.is_some(), of_symmetric(to.1));
        let plaintext = opened(&mut local, to.0, moved.ciphertext_blob, to.1).unwrap();
        assert_eq!(plaintext.0.as_bytes(), b"secret");
    }
    let blob = sealed(&mut local, symmetric.0, &[7; 191], symmetric.1);
    let too_long = re_encrypt::Request {
        destination_encryption_algorithm: Some(rsa.1),
        ..re_encrypt::Request::new(blob, rsa.0)
    };
    assert_eq!(local.call(too_long).unwrap_err().code, ErrorCode::Validation);
}
