//! DeriveSharedSecret: the secret that the key and a peer's key agree on.
//!
//! It is the raw x-coordinate; what to derive from it is the caller's affair.

use super::recipient::Receiver;
use super::{Info, usage};
use crate::algorithm::KeyAgreementAlgorithm;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::key::{KeyUsage, Origin};
use crate::kms::{Checks, internal};
use crate::name::KeyArn;
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{
    CiphertextForRecipient, GrantTokens, KeyRef, Plaintext, PublicKeyBlob, RecipientInfo,
};

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
    /// A key and its peer.
    pub struct Request {
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// How to agree.
        key_agreement_algorithm: KeyAgreementAlgorithm = "KeyAgreementAlgorithm",
        /// The peer's public key, on the same curve.
        public_key: PublicKeyBlob = "PublicKey",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// Say only whether it would succeed.
        dry_run: bool = "DryRun",
        /// Who gets the secret instead of the caller.
        recipient: Option<RecipientInfo> = "Recipient",
    }
}

crate::shape! {
    /// The secret.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// The secret: 32, 48 or 66 bytes, by the curve.
        shared_secret: Option<Plaintext> = "SharedSecret",
        /// The secret, when a recipient gets it.
        ciphertext_for_recipient: Option<CiphertextForRecipient> = "CiphertextForRecipient",
        /// How it was agreed on.
        key_agreement_algorithm: KeyAgreementAlgorithm = "KeyAgreementAlgorithm",
        /// Where the key's material comes from.
        key_origin: Origin = "KeyOrigin",
    }
}

impl Request {
    /// What a key and a peer agree on.
    pub fn new(key: impl Into<KeyRef>, peer: PublicKeyBlob) -> Request {
        Request {
            key_id: key.into(),
            key_agreement_algorithm: KeyAgreementAlgorithm::Ecdh,
            public_key: peer,
            grant_tokens: GrantTokens::default(),
            dry_run: false,
            recipient: None,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let algorithm = request.key_agreement_algorithm;
    let mut context = checks.context(Action::DeriveSharedSecret);
    let receiver = Receiver::of(&mut checks, request.recipient.as_ref())?;
    context.attestation = receiver.attested();
    context.key_agreement_algorithm = Some(algorithm.as_str());
    let key = checks.key(&request.key_id, context, &request.grant_tokens)?;
    let allowed = (algorithm, key.spec.key_agreement_algorithms());
    usage::check(&key, KeyUsage::KeyAgreement, allowed, "DeriveSharedSecret")?;
    let peer = request.public_key.0.clone();
    let command = Command::DeriveSharedSecret { with: key.current()?, peer };
    let effects = checks.pass_to_judge(request.dry_run);
    receiver.ask(effects, command, move |reply, released, effects| match reply {
        Reply::SharedSecret { .. } => effects.done(Response {
            key_id: key.arn,
            shared_secret: released.plaintext,
            ciphertext_for_recipient: released.ciphertext_for_recipient,
            key_agreement_algorithm: algorithm,
            key_origin: key.origin,
        }),
        _ => Err(internal()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeySpec;
    use crate::local::Local;
    use crate::ops::{Response as Any, get_public_key};

    fn public(local: &mut Local, key: KeyArn) -> PublicKeyBlob {
        match local.call(get_public_key::Request::new(key)) {
            Ok(Any::GetPublicKey(response)) => response.public_key,
            other => panic!("{other:?}"),
        }
    }

    fn agree(local: &mut Local, key: KeyArn, peer: PublicKeyBlob) -> Result<Response> {
        match local.call(Request::new(key, peer))? {
            Any::DeriveSharedSecret(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn both_sides_agree_on_one_secret() {
        let mut local = Local::single_region();
        for (spec, length) in
            [(KeySpec::EccNistP256, 32), (KeySpec::EccNistP384, 48), (KeySpec::EccNistP521, 66)]
        {
            let [one, two] = [(); 2].map(|()| local.create_key_of(spec, KeyUsage::KeyAgreement));
            let (for_one, for_two) = (public(&mut local, two), public(&mut local, one));
            let here = agree(&mut local, one, for_one).unwrap();
            let there = agree(&mut local, two, for_two).unwrap();
            assert_eq!(here.shared_secret, there.shared_secret);
            assert_eq!(here.shared_secret.unwrap().0.len(), length);
            assert_eq!((here.key_id, here.key_origin), (one, Origin::AwsKms));
        }
    }

    #[test]
    fn a_peer_on_another_curve_is_no_peer() {
        let mut local = Local::single_region();
        let key = local.create_key_of(KeySpec::EccNistP256, KeyUsage::KeyAgreement);
        let own = public(&mut local, key);
        let mut off_curve = own.0.to_vec();
        *off_curve.last_mut().unwrap() ^= 1;
        let trailing = [&own.0[..], &[0]].concat();
        let other = local.create_key_of(KeySpec::EccNistP384, KeyUsage::KeyAgreement);
        let other = public(&mut local, other);
        let bad = [off_curve, trailing, vec![0x30], other.0.to_vec()];
        for peer in bad {
            let request = Request::new(key, PublicKeyBlob(peer.into()));
            let dry = Request { dry_run: true, ..request.clone() };
            for request in [request, dry] {
                assert_eq!(local.call(request).unwrap_err().code, ErrorCode::Validation);
            }
        }
    }

    #[test]
    fn a_key_that_signs_does_not_agree_and_a_dry_run_never_succeeds() {
        let mut local = Local::single_region();
        let signs = local.create_key_of(KeySpec::EccNistP256, KeyUsage::SignVerify);
        let peer = public(&mut local, signs);
        let error = agree(&mut local, signs, peer.clone()).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidKeyUsage);
        let key = local.create_key_of(KeySpec::EccNistP256, KeyUsage::KeyAgreement);
        let dry = Request { dry_run: true, ..Request::new(key, peer) };
        assert_eq!(local.call(dry).unwrap_err().code, ErrorCode::DryRunOperation);
    }
}
