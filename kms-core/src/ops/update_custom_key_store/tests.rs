//! Every error of UpdateCustomKeyStore, provoked, and when which property may change.

use super::*;
use crate::key_store::model::Condition;
use crate::key_store::xks::EndpointService;
use crate::key_store::{Connection, ConnectionState, EndpointServiceName, KeyStoreId};
use crate::local::{Local, cluster_id, proxy_endpoint};

const SERVICE: &str = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";

fn about(store: KeyStoreId) -> Request {
    Request::new(&store.to_string())
}

fn update(local: &mut Local, request: Request) -> Result<()> {
    local.call(request).map(drop)
}

fn refused(local: &mut Local, request: Request) -> ErrorCode {
    update(local, request).unwrap_err().code
}

fn stored(local: &Local, id: KeyStoreId) -> KeyStore {
    KeyStore::clone(local.journal().state().key_store(id).unwrap().0)
}

fn renamed(store: KeyStoreId, name: &str) -> Request {
    Request { new_custom_key_store_name: Some(name.into()), ..about(store) }
}

fn moved(store: KeyStoreId, endpoint: &str) -> Request {
    Request { xks_proxy_uri_endpoint: Some(endpoint.into()), ..about(store) }
}

#[test]
fn a_store_takes_another_name_unless_it_is_taken() {
    let mut local = Local::single_region();
    let store = local.connected_external_store("xks");
    local.create_external_store("other");
    update(&mut local, renamed(store, "new")).unwrap();
    assert_eq!(&*stored(&local, store).name, "new");
    update(&mut local, renamed(store, "new")).unwrap();
    assert_eq!(refused(&mut local, renamed(store, "other")), ErrorCode::CustomKeyStoreNameInUse);
    let missing = KeyStoreId::new([3; 9]);
    assert_eq!(refused(&mut local, renamed(missing, "x")), ErrorCode::CustomKeyStoreNotFound);
}

#[test]
fn something_must_change_and_it_must_be_of_the_stores_kind() {
    let mut local = Local::single_region();
    let external = local.create_external_store("xks");
    let cluster = local.create_cloud_hsm_store("hsm");
    let password = Some("kmsPswd2".into());
    let path = Some("/a/kms/xks/v1".into());
    for bad in [
        about(external),
        Request { key_store_password: password.clone(), ..about(external) },
        Request { xks_proxy_uri_path: path.clone(), ..about(cluster) },
        Request { xks_proxy_uri_path: path, key_store_password: password, ..about(cluster) },
        Request { xks_proxy_vpc_endpoint_service_name: Some(SERVICE.into()), ..about(external) },
        Request {
            xks_proxy_connectivity: Some(Connectivity::VpcEndpointService),
            xks_proxy_vpc_endpoint_service_name: Some(SERVICE.into()),
            ..about(external)
        },
    ] {
        assert_eq!(refused(&mut local, bad.clone()), ErrorCode::Validation, "{bad:?}");
    }
}

#[test]
fn what_leads_to_the_backend_changes_only_while_disconnected() {
    let mut local = Local::single_region();
    let external = local.connected_external_store("xks");
    let cluster = local.connected_cloud_hsm_store("hsm");
    let code = ErrorCode::CustomKeyStoreInvalidState;
    assert_eq!(refused(&mut local, moved(external, "https://b.example")), code);
    let password = Request { key_store_password: Some("kmsPswd2".into()), ..about(cluster) };
    assert_eq!(refused(&mut local, password), code);
    let credential = local.proxy_and_request("xks").xks_proxy_authentication_credential;
    local.proxy_mut("xks").managers.truncate(1);
    let credential = Request { xks_proxy_authentication_credential: credential, ..about(external) };
    update(&mut local, credential.clone()).unwrap();
    let store = stored(&local, external);
    local
        .call(crate::ops::disconnect_custom_key_store::Request {
            custom_key_store_id: external.to_string().as_str().into(),
        })
        .unwrap();
    assert_eq!(store.connection, Connection::Connected);
    assert_eq!(stored(&local, external).connection.state(), ConnectionState::Disconnecting);
    assert_eq!(refused(&mut local, credential), code);
    assert_eq!(refused(&mut local, renamed(external, "new")), code);
}

#[test]
fn a_proxy_is_asked_with_the_new_values_first() {
    let mut local = Local::single_region();
    let store = local.create_external_store("xks");
    let before = stored(&local, store);
    local.proxy_and_request("second");
    let endpoint = proxy_endpoint("second");
    for (condition, code) in [
        (Condition::Unreachable, ErrorCode::XksProxyUriUnreachable),
        (Condition::Garbled, ErrorCode::XksProxyInvalidResponse),
    ] {
        local.proxy_mut("second").condition = condition;
        assert_eq!(refused(&mut local, moved(store, &endpoint)), code);
    }
    local.proxy_mut("second").condition = Condition::Well;
    let credentials = std::mem::take(&mut local.proxy_mut("second").credentials);
    let code = ErrorCode::XksProxyIncorrectAuthenticationCredential;
    assert_eq!(refused(&mut local, moved(store, &endpoint)), code);
    local.proxy_mut("second").credentials = credentials;
    let path = Request { xks_proxy_uri_path: Some("/a/kms/xks/v1".into()), ..about(store) };
    assert_eq!(refused(&mut local, path), ErrorCode::XksProxyInvalidConfiguration);
    assert_eq!(stored(&local, store), before);
    update(&mut local, moved(store, &endpoint)).unwrap();
    assert_eq!(*stored(&local, store).proxy().unwrap().endpoint, *endpoint);
}

#[test]
fn a_public_proxy_moves_behind_an_endpoint_service_and_back() {
    let mut local = Local::single_region();
    let store = local.create_external_store("xks");
    let owner = local.owner().account();
    let to_vpc = Request {
        xks_proxy_connectivity: Some(Connectivity::VpcEndpointService),
        xks_proxy_vpc_endpoint_service_name: Some(SERVICE.into()),
        ..moved(store, &proxy_endpoint("xks"))
    };
    let code = ErrorCode::XksProxyVpcEndpointServiceNotFound;
    assert_eq!(refused(&mut local, to_vpc.clone()), code);
    let name = EndpointServiceName { name: SERVICE.into(), owner };
    let service = EndpointService {
        zones: 1,
        acceptance_required: false,
        private_dns_name: Some("xks.xks.example".to_owned()),
        admits_kms: true,
    };
    local.backends_mut().add_service(name.clone(), service.clone());
    let code = ErrorCode::XksProxyVpcEndpointServiceInvalidConfiguration;
    assert_eq!(refused(&mut local, to_vpc.clone()), code);
    local.backends_mut().add_service(name, EndpointService { zones: 2, ..service });
    update(&mut local, to_vpc.clone()).unwrap();
    assert!(stored(&local, store).proxy().unwrap().service.is_some());
    local.connect_store(store);
    assert_eq!(stored(&local, store).connection, Connection::Connected);

    let other = local.create_external_store("other");
    let taken = Request { custom_key_store_id: other.to_string().as_str().into(), ..to_vpc };
    assert_eq!(refused(&mut local, taken.clone()), ErrorCode::XksProxyUriInUse);
    let path = Request { xks_proxy_uri_path: Some("/a/kms/xks/v1".into()), ..taken };
    assert_eq!(refused(&mut local, path.clone()), ErrorCode::XksProxyVpcEndpointServiceInUse);
    let public =
        Request { xks_proxy_connectivity: None, xks_proxy_vpc_endpoint_service_name: None, ..path };
    assert_eq!(refused(&mut local, public), ErrorCode::XksProxyUriEndpointInUse);
}

#[test]
fn a_cluster_is_followed_only_by_a_relative() {
    let mut local = Local::single_region();
    let store = local.create_cloud_hsm_store("hsm");
    local.restore_cluster("hsm", "copy");
    local.cluster_and_request("stranger");
    let to = |name: &str| Request {
        cloud_hsm_cluster_id: Some(cluster_id(name).as_str().into()),
        ..about(store)
    };
    assert_eq!(refused(&mut local, to("stranger")), ErrorCode::CloudHsmClusterNotRelated);
    assert_eq!(refused(&mut local, to("nothing")), ErrorCode::CloudHsmClusterNotFound);
    local.cluster_mut("copy").view.hsms.pop();
    assert_eq!(refused(&mut local, to("copy")), ErrorCode::CloudHsmClusterInvalidConfiguration);
    local.cluster_mut("copy").view.active = false;
    assert_eq!(refused(&mut local, to("copy")), ErrorCode::CloudHsmClusterNotActive);
    local.restore_cluster("hsm", "copy");
    update(&mut local, to("copy")).unwrap();
    assert_eq!(stored(&local, store).cloud_hsm().unwrap().cluster, cluster_id("copy"));
}

#[test]
fn a_password_that_was_changed_by_hand_is_told_before_connecting() {
    let mut local = Local::single_region();
    let store = local.create_cloud_hsm_store("hsm");
    local.cluster_mut("hsm").password = Some(b"byHand12".to_vec().into());
    let told = Request { key_store_password: Some("byHand12".into()), ..about(store) };
    update(&mut local, told).unwrap();
    local.connect_store(store);
    assert_eq!(stored(&local, store).connection, Connection::Connected);
}
