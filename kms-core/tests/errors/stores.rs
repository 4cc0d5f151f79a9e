//! What provokes the errors of making and changing custom key stores.

use super::provoke::{Case, with};
use super::world::World;
use kms_core::Result;
use kms_core::error::ErrorCode;
use kms_core::key_store::EndpointServiceName;
use kms_core::key_store::model::Condition;
use kms_core::key_store::xks::{EndpointService, ProxyError};
use kms_core::local::{cluster_id, proxy_endpoint};
use kms_core::ops::{Request, Response};
use kms_core::wire::encode_request;
use serde_json::{Value, json};

const SERVICE: &str = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0";

/// The operations in order. CreateCustomKeyStore is asked for a store behind the proxy `new`,
/// UpdateCustomKeyStore for another name of a store behind the proxy `store`.
pub(crate) const CASES: &[Case] = &[
    ("CreateCustomKeyStore", ErrorCode::CloudHsmClusterInUse, |world| {
        world.local.create_cloud_hsm_store("hsm");
        world.local.restore_cluster("hsm", "copy");
        in_front_of_cluster(world, "hsm");
        world.set("CustomKeyStoreName", "copy");
        with(world, "CloudHsmClusterId", json!(cluster_id("copy").to_string()))
    }),
    ("CreateCustomKeyStore", ErrorCode::CloudHsmClusterInvalidConfiguration, |world| {
        in_front_of_cluster(world, "hsm");
        world.local.cluster_mut("hsm").view.hsms.clear();
        world.send()
    }),
    ("CreateCustomKeyStore", ErrorCode::CloudHsmClusterNotActive, |world| {
        in_front_of_cluster(world, "hsm");
        world.local.cluster_mut("hsm").view.active = false;
        world.send()
    }),
    ("CreateCustomKeyStore", ErrorCode::CloudHsmClusterNotFound, |world| {
        in_front_of_cluster(world, "hsm");
        world.local.remove_cluster("hsm");
        world.send()
    }),
    ("CreateCustomKeyStore", ErrorCode::CustomKeyStoreNameInUse, |world| {
        world.local.create_external_store("taken");
        with(world, "CustomKeyStoreName", json!("taken"))
    }),
    ("CreateCustomKeyStore", ErrorCode::IncorrectTrustAnchor, |world| {
        in_front_of_cluster(world, "hsm");
        with(world, "TrustAnchorCertificate", json!("another"))
    }),
    ("CreateCustomKeyStore", ErrorCode::LimitExceeded, |world| {
        world.local.settings_mut().limits.custom_key_stores = 0;
        world.send()
    }),
    ("CreateCustomKeyStore", ErrorCode::XksProxyIncorrectAuthenticationCredential, |world| {
        world.local.proxy_mut("new").credentials.clear();
        world.send()
    }),
    ("CreateCustomKeyStore", ErrorCode::XksProxyInvalidConfiguration, |world| {
        world.local.proxy_mut("new").condition = Condition::Fails(ProxyError::InvalidUriPath);
        world.send()
    }),
    ("CreateCustomKeyStore", ErrorCode::XksProxyInvalidResponse, |world| {
        world.local.proxy_mut("new").condition = Condition::Garbled;
        world.send()
    }),
    ("CreateCustomKeyStore", ErrorCode::XksProxyUriEndpointInUse, |world| {
        world.send()?;
        world.set("CustomKeyStoreName", "second");
        world.set("XksProxyUriPath", "/second/kms/xks/v1");
        behind_service(world, "new")
    }),
    ("CreateCustomKeyStore", ErrorCode::XksProxyUriInUse, |world| {
        world.send()?;
        with(world, "CustomKeyStoreName", json!("second"))
    }),
    ("CreateCustomKeyStore", ErrorCode::XksProxyUriUnreachable, |world| {
        world.local.proxy_mut("new").condition = Condition::Unreachable;
        world.send()
    }),
    ("CreateCustomKeyStore", ErrorCode::XksProxyVpcEndpointServiceInUse, |world| {
        behind_service(world, "new")?;
        world.set("CustomKeyStoreName", "second");
        with(world, "XksProxyUriPath", json!("/second/kms/xks/v1"))
    }),
    ("CreateCustomKeyStore", ErrorCode::XksProxyVpcEndpointServiceInvalidConfiguration, |world| {
        behind_service(world, "another")
    }),
    ("CreateCustomKeyStore", ErrorCode::XksProxyVpcEndpointServiceNotFound, |world| {
        world.set("XksProxyConnectivity", "VPC_ENDPOINT_SERVICE");
        with(world, "XksProxyVpcEndpointServiceName", json!(SERVICE))
    }),
    ("UpdateCustomKeyStore", ErrorCode::CloudHsmClusterInvalidConfiguration, |world| {
        world.local.create_cloud_hsm_store("hsm");
        world.local.restore_cluster("hsm", "copy");
        world.local.cluster_mut("copy").view.hsms.clear();
        to_cluster(world, "copy")
    }),
    ("UpdateCustomKeyStore", ErrorCode::CloudHsmClusterNotActive, |world| {
        world.local.create_cloud_hsm_store("hsm");
        world.local.restore_cluster("hsm", "copy");
        world.local.cluster_mut("copy").view.active = false;
        to_cluster(world, "copy")
    }),
    ("UpdateCustomKeyStore", ErrorCode::CloudHsmClusterNotFound, |world| to_cluster(world, "none")),
    ("UpdateCustomKeyStore", ErrorCode::CloudHsmClusterNotRelated, |world| {
        world.local.cluster_and_request("stranger");
        to_cluster(world, "stranger")
    }),
    ("UpdateCustomKeyStore", ErrorCode::CustomKeyStoreInvalidState, |world| {
        world.set("CustomKeyStoreId", "$external");
        with(world, "XksProxyUriEndpoint", json!(proxy_endpoint("elsewhere")))
    }),
    ("UpdateCustomKeyStore", ErrorCode::CustomKeyStoreNameInUse, |world| {
        world.local.create_external_store("taken");
        with(world, "NewCustomKeyStoreName", json!("taken"))
    }),
    ("UpdateCustomKeyStore", ErrorCode::XksProxyIncorrectAuthenticationCredential, |world| {
        world.local.proxy_and_request("second");
        world.local.proxy_mut("second").credentials.clear();
        to_proxy(world, "second")
    }),
    ("UpdateCustomKeyStore", ErrorCode::XksProxyInvalidConfiguration, |world| {
        with(world, "XksProxyUriPath", json!("/nowhere/kms/xks/v1"))
    }),
    ("UpdateCustomKeyStore", ErrorCode::XksProxyInvalidResponse, |world| {
        world.local.proxy_and_request("second");
        world.local.proxy_mut("second").condition = Condition::Garbled;
        to_proxy(world, "second")
    }),
    ("UpdateCustomKeyStore", ErrorCode::XksProxyUriEndpointInUse, |world| {
        world.local.create_external_store("taken");
        world.set("XksProxyUriEndpoint", proxy_endpoint("taken"));
        world.set("XksProxyUriPath", "/second/kms/xks/v1");
        behind_service(world, "taken")
    }),
    ("UpdateCustomKeyStore", ErrorCode::XksProxyUriInUse, |world| {
        world.local.create_external_store("taken");
        to_proxy(world, "taken")
    }),
    ("UpdateCustomKeyStore", ErrorCode::XksProxyUriUnreachable, |world| {
        world.local.proxy_mut("store").condition = Condition::Unreachable;
        to_proxy(world, "store")
    }),
    ("UpdateCustomKeyStore", ErrorCode::XksProxyVpcEndpointServiceInUse, |world| {
        create_behind_service(world, "taken");
        world.set("XksProxyUriEndpoint", proxy_endpoint("taken"));
        world.set("XksProxyUriPath", "/second/kms/xks/v1");
        behind_service(world, "taken")
    }),
    ("UpdateCustomKeyStore", ErrorCode::XksProxyVpcEndpointServiceInvalidConfiguration, |world| {
        world.set("XksProxyUriEndpoint", proxy_endpoint("store"));
        behind_service(world, "another")
    }),
    ("UpdateCustomKeyStore", ErrorCode::XksProxyVpcEndpointServiceNotFound, |world| {
        world.set("XksProxyUriEndpoint", proxy_endpoint("store"));
        world.set("XksProxyConnectivity", "VPC_ENDPOINT_SERVICE");
        with(world, "XksProxyVpcEndpointServiceName", json!(SERVICE))
    }),
];

/// Asks for a store in front of a new cluster instead.
fn in_front_of_cluster(world: &mut World, name: &str) {
    let request: Request = world.local.cluster_and_request(name).into();
    world.request = serde_json::from_slice(&encode_request(&request)).expect("JSON");
}

/// Goes through an endpoint service for the proxy of that name.
fn behind_service(world: &mut World, name: &str) -> Result<Response> {
    add_service(world, name);
    world.set("XksProxyConnectivity", "VPC_ENDPOINT_SERVICE");
    with(world, "XksProxyVpcEndpointServiceName", json!(SERVICE))
}

fn add_service(world: &mut World, name: &str) {
    let owner = world.local.owner().account();
    let service = EndpointService {
        zones: 2,
        acceptance_required: false,
        private_dns_name: Some(format!("{name}.xks.example")),
        admits_kms: true,
    };
    let at = EndpointServiceName { name: SERVICE.into(), owner };
    world.local.backends_mut().add_service(at, service);
}

/// Makes a store behind the endpoint service.
fn create_behind_service(world: &mut World, name: &str) {
    let request: Request = world.local.proxy_and_request(name).into();
    let mut body: Value = serde_json::from_slice(&encode_request(&request)).expect("JSON");
    add_service(world, name);
    body["XksProxyConnectivity"] = json!("VPC_ENDPOINT_SERVICE");
    body["XksProxyVpcEndpointServiceName"] = json!(SERVICE);
    world.done("CreateCustomKeyStore", body);
}

/// Moves a store to another cluster.
fn to_cluster(world: &mut World, name: &str) -> Result<Response> {
    world.request = json!({ "CloudHsmClusterId": cluster_id(name).to_string() });
    with(world, "CustomKeyStoreId", json!("$cluster"))
}

/// Moves a store to another proxy.
fn to_proxy(world: &mut World, name: &str) -> Result<Response> {
    with(world, "XksProxyUriEndpoint", json!(proxy_endpoint(name)))
}
