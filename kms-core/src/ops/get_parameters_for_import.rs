//! GetParametersForImport: a public key to wrap key material with, and the token that belongs to it.

use super::Info;
use crate::algorithm::{WrappingAlgorithm, WrappingKeySpec};
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, ImportTerms, Reply};
use crate::imported::{TOKEN_LIFE, Wrapping, can_wrap};
use crate::key::Key;
use crate::kms::{Checks, internal};
use crate::name::{KeyArn, Partition};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{ImportTokenBlob, KeyRef, WrappingPublicKey};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::InvalidArn,
        ErrorCode::UnsupportedOperation,
        ErrorCode::DependencyTimeout,
        ErrorCode::NotFound,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
    ],
};

crate::shape! {
    /// For which key, and how the material will be wrapped.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// How the material will be wrapped.
        wrapping_algorithm: WrappingAlgorithm = "WrappingAlgorithm",
        /// With what kind of key.
        wrapping_key_spec: WrappingKeySpec = "WrappingKeySpec",
    }
}

crate::shape! {
    /// What an import takes.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// The token, to be sent back with the material.
        import_token: ImportTokenBlob = "ImportToken",
        /// The wrapping key.
        public_key: WrappingPublicKey = "PublicKey",
        /// When both are of no use any more: a day from now.
        parameters_valid_to: Timestamp = "ParametersValidTo",
    }
}

impl Request {
    /// The usual way to wrap symmetric material.
    pub fn new(key: impl Into<KeyRef>) -> Request {
        Request {
            key_id: key.into(),
            wrapping_algorithm: WrappingAlgorithm::RsaesOaepSha256,
            wrapping_key_spec: WrappingKeySpec::Rsa2048,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let wrapping =
        Wrapping { key: request.wrapping_key_spec, algorithm: request.wrapping_algorithm };
    let mut context = checks.context(Action::GetParametersForImport);
    context.wrapping_algorithm = Some(wrapping.algorithm.as_str());
    context.wrapping_key_spec = Some(wrapping.key.as_str());
    let key = checks.key_by_name(&request.key_id, context)?;
    check_wrapping(&key, wrapping)?;
    let valid_to = checks.call().now.after(TOKEN_LIFE);
    let terms = ImportTerms { key: key.id(), wrapping, valid_to };
    let arn = key.arn;
    checks.pass(false)?.ask_hsm(Command::GenerateWrappingKey { terms }, move |reply, effects| {
        let Reply::ImportParameters { public_key, token } = reply else { return Err(internal()) };
        effects.done(Response {
            key_id: arn,
            import_token: ImportTokenBlob(token),
            public_key: WrappingPublicKey(public_key),
            parameters_valid_to: valid_to,
        })
    })
}

/// The exception is the one for a parameter that is not supported; which one AWS throws for a pair of
/// spec and algorithm that does not fit, it does not say.
fn check_wrapping(key: &Key, wrapping: Wrapping) -> Result<()> {
    let china = key.arn.region.partition() == Partition::China;
    let sm2 = wrapping.key == WrappingKeySpec::Sm2;
    match can_wrap(key.spec, wrapping) && (china || !sm2) {
        true => Ok(()),
        false => Err(ErrorCode::UnsupportedOperation.says(format!(
            "WrappingAlgorithm {} and WrappingKeySpec {} are not supported for key material of KeySpec {}.",
            wrapping.algorithm, wrapping.key, key.spec
        ))),
    }
}
