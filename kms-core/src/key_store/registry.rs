//! The custom key stores of a Region and the keys in them, with what no two of them may share.

use super::{Backing, Connectivity, KeyStore, KeyStoreId, StoredIn, XksKeyId};
use crate::key::Key;
use crate::name::{AccountId, KeyId};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Something that no store has, or none but one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unique {
    /// The store that wants it, if it is there already.
    pub besides: Option<KeyStoreId>,
    /// What.
    pub what: Share,
}

/// What stores may not share (AWS KMS API reference, CreateCustomKeyStore).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Share {
    /// The name, in an account.
    Name(AccountId, Arc<str>),
    /// Endpoint and path of a proxy, in an account.
    ProxyUri(AccountId, Arc<str>, Arc<str>),
    /// The endpoint of a proxy behind an endpoint service, with any store of the Region.
    Endpoint(Arc<str>),
    /// The endpoint of a public proxy, with a store behind an endpoint service.
    VpcEndpoint(Arc<str>),
    /// An endpoint service.
    EndpointService(Arc<str>),
    /// A cluster, or one with the same backup history and therefore the same certificate, in an
    /// account.
    Cluster(AccountId, Arc<str>),
}

impl Share {
    /// What a store of that account, with that name and backing, may not share.
    pub(crate) fn all(account: AccountId, name: &Arc<str>, backing: &Backing) -> Vec<Share> {
        let mut shares = vec![Share::Name(account, name.clone())];
        match backing {
            Backing::CloudHsm(cluster) => {
                shares.push(Share::Cluster(account, cluster.trust_anchor.clone()));
            }
            Backing::External(proxy) => {
                let (endpoint, path) = (proxy.endpoint.clone(), proxy.path.clone());
                shares.push(Share::ProxyUri(account, endpoint.clone(), path));
                match &proxy.service {
                    Some(service) => {
                        shares.push(Share::EndpointService(service.name.clone()));
                        shares.push(Share::Endpoint(endpoint));
                    }
                    None => shares.push(Share::VpcEndpoint(endpoint)),
                }
            }
        }
        shares
    }

    fn is_of(&self, store: &KeyStore) -> bool {
        let proxy = store.proxy();
        match self {
            Share::Name(account, name) => store.account == *account && store.name == *name,
            Share::ProxyUri(account, endpoint, path) => {
                store.account == *account
                    && proxy.is_some_and(|own| own.endpoint == *endpoint && own.path == *path)
            }
            Share::Endpoint(endpoint) => proxy.is_some_and(|own| own.endpoint == *endpoint),
            Share::VpcEndpoint(endpoint) => proxy.is_some_and(|own| {
                own.endpoint == *endpoint && own.connectivity == Connectivity::VpcEndpointService
            }),
            Share::EndpointService(name) => {
                let service = proxy.and_then(|own| own.service.as_ref());
                service.is_some_and(|own| own.name == *name)
            }
            Share::Cluster(account, certificate) => {
                store.account == *account
                    && store.cloud_hsm().is_some_and(|own| own.trust_anchor == *certificate)
            }
        }
    }
}

/// The stores of a Region.
#[derive(Default)]
pub(crate) struct KeyStores {
    stores: BTreeMap<KeyStoreId, (Arc<KeyStore>, u64)>,
    keys: BTreeMap<KeyStoreId, BTreeMap<KeyId, Option<XksKeyId>>>,
}

impl KeyStores {
    /// A store and its version.
    pub(crate) fn get(&self, id: KeyStoreId) -> Option<(&Arc<KeyStore>, u64)> {
        self.stores.get(&id).map(|(store, version)| (store, *version))
    }

    /// The stores behind `after`, by id.
    pub(crate) fn after(&self, after: Option<&KeyStoreId>) -> impl Iterator<Item = &Arc<KeyStore>> {
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        let stores = self.stores.range((from, std::ops::Bound::Unbounded));
        stores.map(|(_, (store, _))| store)
    }

    /// The other store that has it. There are ten stores in an account, so all are looked at.
    pub(crate) fn holder(&self, unique: &Unique) -> Option<&Arc<KeyStore>> {
        let mut others = self.after(None).filter(|store| Some(store.id) != unique.besides);
        others.find(|store| unique.what.is_of(store))
    }

    /// The KMS key that an external key of a store is for.
    pub(crate) fn xks_key(&self, store: KeyStoreId, external: &XksKeyId) -> Option<KeyId> {
        let mut keys = self.keys.get(&store)?.iter();
        keys.find(|(_, own)| own.as_ref() == Some(external)).map(|(id, _)| *id)
    }

    /// How many stores an account has.
    pub(crate) fn of_account(&self, account: AccountId) -> usize {
        self.after(None).filter(|store| store.account == account).count()
    }

    /// How many keys are in a store.
    pub(crate) fn keys_in(&self, store: KeyStoreId) -> usize {
        self.keys.get(&store).map_or(0, BTreeMap::len)
    }

    pub(crate) fn put(&mut self, store: Arc<KeyStore>, version: u64) {
        self.stores.insert(store.id, (store, version));
    }

    pub(crate) fn remove(&mut self, id: KeyStoreId) {
        self.stores.remove(&id);
    }

    pub(crate) fn put_key(&mut self, key: &Key) {
        if let Some(stored) = &key.stored_in {
            let external = stored.xks_key().cloned();
            self.keys.entry(stored.store()).or_default().insert(key.id(), external);
        }
    }

    pub(crate) fn remove_key(&mut self, key: &Key) {
        let store = key.stored_in.as_ref().map(StoredIn::store);
        if let Some(keys) = store.and_then(|store| self.keys.get_mut(&store)) {
            keys.remove(&key.id());
        }
    }

    /// Every store with its version, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Arc<KeyStore>, u64)> {
        self.stores.values()
    }
}
