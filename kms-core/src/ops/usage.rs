//! What a key is for, and by which algorithms: the checks that every cryptographic operation makes.

use crate::algorithm::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, MacAlgorithm,
    SigningAlgorithm,
};
use crate::ciphertext::EncryptionContext;
use crate::error::{ErrorCode, Result};
use crate::hsm::Sealing;
use crate::key::{Key, KeySpec, KeyUsage};
use crate::kms::{Checks, UsableKey};
use std::fmt;

/// Whether a key is for this, and may do it by this algorithm.
pub(super) fn check<A: Copy + PartialEq + fmt::Display>(
    key: &Key,
    usage: KeyUsage,
    (algorithm, allowed): (A, &[A]),
    operation: &str,
) -> Result<()> {
    if key.usage != usage {
        return Err(ErrorCode::InvalidKeyUsage.says(format!(
            "{} key usage is {} which is not valid for {operation}.",
            key.arn, key.usage
        )));
    }
    match allowed.contains(&algorithm) {
        true => Ok(()),
        false => Err(ErrorCode::InvalidKeyUsage
            .says(format!("Algorithm {algorithm} is incompatible with key spec {}.", key.spec))),
    }
}

/// Whether a key may encrypt and decrypt, and by this algorithm.
pub(super) fn check_encryption(
    key: &Key,
    algorithm: EncryptionAlgorithm,
    operation: &str,
) -> Result<()> {
    let allowed = key.spec.encryption_algorithms();
    check(key, KeyUsage::EncryptDecrypt, (algorithm, allowed), operation)
}

/// How a key that may encrypt seals a plaintext of that length.
pub(super) fn sealing(
    key: &UsableKey,
    algorithm: EncryptionAlgorithm,
    context: &EncryptionContext,
) -> Result<Sealing> {
    check_context(key, context)?;
    match key.spec {
        KeySpec::SymmetricDefault => {
            Ok(Sealing::Symmetric { with: key.current()?, context: context.clone() })
        }
        _ => Ok(Sealing::Public { key: key.public_key()?, algorithm }),
    }
}

/// Only symmetric ciphertexts are bound to an encryption context.
pub(super) fn check_context(key: &Key, context: &EncryptionContext) -> Result<()> {
    match key.spec == KeySpec::SymmetricDefault || context.is_empty() {
        true => Ok(()),
        false => Err(ErrorCode::Validation
            .says(format!("EncryptionContext is not supported with key spec {}.", key.spec))),
    }
}

/// An encryption context has a limited size. `member` is what the request calls it.
pub(super) fn check_context_size(
    checks: &Checks<'_, '_>,
    member: &str,
    context: &EncryptionContext,
) -> Result<()> {
    let most = checks.settings().limits.encryption_context_bytes;
    match context.size() <= most {
        true => Ok(()),
        false => Err(ErrorCode::Validation.says(format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member \
             must have keys and values of at most {most} bytes together"
        ))),
    }
}

/// The plaintext is too long for an algorithm of a key.
pub(super) fn check_length(key: &Key, algorithm: EncryptionAlgorithm, length: usize) -> Result<()> {
    let longest = key.spec.longest_plaintext(algorithm);
    match length <= longest {
        true => Ok(()),
        false => Err(ErrorCode::Validation.says(format!(
            "Algorithm {algorithm} and key spec {} cannot encrypt data larger than {longest} bytes.",
            key.spec
        ))),
    }
}

/// A kind of key that this Region does not make.
pub(super) fn check_available(spec: KeySpec, region: crate::name::RegionName) -> Result<()> {
    match spec.is_available_in(region) {
        true => Ok(()),
        false => Err(ErrorCode::UnsupportedOperation
            .says(format!("Key spec {spec} is not supported in {region}."))),
    }
}

/// What a key can do, as callers are told: empty but for what the key is for.
pub(super) struct Algorithms {
    pub(super) encryption: Vec<EncryptionAlgorithm>,
    pub(super) signing: Vec<SigningAlgorithm>,
    pub(super) mac: Vec<MacAlgorithm>,
    pub(super) key_agreement: Vec<KeyAgreementAlgorithm>,
    pub(super) encapsulation: Vec<EncapsulationAlgorithm>,
}

impl Algorithms {
    /// Those of a key.
    pub(super) fn of(key: &Key) -> Algorithms {
        let Key { spec, usage, .. } = *key;
        Algorithms {
            encryption: when(usage == KeyUsage::EncryptDecrypt, spec.encryption_algorithms()),
            signing: when(usage == KeyUsage::SignVerify, spec.signing_algorithms()),
            mac: spec.mac_algorithm().into_iter().collect(),
            key_agreement: when(usage == KeyUsage::KeyAgreement, spec.key_agreement_algorithms()),
            encapsulation: spec.encapsulation_algorithms().to_vec(),
        }
    }
}

fn when<A: Copy>(used: bool, algorithms: &[A]) -> Vec<A> {
    if used { algorithms.to_vec() } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::name::KeyArn;
    use crate::ops::{
        Request, Response, decrypt, encrypt, generate_data_key, generate_data_key_pair,
        generate_data_key_pair_without_plaintext, generate_data_key_without_plaintext, re_encrypt,
    };
    use crate::wire::{CiphertextBlob, DataKeyPairSpec};
    use std::collections::BTreeMap;

    /// A context of that many bytes, in fewer characters.
    fn context(bytes: usize) -> EncryptionContext {
        let (one, other) = ("ä".repeat(bytes / 4), "b".repeat(bytes - bytes / 4 * 2 - 2));
        EncryptionContext::new(BTreeMap::from([("1".into(), one), ("2".into(), other)]))
    }

    fn sealed(
        local: &mut Local,
        key: KeyArn,
        encryption_context: EncryptionContext,
    ) -> CiphertextBlob {
        let request = encrypt::Request { encryption_context, ..encrypt::Request::new(key, *b"x") };
        match local.call(request).unwrap() {
            Response::Encrypt(response) => response.ciphertext_blob,
            other => panic!("{other:?}"),
        }
    }

    /// Every operation that takes a context, with this one, and the member that it is.
    fn requests(
        key: KeyArn,
        (unbound, bound): (CiphertextBlob, CiphertextBlob),
        context: &EncryptionContext,
    ) -> Vec<(&'static str, Request)> {
        let encryption_context = context.clone();
        let one = "encryptionContext";
        let pair = DataKeyPairSpec::EccNistP256;
        let opened = decrypt::Request::new(bound.clone());
        let to_it = re_encrypt::Request::new(unbound, key);
        let from_it = re_encrypt::Request::new(bound, key);
        let data_key = generate_data_key::Request::new(key);
        let sealed_key = generate_data_key_without_plaintext::Request::new(key);
        let pairs = generate_data_key_pair::Request::new(key, pair);
        let sealed_pair = generate_data_key_pair_without_plaintext::Request::new(key, pair);
        let sealed = encrypt::Request::new(key, *b"x");
        vec![
            (one, encrypt::Request { encryption_context, ..sealed }.into()),
            (one, decrypt::Request { encryption_context: context.clone(), ..opened }.into()),
            (
                "sourceEncryptionContext",
                re_encrypt::Request { source_encryption_context: context.clone(), ..from_it }
                    .into(),
            ),
            (
                "destinationEncryptionContext",
                re_encrypt::Request { destination_encryption_context: context.clone(), ..to_it }
                    .into(),
            ),
            (
                one,
                generate_data_key::Request { encryption_context: context.clone(), ..data_key }
                    .into(),
            ),
            (
                one,
                generate_data_key_without_plaintext::Request {
                    encryption_context: context.clone(),
                    ..sealed_key
                }
                .into(),
            ),
            (
                one,
                generate_data_key_pair::Request { encryption_context: context.clone(), ..pairs }
                    .into(),
            ),
            (
                one,
                generate_data_key_pair_without_plaintext::Request {
                    encryption_context: context.clone(),
                    ..sealed_pair
                }
                .into(),
            ),
        ]
    }

    #[test]
    fn a_context_has_8192_bytes_at_most() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let (fits, too_large) = (context(8_192), context(8_193));
        assert_eq!((fits.size(), too_large.size()), (8_192, 8_193));
        let unbound = sealed(&mut local, key, EncryptionContext::default());
        let bound = sealed(&mut local, key, fits.clone());
        let blobs = (unbound, bound);
        for (_, request) in requests(key, blobs.clone(), &fits) {
            let operation = request.operation();
            local.call(request).unwrap_or_else(|error| panic!("{operation}: {error}"));
        }
        for (member, request) in requests(key, blobs, &too_large) {
            let operation = request.operation();
            let error = local.call(request).unwrap_err();
            let expected = format!(
                "1 validation error detected: Value at '{member}' failed to satisfy constraint: \
                 Member must have keys and values of at most 8192 bytes together"
            );
            assert_eq!(error, ErrorCode::Validation.says(expected), "{operation}");
        }
    }

    #[test]
    fn how_large_a_context_may_be_is_a_setting() {
        let mut local = Local::single_region();
        let key = local.create_key();
        local.settings_mut().limits.encryption_context_bytes = 10;
        let request = |bytes| encrypt::Request {
            encryption_context: context(bytes),
            ..encrypt::Request::new(key, *b"x")
        };
        local.call(request(10)).unwrap();
        assert_eq!(local.call(request(11)).unwrap_err().code, ErrorCode::Validation);
    }
}
