//! Keys in custom key stores at work: what they seal opens, wherever it goes, and what is the matter
//! with a store shows as documented.

use crate::ciphertext::EncryptionContext;
use crate::error::{ErrorCode, Result};
use crate::key::{KeyState, Origin};
use crate::key_store::model::Condition;
use crate::key_store::xks::ProxyError;
use crate::key_store::{Fault, KeyStoreId};
use crate::local::Local;
use crate::name::KeyArn;
use crate::ops::{
    Request, Response, cancel_key_deletion, connect_custom_key_store, create_key, decrypt,
    describe_key, disable_key, disable_key_rotation, disconnect_custom_key_store, enable_key,
    enable_key_rotation, encrypt, generate_data_key, generate_data_key_without_plaintext,
    get_key_rotation_status, list_key_rotations, re_encrypt, rotate_key_on_demand,
    schedule_key_deletion,
};
use crate::wire::CiphertextBlob;
use std::collections::BTreeMap;
use std::time::Duration;

fn key_in(local: &mut Local, store: KeyStoreId, external: Option<&str>) -> KeyArn {
    let origin = external.map_or(Origin::AwsCloudHsm, |_| Origin::ExternalKeyStore);
    let request = create_key::Request {
        origin: Some(origin),
        custom_key_store_id: Some(store.to_string().as_str().into()),
        xks_key_id: external.map(Into::into),
        ..Default::default()
    };
    match local.call(request).unwrap() {
        Response::CreateKey(response) => response.key_metadata.arn,
        other => panic!("{other:?}"),
    }
}

/// A key in each kind of store, an external one first, and one in none.
fn keys(local: &mut Local) -> [KeyArn; 4] {
    let xks = local.connected_external_store("xks");
    let hsm = local.connected_cloud_hsm_store("hsm");
    let external = ["external-0", "external-1"].map(|name| key_in(local, xks, Some(name)));
    [external[0], external[1], key_in(local, hsm, None), local.create_key()]
}

fn context() -> EncryptionContext {
    EncryptionContext::new(BTreeMap::from([("purpose".into(), "payroll".into())]))
}

fn sealed(local: &mut Local, key: KeyArn) -> Result<CiphertextBlob> {
    let request = encrypt::Request {
        encryption_context: context(),
        ..encrypt::Request::new(key, *b"secret")
    };
    match local.call(request)? {
        Response::Encrypt(response) => Ok(response.ciphertext_blob),
        other => panic!("{other:?}"),
    }
}

fn bound(blob: CiphertextBlob) -> decrypt::Request {
    decrypt::Request { encryption_context: context(), ..decrypt::Request::new(blob) }
}

fn opened(local: &mut Local, request: decrypt::Request) -> Result<decrypt::Response> {
    match local.call(request)? {
        Response::Decrypt(response) => Ok(response),
        other => panic!("{other:?}"),
    }
}

fn state(local: &mut Local, key: KeyArn) -> KeyState {
    let request = describe_key::Request { key_id: key.into(), grant_tokens: Default::default() };
    match local.call(request).unwrap() {
        Response::DescribeKey(response) => response.key_metadata.key_state,
        other => panic!("{other:?}"),
    }
}

fn disconnect(local: &mut Local, store: KeyStoreId) {
    let custom_key_store_id = store.to_string().as_str().into();
    local.call(disconnect_custom_key_store::Request { custom_key_store_id }).unwrap();
}

fn code(local: &mut Local, request: impl Into<Request>) -> Option<ErrorCode> {
    local.call(request).err().map(|error| error.code)
}

#[test]
fn what_a_key_seals_opens_and_shows_no_material() {
    let mut local = Local::single_region();
    for key in keys(&mut local) {
        let blob = sealed(&mut local, key).unwrap();
        let result = opened(&mut local, bound(blob)).unwrap();
        assert_eq!(
            (result.plaintext.unwrap().0.as_bytes(), result.key_id),
            (b"secret".as_slice(), key)
        );
        assert_eq!(result.key_material_id.is_some(), local.key(key).stored_in.is_none());
    }
}

#[test]
fn a_data_key_opens_to_itself() {
    let mut local = Local::single_region();
    for key in keys(&mut local) {
        let Ok(Response::GenerateDataKey(made)) = local.call(generate_data_key::Request::new(key))
        else {
            panic!()
        };
        let result = opened(&mut local, decrypt::Request::new(made.ciphertext_blob)).unwrap();
        assert_eq!(result.plaintext, made.plaintext);
        let request = generate_data_key_without_plaintext::Request::new(key);
        let Ok(Response::GenerateDataKeyWithoutPlaintext(made)) = local.call(request) else {
            panic!()
        };
        let result = opened(&mut local, decrypt::Request::new(made.ciphertext_blob)).unwrap();
        assert_eq!(result.plaintext.unwrap().0.len(), 32);
    }
}

#[test]
fn a_ciphertext_goes_from_any_key_to_any_other() {
    let mut local = Local::single_region();
    let keys = keys(&mut local);
    for (from, to) in keys.into_iter().flat_map(|from| keys.map(|to| (from, to))) {
        let request = re_encrypt::Request {
            source_encryption_context: context(),
            destination_encryption_context: context(),
            ..re_encrypt::Request::new(sealed(&mut local, from).unwrap(), to)
        };
        let Ok(Response::ReEncrypt(moved)) = local.call(request) else { panic!("{from} {to}") };
        let result = opened(&mut local, bound(moved.ciphertext_blob)).unwrap();
        assert_eq!(
            (result.plaintext.unwrap().0.as_bytes(), result.key_id),
            (b"secret".as_slice(), to)
        );
        let shown = (moved.source_key_material_id, moved.destination_key_material_id);
        let own = |key| local.key(key).stored_in.is_none();
        assert_eq!((shown.0.is_some(), shown.1.is_some()), (own(from), own(to)));
    }
}

#[test]
fn another_context_does_not_open_and_says_so_as_the_store_does() {
    let mut local = Local::single_region();
    let [external, _, cluster, _] = keys(&mut local);
    for (key, expected) in
        [(external, ErrorCode::KmsInvalidState), (cluster, ErrorCode::InvalidCiphertext)]
    {
        let blob = sealed(&mut local, key).unwrap();
        let unbound = decrypt::Request::new(blob.clone());
        assert_eq!(code(&mut local, unbound), Some(expected));
        let mut bytes = blob.0.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        let damaged = bound(CiphertextBlob(bytes.into()));
        assert_eq!(code(&mut local, damaged), Some(expected));
        let short = bound(CiphertextBlob(blob.0[..25].into()));
        assert_eq!(code(&mut local, short), Some(ErrorCode::InvalidCiphertext));
    }
    let named = decrypt::Request {
        key_id: Some(external.into()),
        ..bound(sealed(&mut local, cluster).unwrap())
    };
    assert_eq!(code(&mut local, named), Some(ErrorCode::IncorrectKey));
}

#[test]
fn a_dry_run_asks_the_store_and_gives_nothing_out() {
    let mut local = Local::single_region();
    let [external, _, cluster, own] = keys(&mut local);
    for (key, refused) in
        [(external, ErrorCode::KmsInvalidState), (cluster, ErrorCode::InvalidCiphertext)]
    {
        let blob = sealed(&mut local, key).unwrap();
        let dry = |request| decrypt::Request { dry_run: true, ..request };
        let would = Some(ErrorCode::DryRunOperation);
        assert_eq!(code(&mut local, dry(bound(blob.clone()))), would);
        assert_eq!(code(&mut local, dry(decrypt::Request::new(blob.clone()))), Some(refused));
        let moved = re_encrypt::Request { dry_run: true, ..re_encrypt::Request::new(blob, own) };
        assert_eq!(code(&mut local, moved.clone()), Some(refused));
        let moved = re_encrypt::Request { source_encryption_context: context(), ..moved };
        assert_eq!(code(&mut local, moved), would);
    }
    let blob = sealed(&mut local, external).unwrap();
    local.proxy_mut("xks").condition = Condition::Unreachable;
    let dry = decrypt::Request { dry_run: true, ..bound(blob) };
    assert_eq!(code(&mut local, dry), Some(ErrorCode::KmsInvalidState));
}

#[test]
fn whatever_a_proxy_does_wrong_is_the_state_of_the_key() {
    let mut local = Local::single_region();
    let [key, ..] = keys(&mut local);
    let blob = sealed(&mut local, key).unwrap();
    let errors = ProxyError::ALL.iter().map(|error| Condition::Fails(*error));
    let conditions =
        [Condition::Unreachable, Condition::BadCertificate, Condition::TooSlow, Condition::Garbled];
    for condition in conditions.into_iter().chain(errors) {
        local.proxy_mut("xks").condition = condition;
        let expected = Some(ErrorCode::KmsInvalidState);
        assert_eq!(code(&mut local, bound(blob.clone())), expected, "{condition:?}");
        assert_eq!(code(&mut local, encrypt::Request::new(key, *b"x")), expected);
    }
    local.proxy_mut("xks").condition = Condition::WrongIntegrity;
    let request = encrypt::Request::new(key, *b"x");
    assert_eq!(code(&mut local, request), Some(ErrorCode::KmsInvalidState));
    assert_eq!(state(&mut local, key), KeyState::Enabled, "a loss does not show in the state");
    local.proxy_mut("xks").condition = Condition::Well;
    local.proxy_mut("xks").keys.remove("external-0");
    assert_eq!(code(&mut local, bound(blob)), Some(ErrorCode::KmsInvalidState));
}

#[test]
fn a_cluster_may_be_busy_out_of_sessions_gone_or_without_the_key() {
    let mut local = Local::single_region();
    let [_, _, key, _] = keys(&mut local);
    let blob = sealed(&mut local, key).unwrap();
    for (fault, expected) in [
        (Fault::Busy, ErrorCode::Throttling),
        (Fault::NoSession, ErrorCode::KmsInternal),
        (Fault::Unreachable, ErrorCode::KmsInvalidState),
    ] {
        local.cluster_mut("hsm").fault = Some(fault);
        assert_eq!(code(&mut local, bound(blob.clone())), Some(expected));
    }
    local.cluster_mut("hsm").fault = None;
    local.cluster_mut("hsm").view.hsms.truncate(1);
    opened(&mut local, bound(blob.clone())).unwrap();
    local.cluster_mut("hsm").keys.clear();
    assert_eq!(code(&mut local, bound(blob)), Some(ErrorCode::KmsInvalidState));
}

#[test]
fn keys_are_unavailable_from_disconnecting_to_connected_and_work_again() {
    let mut local = Local::single_region();
    let xks = local.connected_external_store("xks");
    let key = key_in(&mut local, xks, Some("external-0"));
    let blob = sealed(&mut local, key).unwrap();
    disconnect(&mut local, xks);
    for _ in 0..2 {
        assert_eq!(state(&mut local, key), KeyState::Unavailable);
        let error = local.call(bound(blob.clone())).unwrap_err();
        let message = format!("{key} is unavailable.");
        assert_eq!(error, ErrorCode::KmsInvalidState.says(message));
        local.advance(Duration::from_secs(300));
    }
    // What the owner wants meanwhile shows when the key is available again.
    local.call(disable_key::Request { key_id: key.into() }).unwrap();
    assert_eq!(state(&mut local, key), KeyState::Unavailable);
    local.connect_store(xks);
    assert_eq!(state(&mut local, key), KeyState::Disabled);
    local.call(enable_key::Request { key_id: key.into() }).unwrap();
    assert_eq!(opened(&mut local, bound(blob)).unwrap().plaintext.unwrap().0.as_bytes(), b"secret");
}

#[test]
fn a_key_that_waits_for_its_deletion_stays_so_in_a_disconnected_store() {
    let mut local = Local::single_region();
    let xks = local.connected_external_store("xks");
    let key = key_in(&mut local, xks, Some("external-0"));
    disconnect(&mut local, xks);
    let cancel = cancel_key_deletion::Request { key_id: key.into() };
    assert_eq!(code(&mut local, cancel.clone()), Some(ErrorCode::KmsInvalidState));
    let request =
        schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
    local.call(request).unwrap();
    assert_eq!(state(&mut local, key), KeyState::PendingDeletion);
    local.call(cancel).unwrap();
    assert_eq!(state(&mut local, key), KeyState::Unavailable);
    local.advance(Duration::from_secs(300));
    local.connect_store(xks);
    assert_eq!(state(&mut local, key), KeyState::Disabled);
}

#[test]
fn keys_in_stores_do_not_rotate() {
    let mut local = Local::single_region();
    let [external, _, cluster, _] = keys(&mut local);
    for key in [external, cluster] {
        let requests: [Request; 5] = [
            enable_key_rotation::Request::new(key).into(),
            disable_key_rotation::Request { key_id: key.into() }.into(),
            get_key_rotation_status::Request { key_id: key.into() }.into(),
            list_key_rotations::Request::new(key).into(),
            rotate_key_on_demand::Request { key_id: key.into() }.into(),
        ];
        for request in requests {
            let operation = request.operation();
            let refused = code(&mut local, request);
            assert_eq!(refused, Some(ErrorCode::UnsupportedOperation), "{operation}");
        }
    }
}

#[test]
fn a_key_lives_on_in_a_restored_cluster() {
    let mut local = Local::single_region();
    let hsm = local.connected_cloud_hsm_store("hsm");
    let key = key_in(&mut local, hsm, None);
    let blob = sealed(&mut local, key).unwrap();
    local.restore_cluster("hsm", "copy");
    disconnect(&mut local, hsm);
    local.advance(Duration::from_secs(300));
    local.remove_cluster("hsm");
    let update = crate::ops::update_custom_key_store::Request {
        cloud_hsm_cluster_id: Some(crate::local::cluster_id("copy").as_str().into()),
        key_store_password: Some("kmsPswd1".into()),
        ..crate::ops::update_custom_key_store::Request::new(&hsm.to_string())
    };
    local.call(update).unwrap();
    let custom_key_store_id = hsm.to_string().as_str().into();
    local.call(connect_custom_key_store::Request { custom_key_store_id }).unwrap();
    local.advance(Duration::from_secs(3600));
    assert_eq!(opened(&mut local, bound(blob)).unwrap().plaintext.unwrap().0.as_bytes(), b"secret");
}
