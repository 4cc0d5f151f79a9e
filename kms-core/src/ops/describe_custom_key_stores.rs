//! DescribeCustomKeyStores: the custom key stores of the account, without their secrets.

use super::Info;
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::key_store::{
    ConnectionErrorCode, ConnectionState, Connectivity, KeyStore, KeyStoreId, KeyStoreType, Proxy,
};
use crate::kms::{Checks, no_such_store};
use crate::page::{self, PageSize};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{CustomKeyStoreIdText, CustomKeyStoreName, Limit, Listed, Marker};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[ErrorCode::CustomKeyStoreNotFound, ErrorCode::InvalidMarker, ErrorCode::KmsInternal],
};

/// The model gives the largest page alone; there are ten stores in an account, so a page holds all.
const SIZES: PageSize = PageSize { default: 100, most: 1000 };
const LIST: &str = "DescribeCustomKeyStores";

crate::shape! {
    /// All stores, or the one of an id or a name.
    #[derive(Default)]
    pub struct Request {
        /// The id; this or the name.
        custom_key_store_id: Option<CustomKeyStoreIdText> = "CustomKeyStoreId",
        /// The name; this or the id.
        custom_key_store_name: Option<CustomKeyStoreName> = "CustomKeyStoreName",
        /// How many.
        limit: Option<Limit> = "Limit",
        /// Where to go on.
        marker: Option<Marker> = "Marker",
    }
}

crate::shape! {
    /// A page of stores.
    pub struct Response {
        /// The stores.
        custom_key_stores: Listed<Entry> = "CustomKeyStores",
        /// Where to go on.
        next_marker: Option<Marker> = "NextMarker",
        /// Whether there are more.
        truncated: bool = "Truncated",
    }
}

crate::shape! {
    /// A custom key store as its owner sees it.
    pub struct Entry {
        /// The id.
        custom_key_store_id: String = "CustomKeyStoreId",
        /// The name.
        custom_key_store_name: String = "CustomKeyStoreName",
        /// The cluster.
        cloud_hsm_cluster_id: Option<String> = "CloudHsmClusterId",
        /// The cluster's certificate.
        trust_anchor_certificate: Option<String> = "TrustAnchorCertificate",
        /// Whether the KMS is connected to it.
        connection_state: ConnectionState = "ConnectionState",
        /// Why not, in FAILED.
        connection_error_code: Option<ConnectionErrorCode> = "ConnectionErrorCode",
        /// When it was created.
        creation_date: Timestamp = "CreationDate",
        /// What kind of store.
        custom_key_store_type: KeyStoreType = "CustomKeyStoreType",
        /// The proxy.
        xks_proxy_configuration: Option<XksProxyConfiguration> = "XksProxyConfiguration",
    }
}

crate::shape! {
    /// The proxy of an external key store.
    pub struct XksProxyConfiguration {
        /// Over which network.
        connectivity: Connectivity = "Connectivity",
        /// The part of the credential that is no secret.
        access_key_id: String = "AccessKeyId",
        /// Scheme and host.
        uri_endpoint: String = "UriEndpoint",
        /// The path of its API.
        uri_path: String = "UriPath",
        /// The endpoint service.
        vpc_endpoint_service_name: Option<String> = "VpcEndpointServiceName",
        /// The account that owns it.
        vpc_endpoint_service_owner: Option<String> = "VpcEndpointServiceOwner",
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    if request.custom_key_store_id.is_some() && request.custom_key_store_name.is_some() {
        return Err(ErrorCode::Validation
            .says("You can specify either CustomKeyStoreId or CustomKeyStoreName, not both."));
    }
    let size = page::size(request.limit, SIZES)?;
    let context = checks.context(Action::DescribeCustomKeyStores);
    checks.account(context)?;
    let after = page::position(request.marker.as_ref(), LIST, KeyStoreId::parse)?;
    let named = named(&mut checks, request)?;
    let account = checks.call().caller.account();
    let stores = checks.state().key_stores_after(after.as_ref());
    let wanted = |store: &&Arc<KeyStore>| {
        store.account == account && named.is_none_or(|named| named == store.id)
    };
    let page = page::take(stores.filter(wanted), size, LIST, |store| store.id.to_string());
    let entries = page.items.into_iter().map(|store| entry(store));
    checks.pass(false)?.done(Response {
        custom_key_stores: Listed(entries.collect()),
        truncated: page.next.is_some(),
        next_marker: page.next,
    })
}

/// The one store that is asked for, if it is one.
fn named(checks: &mut Checks<'_, '_>, request: &Request) -> Result<Option<KeyStoreId>> {
    if let Some(id) = &request.custom_key_store_id {
        return checks.key_store(id).map(|store| Some(store.id));
    }
    let Some(name) = &request.custom_key_store_name else { return Ok(None) };
    let account = checks.call().caller.account();
    let found = checks.key_store_named(account, name.as_str());
    found.map(|store| Some(store.id)).ok_or_else(|| no_such_store(name.as_str()))
}

fn entry(store: &KeyStore) -> Entry {
    let cluster = store.cloud_hsm();
    Entry {
        custom_key_store_id: store.id.to_string(),
        custom_key_store_name: store.name.to_string(),
        cloud_hsm_cluster_id: cluster.map(|cluster| cluster.cluster.to_string()),
        trust_anchor_certificate: cluster.map(|cluster| cluster.trust_anchor.to_string()),
        connection_state: store.connection.state(),
        connection_error_code: store.connection.error(),
        creation_date: store.created,
        custom_key_store_type: store.kind(),
        xks_proxy_configuration: store.proxy().map(configuration),
    }
}

fn configuration(proxy: &Proxy) -> XksProxyConfiguration {
    let service = proxy.service.as_ref();
    XksProxyConfiguration {
        connectivity: proxy.connectivity,
        access_key_id: proxy.credential.access_key_id.to_string(),
        uri_endpoint: proxy.endpoint.to_string(),
        uri_path: proxy.path.to_string(),
        vpc_endpoint_service_name: service.map(|service| service.name.to_string()),
        vpc_endpoint_service_owner: service.map(|service| service.owner.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::PrincipalArn;
    use crate::ops::{Response as Any, delete_custom_key_store};
    use crate::wire::encode_response;

    fn describe(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::DescribeCustomKeyStores(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    fn by_id(id: &str) -> Request {
        Request { custom_key_store_id: Some(id.into()), ..Request::default() }
    }

    fn by_name(name: &str) -> Request {
        Request { custom_key_store_name: Some(name.into()), ..Request::default() }
    }

    #[test]
    fn pages_cover_every_store_once_over_deletions() {
        let mut local = Local::single_region();
        let mut made: Vec<_> =
            (0..7).map(|number| local.create_external_store(&format!("xks-{number}"))).collect();
        made.sort();
        let limited = |marker| Request { limit: Some(Limit(3)), marker, ..Request::default() };
        let page = describe(&mut local, limited(None)).unwrap();
        assert!(page.truncated);
        let custom_key_store_id = made[2].to_string().as_str().into();
        local.call(delete_custom_key_store::Request { custom_key_store_id }).unwrap();
        let mut seen: Vec<_> =
            page.custom_key_stores.0.into_iter().map(|entry| entry.custom_key_store_id).collect();
        let mut marker = page.next_marker;
        while marker.is_some() {
            let page = describe(&mut local, limited(marker)).unwrap();
            let ids = page.custom_key_stores.0.into_iter().map(|entry| entry.custom_key_store_id);
            seen.extend(ids);
            marker = page.next_marker;
        }
        assert_eq!(seen, made.iter().map(ToString::to_string).collect::<Vec<_>>());
    }

    #[test]
    fn a_store_is_found_by_id_and_by_name_but_not_by_both() {
        let mut local = Local::single_region();
        local.create_external_store("other");
        let store = local.create_cloud_hsm_store("hsm");
        let found = describe(&mut local, by_id(&store.to_string())).unwrap();
        assert_eq!(found, describe(&mut local, by_name("hsm")).unwrap());
        let entry = &found.custom_key_stores.0[0];
        assert_eq!(entry.custom_key_store_type, KeyStoreType::AwsCloudHsm);
        assert!(entry.cloud_hsm_cluster_id.is_some() && entry.xks_proxy_configuration.is_none());
        let both = Request { custom_key_store_name: Some("hsm".into()), ..by_id("cks-1") };
        assert_eq!(describe(&mut local, both).unwrap_err().code, ErrorCode::Validation);
        for missing in [by_name("nothing"), by_id("cks-00000000000000000"), by_id("nonsense")] {
            let error = describe(&mut local, missing).unwrap_err();
            assert_eq!(error.code, ErrorCode::CustomKeyStoreNotFound);
        }
    }

    #[test]
    fn no_secret_is_in_the_answer() {
        let mut local = Local::single_region();
        local.connected_external_store("xks");
        local.connected_cloud_hsm_store("hsm");
        let response = describe(&mut local, Request::default()).unwrap();
        let text = String::from_utf8(encode_response(&Any::from(response))).unwrap();
        assert!(text.contains("\"AccessKeyId\":\"ABCDEFGHIJKLMNOPQRST\""), "{text}");
        assert!(!text.contains("Secret") && !text.contains("Password"), "{text}");
        assert!(!text.contains(crate::local::PROXY_SECRET), "{text}");
    }

    #[test]
    fn a_foreign_marker_is_refused() {
        let mut local = Local::single_region();
        let request = Request { marker: Some("nonsense".into()), ..Request::default() };
        let alice = PrincipalArn::parse("arn:aws:iam::111122223333:user/alice").unwrap();
        let error = local.call_as(&Arc::new(Caller::new(alice)), request.clone()).unwrap_err();
        assert_eq!(error.code, ErrorCode::AccessDenied, "who may not list hears nothing of it");
        assert_eq!(describe(&mut local, request).unwrap_err().code, ErrorCode::InvalidMarker);
    }
}
