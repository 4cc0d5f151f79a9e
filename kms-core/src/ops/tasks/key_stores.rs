//! The ends of connecting and disconnecting a custom key store.

use crate::error::Result;
use crate::key_store::cluster::ClusterRequest;
use crate::key_store::xks::{ProxyReply, ProxyRequest, RequestMetadata, on_connecting};
use crate::key_store::{
    Backing, CloudHsm, Command, Connection, ConnectionErrorCode, Fault, KeyStore, KeyStoreId,
    Proxy, Reply,
};
use crate::kms::{Checks, Effects, OwnKey};
use crate::ops::Response;
use crate::ops::key_store_backing::serves;
use crate::state::Change;
use crate::step::Next;
use std::sync::Arc;

/// Connects, or finds out why that is impossible.
pub(super) fn connect(mut checks: Checks<'_, '_>, id: KeyStoreId) -> Result<Next> {
    let now = checks.call().now;
    let due = |store: &Arc<KeyStore>| match store.connection {
        Connection::Connecting { until } => until <= now,
        _ => false,
    };
    let store = checks.read_key_store(id).filter(due);
    let effects = checks.pass(false)?;
    let Some(store) = store else { return effects.done(Response::TaskDone) };
    match &store.backing {
        Backing::CloudHsm(cluster) => log_in(effects, &store, cluster.clone()),
        Backing::External(proxy) => reach(effects, store.clone(), proxy.clone()),
    }
}

/// Logs in as `kmsuser`, which changes its password.
fn log_in(effects: Effects<'_, '_>, store: &KeyStore, own: CloudHsm) -> Result<Next> {
    let store = store.clone();
    let password = own.password.clone();
    let new_password = own.rotated.clone().unwrap_or_else(|| password.clone());
    let request = ClusterRequest::LogIn { password, new_password };
    let command = Command::Cluster { cluster: own.cluster.clone(), request };
    effects.ask_key_store(store.id, command, move |answer, effects| match answer {
        Ok(_) => {
            let password = own.rotated.clone().unwrap_or_else(|| own.password.clone());
            let backing = Backing::CloudHsm(CloudHsm { password, rotated: None, ..own });
            let connection = Connection::Connected;
            record(effects, KeyStore { backing, connection, ..store })
        }
        Err(Fault::LogIn(code)) => fail(effects, &store, code),
        Err(Fault::Unreachable | Fault::TimedOut) => {
            fail(effects, &store, ConnectionErrorCode::NetworkErrors)
        }
        Err(_) => fail(effects, &store, ConnectionErrorCode::InternalError),
    })
}

/// Looks for the way to a proxy, if it is in a VPC, and at its health.
fn reach(effects: Effects<'_, '_>, store: Arc<KeyStore>, proxy: Proxy) -> Result<Next> {
    let Some(service) = proxy.service.clone() else { return look(effects, store, proxy) };
    let command = Command::EndpointService(service);
    effects.ask_key_store(store.id, command, move |answer, effects| match answer {
        Ok(Reply::EndpointService(Some(service))) if service.serves(&proxy.endpoint) => {
            look(effects, store, proxy)
        }
        Ok(Reply::EndpointService(Some(_))) => {
            fail(effects, &store, ConnectionErrorCode::XksVpcEndpointServiceInvalidConfiguration)
        }
        Ok(Reply::EndpointService(None)) => {
            fail(effects, &store, ConnectionErrorCode::XksVpcEndpointServiceNotFound)
        }
        _ => fail(effects, &store, ConnectionErrorCode::InternalError),
    })
}

fn look(effects: Effects<'_, '_>, store: Arc<KeyStore>, proxy: Proxy) -> Result<Next> {
    let metadata = RequestMetadata::of_health(effects.call(), "ConnectCustomKeyStore");
    let request = ProxyRequest::GetHealthStatus { metadata };
    let command = Command::Proxy { proxy, request };
    effects.ask_key_store(store.id, command, move |answer, effects| match answer {
        Ok(Reply::Proxy(ProxyReply::Health(managers))) if serves(&managers) => {
            record(effects, store.with(Connection::Connected))
        }
        Ok(Reply::Proxy(ProxyReply::Health(_))) => {
            fail(effects, &store, ConnectionErrorCode::XksProxyNotReachable)
        }
        Ok(_) => fail(effects, &store, ConnectionErrorCode::XksProxyInvalidResponse),
        Err(fault) => fail(effects, &store, on_connecting(fault)),
    })
}

/// Disconnects. A cluster that cannot be reached to log out is left as it is.
pub(super) fn disconnect(mut checks: Checks<'_, '_>, id: KeyStoreId) -> Result<Next> {
    let now = checks.call().now;
    let due = |store: &Arc<KeyStore>| match store.connection {
        Connection::Disconnecting { until } => until <= now,
        _ => false,
    };
    let store = checks.read_key_store(id).filter(due);
    let effects = checks.pass(false)?;
    let Some(store) = store else { return effects.done(Response::TaskDone) };
    let ended = store.with(Connection::Disconnected);
    let Some(cluster) = store.cloud_hsm() else { return record(effects, ended) };
    let request = ClusterRequest::LogOut;
    let command = Command::Cluster { cluster: cluster.cluster.clone(), request };
    effects.ask_key_store(id, command, move |_, effects| record(effects, ended))
}

/// Destroys the key of a KMS key that is in a cluster, if the cluster can be reached; a copy in a
/// backup stays (AWS KMS Developer Guide, "Deleting KMS keys from a CloudHSM key store").
pub(super) fn destroy(
    effects: Effects<'_, '_>,
    key: &OwnKey,
    then: impl FnOnce(Effects<'_, '_>) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    let store = key.key_store().filter(|store| store.is_connected());
    let Some((store, cluster)) = store.and_then(|store| Some((store, store.cloud_hsm()?))) else {
        return then(effects);
    };
    let request = ClusterRequest::DestroyKey { label: key.arn };
    let command = Command::Cluster { cluster: cluster.cluster.clone(), request };
    effects.ask_key_store(store.id, command, move |_, effects| then(effects))
}

fn fail(effects: Effects<'_, '_>, store: &KeyStore, code: ConnectionErrorCode) -> Result<Next> {
    record(effects, store.with(Connection::Failed(code)))
}

fn record(mut effects: Effects<'_, '_>, store: KeyStore) -> Result<Next> {
    effects.record(Change::PutKeyStore(Arc::new(store)));
    effects.done(Response::TaskDone)
}
