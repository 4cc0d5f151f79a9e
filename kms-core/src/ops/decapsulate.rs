//! Decapsulate: the shared secret out of its encapsulation.
//!
//! An encapsulation of the right length that was tampered with, or made for another key, gives another
//! secret and no error (FIPS 203, implicit rejection).

use super::Info;
use super::encapsulate::encapsulation_key;
use crate::algorithm::EncapsulationAlgorithm;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::kms::{Checks, internal};
use crate::name::KeyArn;
use crate::policy::Action;
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
        ErrorCode::InvalidCiphertext,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// An encapsulation and the key it was made for.
    pub struct Request {
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// The encapsulation.
        shared_secret_ciphertext_blob: CiphertextBlob = "SharedSecretCiphertextBlob",
        /// How it was made.
        encapsulation_algorithm: EncapsulationAlgorithm = "EncapsulationAlgorithm",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// Say only whether it would succeed.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// The secret.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// The secret, 32 bytes.
        shared_secret: Plaintext = "SharedSecret",
        /// How it was encapsulated.
        encapsulation_algorithm: EncapsulationAlgorithm = "EncapsulationAlgorithm",
    }
}

impl Request {
    /// Opens an encapsulation.
    pub fn new(key: impl Into<KeyRef>, encapsulation: CiphertextBlob) -> Request {
        Request {
            key_id: key.into(),
            shared_secret_ciphertext_blob: encapsulation,
            encapsulation_algorithm: EncapsulationAlgorithm::MlKem,
            grant_tokens: GrantTokens::default(),
            dry_run: false,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let algorithm = request.encapsulation_algorithm;
    let named = (&request.key_id, &request.grant_tokens);
    let key = encapsulation_key(&mut checks, Action::Decapsulate, named, algorithm)?;
    let ciphertext = request.shared_secret_ciphertext_blob.0.clone();
    let command = Command::Decapsulate { with: key.current()?, ciphertext };
    let effects = checks.pass_to_judge(request.dry_run);
    effects.ask_hsm(command, move |reply, effects| match reply {
        Reply::SharedSecret { secret } => effects.done(Response {
            key_id: key.arn,
            shared_secret: Plaintext(secret),
            encapsulation_algorithm: algorithm,
        }),
        _ => Err(internal()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeySpec, KeyUsage};
    use crate::local::Local;
    use crate::ops::{Response as Any, encapsulate};

    fn open(local: &mut Local, key: KeyArn, bytes: &[u8]) -> Result<Plaintext> {
        match local.call(Request::new(key, CiphertextBlob(bytes.into())))? {
            Any::Decapsulate(response) => Ok(response.shared_secret),
            other => panic!("{other:?}"),
        }
    }

    fn encapsulated(spec: KeySpec) -> (Local, KeyArn, encapsulate::Response) {
        let mut local = Local::single_region();
        let key = local.create_key_of(spec, KeyUsage::EncapsulateDecapsulate);
        match local.call(encapsulate::Request::new(key)) {
            Ok(Any::Encapsulate(response)) => (local, key, response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_secret_comes_back() {
        for spec in [KeySpec::MlKem512, KeySpec::MlKem768, KeySpec::MlKem1024] {
            let (mut local, key, made) = encapsulated(spec);
            let blob = &made.shared_secret_ciphertext_blob.0;
            assert_eq!(open(&mut local, key, blob), Ok(made.shared_secret));
        }
    }

    #[test]
    fn what_was_tampered_with_gives_another_secret_and_always_the_same_one() {
        let (mut local, key, made) = encapsulated(KeySpec::MlKem768);
        let other = local.create_key_of(KeySpec::MlKem768, KeyUsage::EncapsulateDecapsulate);
        let mut blob = made.shared_secret_ciphertext_blob.0.to_vec();
        let elsewhere = open(&mut local, other, &blob).unwrap();
        assert_ne!(elsewhere, made.shared_secret);
        blob[100] ^= 1;
        let rejected = open(&mut local, key, &blob).unwrap();
        assert_eq!(rejected.0.len(), 32);
        assert_ne!(rejected, made.shared_secret);
        assert_eq!(open(&mut local, key, &blob), Ok(rejected));
    }

    #[test]
    fn another_length_is_no_encapsulation() {
        let (mut local, key, made) = encapsulated(KeySpec::MlKem512);
        let blob = made.shared_secret_ciphertext_blob.0;
        for wrong in [blob[1..].to_vec(), [&blob[..], &[0]].concat(), vec![0; 1088], vec![0]] {
            let request = Request::new(key, CiphertextBlob(wrong.into()));
            let dry = Request { dry_run: true, ..request.clone() };
            for request in [request, dry] {
                let error = local.call(request).unwrap_err();
                assert_eq!(error, ErrorCode::InvalidCiphertext.silent());
            }
        }
        let dry = Request { dry_run: true, ..Request::new(key, CiphertextBlob(blob)) };
        assert_eq!(local.call(dry).unwrap_err().code, ErrorCode::DryRunOperation);
    }
}
