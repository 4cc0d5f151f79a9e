//! What CreateCustomKeyStore and UpdateCustomKeyStore demand of a cluster, a proxy and an endpoint
//! service before they write anything down.

use crate::error::{Error, ErrorCode, Result};
use crate::key_store::cluster::ClusterView;
use crate::key_store::xks::{
    ManagerHealth, ProxyReply, ProxyRequest, RequestMetadata, on_creating_store,
};
use crate::key_store::{ClusterId, Command, Fault, KeyStoreId, Proxy, Reply};
use crate::kms::{Effects, internal};
use crate::step::Next;

/// How closely a proxy is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// Only as far as it can be reached without being connected.
    BeforeConnecting,
    /// Its health, however it is reached.
    Connected,
}

/// Goes on if a cluster is there and fit for new keys.
pub(super) fn with_cluster(
    effects: Effects<'_, '_>,
    store: KeyStoreId,
    cluster: &ClusterId,
    then: impl FnOnce(ClusterView, Effects<'_, '_>) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    let command = Command::DescribeCluster(cluster.clone());
    let name = cluster.clone();
    effects.ask_key_store(store, command, move |answer, effects| match answer {
        Ok(Reply::ClusterView(Some(view))) => {
            view.must_serve_new_keys()?;
            then(view, effects)
        }
        Ok(Reply::ClusterView(None)) => {
            Err(ErrorCode::CloudHsmClusterNotFound.says(format!("There is no cluster {name}.")))
        }
        _ => Err(internal()),
    })
}

/// Goes on if a proxy can be reached: a public one is asked for its health, of one in a VPC the
/// endpoint service is looked at, for the KMS has no way to it before it is connected.
pub(super) fn with_proxy(
    effects: Effects<'_, '_>,
    store: KeyStoreId,
    proxy: Proxy,
    operation: &'static str,
    look: Look,
    then: impl FnOnce(Effects<'_, '_>) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    let Some(service) = proxy.service.clone() else {
        return with_healthy(effects, store, proxy, operation, then);
    };
    let command = Command::EndpointService(service);
    effects.ask_key_store(store, command, move |answer, effects| match answer {
        Ok(Reply::EndpointService(Some(service))) if service.serves(&proxy.endpoint) => {
            match look {
                Look::BeforeConnecting => then(effects),
                Look::Connected => with_healthy(effects, store, proxy, operation, then),
            }
        }
        Ok(Reply::EndpointService(Some(_))) => {
            let text = "The endpoint service needs two Availability Zones, no acceptance, and a \
                        verified private DNS name that is the host of the proxy endpoint.";
            Err(ErrorCode::XksProxyVpcEndpointServiceInvalidConfiguration.says(text))
        }
        Ok(Reply::EndpointService(None)) => Err(ErrorCode::XksProxyVpcEndpointServiceNotFound
            .says("There is no such endpoint service that AWS KMS may connect to.")),
        _ => Err(internal()),
    })
}

fn with_healthy(
    effects: Effects<'_, '_>,
    store: KeyStoreId,
    proxy: Proxy,
    operation: &'static str,
    then: impl FnOnce(Effects<'_, '_>) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    let metadata = RequestMetadata::of_health(effects.call(), operation);
    let request = ProxyRequest::GetHealthStatus { metadata };
    let command = Command::Proxy { proxy, request };
    effects.ask_key_store(store, command, move |answer, effects| match answer {
        Ok(Reply::Proxy(ProxyReply::Health(managers))) if serves(&managers) => then(effects),
        Ok(Reply::Proxy(ProxyReply::Health(_))) => Err(ErrorCode::XksProxyUriUnreachable
            .says("Every external key manager behind the proxy is unavailable.")),
        Ok(_) => Err(refused(Fault::InvalidResponse)),
        Err(fault) => Err(refused(fault)),
    })
}

/// Whether at least one key manager serves.
pub(super) fn serves(managers: &[ManagerHealth]) -> bool {
    managers.iter().any(|manager| *manager != ManagerHealth::Unavailable)
}

fn refused(fault: Fault) -> Error {
    on_creating_store(fault).says("The external key store proxy did not answer as it must.")
}
