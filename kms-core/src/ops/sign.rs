//! Sign: a signature of a message, of its digest or of ML-DSA's μ.

use super::{Info, usage};
use crate::algorithm::{MessageType, SigningAlgorithm};
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply, SignedMessage};
use crate::key::KeyUsage;
use crate::kms::{Checks, UsableKey, internal};
use crate::name::KeyArn;
use crate::policy::{Action, RequestContext};
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
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// A message and the key to sign it with.
    pub struct Request {
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// What to sign.
        message: MessageBlob = "Message",
        /// What the message is; `RAW` unless said.
        message_type: Option<MessageType> = "MessageType",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// How.
        signing_algorithm: SigningAlgorithm = "SigningAlgorithm",
        /// Only check.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// The signature.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// The signature: DER for ECDSA and SM2, the bytes of the algorithm's standard for the others.
        signature: SignatureBlob = "Signature",
        /// How the message was signed.
        signing_algorithm: SigningAlgorithm = "SigningAlgorithm",
    }
}

impl Request {
    /// Signs a whole message.
    pub fn new(
        key: impl Into<KeyRef>,
        message: impl Into<Vec<u8>>,
        algorithm: SigningAlgorithm,
    ) -> Request {
        Request {
            key_id: key.into(),
            message: MessageBlob(message.into().into()),
            message_type: None,
            grant_tokens: GrantTokens::default(),
            signing_algorithm: algorithm,
            dry_run: false,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let signing = Signing {
        action: Action::Sign,
        key_id: &request.key_id,
        message: &request.message,
        kind: request.message_type.unwrap_or(MessageType::Raw),
        algorithm: request.signing_algorithm,
        grant_tokens: &request.grant_tokens,
    };
    let (key, message) = signing.check(&mut checks)?;
    let algorithm = request.signing_algorithm;
    let with = key.current()?;
    let effects = checks.pass(request.dry_run)?;
    effects.ask_hsm(Command::Sign { with, algorithm, message }, move |reply, effects| {
        let Reply::Signature { signature } = reply else { return Err(internal()) };
        effects.done(Response {
            key_id: key.arn,
            signature: SignatureBlob(signature),
            signing_algorithm: algorithm,
        })
    })
}

/// A message to be signed or verified.
pub(super) struct Signing<'r> {
    pub(super) action: Action,
    pub(super) key_id: &'r KeyRef,
    pub(super) message: &'r MessageBlob,
    pub(super) kind: MessageType,
    pub(super) algorithm: SigningAlgorithm,
    pub(super) grant_tokens: &'r GrantTokens,
}

impl Signing<'_> {
    /// The key, once it is found usable, and the message, once it is one that the algorithm takes.
    pub(super) fn check(&self, checks: &mut Checks<'_, '_>) -> Result<(UsableKey, SignedMessage)> {
        let mut context = RequestContext::new(checks.call(), self.action);
        context.signing_algorithm = Some(self.algorithm.as_str());
        context.message_type = Some(self.kind.as_str());
        let key = checks.key(self.key_id, context, self.grant_tokens)?;
        let allowed = (self.algorithm, key.spec.signing_algorithms());
        usage::check(&key, KeyUsage::SignVerify, allowed, self.action.name())?;
        self.check_form()?;
        Ok((key, SignedMessage { bytes: self.message.0.clone(), kind: self.kind }))
    }

    fn check_form(&self) -> Result<()> {
        let Signing { algorithm, kind, .. } = self;
        let forms = algorithm.message_forms();
        let Some((_, length)) = forms.iter().find(|(allowed, _)| allowed == kind) else {
            return Err(ErrorCode::Validation.says(format!(
                "MessageType {kind} is not compatible with algorithm {algorithm}."
            )));
        };
        match length.is_none_or(|length| length == self.message.0.len()) {
            true => Ok(()),
            false => Err(ErrorCode::Validation
                .says(format!("Digest is invalid length for algorithm {algorithm}."))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeySpec;
    use crate::local::Local;
    use crate::ops::{Response as Any, disable_key};

    fn sign(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::Sign(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    fn as_digest(key: KeyArn, length: usize, algorithm: SigningAlgorithm) -> Request {
        let message_type = Some(MessageType::Digest);
        Request { message_type, ..Request::new(key, vec![7; length], algorithm) }
    }

    #[test]
    fn the_answer_names_the_key_and_the_algorithm() {
        let mut local = Local::single_region();
        let key = local.create_key_of(KeySpec::EccNistP256, KeyUsage::SignVerify);
        let request = Request::new(key.id, *b"message", SigningAlgorithm::EcdsaSha256);
        let signed = sign(&mut local, request).unwrap();
        assert_eq!(signed.key_id, key);
        assert_eq!(signed.signing_algorithm, SigningAlgorithm::EcdsaSha256);
        assert_eq!(signed.signature.0[0], 0x30, "a DER sequence");
    }

    #[test]
    fn a_digest_has_exactly_the_length_of_the_hash() {
        let mut local = Local::single_region();
        let key = local.create_key_of(KeySpec::EccNistP384, KeyUsage::SignVerify);
        let algorithm = SigningAlgorithm::EcdsaSha384;
        sign(&mut local, as_digest(key, 48, algorithm)).unwrap();
        for length in [1, 32, 47, 49, 64] {
            let error = sign(&mut local, as_digest(key, length, algorithm)).unwrap_err();
            let expected =
                ErrorCode::Validation.says("Digest is invalid length for algorithm ECDSA_SHA_384.");
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn each_edwards_algorithm_has_its_own_message_type() {
        let mut local = Local::single_region();
        let key = local.create_key_of(KeySpec::EccNistEdwards25519, KeyUsage::SignVerify);
        let plain = SigningAlgorithm::Ed25519Sha512;
        let hashed = SigningAlgorithm::Ed25519PhSha512;
        assert_eq!(
            sign(&mut local, Request::new(key, [7; 64], plain)).unwrap().signature.0.len(),
            64
        );
        sign(&mut local, as_digest(key, 64, hashed)).unwrap();
        for wrong in [as_digest(key, 64, plain), Request::new(key, [7; 64], hashed)] {
            assert_eq!(sign(&mut local, wrong).unwrap_err().code, ErrorCode::Validation);
        }
    }

    #[test]
    fn ml_dsa_takes_a_message_or_64_bytes_of_mu() {
        let mut local = Local::single_region();
        let key = local.create_key_of(KeySpec::MlDsa44, KeyUsage::SignVerify);
        let of = |kind, length| Request {
            message_type: Some(kind),
            ..Request::new(key, vec![7; length], SigningAlgorithm::MlDsaShake256)
        };
        for good in [of(MessageType::Raw, 4096), of(MessageType::ExternalMu, 64)] {
            assert_eq!(sign(&mut local, good).unwrap().signature.0.len(), 2420);
        }
        let bad = [
            of(MessageType::ExternalMu, 63),
            of(MessageType::ExternalMu, 65),
            of(MessageType::Digest, 64),
        ];
        for bad in bad {
            assert_eq!(sign(&mut local, bad).unwrap_err().code, ErrorCode::Validation);
        }
    }

    #[test]
    fn a_dry_run_checks_the_message_too_and_never_succeeds() {
        let mut local = Local::single_region();
        let key = local.create_key_of(KeySpec::EccNistP256, KeyUsage::SignVerify);
        for (length, code) in [(32, ErrorCode::DryRunOperation), (31, ErrorCode::Validation)] {
            let request =
                Request { dry_run: true, ..as_digest(key, length, SigningAlgorithm::EcdsaSha256) };
            assert_eq!(sign(&mut local, request).unwrap_err().code, code);
        }
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        let request = Request::new(key, *b"message", SigningAlgorithm::EcdsaSha256);
        assert_eq!(sign(&mut local, request).unwrap_err().code, ErrorCode::Disabled);
    }
}
