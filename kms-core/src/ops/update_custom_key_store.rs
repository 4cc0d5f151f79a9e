//! UpdateCustomKeyStore: another name, another credential, another way to what is behind a store.
//!
//! What the store is reached by may change only while it is disconnected; name, credential and path
//! of a proxy also while it is connected. Source: AWS KMS API reference, UpdateCustomKeyStore.

use super::Info;
use super::create_custom_key_store::{misplaced, needed, service, signs_with};
use super::key_store_backing::{Look, with_cluster, with_proxy};
use crate::error::{ErrorCode, Result};
use crate::key_store::connection::Deed;
use crate::key_store::{Backing, CloudHsm, Connectivity, KeyStore, KeyStoreType, Proxy};
use crate::kms::{Checks, Effects, check_connection, check_kind};
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::{
    CloudHsmClusterIdText, CustomKeyStoreIdText, CustomKeyStoreName, KeyStorePassword,
    XksProxyAuthenticationCredential, XksProxyUriEndpoint, XksProxyUriPath,
    XksProxyVpcEndpointServiceName, XksProxyVpcEndpointServiceOwner,
};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::CustomKeyStoreNotFound,
        ErrorCode::CustomKeyStoreNameInUse,
        ErrorCode::CloudHsmClusterNotFound,
        ErrorCode::CloudHsmClusterNotRelated,
        ErrorCode::CustomKeyStoreInvalidState,
        ErrorCode::KmsInternal,
        ErrorCode::CloudHsmClusterNotActive,
        ErrorCode::CloudHsmClusterInvalidConfiguration,
        ErrorCode::XksProxyUriInUse,
        ErrorCode::XksProxyUriEndpointInUse,
        ErrorCode::XksProxyUriUnreachable,
        ErrorCode::XksProxyIncorrectAuthenticationCredential,
        ErrorCode::XksProxyVpcEndpointServiceInUse,
        ErrorCode::XksProxyVpcEndpointServiceNotFound,
        ErrorCode::XksProxyVpcEndpointServiceInvalidConfiguration,
        ErrorCode::XksProxyInvalidResponse,
        ErrorCode::XksProxyInvalidConfiguration,
    ],
};

crate::shape! {
    /// Which store, and what shall be different.
    pub struct Request {
        /// The id.
        custom_key_store_id: CustomKeyStoreIdText = "CustomKeyStoreId",
        /// Another name.
        new_custom_key_store_name: Option<CustomKeyStoreName> = "NewCustomKeyStoreName",
        /// What the password of `kmsuser` is; this does not change it.
        key_store_password: Option<KeyStorePassword> = "KeyStorePassword",
        /// A cluster that shares a backup history with the present one.
        cloud_hsm_cluster_id: Option<CloudHsmClusterIdText> = "CloudHsmClusterId",
        /// Scheme and host of the proxy.
        xks_proxy_uri_endpoint: Option<XksProxyUriEndpoint> = "XksProxyUriEndpoint",
        /// The path of its API.
        xks_proxy_uri_path: Option<XksProxyUriPath> = "XksProxyUriPath",
        /// The endpoint service.
        xks_proxy_vpc_endpoint_service_name: Option<XksProxyVpcEndpointServiceName> =
            "XksProxyVpcEndpointServiceName",
        /// The account of the endpoint service.
        xks_proxy_vpc_endpoint_service_owner: Option<XksProxyVpcEndpointServiceOwner> =
            "XksProxyVpcEndpointServiceOwner",
        /// What to sign with.
        xks_proxy_authentication_credential: Option<XksProxyAuthenticationCredential> =
            "XksProxyAuthenticationCredential",
        /// How it is reached.
        xks_proxy_connectivity: Option<Connectivity> = "XksProxyConnectivity",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

impl Request {
    /// Changes nothing by itself, which is not valid.
    pub fn new(store: &str) -> Request {
        Request {
            custom_key_store_id: store.into(),
            new_custom_key_store_name: None,
            key_store_password: None,
            cloud_hsm_cluster_id: None,
            xks_proxy_uri_endpoint: None,
            xks_proxy_uri_path: None,
            xks_proxy_vpc_endpoint_service_name: None,
            xks_proxy_vpc_endpoint_service_owner: None,
            xks_proxy_authentication_credential: None,
            xks_proxy_connectivity: None,
        }
    }

    fn is_about_cluster(&self) -> bool {
        self.key_store_password.is_some() || self.cloud_hsm_cluster_id.is_some()
    }

    /// Whether the way to a proxy changes, more than its path.
    fn is_about_way(&self) -> bool {
        self.xks_proxy_uri_endpoint.is_some()
            || self.xks_proxy_vpc_endpoint_service_name.is_some()
            || self.xks_proxy_vpc_endpoint_service_owner.is_some()
            || self.xks_proxy_connectivity.is_some()
    }

    fn is_about_proxy(&self) -> bool {
        self.is_about_way()
            || self.xks_proxy_uri_path.is_some()
            || self.xks_proxy_authentication_credential.is_some()
    }

    /// What the connection has to allow.
    fn deed(&self) -> Deed {
        match self.is_about_cluster() || self.is_about_way() {
            true => Deed::Update,
            false => Deed::UpdateInPlace,
        }
    }

    /// The store as it is to be.
    fn applied(&self, store: &KeyStore) -> Result<KeyStore> {
        let name = self.new_custom_key_store_name.as_ref();
        let backing = match &store.backing {
            Backing::CloudHsm(cluster) => Backing::CloudHsm(self.cluster(cluster)),
            Backing::External(proxy) => Backing::External(self.proxy(store, proxy)?),
        };
        let name = name.map_or_else(|| store.name.clone(), |name| name.as_str().into());
        Ok(KeyStore { name, backing, ..store.clone() })
    }

    fn cluster(&self, now: &CloudHsm) -> CloudHsm {
        let mut cluster = now.clone();
        if let Some(id) = self.cloud_hsm_cluster_id.as_ref().and_then(CloudHsmClusterIdText::id) {
            cluster.cluster = id;
        }
        if let Some(password) = &self.key_store_password {
            (cluster.password, cluster.rotated) = (password.0.clone(), None);
        }
        cluster
    }

    /// The proxy as it is to be. Another connectivity is another endpoint, so that must be said too.
    fn proxy(&self, store: &KeyStore, now: &Proxy) -> Result<Proxy> {
        let connectivity = self.xks_proxy_connectivity.unwrap_or(now.connectivity);
        let changes = connectivity != now.connectivity;
        if changes {
            needed(self.xks_proxy_uri_endpoint.as_ref(), "XksProxyUriEndpoint")?;
        }
        let (name, owner) = (
            self.xks_proxy_vpc_endpoint_service_name.as_ref(),
            self.xks_proxy_vpc_endpoint_service_owner.as_ref(),
        );
        let service = match name.is_some() || owner.is_some() || changes {
            true => service(connectivity, name, owner, store.account)?,
            false => now.service.clone(),
        };
        let mut proxy = Proxy { connectivity, service, ..now.clone() };
        if let Some(endpoint) = &self.xks_proxy_uri_endpoint {
            proxy.endpoint = endpoint.as_str().into();
        }
        if let Some(path) = &self.xks_proxy_uri_path {
            proxy.path = path.as_str().into();
        }
        if let Some(credential) = &self.xks_proxy_authentication_credential {
            proxy.credential = signs_with(credential);
        }
        Ok(proxy)
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::UpdateCustomKeyStore);
    checks.account(context)?;
    let store = checks.key_store(&request.custom_key_store_id)?;
    check_request(request, &store)?;
    check_connection(&store, request.deed())?;
    let updated = request.applied(&store)?;
    let required = checks.unshared(Some(store.id), &updated.name, &updated.backing)?;
    let mut effects = checks.pass(false)?;
    required.into_iter().for_each(|precondition| effects.require(precondition));
    match updated.backing.clone() {
        Backing::External(proxy) if request.is_about_proxy() => {
            let look = match store.is_connected() {
                true => Look::Connected,
                false => Look::BeforeConnecting,
            };
            with_proxy(effects, store.id, proxy, "UpdateCustomKeyStore", look, move |effects| {
                record(effects, updated)
            })
        }
        Backing::CloudHsm(wanted) if request.cloud_hsm_cluster_id.is_some() => {
            with_cluster(effects, store.id, &wanted.cluster, move |view, effects| {
                match view.certificate.trim() == &*wanted.trust_anchor {
                    true => record(effects, updated),
                    false => Err(ErrorCode::CloudHsmClusterNotRelated
                        .says("The cluster shares no backup history with the present one.")),
                }
            })
        }
        _ => record(effects, updated),
    }
}

/// Whether something changes, and nothing that the store has not.
fn check_request(request: &Request, store: &KeyStore) -> Result<()> {
    let (cluster, proxy) = (request.is_about_cluster(), request.is_about_proxy());
    if !cluster && !proxy && request.new_custom_key_store_name.is_none() {
        return Err(ErrorCode::Validation.says("At least one property must change."));
    }
    if cluster && proxy {
        return Err(misplaced("one custom key store", "CloudHsm… and XksProxy"));
    }
    if cluster {
        check_kind(store, KeyStoreType::AwsCloudHsm, "A cluster")?;
    }
    if proxy {
        check_kind(store, KeyStoreType::ExternalKeyStore, "A proxy")?;
    }
    Ok(())
}

fn record(mut effects: Effects<'_, '_>, store: KeyStore) -> Result<Next> {
    effects.record(Change::PutKeyStore(Arc::new(store)));
    effects.done(Response {})
}

#[cfg(test)]
mod tests;
