//! What a key is for, and by which algorithms: the checks that every cryptographic operation makes.

use crate::algorithm::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, MacAlgorithm,
    SigningAlgorithm,
};
use crate::ciphertext::EncryptionContext;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::Sealing;
use crate::key::{Key, KeySpec, KeyUsage};
use crate::kms::UsableKey;
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
        false => Err(unsupported()),
    }
}

fn unsupported() -> Error {
    ErrorCode::UnsupportedOperation.silent()
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
