//! Custom key stores of the smallest shell: a model of what is behind each, made and connected in one
//! call.

use super::Local;
use crate::crypto::{SecretBytes, SecretKey};
use crate::env::{Site, draw};
use crate::key_store::model::{Backends, ClusterModel, ExternalKeyModel, ProxyModel};
use crate::key_store::{ClusterId, Credential, KeyStoreId};
use crate::ops::{Request, Response, connect_custom_key_store, create_custom_key_store};
use crate::wire::XksProxyAuthenticationCredential;
use std::time::Duration;

/// The secret that proxies of this shell are signed to with; it protects nothing.
pub const PROXY_SECRET: &str = "a/proxy/secret/of/no/value";

const ACCESS_KEY_ID: &str = "ABCDEFGHIJKLMNOPQRST";
const PROXY_PATH: &str = "/kms/xks/v1";
const CLUSTER_PASSWORD: &str = "kmsPswd1";
/// The external keys behind a new proxy.
const EXTERNAL_KEYS: usize = 32;
/// Longer than any connection takes unless the settings say otherwise.
const CONNECTED: Duration = Duration::from_secs(3600);

impl Local {
    /// What is behind the custom key stores.
    pub fn backends_mut(&mut self) -> &mut Backends {
        &mut self.key_stores
    }

    /// The proxy behind the external store of that name.
    ///
    /// # Panics
    /// When there is none.
    pub fn proxy_mut(&mut self, name: &str) -> &mut ProxyModel {
        self.key_stores.proxy_mut(&proxy_endpoint(name), PROXY_PATH).expect("a proxy")
    }

    /// The cluster behind the CloudHSM store of that name.
    ///
    /// # Panics
    /// When there is none.
    pub fn cluster_mut(&mut self, name: &str) -> &mut ClusterModel {
        self.key_stores.cluster_mut(&cluster_id(name)).expect("a cluster")
    }

    /// Makes a proxy with external keys `external-0` to `external-31`, and the request for a store in
    /// front of it.
    pub fn proxy_and_request(&mut self, name: &str) -> create_custom_key_store::Request {
        let mut proxy = ProxyModel::new(proxy_credential());
        for number in 0..EXTERNAL_KEYS {
            let key = SecretKey::new(draw(self.random.as_mut(), Site::BackingKey));
            proxy.keys.insert(format!("external-{number}").into(), ExternalKeyModel::new(key));
        }
        self.key_stores.add_proxy(&proxy_endpoint(name), PROXY_PATH, proxy);
        let credential = XksProxyAuthenticationCredential {
            access_key_id: ACCESS_KEY_ID.into(),
            raw_secret_access_key: padded_secret().as_str().into(),
        };
        create_custom_key_store::Request::external(
            name,
            &proxy_endpoint(name),
            PROXY_PATH,
            credential,
        )
    }

    /// Makes one more external key behind a proxy, unless there is one of that id.
    pub fn add_external_key(&mut self, name: &str, id: &str) {
        let key = SecretKey::new(draw(self.random.as_mut(), Site::BackingKey));
        let keys = &mut self.proxy_mut(name).keys;
        keys.entry(id.into()).or_insert_with(|| ExternalKeyModel::new(key));
    }

    /// What is behind the custom key stores, taken out of a shell that is done.
    pub fn into_backends(self) -> Backends {
        self.key_stores
    }

    /// Makes a cluster, and the request for a store in front of it.
    pub fn cluster_and_request(&mut self, name: &str) -> create_custom_key_store::Request {
        let certificate = cluster_certificate(name);
        let cluster = ClusterModel::new(&certificate, CLUSTER_PASSWORD);
        self.key_stores.add_cluster(cluster_id(name), cluster);
        create_custom_key_store::Request::cloud_hsm(
            name,
            cluster_id(name).as_str(),
            &certificate,
            CLUSTER_PASSWORD,
        )
    }

    /// Makes a cluster from a backup of another.
    pub fn restore_cluster(&mut self, from: &str, name: &str) {
        let restored = self.cluster_mut(from).restored(CLUSTER_PASSWORD);
        self.key_stores.add_cluster(cluster_id(name), restored);
    }

    /// Deletes a cluster.
    pub fn remove_cluster(&mut self, name: &str) {
        self.key_stores.remove_cluster(&cluster_id(name));
    }

    /// A new external key store, which is not connected.
    pub fn create_external_store(&mut self, name: &str) -> KeyStoreId {
        let request = self.proxy_and_request(name);
        self.create_store(request)
    }

    /// A new CloudHSM key store, which is not connected.
    pub fn create_cloud_hsm_store(&mut self, name: &str) -> KeyStoreId {
        let request = self.cluster_and_request(name);
        self.create_store(request)
    }

    /// A new external key store, connected.
    pub fn connected_external_store(&mut self, name: &str) -> KeyStoreId {
        let store = self.create_external_store(name);
        self.connect_store(store);
        store
    }

    /// A new CloudHSM key store, connected.
    pub fn connected_cloud_hsm_store(&mut self, name: &str) -> KeyStoreId {
        let store = self.create_cloud_hsm_store(name);
        self.connect_store(store);
        store
    }

    /// Connects a store of the owner's and waits until that is over.
    pub fn connect_store(&mut self, store: KeyStoreId) {
        self.begin_connecting(store);
        self.advance(CONNECTED);
    }

    /// Begins to connect a store of the owner's.
    ///
    /// # Panics
    /// When that is refused.
    pub fn begin_connecting(&mut self, store: KeyStoreId) {
        let custom_key_store_id = store.to_string().as_str().into();
        self.call(connect_custom_key_store::Request { custom_key_store_id }).expect("a connection");
    }

    /// # Panics
    /// When that fails.
    fn create_store(&mut self, request: impl Into<Request>) -> KeyStoreId {
        match self.call(request) {
            Ok(Response::CreateCustomKeyStore(response)) => {
                KeyStoreId::parse(&response.custom_key_store_id).expect("an id")
            }
            other => panic!("CreateCustomKeyStore answered {other:?}"),
        }
    }
}

/// Where the proxy of an external store of this shell is.
pub fn proxy_endpoint(name: &str) -> String {
    format!("https://{name}.xks.example")
}

/// The cluster of a CloudHSM store of this shell: letters of the name, filled up.
pub fn cluster_id(name: &str) -> ClusterId {
    let letters: String = name.chars().filter(char::is_ascii_alphabetic).take(16).collect();
    ClusterId::parse(&format!("cluster-{letters:2<11}")).expect("letters and twos")
}

fn cluster_certificate(name: &str) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----")
}

/// As long as a secret of a proxy must be.
fn padded_secret() -> String {
    format!("{PROXY_SECRET:=<43}")
}

fn proxy_credential() -> Credential {
    let secret = SecretBytes::from(padded_secret().into_bytes());
    Credential { access_key_id: ACCESS_KEY_ID.into(), secret }
}
