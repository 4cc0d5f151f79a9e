//! Every error of CreateCustomKeyStore, provoked, and what a store is like that is made.

use super::*;
use crate::key_store::model::Condition;
use crate::key_store::xks::{EndpointService, ManagerHealth, ProxyError};
use crate::local::{Local, proxy_endpoint};
use crate::ops::Response as Any;

const SERVICE: &str = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";

fn create(local: &mut Local, request: Request) -> Result<String> {
    match local.call(request)? {
        Any::CreateCustomKeyStore(response) => Ok(response.custom_key_store_id),
        other => panic!("{other:?}"),
    }
}

fn refused(local: &mut Local, request: Request) -> ErrorCode {
    create(local, request).unwrap_err().code
}

/// A store behind an endpoint service, which is there and well.
fn over_vpc(local: &mut Local, name: &str, service: &str) -> Request {
    let owner = local.owner().account();
    let configured = EndpointService {
        zones: 2,
        acceptance_required: false,
        private_dns_name: Some(format!("{name}.xks.example")),
        admits_kms: true,
    };
    let at = EndpointServiceName { name: service.into(), owner };
    local.backends_mut().add_service(at, configured);
    Request {
        xks_proxy_connectivity: Some(Connectivity::VpcEndpointService),
        xks_proxy_vpc_endpoint_service_name: Some(service.into()),
        ..local.proxy_and_request(name)
    }
}

#[test]
fn a_new_store_is_disconnected_and_has_an_id() {
    let mut local = Local::single_region();
    let external = local.proxy_and_request("xks");
    let cluster = local.cluster_and_request("hsm");
    for (request, kind) in
        [(external, KeyStoreType::ExternalKeyStore), (cluster, KeyStoreType::AwsCloudHsm)]
    {
        let id = KeyStoreId::parse(&create(&mut local, request).unwrap()).unwrap();
        let (store, _) = local.journal().state().key_store(id).unwrap();
        assert_eq!((store.kind(), store.connection), (kind, Connection::Disconnected));
    }
}

#[test]
fn each_kind_needs_all_of_its_members_and_none_of_the_others() {
    let mut local = Local::single_region();
    let external = local.proxy_and_request("xks");
    let cluster = local.cluster_and_request("hsm");
    let vpc = over_vpc(&mut local, "vpc", SERVICE);
    let e = || external.clone();
    let c = || cluster.clone();
    for bad in [
        Request { custom_key_store_type: None, ..e() },
        Request { xks_proxy_connectivity: None, ..e() },
        Request { xks_proxy_uri_endpoint: None, ..e() },
        Request { xks_proxy_uri_path: None, ..e() },
        Request { xks_proxy_authentication_credential: None, ..e() },
        Request { key_store_password: c().key_store_password, ..e() },
        Request { xks_proxy_vpc_endpoint_service_name: Some(SERVICE.into()), ..e() },
        Request { xks_proxy_vpc_endpoint_service_owner: Some("111122223333".into()), ..e() },
        Request { xks_proxy_vpc_endpoint_service_name: None, ..vpc },
        Request { cloud_hsm_cluster_id: None, ..c() },
        Request { trust_anchor_certificate: None, ..c() },
        Request { key_store_password: None, ..c() },
        Request { xks_proxy_uri_path: e().xks_proxy_uri_path, ..c() },
        Request { custom_key_store_type: Some(KeyStoreType::ExternalKeyStore), ..c() },
    ] {
        assert_eq!(refused(&mut local, bad.clone()), ErrorCode::Validation, "{bad:?}");
    }
}

#[test]
fn a_name_is_taken_once_and_ten_stores_are_enough() {
    let mut local = Local::single_region();
    local.create_external_store("xks");
    let other = local.proxy_and_request("other");
    let same_name = Request { custom_key_store_name: "xks".into(), ..other.clone() };
    assert_eq!(refused(&mut local, same_name), ErrorCode::CustomKeyStoreNameInUse);
    for number in 0..9 {
        local.create_cloud_hsm_store(&"abcdefghi"[number..=number]);
    }
    assert_eq!(refused(&mut local, other), ErrorCode::LimitExceeded);
}

#[test]
fn a_cluster_must_be_there_active_well_configured_and_the_right_one() {
    let mut local = Local::single_region();
    let request = local.cluster_and_request("hsm");
    let wrong = Request { trust_anchor_certificate: Some("other".into()), ..request.clone() };
    assert_eq!(refused(&mut local, wrong), ErrorCode::IncorrectTrustAnchor);
    local.cluster_mut("hsm").view.hsms = vec![0, 0];
    let code = ErrorCode::CloudHsmClusterInvalidConfiguration;
    assert_eq!(refused(&mut local, request.clone()), code);
    local.cluster_mut("hsm").view.active = false;
    assert_eq!(refused(&mut local, request.clone()), ErrorCode::CloudHsmClusterNotActive);
    local.remove_cluster("hsm");
    assert_eq!(refused(&mut local, request), ErrorCode::CloudHsmClusterNotFound);
}

#[test]
fn related_clusters_are_one_cluster() {
    let mut local = Local::single_region();
    local.create_cloud_hsm_store("hsm");
    local.restore_cluster("hsm", "copy");
    let certificate = local.cluster_mut("hsm").view.certificate.to_string();
    let copy = Request::cloud_hsm("copy", "cluster-copy2222222", &certificate, "kmsPswd1");
    assert_eq!(refused(&mut local, copy), ErrorCode::CloudHsmClusterInUse);
}

#[test]
fn the_same_cloud_hsm_store_again_is_the_same_store_while_it_is_disconnected() {
    let mut local = Local::single_region();
    let request = local.cluster_and_request("hsm");
    let id = create(&mut local, request.clone()).unwrap();
    assert_eq!(create(&mut local, request.clone()), Ok(id.clone()));
    let other = Request { key_store_password: Some("kmsPswd2".into()), ..request.clone() };
    assert_eq!(refused(&mut local, other), ErrorCode::CustomKeyStoreNameInUse);
    local.connect_store(KeyStoreId::parse(&id).unwrap());
    assert_eq!(refused(&mut local, request), ErrorCode::CustomKeyStoreNameInUse);
    let external = local.proxy_and_request("xks");
    create(&mut local, external.clone()).unwrap();
    assert_eq!(refused(&mut local, external), ErrorCode::CustomKeyStoreNameInUse);
}

#[test]
fn what_a_public_proxy_does_not_do_is_told_at_once() {
    let mut local = Local::single_region();
    let request = local.proxy_and_request("xks");
    for (condition, code) in [
        (Condition::Unreachable, ErrorCode::XksProxyUriUnreachable),
        (Condition::BadCertificate, ErrorCode::XksProxyUriUnreachable),
        (Condition::TooSlow, ErrorCode::XksProxyUriUnreachable),
        (Condition::Garbled, ErrorCode::XksProxyInvalidResponse),
        (Condition::Fails(ProxyError::Internal), ErrorCode::XksProxyInvalidResponse),
        (Condition::Fails(ProxyError::Throttling), ErrorCode::XksProxyUriUnreachable),
        (Condition::Fails(ProxyError::InvalidUriPath), ErrorCode::XksProxyInvalidConfiguration),
    ] {
        local.proxy_mut("xks").condition = condition;
        assert_eq!(refused(&mut local, request.clone()), code, "{condition:?}");
    }
    local.proxy_mut("xks").condition = Condition::Well;
    local.proxy_mut("xks").managers = vec![ManagerHealth::Unavailable; 2];
    assert_eq!(refused(&mut local, request.clone()), ErrorCode::XksProxyUriUnreachable);
    local.proxy_mut("xks").managers[1] = ManagerHealth::Degraded;
    create(&mut local, request).unwrap();
    let other = local.proxy_and_request("other");
    local.proxy_mut("other").credentials.clear();
    let code = ErrorCode::XksProxyIncorrectAuthenticationCredential;
    assert_eq!(refused(&mut local, other.clone()), code);
    let path = Request { xks_proxy_uri_path: Some("/a/kms/xks/v1".into()), ..other };
    assert_eq!(refused(&mut local, path), ErrorCode::XksProxyInvalidConfiguration);
}

#[test]
fn a_proxy_in_a_vpc_needs_its_endpoint_service_and_is_not_asked() {
    let mut local = Local::single_region();
    let request = over_vpc(&mut local, "vpc", SERVICE);
    let missing = "com.amazonaws.vpce.us-east-1.vpce-svc-00000000000000000";
    let elsewhere =
        Request { xks_proxy_vpc_endpoint_service_name: Some(missing.into()), ..request.clone() };
    let code = ErrorCode::XksProxyVpcEndpointServiceNotFound;
    assert_eq!(refused(&mut local, elsewhere), code);
    let foreign = Request {
        xks_proxy_vpc_endpoint_service_owner: Some("444455556666".into()),
        ..request.clone()
    };
    assert_eq!(refused(&mut local, foreign), code);
    let other_name = Request {
        xks_proxy_uri_endpoint: Some("https://another.example".into()),
        ..request.clone()
    };
    let code = ErrorCode::XksProxyVpcEndpointServiceInvalidConfiguration;
    assert_eq!(refused(&mut local, other_name), code);
    local.proxy_mut("vpc").condition = Condition::Unreachable;
    create(&mut local, request).unwrap();
}

#[test]
fn endpoints_and_services_are_shared_only_as_far_as_documented() {
    let mut local = Local::single_region();
    let vpc = over_vpc(&mut local, "vpc", SERVICE);
    create(&mut local, vpc.clone()).unwrap();
    let again = |name: &str| Request { custom_key_store_name: name.into(), ..vpc.clone() };
    assert_eq!(refused(&mut local, again("b")), ErrorCode::XksProxyUriInUse);
    let path = Request { xks_proxy_uri_path: Some("/b/kms/xks/v1".into()), ..again("b") };
    assert_eq!(refused(&mut local, path), ErrorCode::XksProxyVpcEndpointServiceInUse);
    let public = Request {
        xks_proxy_uri_path: Some("/b/kms/xks/v1".into()),
        xks_proxy_vpc_endpoint_service_name: None,
        xks_proxy_connectivity: Some(Connectivity::PublicEndpoint),
        ..again("b")
    };
    assert_eq!(refused(&mut local, public), ErrorCode::XksProxyUriEndpointInUse);

    local.create_external_store("xks");
    let endpoint = proxy_endpoint("xks");
    let proxy = local.proxy_mut("xks").clone();
    local.backends_mut().add_proxy(&endpoint, "/b/kms/xks/v1", proxy);
    let beside = Request {
        custom_key_store_name: "beside".into(),
        xks_proxy_uri_path: Some("/b/kms/xks/v1".into()),
        ..local.proxy_and_request("xks")
    };
    create(&mut local, beside).unwrap();
}
