//! Material of every kind of key and every way to wrap it, and material that is none.

use super::world::{FIRST, code};
use kms_core::ErrorCode;
use kms_core::algorithm::{WrappingAlgorithm, WrappingKeySpec};
use kms_core::crypto::{AwsLc, CryptoBackend, SecretBytes};
use kms_core::imported::{Wrapping, can_wrap};
use kms_core::key::KeySpec;
use kms_core::local::{Local, SeededRandom};

fn material(spec: KeySpec) -> SecretBytes {
    match spec.imported_length() {
        Some(lengths) => SecretBytes::from(vec![7; *lengths.start()]),
        None => AwsLc.generate(spec, &mut SeededRandom::new(5)).expect("a key pair"),
    }
}

fn wrappings() -> impl Iterator<Item = Wrapping> {
    WrappingKeySpec::ALL.iter().flat_map(|key| {
        WrappingAlgorithm::ALL.iter().map(|algorithm| Wrapping { key: *key, algorithm: *algorithm })
    })
}

#[test]
fn every_wrapping_that_is_offered_works_and_the_others_are_refused() {
    let mut local = Local::single_region();
    for spec in [KeySpec::SymmetricDefault, KeySpec::Rsa2048, KeySpec::EccNistP521] {
        let key = local.create_key_to_import(spec, spec.usages()[0]);
        let material = material(spec);
        for wrapping in wrappings().filter(|wrapping| wrapping.key != WrappingKeySpec::Rsa4096) {
            match (local.parameters_for(key, wrapping), can_wrap(spec, wrapping)) {
                (Ok(parameters), true) => {
                    let request = parameters.wrap(material.as_bytes());
                    local.import(key, request).unwrap_or_else(|e| panic!("{wrapping:?}: {e}"));
                }
                (refused, false) => {
                    assert_eq!(code(refused), ErrorCode::UnsupportedOperation, "{wrapping:?}");
                }
                (other, _) => panic!("{spec} {wrapping:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn key_pairs_keep_their_public_half() {
    let mut local = Local::single_region();
    let wrapping =
        Wrapping { key: WrappingKeySpec::Rsa2048, algorithm: WrappingAlgorithm::RsaAesKeyWrapSha1 };
    for spec in [
        KeySpec::Rsa3072,
        KeySpec::EccNistP256,
        KeySpec::EccNistP384,
        KeySpec::EccNistP521,
        KeySpec::EccSecgP256k1,
        KeySpec::EccNistEdwards25519,
    ] {
        let key = local.create_key_to_import(spec, spec.usages()[0]);
        let material = material(spec);
        let parameters = local.parameters_for(key, wrapping).unwrap();
        local.import(key, parameters.wrap(material.as_bytes())).unwrap();
        let pair = AwsLc.load(spec, &material).unwrap();
        let kept = local.key(key).materials[0].public_key.clone();
        assert_eq!(kept.as_deref(), Some(pair.public_key()), "{spec}");
    }
}

#[test]
fn bytes_have_the_length_of_their_kind() {
    let mut local = Local::single_region();
    for spec in [
        KeySpec::SymmetricDefault,
        KeySpec::Hmac224,
        KeySpec::Hmac256,
        KeySpec::Hmac384,
        KeySpec::Hmac512,
    ] {
        let lengths = spec.imported_length().unwrap();
        let key = local.create_key_to_import(spec, spec.usages()[0]);
        let parameters = local.parameters(key).unwrap();
        for wrong in [lengths.start() - 1, lengths.end() + 1] {
            let refused = local.import(key, parameters.wrap(&vec![7; wrong]));
            assert_eq!(code(refused), ErrorCode::IncorrectKeyMaterial, "{spec} {wrong}");
        }
        local.import(key, parameters.wrap(&vec![7; *lengths.start()])).unwrap();
        let other = local.create_key_to_import(spec, spec.usages()[0]);
        let parameters = local.parameters(other).unwrap();
        local.import(other, parameters.wrap(&vec![7; *lengths.end()])).unwrap();
    }
}

#[test]
fn a_private_key_is_one_of_the_spec_and_nothing_more() {
    let mut local = Local::single_region();
    let key = local.create_key_to_import(KeySpec::EccNistP256, KeySpec::EccNistP256.usages()[0]);
    let parameters = local.parameters(key).unwrap();
    let right = material(KeySpec::EccNistP256).as_bytes().to_vec();
    let trailing = [&right[..], &[0]].concat();
    let cut = right[..right.len() - 1].to_vec();
    let other = material(KeySpec::EccSecgP256k1).as_bytes().to_vec();
    for wrong in [trailing, cut, other, FIRST.to_vec()] {
        let refused = local.import(key, parameters.wrap(&wrong));
        assert_eq!(code(refused), ErrorCode::IncorrectKeyMaterial);
    }
    local.import(key, parameters.wrap(&right)).unwrap();
}
