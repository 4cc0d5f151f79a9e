//! CreateKey in a custom key store: which stores, which keys, and what must be there first.

use super::Request;
use crate::error::{Error, ErrorCode, Result};
use crate::key::{Key, KeySpec, Origin};
use crate::key_store::cluster::{ClusterReply, ClusterRequest};
use crate::key_store::connection::Deed;
use crate::key_store::xks::{ProxyReply, ProxyRequest, RequestMetadata, on_creating_key};
use crate::key_store::{
    Backing, ClusterId, Command, Fault, KeyStore, KeyStoreType, Proxy, Reply, StoredIn, XksKeyId,
};
use crate::kms::{Checks, Effects, check_connection, check_kind, internal};
use crate::step::{Next, Precondition, UniqueName};
use crate::wire::XksKeyIdText;
use std::sync::Arc;

/// Where a key is to be.
#[derive(Clone)]
pub(super) struct Home {
    store: Arc<KeyStore>,
    /// The place in it.
    pub(super) stored_in: StoredIn,
}

/// Whether a request names a store exactly if its origin is one, and an external key exactly if that
/// is external; and whether such a store can have the key: symmetric, for one Region (AWS KMS Developer
/// Guide, "Key stores").
pub(super) fn check_request(request: &Request, spec: KeySpec, origin: Origin) -> Result<()> {
    let store = matches!(origin, Origin::AwsCloudHsm | Origin::ExternalKeyStore);
    let external = origin == Origin::ExternalKeyStore;
    for (there, wanted, member) in [
        (request.custom_key_store_id.is_some(), store, "CustomKeyStoreId"),
        (request.xks_key_id.is_some(), external, "XksKeyId"),
    ] {
        if there != wanted {
            let word = if wanted { "is required" } else { "is not allowed" };
            let text = format!("{member} {word} for keys with origin {origin}.");
            return Err(ErrorCode::Validation.says(text));
        }
    }
    let why_not = match spec {
        _ if store && request.multi_region => "A key in a custom key store cannot be multi-Region.",
        spec if store && spec != KeySpec::SymmetricDefault => {
            "A custom key store holds symmetric encryption keys only."
        }
        _ => return Ok(()),
    };
    Err(ErrorCode::UnsupportedOperation.says(why_not))
}

/// The store a key is to be created in, if it is to be in one: connected, of the origin's kind, and
/// without a key for the same external key.
pub(super) fn home(
    checks: &mut Checks<'_, '_>,
    request: &Request,
    origin: Origin,
) -> Result<Option<Home>> {
    let Some(named) = &request.custom_key_store_id else { return Ok(None) };
    let store = checks.key_store(named)?;
    let kind = match origin {
        Origin::ExternalKeyStore => KeyStoreType::ExternalKeyStore,
        _ => KeyStoreType::AwsCloudHsm,
    };
    check_kind(&store, kind, &format!("Origin {origin}"))?;
    check_connection(&store, Deed::Use)?;
    let stored_in = match request.xks_key_id.as_ref().map(XksKeyIdText::shared) {
        Some(external) => StoredIn::External(store.id, external),
        None => StoredIn::CloudHsm(store.id),
    };
    let home = Home { store, stored_in };
    match home.requires() {
        Some(free) if checks.state().check(std::slice::from_ref(&free)).is_err() => {
            Err(ErrorCode::XksKeyAlreadyInUse
                .says("Another KMS key of the custom key store is for this external key."))
        }
        _ => Ok(Some(home)),
    }
}

impl Home {
    /// What the append depends on beside the store: that the external key is for no other KMS key.
    pub(super) fn requires(&self) -> Option<Precondition> {
        let external = self.stored_in.xks_key()?.clone();
        Some(Precondition::Absent(UniqueName::XksKey(self.store.id, external)))
    }

    /// Sees to the key in the store. The KMS's own material of an external key comes after that, so
    /// `then` gets the key to make it for; a key in a cluster has none.
    pub(super) fn settle(
        self,
        effects: Effects<'_, '_>,
        key: Key,
        own_material: impl FnOnce(Effects<'_, '_>, Key) -> Result<Next> + Send + 'static,
        finished: impl FnOnce(Effects<'_, '_>, Key) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        match (&self.store.backing, &self.stored_in) {
            (Backing::External(proxy), StoredIn::External(_, external)) => {
                self.ask_for_metadata(effects, proxy, external, key, own_material)
            }
            (Backing::CloudHsm(cluster), StoredIn::CloudHsm(_)) => {
                self.generate(effects, &cluster.cluster, key, finished)
            }
            _ => Err(internal()),
        }
    }

    fn ask_for_metadata(
        &self,
        effects: Effects<'_, '_>,
        proxy: &Proxy,
        external: &XksKeyId,
        key: Key,
        then: impl FnOnce(Effects<'_, '_>, Key) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        let metadata = RequestMetadata::of_creation(effects.call(), "CreateKey");
        let request = ProxyRequest::GetKeyMetadata { key: external.clone(), metadata };
        let command = Command::Proxy { proxy: proxy.clone(), request };
        effects.ask_key_store(self.store.id, command, move |answer, effects| match answer {
            Ok(Reply::Proxy(ProxyReply::KeyMetadata(external))) if external.serves() => {
                then(effects, key)
            }
            Ok(Reply::Proxy(ProxyReply::KeyMetadata(_))) => {
                Err(ErrorCode::XksKeyInvalidConfiguration.says(
                    "The external key must be an enabled AES-256 key for encryption and decryption.",
                ))
            }
            Ok(_) => Err(refused(Fault::InvalidResponse)),
            Err(fault) => Err(refused(fault)),
        })
    }

    fn generate(
        &self,
        effects: Effects<'_, '_>,
        cluster: &ClusterId,
        key: Key,
        then: impl FnOnce(Effects<'_, '_>, Key) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        let (store, cluster) = (self.store.id, cluster.clone());
        let command = Command::DescribeCluster(cluster.clone());
        effects.ask_key_store(store, command, move |answer, effects| {
            let Ok(Reply::ClusterView(Some(view))) = answer else {
                return Err(refused(Fault::Unreachable));
            };
            view.must_serve_new_keys().map_err(|error| {
                // CreateKey has one error for whatever is wrong with a cluster.
                Error { code: ErrorCode::CloudHsmClusterInvalidConfiguration, ..error }
            })?;
            let request = ClusterRequest::GenerateKey { label: key.arn };
            let command = Command::Cluster { cluster, request };
            effects.ask_key_store(store, command, move |answer, effects| match answer {
                Ok(Reply::Cluster(ClusterReply::Done)) => then(effects, key),
                Ok(_) => Err(internal()),
                Err(fault) => Err(refused(fault)),
            })
        })
    }
}

fn refused(fault: Fault) -> Error {
    on_creating_key(fault).says("The custom key store cannot give this key.")
}

#[cfg(test)]
mod tests;
