//! GenerateMac: a tag that authenticates a message to whoever may use the same HMAC key.

use super::{Info, usage};
use crate::algorithm::MacAlgorithm;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::key::KeyUsage;
use crate::kms::{Checks, UsableKey, internal};
use crate::name::KeyArn;
use crate::policy::{Action, RequestContext};
use crate::step::Next;
use crate::wire::{GrantTokens, KeyRef, MacBlob, MessageBlob};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::Disabled,
        ErrorCode::KeyUnavailable,
        ErrorCode::InvalidKeyUsage,
        ErrorCode::InvalidGrantToken,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// A message and the key to authenticate it with.
    pub struct Request {
        /// The message.
        message: MessageBlob = "Message",
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// How.
        mac_algorithm: MacAlgorithm = "MacAlgorithm",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// Only check.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// The tag.
    pub struct Response {
        /// The tag, as long as the hash function's output (RFC 2104).
        mac: MacBlob = "Mac",
        /// How it was made.
        mac_algorithm: MacAlgorithm = "MacAlgorithm",
        /// The key.
        key_id: KeyArn = "KeyId",
    }
}

impl Request {
    /// Authenticates a message.
    pub fn new(
        key: impl Into<KeyRef>,
        message: impl Into<Vec<u8>>,
        algorithm: MacAlgorithm,
    ) -> Request {
        Request {
            message: MessageBlob(message.into().into()),
            key_id: key.into(),
            mac_algorithm: algorithm,
            grant_tokens: GrantTokens::default(),
            dry_run: false,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let algorithm = request.mac_algorithm;
    let named = (&request.key_id, &request.grant_tokens);
    let key = mac_key(&mut checks, Action::GenerateMac, named, algorithm)?;
    let with = key.current()?;
    let effects = checks.pass(request.dry_run)?;
    let command = Command::GenerateMac { with, algorithm, message: request.message.0.clone() };
    effects.ask_hsm(command, move |reply, effects| match reply {
        Reply::Mac { mac } => {
            effects.done(Response { mac: MacBlob(mac), mac_algorithm: algorithm, key_id: key.arn })
        }
        _ => Err(internal()),
    })
}

/// The key of GenerateMac and VerifyMac, once it is found usable by that algorithm.
pub(super) fn mac_key(
    checks: &mut Checks<'_, '_>,
    action: Action,
    (key_id, tokens): (&KeyRef, &GrantTokens),
    algorithm: MacAlgorithm,
) -> Result<UsableKey> {
    let mut context = RequestContext::new(checks.call(), action);
    context.mac_algorithm = Some(algorithm.as_str());
    let key = checks.key(key_id, context, tokens)?;
    let allowed = key.spec.mac_algorithm();
    usage::check(
        &key,
        KeyUsage::GenerateVerifyMac,
        (algorithm, allowed.as_slice()),
        action.name(),
    )?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeySpec;
    use crate::local::Local;
    use crate::ops::Response as Any;

    fn mac(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::GenerateMac(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_tag_is_as_long_as_the_hash_and_always_the_same() {
        let mut local = Local::single_region();
        for (spec, algorithm, length) in [
            (KeySpec::Hmac224, MacAlgorithm::HmacSha224, 28),
            (KeySpec::Hmac256, MacAlgorithm::HmacSha256, 32),
            (KeySpec::Hmac384, MacAlgorithm::HmacSha384, 48),
            (KeySpec::Hmac512, MacAlgorithm::HmacSha512, 64),
        ] {
            let key = local.create_key_of(spec, KeyUsage::GenerateVerifyMac);
            let made = mac(&mut local, Request::new(key, *b"message", algorithm)).unwrap();
            assert_eq!((made.key_id, made.mac_algorithm), (key, algorithm));
            assert_eq!(made.mac.0.len(), length);
            let again = mac(&mut local, Request::new(key, *b"message", algorithm)).unwrap();
            assert_eq!(made, again);
            let other = mac(&mut local, Request::new(key, *b"massage", algorithm)).unwrap();
            assert_ne!(made.mac, other.mac);
        }
    }

    #[test]
    fn the_algorithm_is_the_one_of_the_spec() {
        let mut local = Local::single_region();
        let key = local.create_key_of(KeySpec::Hmac224, KeyUsage::GenerateVerifyMac);
        let request = Request::new(key, *b"message", MacAlgorithm::HmacSha256);
        let expected = ErrorCode::InvalidKeyUsage
            .says("Algorithm HMAC_SHA_256 is incompatible with key spec HMAC_224.");
        assert_eq!(mac(&mut local, request).unwrap_err(), expected);
    }

    #[test]
    fn a_key_of_another_usage_and_a_dry_run_give_nothing() {
        let mut local = Local::single_region();
        let symmetric = local.create_key();
        let request = Request::new(symmetric, *b"message", MacAlgorithm::HmacSha256);
        let expected = ErrorCode::InvalidKeyUsage.says(format!(
            "{symmetric} key usage is ENCRYPT_DECRYPT which is not valid for GenerateMac."
        ));
        assert_eq!(mac(&mut local, request).unwrap_err(), expected);
        let key = local.create_key_of(KeySpec::Hmac256, KeyUsage::GenerateVerifyMac);
        let request = Request::new(key, *b"message", MacAlgorithm::HmacSha256);
        let error = mac(&mut local, Request { dry_run: true, ..request }).unwrap_err();
        assert_eq!(error.code, ErrorCode::DryRunOperation);
    }
}
