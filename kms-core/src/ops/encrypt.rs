//! Encrypt: up to 4096 bytes under a symmetric KMS key, or fewer for the holder of an asymmetric one.

use super::passage::Sealer;
use super::{Info, usage};
use crate::ciphertext::EncryptionContext;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::name::KeyArn;
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{CiphertextBlob, EncryptionAlgorithm, GrantTokens, KeyRef, Plaintext};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::Disabled,
        ErrorCode::KeyUnavailable,
        ErrorCode::DependencyTimeout,
        ErrorCode::InvalidKeyUsage,
        ErrorCode::InvalidGrantToken,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// A plaintext and the key to encrypt it with.
    pub struct Request {
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// What to encrypt.
        plaintext: Plaintext = "Plaintext",
        /// What the ciphertext is bound to.
        encryption_context: EncryptionContext = "EncryptionContext",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// How; `SYMMETRIC_DEFAULT` unless said.
        encryption_algorithm: Option<EncryptionAlgorithm> = "EncryptionAlgorithm",
        /// Only check.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// The ciphertext.
    pub struct Response {
        /// The blob, which names its key.
        ciphertext_blob: CiphertextBlob = "CiphertextBlob",
        /// The key.
        key_id: KeyArn = "KeyId",
        /// How it was encrypted.
        encryption_algorithm: EncryptionAlgorithm = "EncryptionAlgorithm",
    }
}

impl Request {
    /// Encrypts `plaintext` with a key, bound to nothing.
    pub fn new(key: impl Into<KeyRef>, plaintext: impl Into<Vec<u8>>) -> Request {
        Request {
            key_id: key.into(),
            plaintext: Plaintext(plaintext.into().into()),
            encryption_context: EncryptionContext::default(),
            grant_tokens: GrantTokens::default(),
            encryption_algorithm: None,
            dry_run: false,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let algorithm = request.encryption_algorithm.unwrap_or(EncryptionAlgorithm::SymmetricDefault);
    usage::check_context_size(&checks, "encryptionContext", &request.encryption_context)?;
    let mut context = checks.context(Action::Encrypt);
    context.encryption_context = Some(request.encryption_context.pairs());
    context.encryption_algorithm = Some(algorithm.as_str());
    let key = checks.key(&request.key_id, context, &request.grant_tokens)?;
    usage::check_encryption(&key, algorithm, "Encrypt")?;
    usage::check_length(&key, algorithm, request.plaintext.0.len())?;
    let to = Sealer::of(&key, algorithm, &request.encryption_context, "Encrypt")?;
    let effects = checks.pass(request.dry_run)?;
    to.seal(effects, request.plaintext.0.clone(), move |blob, effects| {
        effects.done(Response {
            ciphertext_blob: CiphertextBlob(blob),
            key_id: key.arn,
            encryption_algorithm: algorithm,
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorCode;
    use crate::local::Local;
    use crate::ops::{Response, encrypt};

    #[test]
    fn a_ciphertext_names_its_key_and_differs_every_time() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let mut encrypt = || match local.call(encrypt::Request::new(key, *b"secret")).unwrap() {
            Response::Encrypt(response) => response,
            other => panic!("{other:?}"),
        };
        let (one, two) = (encrypt(), encrypt());
        assert_eq!(one.key_id, key);
        assert_ne!(one.ciphertext_blob, two.ciphertext_blob);
        assert_eq!(one.ciphertext_blob.0.len(), 6 + crate::ciphertext::OVERHEAD);
    }

    #[test]
    fn a_dry_run_never_succeeds() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let request = encrypt::Request { dry_run: true, ..encrypt::Request::new(key, *b"x") };
        assert_eq!(local.call(request).unwrap_err().code, ErrorCode::DryRunOperation);
    }
}
