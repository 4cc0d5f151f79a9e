//! Verify: whether a signature is of this message by this key.
//!
//! A signature that is not is an error and never an answer (AWS KMS API, Verify).

use super::Info;
use super::sign::Signing;
use crate::algorithm::{MessageType, SigningAlgorithm};
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::kms::{Checks, internal};
use crate::name::KeyArn;
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{GrantTokens, KeyRef, MessageBlob, SignatureBlob};

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
        ErrorCode::KmsInvalidSignature,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// A message, a signature and the key that should have made it.
    pub struct Request {
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// What was signed.
        message: MessageBlob = "Message",
        /// What the message is; `RAW` unless said.
        message_type: Option<MessageType> = "MessageType",
        /// The signature.
        signature: SignatureBlob = "Signature",
        /// How it was made.
        signing_algorithm: SigningAlgorithm = "SigningAlgorithm",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// Say only whether it would succeed.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// That the signature is genuine.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// Always true.
        signature_valid: bool = "SignatureValid",
        /// How the message was signed.
        signing_algorithm: SigningAlgorithm = "SigningAlgorithm",
    }
}

impl Request {
    /// Verifies a signature of a whole message.
    pub fn new(
        key: impl Into<KeyRef>,
        message: impl Into<Vec<u8>>,
        algorithm: SigningAlgorithm,
        signature: SignatureBlob,
    ) -> Request {
        Request {
            key_id: key.into(),
            message: MessageBlob(message.into().into()),
            message_type: None,
            signature,
            signing_algorithm: algorithm,
            grant_tokens: GrantTokens::default(),
            dry_run: false,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let signing = Signing {
        action: Action::Verify,
        key_id: &request.key_id,
        message: &request.message,
        kind: request.message_type.unwrap_or(MessageType::Raw),
        algorithm: request.signing_algorithm,
        grant_tokens: &request.grant_tokens,
    };
    let (key, message) = signing.check(&mut checks)?;
    let algorithm = request.signing_algorithm;
    let command = Command::Verify {
        key: key.public_key()?,
        algorithm,
        message,
        signature: request.signature.0.clone(),
    };
    let effects = checks.pass_to_judge(request.dry_run);
    effects.ask_hsm(command, move |reply, effects| match reply {
        Reply::Genuine => effects.done(Response {
            key_id: key.arn,
            signature_valid: true,
            signing_algorithm: algorithm,
        }),
        _ => Err(internal()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeySpec, KeyUsage};
    use crate::local::Local;
    use crate::ops::{Response as Any, sign};
    use sha2::{Digest as _, Sha256};

    const ALGORITHM: SigningAlgorithm = SigningAlgorithm::EcdsaSha256;
    const MESSAGE: &[u8] = b"message";

    fn signed() -> (Local, KeyArn, SignatureBlob) {
        let mut local = Local::single_region();
        let key = local.create_key_of(KeySpec::EccNistP256, KeyUsage::SignVerify);
        match local.call(sign::Request::new(key, MESSAGE, ALGORITHM)) {
            Ok(Any::Sign(response)) => (local, key, response.signature),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_genuine_signature_is_valid() {
        let (mut local, key, signature) = signed();
        let request = Request::new(key, MESSAGE, ALGORITHM, signature);
        let expected =
            Response { key_id: key, signature_valid: true, signing_algorithm: ALGORITHM };
        assert_eq!(local.call(request), Ok(Any::Verify(expected)));
    }

    #[test]
    fn a_message_and_its_digest_are_equivalent_and_a_digest_is_no_message() {
        let (mut local, key, signature) = signed();
        let digest = Sha256::digest(MESSAGE);
        let request = Request::new(key, digest.as_slice(), ALGORITHM, signature);
        let as_digest = Request { message_type: Some(MessageType::Digest), ..request.clone() };
        local.call(as_digest).unwrap();
        let error = local.call(request).unwrap_err();
        assert_eq!(error, ErrorCode::KmsInvalidSignature.silent());
    }

    #[test]
    fn what_was_changed_is_an_error_and_never_an_answer() {
        let (mut local, key, signature) = signed();
        let other = local.create_key_of(KeySpec::EccNistP256, KeyUsage::SignVerify);
        let mut damaged = signature.0.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        let longer = [&signature.0[..], &[0]].concat();
        let blob = |bytes: Vec<u8>| SignatureBlob(bytes.into());
        for request in [
            Request::new(key, *b"massage", ALGORITHM, signature.clone()),
            Request::new(other, MESSAGE, ALGORITHM, signature),
            Request::new(key, MESSAGE, ALGORITHM, blob(damaged)),
            Request::new(key, MESSAGE, ALGORITHM, blob(longer)),
            Request::new(key, MESSAGE, ALGORITHM, blob(vec![1])),
        ] {
            let error = local.call(request).unwrap_err();
            assert_eq!(error, ErrorCode::KmsInvalidSignature.silent());
        }
    }

    #[test]
    fn a_dry_run_would_succeed_only_with_a_genuine_signature() {
        let (mut local, key, signature) = signed();
        for (message, code) in
            [(MESSAGE, ErrorCode::DryRunOperation), (b"massage", ErrorCode::KmsInvalidSignature)]
        {
            let request = Request::new(key, message, ALGORITHM, signature.clone());
            let error = local.call(Request { dry_run: true, ..request }).unwrap_err();
            assert_eq!(error.code, code);
        }
    }
}
