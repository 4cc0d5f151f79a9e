//! GetPublicKey: the public half of an asymmetric key, for use outside of KMS.
//!
//! It is in the key's record, so that no HSM is asked, and a disabled key gives it too: whoever holds
//! a public key can use it for ever.

use super::Info;
use super::usage::Algorithms;
use crate::error::{Error, ErrorCode, Result};
use crate::key::{Key, KeySpec, KeyUsage};
use crate::kms::Checks;
use crate::name::KeyArn;
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{
    EncapsulationAlgorithm, EncryptionAlgorithm, GrantTokens, KeyAgreementAlgorithm, KeyRef,
    PublicKeyBlob, SigningAlgorithm,
};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::Disabled,
        ErrorCode::KeyUnavailable,
        ErrorCode::DependencyTimeout,
        ErrorCode::UnsupportedOperation,
        ErrorCode::InvalidArn,
        ErrorCode::InvalidGrantToken,
        ErrorCode::InvalidKeyUsage,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
    ],
};

crate::shape! {
    /// Which key.
    pub struct Request {
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
    }
}

crate::shape! {
    /// The public key, and what it may be used for.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// The public key, SubjectPublicKeyInfo in DER.
        public_key: PublicKeyBlob = "PublicKey",
        /// The old name of `KeySpec`.
        customer_master_key_spec: KeySpec = "CustomerMasterKeySpec",
        /// What kind of key it is.
        key_spec: KeySpec = "KeySpec",
        /// What it is for.
        key_usage: KeyUsage = "KeyUsage",
        /// What may be encrypted by.
        encryption_algorithms: Vec<EncryptionAlgorithm> = "EncryptionAlgorithms",
        /// What signatures may be made by.
        signing_algorithms: Vec<SigningAlgorithm> = "SigningAlgorithms",
        /// What a shared secret may be agreed on by.
        key_agreement_algorithms: Vec<KeyAgreementAlgorithm> = "KeyAgreementAlgorithms",
        /// What a shared secret may be encapsulated by.
        encapsulation_algorithms: Vec<EncapsulationAlgorithm> = "EncapsulationAlgorithms",
    }
}

impl Request {
    /// The public half of a key.
    pub fn new(key: impl Into<KeyRef>) -> Request {
        Request { key_id: key.into(), grant_tokens: GrantTokens::default() }
    }
}

fn unsupported(key: &Key) -> Error {
    ErrorCode::UnsupportedOperation
        .says(format!("{} has KeySpec {} and no public key.", key.arn, key.spec))
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::GetPublicKey);
    let key = checks.key(&request.key_id, context, &request.grant_tokens)?;
    if !key.spec.is_asymmetric() {
        return Err(unsupported(&key));
    }
    let public_key = key.public_key()?;
    let algorithms = Algorithms::of(&key);
    checks.pass(false)?.done(Response {
        key_id: key.arn,
        public_key: PublicKeyBlob(public_key.encoded().clone()),
        customer_master_key_spec: key.spec,
        key_spec: key.spec,
        key_usage: key.usage,
        encryption_algorithms: algorithms.encryption,
        signing_algorithms: algorithms.signing,
        key_agreement_algorithms: algorithms.key_agreement,
        encapsulation_algorithms: algorithms.encapsulation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;
    use crate::ops::{Response as Any, disable_key, schedule_key_deletion};

    fn public_key(local: &mut Local, key: KeyArn) -> Result<Response> {
        match local.call(Request::new(key))? {
            Any::GetPublicKey(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_the_algorithms_of_the_usage_are_shown() {
        let mut local = Local::single_region();
        let [encrypts, signs] = [KeyUsage::EncryptDecrypt, KeyUsage::SignVerify]
            .map(|usage| local.create_key_of(KeySpec::Rsa2048, usage));
        let encrypts = public_key(&mut local, encrypts).unwrap();
        assert_eq!(encrypts.encryption_algorithms.len(), 2);
        assert!(encrypts.signing_algorithms.is_empty());
        let signs = public_key(&mut local, signs).unwrap();
        assert!(signs.encryption_algorithms.is_empty());
        assert_eq!(signs.signing_algorithms.len(), 6);
        assert_ne!(encrypts.public_key, signs.public_key);
    }

    #[test]
    fn a_disabled_key_shows_it_and_a_dying_one_does_not() {
        let mut local = Local::single_region();
        let key = local.create_key_of(KeySpec::EccNistP256, KeyUsage::KeyAgreement);
        let before = public_key(&mut local, key).unwrap();
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        assert_eq!(public_key(&mut local, key).unwrap(), before);
        let request =
            schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
        local.call(request).unwrap();
        assert_eq!(public_key(&mut local, key).unwrap_err().code, ErrorCode::KmsInvalidState);
    }

    #[test]
    fn a_key_without_a_public_half_has_none_to_show() {
        let mut local = Local::single_region();
        let symmetric = local.create_key();
        let hmac = local.create_key_of(KeySpec::Hmac256, KeyUsage::GenerateVerifyMac);
        for key in [symmetric, hmac] {
            let error = public_key(&mut local, key).unwrap_err();
            assert_eq!(error, unsupported(&local.key(key)));
        }
    }
}
