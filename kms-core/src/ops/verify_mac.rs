//! VerifyMac: whether a tag is of this message by this key. One that is not is an error.

use super::Info;
use super::generate_mac::mac_key;
use crate::algorithm::MacAlgorithm;
use crate::error::{ErrorCode, Result};
use crate::hsm::{Command, Reply};
use crate::kms::{Checks, internal};
use crate::name::KeyArn;
use crate::policy::Action;
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
        ErrorCode::KmsInvalidMac,
        ErrorCode::KmsInvalidState,
        ErrorCode::DryRunOperation,
    ],
};

crate::shape! {
    /// A message, a tag and the key that should have made it.
    pub struct Request {
        /// The message.
        message: MessageBlob = "Message",
        /// The key, by id, ARN or alias.
        key_id: KeyRef = "KeyId",
        /// How the tag was made.
        mac_algorithm: MacAlgorithm = "MacAlgorithm",
        /// The tag.
        mac: MacBlob = "Mac",
        /// Grants that may not have reached every host.
        grant_tokens: GrantTokens = "GrantTokens",
        /// Say only whether it would succeed.
        dry_run: bool = "DryRun",
    }
}

crate::shape! {
    /// That the tag is genuine.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// Always true.
        mac_valid: bool = "MacValid",
        /// How the tag was made.
        mac_algorithm: MacAlgorithm = "MacAlgorithm",
    }
}

impl Request {
    /// Verifies the tag of a message.
    pub fn new(
        key: impl Into<KeyRef>,
        message: impl Into<Vec<u8>>,
        algorithm: MacAlgorithm,
        mac: MacBlob,
    ) -> Request {
        Request {
            message: MessageBlob(message.into().into()),
            key_id: key.into(),
            mac_algorithm: algorithm,
            mac,
            grant_tokens: GrantTokens::default(),
            dry_run: false,
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let algorithm = request.mac_algorithm;
    let named = (&request.key_id, &request.grant_tokens);
    let key = mac_key(&mut checks, Action::VerifyMac, named, algorithm)?;
    let command = Command::VerifyMac {
        with: key.current()?,
        algorithm,
        message: request.message.0.clone(),
        mac: request.mac.0.clone(),
    };
    let effects = checks.pass_to_judge(request.dry_run);
    effects.ask_hsm(command, move |reply, effects| match reply {
        Reply::Genuine => {
            effects.done(Response { key_id: key.arn, mac_valid: true, mac_algorithm: algorithm })
        }
        _ => Err(internal()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeySpec, KeyUsage};
    use crate::local::Local;
    use crate::ops::{Response as Any, generate_mac};

    const ALGORITHM: MacAlgorithm = MacAlgorithm::HmacSha512;

    fn tagged() -> (Local, KeyArn, MacBlob) {
        let mut local = Local::single_region();
        let key = local.create_key_of(KeySpec::Hmac512, KeyUsage::GenerateVerifyMac);
        match local.call(generate_mac::Request::new(key, *b"message", ALGORITHM)) {
            Ok(Any::GenerateMac(response)) => (local, key, response.mac),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_genuine_tag_is_valid() {
        let (mut local, key, mac) = tagged();
        let expected = Response { key_id: key, mac_valid: true, mac_algorithm: ALGORITHM };
        let request = Request::new(key, *b"message", ALGORITHM, mac);
        assert_eq!(local.call(request), Ok(Any::VerifyMac(expected)));
    }

    #[test]
    fn another_message_another_key_and_half_a_tag_are_refused_without_a_word() {
        let (mut local, key, mac) = tagged();
        let other = local.create_key_of(KeySpec::Hmac512, KeyUsage::GenerateVerifyMac);
        let half = MacBlob(mac.0[..32].into());
        for request in [
            Request::new(key, *b"massage", ALGORITHM, mac.clone()),
            Request::new(other, *b"message", ALGORITHM, mac),
            Request::new(key, *b"message", ALGORITHM, half),
        ] {
            let error = local.call(request).unwrap_err();
            assert_eq!(error, ErrorCode::KmsInvalidMac.silent());
        }
    }

    #[test]
    fn a_dry_run_would_succeed_only_with_a_genuine_tag() {
        let (mut local, key, mac) = tagged();
        for (message, code) in
            [(*b"message", ErrorCode::DryRunOperation), (*b"massage", ErrorCode::KmsInvalidMac)]
        {
            let request = Request::new(key, message, ALGORITHM, mac.clone());
            let error = local.call(Request { dry_run: true, ..request }).unwrap_err();
            assert_eq!(error.code, code);
        }
    }
}
