//! Encapsulate: a fresh shared secret, and its encapsulation for an ML-KEM key.

use super::{Info, usage};
use crate::algorithm::EncapsulationAlgorithm;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::key::KeyUsage;
use crate::kms::{Checks, UsableKey, internal};
use crate::name::KeyArn;
use crate::policy::{Action, RequestContext};
use crate::step::Next;
use crate::wire::{CiphertextBlob, GrantTokens, KeyRef, Plaintext};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::Disabled,
        ErrorCode::KeyUnavailable,
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidGrantToken,
        ErrorCode::InvalidKeyUsage,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// Whom the secret is to be shared with.
    pub struct Request {
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// How.
        encapsulation_algorithm: EncapsulationAlgorithm = "EncapsulationAlgorithm",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// Only check.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// The secret, twice.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// The secret, 32 bytes.
        shared_secret: Plaintext = "SharedSecret",
        /// Its encapsulation: 768, 1088 or 1568 bytes, by the parameter set.
        shared_secret_ciphertext_blob: CiphertextBlob = "SharedSecretCiphertextBlob",
        /// How.
        encapsulation_algorithm: EncapsulationAlgorithm = "EncapsulationAlgorithm",
    }
}

impl Request {
    /// A secret for the holder of a key.
    pub fn new(key: impl Into<KeyRef>) -> Request {
        Request {
            key_id: key.into(),
            encapsulation_algorithm: EncapsulationAlgorithm::MlKem,
            grant_tokens: GrantTokens::default(),
            dry_run: false,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let algorithm = request.encapsulation_algorithm;
    let named = (&request.key_id, &request.grant_tokens);
    let key = encapsulation_key(&mut checks, Action::Encapsulate, named, algorithm)?;
    let command = Command::Encapsulate { key: key.public_key()? };
    let effects = checks.pass(request.dry_run)?;
    effects.ask_hsm(command, move |reply, effects| match reply {
        Reply::Encapsulated { secret, ciphertext } => effects.done(Response {
            key_id: key.arn,
            shared_secret: Plaintext(secret),
            shared_secret_ciphertext_blob: CiphertextBlob(ciphertext),
            encapsulation_algorithm: algorithm,
        }),
        _ => Err(internal()),
    })
}

/// The key of Encapsulate and Decapsulate, once it is found usable. No condition key tells the
/// algorithm.
pub(super) fn encapsulation_key(
    checks: &mut Checks<'_, '_>,
    action: Action,
    (key_id, tokens): (&KeyRef, &GrantTokens),
    algorithm: EncapsulationAlgorithm,
) -> Result<UsableKey> {
    let context = RequestContext::new(checks.call(), action);
    let key = checks.key(key_id, context, tokens)?;
    let allowed = (algorithm, key.spec.encapsulation_algorithms());
    usage::check(&key, KeyUsage::EncapsulateDecapsulate, allowed, action.name())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeySpec;
    use crate::local::Local;
    use crate::ops::Response as Any;

    #[test]
    fn every_secret_is_fresh_and_its_encapsulation_has_the_length_of_the_parameter_set() {
        let mut local = Local::single_region();
        for (spec, length) in
            [(KeySpec::MlKem512, 768), (KeySpec::MlKem768, 1088), (KeySpec::MlKem1024, 1568)]
        {
            let key = local.create_key_of(spec, KeyUsage::EncapsulateDecapsulate);
            let mut made = || match local.call(Request::new(key)) {
                Ok(Any::Encapsulate(response)) => response,
                other => panic!("{other:?}"),
            };
            let (one, two) = (made(), made());
            assert_eq!(one.key_id, key);
            assert_eq!(one.shared_secret.0.len(), 32);
            assert_eq!(one.shared_secret_ciphertext_blob.0.len(), length);
            assert_ne!(one.shared_secret, two.shared_secret);
            assert_ne!(one.shared_secret_ciphertext_blob, two.shared_secret_ciphertext_blob);
        }
    }

    #[test]
    fn other_keys_and_dry_runs_give_nothing() {
        let mut local = Local::single_region();
        let signs = local.create_key_of(KeySpec::MlDsa44, KeyUsage::SignVerify);
        let error = local.call(Request::new(signs)).unwrap_err();
        let expected = ErrorCode::InvalidKeyUsage
            .says(format!("{signs} key usage is SIGN_VERIFY which is not valid for Encapsulate."));
        assert_eq!(error, expected);
        let key = local.create_key_of(KeySpec::MlKem512, KeyUsage::EncapsulateDecapsulate);
        let error = local.call(Request { dry_run: true, ..Request::new(key) }).unwrap_err();
        assert_eq!(error.code, ErrorCode::DryRunOperation);
    }
}
