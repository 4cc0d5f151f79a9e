//! The column of keys whose custom key store is disconnected, in a cluster and behind a proxy, and what
//! becomes of such a key when the store is back.

use super::*;
use kms_core::key_store::KeyStoreId;
use kms_core::ops::{connect_custom_key_store, disconnect_custom_key_store};

const HOUR: Duration = Duration::from_secs(3600);

const ORIGINS: [Origin; 2] = [Origin::AwsCloudHsm, Origin::ExternalKeyStore];

/// A key in a store that is connected.
fn held(origin: Origin) -> (Subject, KeyStoreId) {
    let mut local = Local::regions(&["us-east-1", "eu-west-1", "ap-northeast-1"]);
    let store = match origin {
        Origin::AwsCloudHsm => local.connected_cloud_hsm_store("store"),
        _ => local.connected_external_store("store"),
    };
    let request = create_key::Request {
        origin: Some(origin),
        custom_key_store_id: Some(store.to_string().as_str().into()),
        xks_key_id: (origin == Origin::ExternalKeyStore).then(|| "external-0".into()),
        ..Default::default()
    };
    let Ok(Response::CreateKey(made)) = local.call(request) else { panic!() };
    let key = made.key_metadata.arn;
    let sealed = local.call(encrypt::Request::new(key, *b"secret"));
    let Ok(Response::Encrypt(sealed)) = sealed else { panic!("{sealed:?}") };
    let (blob, grant) = (sealed.ciphertext_blob, GrantIdText::from("ab".repeat(32)));
    let other = create_key_in(&mut local, key.region);
    let mut subject = Subject { local, origin, key, other, blob, grant };
    subject.done(create_alias::Request::new("alias/subject", key));
    let decrypt = GrantOperation::parse("Decrypt");
    let grantee = "arn:aws:iam::111122223333:user/alice";
    let made = subject.done(create_grant::Request::new(key, grantee, decrypt));
    let Response::CreateGrant(made) = made else { panic!("{made:?}") };
    subject.grant = made.grant_id;
    (subject, store)
}

/// A key whose store has just been disconnected.
fn unavailable(origin: Origin) -> (Subject, KeyStoreId) {
    let (mut subject, store) = held(origin);
    disconnect(&mut subject, store);
    assert_eq!(shown(&mut subject), KeyState::Unavailable);
    (subject, store)
}

fn disconnect(subject: &mut Subject, store: KeyStoreId) {
    let custom_key_store_id = store.to_string().as_str().into();
    subject.done(disconnect_custom_key_store::Request { custom_key_store_id });
    subject.local.advance(HOUR);
}

fn reconnect(subject: &mut Subject, store: KeyStoreId) {
    let custom_key_store_id = store.to_string().as_str().into();
    subject.done(connect_custom_key_store::Request { custom_key_store_id });
    subject.local.advance(HOUR);
}

/// What DescribeKey shows.
fn shown(subject: &mut Subject) -> KeyState {
    match subject.done(subject.request(Operation::DescribeKey)) {
        Response::DescribeKey(described) => described.key_metadata.key_state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_cell_is_what_the_service_does() {
    for (origin, operation) in
        ORIGINS.iter().flat_map(|origin| Operation::ALL.iter().map(move |of| (*origin, *of)))
    {
        for at in 0.. {
            let (mut subject, _) = unavailable(origin);
            let Some(request) = subject.requests(operation).into_iter().nth(at) else { break };
            let result = subject.local.call(request);
            match verdict(operation, KeyState::Unavailable) {
                Verdict::Never => check_never(operation, result),
                _ => check(&subject, operation, KeyState::Unavailable, result),
            }
        }
    }
}

/// No key in a custom key store is of a kind that the operation is for, and that is what it says.
fn check_never(operation: Operation, result: Result<Response>) {
    let code = result.expect_err("a refusal").code;
    let expected = match operation {
        Operation::DeleteImportedKeyMaterial
        | Operation::GetPublicKey
        | Operation::ReplicateKey
        | Operation::UpdatePrimaryRegion => ErrorCode::UnsupportedOperation,
        _ => ErrorCode::InvalidKeyUsage,
    };
    assert_eq!(code, expected, "{operation}");
}

#[test]
fn what_was_done_meanwhile_shows_when_the_store_is_back() {
    for origin in ORIGINS {
        let (mut subject, store) = unavailable(origin);
        let key_id = KeyRef::from(subject.key);
        subject.done(disable_key::Request { key_id });
        assert_eq!(shown(&mut subject), KeyState::Unavailable);
        reconnect(&mut subject, store);
        assert_eq!(shown(&mut subject), KeyState::Disabled);
        let key_id = KeyRef::from(subject.key);
        subject.done(enable_key::Request { key_id });
        assert_eq!(shown(&mut subject), KeyState::Enabled);
        subject.done(decrypt::Request::new(subject.blob.clone()));
    }
}

#[test]
fn a_key_pending_deletion_stays_so_and_its_deletion_can_be_cancelled() {
    for origin in ORIGINS {
        let (mut subject, store) = held(origin);
        subject.done(deletion(subject.key));
        disconnect(&mut subject, store);
        assert_eq!(shown(&mut subject), KeyState::PendingDeletion);
        let key_id = KeyRef::from(subject.key);
        subject.done(cancel_key_deletion::Request { key_id });
        assert_eq!(shown(&mut subject), KeyState::Unavailable);
        reconnect(&mut subject, store);
        assert_eq!(shown(&mut subject), KeyState::Disabled);
    }
}
