//! GetKeyLastUsage: when a key was last used with success, and for what.
//!
//! A use becomes known here when the host that served it writes its uses down, each minute; AWS
//! allows itself an hour (AWS KMS Developer Guide, "Determine past usage of a KMS key").

use super::Info;
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::kms::Checks;
use crate::name::KeyArn;
use crate::policy::Action;
use crate::step::Next;
use crate::usage::{LastUse, tracked_since};
use crate::wire::KeyRef;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::DependencyTimeout,
        ErrorCode::KmsInternal,
    ],
};

crate::shape! {
    /// Which key.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
    }
}

crate::shape! {
    /// The last use.
    pub struct Response {
        /// The key.
        key_id: KeyArn = "KeyId",
        /// The use; empty when none was recorded.
        key_last_usage: KeyLastUsage = "KeyLastUsage",
        /// Uses before this moment would not be known.
        tracking_start_date: Timestamp = "TrackingStartDate",
        /// When the key was made.
        key_creation_date: Timestamp = "KeyCreationDate",
    }
}

crate::shape! {
    /// A use of a key.
    #[derive(Default)]
    pub struct KeyLastUsage {
        /// The operation.
        operation: Option<String> = "Operation",
        /// When.
        timestamp: Option<Timestamp> = "Timestamp",
        /// The event in the audit of the key's owner.
        cloud_trail_event_id: Option<String> = "CloudTrailEventId",
        /// The request.
        kms_request_id: Option<String> = "KmsRequestId",
    }
}

impl From<&LastUse> for KeyLastUsage {
    fn from(last: &LastUse) -> KeyLastUsage {
        KeyLastUsage {
            operation: Some(last.operation.name().to_owned()),
            timestamp: Some(last.at),
            cloud_trail_event_id: Some(last.event.to_string()),
            kms_request_id: Some(last.request.to_string()),
        }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::GetKeyLastUsage);
    let key = checks.key_by_name(&request.key_id, context)?;
    let last = checks.state().last_use(key.id());
    let response = Response {
        key_id: key.arn,
        key_last_usage: last.map(KeyLastUsage::from).unwrap_or_default(),
        tracking_start_date: tracked_since(&key, checks.settings()),
        key_creation_date: key.created,
    };
    checks.pass(false)?.done(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::MacAlgorithm;
    use crate::env::Caller;
    use crate::key::{KeySpec, KeyUsage};
    use crate::local::Local;
    use crate::name::{PrincipalArn, RegionName};
    use crate::ops::{
        Request as AnyRequest, Response as Any, create_key, decrypt, disable_key, encrypt,
        generate_mac, put_key_policy, re_encrypt, replicate_key, verify_mac,
    };
    use crate::policy::{Policy, PolicyKind};
    use std::sync::Arc;
    use std::time::Duration;

    const MINUTE: Duration = Duration::from_secs(60);

    fn last(local: &mut Local, key: KeyArn) -> KeyLastUsage {
        match local.call_in(key.region, Request { key_id: key.into() }).unwrap() {
            Any::GetKeyLastUsage(response) => response.key_last_usage,
            other => panic!("{other:?}"),
        }
    }

    fn operation(local: &mut Local, key: KeyArn) -> Option<String> {
        last(local, key).operation
    }

    #[test]
    fn a_key_that_was_never_used_has_an_empty_answer_and_its_dates() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let made = local.now();
        let Any::GetKeyLastUsage(response) = local.call(Request { key_id: key.into() }).unwrap()
        else {
            panic!()
        };
        assert_eq!(response.key_last_usage, KeyLastUsage::default());
        assert_eq!((response.tracking_start_date, response.key_creation_date), (made, made));
        let later = made.after(MINUTE);
        local.settings_mut().uses_tracked_since = later;
        let Any::GetKeyLastUsage(response) = local.call(Request { key_id: key.into() }).unwrap()
        else {
            panic!()
        };
        assert_eq!((response.tracking_start_date, response.key_creation_date), (later, made));
    }

    #[test]
    fn a_use_is_known_within_a_minute_and_the_latest_one_counts() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let Ok(Any::Encrypt(sealed)) = local.call(encrypt::Request::new(key, *b"x")) else {
            panic!()
        };
        local.advance(Duration::from_secs(2));
        local.call(decrypt::Request::new(sealed.ciphertext_blob)).unwrap();
        let used = local.now();
        let head = local.journal().head();
        assert_eq!(last(&mut local, key), KeyLastUsage::default());
        local.advance(MINUTE);
        let known = last(&mut local, key);
        assert_eq!(known.operation.as_deref(), Some("Decrypt"));
        assert_eq!(known.timestamp, Some(used));
        assert!(known.kms_request_id.is_some() && known.cloud_trail_event_id.is_some());
        assert_eq!(local.journal().head(), head + 1, "one entry for two uses");
    }

    #[test]
    fn refused_tried_and_managing_requests_are_no_use() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let dry = encrypt::Request { dry_run: true, ..encrypt::Request::new(key, *b"x") };
        local.call(dry).unwrap_err();
        let mac = local.create_key_of(KeySpec::Hmac256, KeyUsage::GenerateVerifyMac);
        let algorithm = MacAlgorithm::HmacSha256;
        let Ok(Any::GenerateMac(made)) =
            local.call(generate_mac::Request::new(mac, *b"x", algorithm))
        else {
            panic!()
        };
        local.advance(MINUTE);
        let dry = verify_mac::Request {
            dry_run: true,
            ..verify_mac::Request::new(mac, *b"x", algorithm, made.mac)
        };
        assert_eq!(local.call(dry).unwrap_err().code, ErrorCode::DryRunOperation);
        local.call(disable_key::Request { key_id: key.into() }).unwrap();
        local.call(encrypt::Request::new(key, *b"x")).unwrap_err();
        local.advance(MINUTE);
        assert_eq!(last(&mut local, key), KeyLastUsage::default());
        assert_eq!(operation(&mut local, mac).as_deref(), Some("GenerateMac"));
    }

    #[test]
    fn re_encrypt_uses_both_keys_with_an_event_for_each_owner() {
        let mut local = Local::single_region();
        let (from, to) = (local.create_key(), local.create_key());
        let Ok(Any::Encrypt(sealed)) = local.call(encrypt::Request::new(from, *b"x")) else {
            panic!()
        };
        local.call(re_encrypt::Request::new(sealed.ciphertext_blob, to)).unwrap();
        local.advance(MINUTE);
        let (source, destination) = (last(&mut local, from), last(&mut local, to));
        assert_eq!(source.operation.as_deref(), Some("ReEncrypt"));
        assert_eq!(source, destination, "one owner, one event");
    }

    #[test]
    fn another_accounts_use_is_a_use_with_another_event() {
        let mut local = Local::single_region();
        let (mine, shared) = (local.create_key(), local.create_key());
        let policy = r#"{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*",
            "Resource": "*"}]}"#;
        local.call(put_key_policy::Request::new(shared, policy)).unwrap();
        let policy = r#"{"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#;
        let policy = Policy::parse(policy, PolicyKind::Identity).unwrap();
        let partner = PrincipalArn::parse("arn:aws:iam::444455556666:user/partner").unwrap();
        let partner = Arc::new(Caller::new(partner).with_policy(Arc::new(policy)));
        let made = local.call_as(&partner, create_key::Request::default()).unwrap();
        let Any::CreateKey(made) = made else { panic!() };
        let theirs = made.key_metadata.arn;
        let sealed = local.call_as(&partner, encrypt::Request::new(theirs, *b"x")).unwrap();
        let Any::Encrypt(sealed) = sealed else { panic!() };
        let request = re_encrypt::Request::new(sealed.ciphertext_blob, shared);
        local.call_as(&partner, request).unwrap();
        local.advance(MINUTE);
        let ask: AnyRequest = Request { key_id: theirs.into() }.into();
        let Any::GetKeyLastUsage(there) = local.call_as(&partner, ask).unwrap() else { panic!() };
        let (here, there) = (last(&mut local, shared), there.key_last_usage);
        assert_eq!(here.kms_request_id, there.kms_request_id);
        assert_ne!(here.cloud_trail_event_id, there.cloud_trail_event_id);
        assert_eq!(operation(&mut local, mine), None);
    }

    #[test]
    fn primary_and_replica_are_used_apart() {
        let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
        let request = create_key::Request { multi_region: true, ..Default::default() };
        let Ok(Any::CreateKey(made)) = local.call(request) else { panic!() };
        let primary = made.key_metadata.arn;
        let region = RegionName::parse("eu-west-1").unwrap();
        local.call(replicate_key::Request::new(primary, region)).unwrap();
        local.advance(MINUTE);
        let replica = KeyArn { region, ..primary };
        local.call_in(region, encrypt::Request::new(replica, *b"x")).unwrap();
        local.advance(MINUTE);
        assert_eq!(operation(&mut local, replica).as_deref(), Some("Encrypt"));
        assert_eq!(operation(&mut local, primary), None);
    }
}
