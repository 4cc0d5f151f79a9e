//! CreateCustomKeyStore: a store for keys outside of the KMS, which is not connected at first.

use super::Info;
use super::key_store_backing::{Look, with_cluster, with_proxy};
use crate::env::Site;
use crate::error::{Error, ErrorCode, Result};
use crate::key_store::{
    Backing, CloudHsm, Connection, Connectivity, Credential, EndpointServiceName, KeyStore,
    KeyStoreId, KeyStoreType, Proxy,
};
use crate::kms::{Checks, Effects};
use crate::name::AccountId;
use crate::policy::Action;
use crate::state::Change;
use crate::step::{Counter, Next};
use crate::wire::{
    CloudHsmClusterIdText, CustomKeyStoreName, KeyStorePassword, TrustAnchorCertificate,
    XksProxyAuthenticationCredential, XksProxyUriEndpoint, XksProxyUriPath,
    XksProxyVpcEndpointServiceName, XksProxyVpcEndpointServiceOwner,
};
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::CloudHsmClusterInUse,
        ErrorCode::CustomKeyStoreNameInUse,
        ErrorCode::CloudHsmClusterNotFound,
        ErrorCode::KmsInternal,
        ErrorCode::CloudHsmClusterNotActive,
        ErrorCode::IncorrectTrustAnchor,
        ErrorCode::CloudHsmClusterInvalidConfiguration,
        ErrorCode::LimitExceeded,
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
    /// What the store shall be.
    pub struct Request {
        /// The name, unique in the account and Region.
        custom_key_store_name: CustomKeyStoreName = "CustomKeyStoreName",
        /// The cluster, of a CloudHSM key store.
        cloud_hsm_cluster_id: Option<CloudHsmClusterIdText> = "CloudHsmClusterId",
        /// The certificate it was initialised with.
        trust_anchor_certificate: Option<TrustAnchorCertificate> = "TrustAnchorCertificate",
        /// The password of its user `kmsuser`.
        key_store_password: Option<KeyStorePassword> = "KeyStorePassword",
        /// What kind of store; `AWS_CLOUDHSM` unless said.
        custom_key_store_type: Option<KeyStoreType> = "CustomKeyStoreType",
        /// Scheme and host of the proxy, of an external key store.
        xks_proxy_uri_endpoint: Option<XksProxyUriEndpoint> = "XksProxyUriEndpoint",
        /// The path of its API.
        xks_proxy_uri_path: Option<XksProxyUriPath> = "XksProxyUriPath",
        /// The endpoint service it is reached through.
        xks_proxy_vpc_endpoint_service_name: Option<XksProxyVpcEndpointServiceName> =
            "XksProxyVpcEndpointServiceName",
        /// The account of the endpoint service; the caller's unless said.
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
    /// The store.
    pub struct Response {
        /// The id.
        custom_key_store_id: String = "CustomKeyStoreId",
    }
}

impl Request {
    /// An external key store behind a public proxy.
    pub fn external(
        name: &str,
        endpoint: &str,
        path: &str,
        credential: XksProxyAuthenticationCredential,
    ) -> Request {
        Request {
            custom_key_store_type: Some(KeyStoreType::ExternalKeyStore),
            xks_proxy_connectivity: Some(Connectivity::PublicEndpoint),
            xks_proxy_uri_endpoint: Some(endpoint.into()),
            xks_proxy_uri_path: Some(path.into()),
            xks_proxy_authentication_credential: Some(credential),
            ..Request::named(name)
        }
    }

    /// A CloudHSM key store.
    pub fn cloud_hsm(name: &str, cluster: &str, certificate: &str, password: &str) -> Request {
        Request {
            cloud_hsm_cluster_id: Some(cluster.into()),
            trust_anchor_certificate: Some(certificate.into()),
            key_store_password: Some(password.into()),
            ..Request::named(name)
        }
    }

    fn named(name: &str) -> Request {
        Request {
            custom_key_store_name: name.into(),
            cloud_hsm_cluster_id: None,
            trust_anchor_certificate: None,
            key_store_password: None,
            custom_key_store_type: None,
            xks_proxy_uri_endpoint: None,
            xks_proxy_uri_path: None,
            xks_proxy_vpc_endpoint_service_name: None,
            xks_proxy_vpc_endpoint_service_owner: None,
            xks_proxy_authentication_credential: None,
            xks_proxy_connectivity: None,
        }
    }

    /// What is to be behind the store: everything its kind needs, and nothing of the other.
    fn backing(&self, account: AccountId) -> Result<Backing> {
        let external = self.xks_proxy_connectivity.is_some()
            || self.xks_proxy_uri_endpoint.is_some()
            || self.xks_proxy_uri_path.is_some()
            || self.xks_proxy_vpc_endpoint_service_name.is_some()
            || self.xks_proxy_vpc_endpoint_service_owner.is_some()
            || self.xks_proxy_authentication_credential.is_some();
        let cluster = self.cloud_hsm_cluster_id.is_some()
            || self.trust_anchor_certificate.is_some()
            || self.key_store_password.is_some();
        match self.custom_key_store_type.unwrap_or(KeyStoreType::AwsCloudHsm) {
            KeyStoreType::AwsCloudHsm if external => Err(misplaced("AWS_CLOUDHSM", "XksProxy")),
            KeyStoreType::ExternalKeyStore if cluster => {
                Err(misplaced("EXTERNAL_KEY_STORE", "CloudHsm"))
            }
            KeyStoreType::AwsCloudHsm => self.cluster().map(Backing::CloudHsm),
            KeyStoreType::ExternalKeyStore => self.proxy(account).map(Backing::External),
        }
    }

    fn cluster(&self) -> Result<CloudHsm> {
        let cluster = self.cloud_hsm_cluster_id.as_ref().and_then(CloudHsmClusterIdText::id);
        let anchor = needed(self.trust_anchor_certificate.as_ref(), "TrustAnchorCertificate")?;
        Ok(CloudHsm {
            cluster: needed(cluster, "CloudHsmClusterId")?,
            trust_anchor: anchor.as_str().trim().into(),
            password: needed(self.key_store_password.as_ref(), "KeyStorePassword")?.0.clone(),
            rotated: None,
        })
    }

    fn proxy(&self, account: AccountId) -> Result<Proxy> {
        let connectivity = needed(self.xks_proxy_connectivity, "XksProxyConnectivity")?;
        let credential = needed(
            self.xks_proxy_authentication_credential.as_ref(),
            "XksProxyAuthenticationCredential",
        )?;
        let service = service(
            connectivity,
            self.xks_proxy_vpc_endpoint_service_name.as_ref(),
            self.xks_proxy_vpc_endpoint_service_owner.as_ref(),
            account,
        )?;
        let endpoint = needed(self.xks_proxy_uri_endpoint.as_ref(), "XksProxyUriEndpoint")?;
        let path = needed(self.xks_proxy_uri_path.as_ref(), "XksProxyUriPath")?;
        Ok(Proxy {
            endpoint: endpoint.as_str().into(),
            path: path.as_str().into(),
            connectivity,
            service,
            credential: signs_with(credential),
        })
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let account = checks.call().caller.account();
    let backing = request.backing(account)?;
    let context = checks.context(Action::CreateCustomKeyStore);
    checks.account(context)?;
    let name: Arc<str> = request.custom_key_store_name.as_str().into();
    if let Some(same) = identical(&checks, account, &name, &backing) {
        return checks.pass(false)?.done(created(same));
    }
    let mut required = checks.unshared(None, &name, &backing)?;
    let limit = checks.settings().limits.custom_key_stores;
    required.push(checks.room(Counter::KeyStores(account), limit)?);
    let mut effects = checks.pass(false)?;
    required.into_iter().for_each(|precondition| effects.require(precondition));
    let store = KeyStore {
        id: KeyStoreId::new(effects.draw(Site::KeyStoreId)),
        account,
        name,
        created: effects.call().now,
        connection: Connection::Disconnected,
        backing,
    };
    match store.backing.clone() {
        Backing::External(proxy) => with_proxy(
            effects,
            store.id,
            proxy,
            "CreateCustomKeyStore",
            Look::BeforeConnecting,
            move |effects| record(effects, store),
        ),
        Backing::CloudHsm(wanted) => {
            with_cluster(effects, store.id, &wanted.cluster, move |view, effects| {
                match view.certificate.trim() == &*wanted.trust_anchor {
                    true => record(effects, store),
                    false => Err(ErrorCode::IncorrectTrustAnchor
                        .says("The cluster was initialized with another certificate.")),
                }
            })
        }
    }
}

fn record(mut effects: Effects<'_, '_>, store: KeyStore) -> Result<Next> {
    let response = created(store.id);
    effects.record(Change::PutKeyStore(Arc::new(store)));
    effects.done(response)
}

fn created(id: KeyStoreId) -> Response {
    Response { custom_key_store_id: id.to_string() }
}

/// A CloudHSM key store that is just like the one wanted, and disconnected: creating it again gives
/// the old id (AWS KMS API reference, CreateCustomKeyStore).
fn identical(
    checks: &Checks<'_, '_>,
    account: AccountId,
    name: &str,
    backing: &Backing,
) -> Option<KeyStoreId> {
    let store = checks.key_store_named(account, name)?;
    let same = store.cloud_hsm().is_some()
        && store.backing == *backing
        && store.connection == Connection::Disconnected;
    same.then_some(store.id)
}

/// The endpoint service of a proxy, which one that is public has not.
pub(super) fn service(
    connectivity: Connectivity,
    name: Option<&XksProxyVpcEndpointServiceName>,
    owner: Option<&XksProxyVpcEndpointServiceOwner>,
    account: AccountId,
) -> Result<Option<EndpointServiceName>> {
    if connectivity == Connectivity::PublicEndpoint {
        return match name.is_some() || owner.is_some() {
            true => Err(misplaced("PUBLIC_ENDPOINT", "XksProxyVpcEndpointService")),
            false => Ok(None),
        };
    }
    let name = needed(name, "XksProxyVpcEndpointServiceName")?;
    let owner = owner.and_then(|owner| AccountId::parse(owner.as_str())).unwrap_or(account);
    Ok(Some(EndpointServiceName { name: name.as_str().into(), owner }))
}

/// The credential of a request.
pub(super) fn signs_with(credential: &XksProxyAuthenticationCredential) -> Credential {
    Credential {
        access_key_id: credential.access_key_id.as_str().into(),
        secret: credential.raw_secret_access_key.0.clone(),
    }
}

pub(super) fn needed<T>(value: Option<T>, member: &str) -> Result<T> {
    value.ok_or_else(|| {
        ErrorCode::Validation.says(format!("{member} is required for this custom key store."))
    })
}

pub(super) fn misplaced(kind: &str, members: &str) -> Error {
    ErrorCode::Validation.says(format!("Members {members}… are not for {kind}."))
}

#[cfg(test)]
mod tests;
