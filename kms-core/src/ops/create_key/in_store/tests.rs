//! Every error of CreateKey in a custom key store, provoked, and what such a key looks like.

use super::*;
use crate::key::KeyState;
use crate::key_store::KeyStoreId;
use crate::key_store::model::Condition;
use crate::key_store::xks::ProxyError;
use crate::local::{Local, cluster_id};
use crate::ops::describe_key::KeyMetadata;
use crate::ops::{Response, delete_custom_key_store, schedule_key_deletion};

fn create(local: &mut Local, request: Request) -> Result<KeyMetadata> {
    match local.call(request)? {
        Response::CreateKey(response) => Ok(*response.key_metadata),
        other => panic!("{other:?}"),
    }
}

fn refused(local: &mut Local, request: Request) -> ErrorCode {
    create(local, request).unwrap_err().code
}

fn external(store: KeyStoreId, key: &str) -> Request {
    Request {
        origin: Some(Origin::ExternalKeyStore),
        custom_key_store_id: Some(store.to_string().as_str().into()),
        xks_key_id: Some(key.into()),
        ..Request::default()
    }
}

fn in_cluster(store: KeyStoreId) -> Request {
    Request {
        origin: Some(Origin::AwsCloudHsm),
        custom_key_store_id: Some(store.to_string().as_str().into()),
        ..Request::default()
    }
}

#[test]
fn a_key_shows_where_it_is() {
    let mut local = Local::single_region();
    let xks = local.connected_external_store("xks");
    let hsm = local.connected_cloud_hsm_store("hsm");
    let key = create(&mut local, external(xks, "external-0")).unwrap();
    assert_eq!((key.origin, key.key_state), (Origin::ExternalKeyStore, KeyState::Enabled));
    assert_eq!(key.custom_key_store_id, Some(xks.to_string()));
    assert_eq!(key.xks_key_configuration.unwrap().id, "external-0");
    assert_eq!((key.cloud_hsm_cluster_id, key.current_key_material_id), (None, None));
    let key = create(&mut local, in_cluster(hsm)).unwrap();
    assert_eq!(key.cloud_hsm_cluster_id, Some(cluster_id("hsm").to_string()));
    assert_eq!((key.xks_key_configuration, key.current_key_material_id), (None, None));
    assert!(local.cluster_mut("hsm").keys.contains_key(&key.arn));
}

#[test]
fn origin_store_and_external_key_must_fit_each_other() {
    let mut local = Local::single_region();
    let xks = local.connected_external_store("xks");
    let hsm = local.connected_cloud_hsm_store("hsm");
    let e = || external(xks, "external-0");
    for bad in [
        Request { custom_key_store_id: None, ..e() },
        Request { xks_key_id: None, ..e() },
        Request { origin: None, ..e() },
        Request { origin: Some(Origin::AwsCloudHsm), ..e() },
        Request { origin: Some(Origin::AwsCloudHsm), xks_key_id: None, ..e() },
        Request { custom_key_store_id: None, ..in_cluster(hsm) },
        external(hsm, "external-0"),
    ] {
        assert_eq!(refused(&mut local, bad.clone()), ErrorCode::Validation, "{bad:?}");
    }
    let rsa = Request {
        key_spec: Some(KeySpec::Rsa2048),
        key_usage: Some(crate::key::KeyUsage::SignVerify),
        ..in_cluster(hsm)
    };
    for (unsupported, why) in [
        (Request { multi_region: true, ..e() }, "cannot be multi-Region"),
        (Request { multi_region: true, ..in_cluster(hsm) }, "cannot be multi-Region"),
        (rsa, "symmetric encryption keys only"),
    ] {
        let error = local.call(unsupported).unwrap_err();
        assert_eq!(error.code, ErrorCode::UnsupportedOperation);
        assert!(error.message.as_deref().is_some_and(|text| text.contains(why)), "{error}");
    }
    let nowhere = external(KeyStoreId::new([1; 9]), "external-0");
    assert_eq!(refused(&mut local, nowhere), ErrorCode::CustomKeyStoreNotFound);
}

#[test]
fn a_store_must_be_connected() {
    let mut local = Local::single_region();
    let xks = local.create_external_store("xks");
    let hsm = local.create_cloud_hsm_store("hsm");
    for request in [external(xks, "external-0"), in_cluster(hsm)] {
        assert_eq!(refused(&mut local, request), ErrorCode::CustomKeyStoreInvalidState);
    }
}

#[test]
fn an_external_key_is_for_one_key_of_a_store() {
    let mut local = Local::single_region();
    let (one, two) = (local.connected_external_store("one"), local.connected_external_store("two"));
    create(&mut local, external(one, "external-0")).unwrap();
    create(&mut local, external(two, "external-0")).unwrap();
    let again = external(one, "external-0");
    assert_eq!(refused(&mut local, again), ErrorCode::XksKeyAlreadyInUse);
}

#[test]
fn an_external_key_must_be_there_and_fit() {
    let mut local = Local::single_region();
    let store = local.connected_external_store("xks");
    assert_eq!(refused(&mut local, external(store, "none")), ErrorCode::XksKeyNotFound);
    let request = external(store, "external-0");
    let of = |local: &mut Local, change: fn(&mut crate::key_store::xks::ExternalKey)| {
        let before = local.proxy_mut("xks").clone();
        change(&mut local.proxy_mut("xks").keys.get_mut("external-0").unwrap().described);
        let code = refused(local, request.clone());
        *local.proxy_mut("xks") = before;
        code
    };
    for change in [
        |key: &mut crate::key_store::xks::ExternalKey| key.enabled = false,
        |key: &mut crate::key_store::xks::ExternalKey| key.spec = "AES_128".to_owned(),
        |key: &mut crate::key_store::xks::ExternalKey| key.usages.truncate(1),
    ] {
        assert_eq!(of(&mut local, change), ErrorCode::XksKeyInvalidConfiguration);
    }
    for (condition, code) in [
        (Condition::Unreachable, ErrorCode::CustomKeyStoreInvalidState),
        (Condition::Garbled, ErrorCode::CustomKeyStoreInvalidState),
        (Condition::Fails(ProxyError::AccessDenied), ErrorCode::CustomKeyStoreInvalidState),
        (Condition::Fails(ProxyError::InvalidKeyUsage), ErrorCode::XksKeyInvalidConfiguration),
    ] {
        local.proxy_mut("xks").condition = condition;
        assert_eq!(refused(&mut local, request.clone()), code, "{condition:?}");
    }
    local.proxy_mut("xks").condition = Condition::Well;
    create(&mut local, request).unwrap();
}

#[test]
fn a_cluster_must_have_two_hsms_in_two_zones() {
    let mut local = Local::single_region();
    let store = local.connected_cloud_hsm_store("hsm");
    local.cluster_mut("hsm").view.hsms = vec![1, 1];
    let code = refused(&mut local, in_cluster(store));
    assert_eq!(code, ErrorCode::CloudHsmClusterInvalidConfiguration);
}

#[test]
fn a_store_with_keys_cannot_be_deleted_before_they_are() {
    let mut local = Local::single_region();
    let store = local.connected_cloud_hsm_store("hsm");
    let key = create(&mut local, in_cluster(store)).unwrap().arn;
    let custom_key_store_id: crate::wire::CustomKeyStoreIdText = store.to_string().as_str().into();
    let delete = delete_custom_key_store::Request { custom_key_store_id };
    let code = |local: &mut Local| local.call(delete.clone()).unwrap_err().code;
    assert_eq!(code(&mut local), ErrorCode::CustomKeyStoreHasCmks);
    let request =
        schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
    local.call(request).unwrap();
    assert_eq!(code(&mut local), ErrorCode::CustomKeyStoreHasCmks);
    local.advance(31 * crate::key::DAY);
    assert!(!local.cluster_mut("hsm").keys.contains_key(&key), "it is gone from the cluster, too");
    assert_eq!(code(&mut local), ErrorCode::CustomKeyStoreInvalidState);
}
