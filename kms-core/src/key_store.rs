//! Custom key stores: where the keys of some KMS keys lie outside of the KMS.
//!
//! An AWS CloudHSM key store is a cluster of HSMs that belongs to the customer; an external key store
//! is a proxy in front of somebody's key manager. Both are peers of the core: it sends a [`Command`]
//! and goes on with a [`Reply`], whatever the shell does in between. What the service remembers of a
//! store is the record in this file; what a connection goes through is in [`connection`], what a
//! proxy speaks in [`xks`], what a cluster does in [`cluster`], how a ciphertext of such a key looks
//! in [`envelope`]. [`model`] is a proxy and a cluster in memory, for shells without real ones.
//!
//! Source: AWS KMS Developer Guide, "Key stores"; AWS KMS External Key Store Proxy API
//! Specification 1.0.3.

pub mod cluster;
mod command;
pub mod connection;
pub mod envelope;
pub mod model;
mod registry;
pub mod xks;

pub use cluster::ClusterId;
pub use command::{Command, Fault, Reply};
pub use connection::{Connection, ConnectionErrorCode, ConnectionState};
pub(crate) use registry::KeyStores;
pub use registry::{Share, Unique};

use crate::crypto::SecretBytes;
use crate::env::Timestamp;
use crate::key::wire_enum;
use crate::name::AccountId;
use std::fmt;
use std::sync::Arc;

/// The id of a custom key store: `cks-` and 17 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyStoreId([u8; 9]);

const PREFIX: &str = "cks-";
const DIGITS: usize = 17;

impl KeyStoreId {
    /// The id made of random bytes, four bits of which are not used.
    pub fn new(mut bytes: [u8; 9]) -> KeyStoreId {
        bytes[0] &= 0x0f;
        KeyStoreId(bytes)
    }

    /// The id of that text, or nothing.
    pub fn parse(text: &str) -> Option<KeyStoreId> {
        let digits = text.strip_prefix(PREFIX).filter(|digits| digits.len() == DIGITS)?;
        let lower = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let number = u128::from_str_radix(digits, 16).ok().filter(|_| lower)?;
        Some(KeyStoreId(*number.to_be_bytes().last_chunk()?))
    }
}

impl fmt::Display for KeyStoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        write!(f, "{PREFIX}{number:017x}")
    }
}

impl fmt::Debug for KeyStoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

wire_enum! {
    /// What kind of store; fixed when it is made.
    KeyStoreType {
        AwsCloudHsm "AWS_CLOUDHSM",
        ExternalKeyStore "EXTERNAL_KEY_STORE",
    }
}

wire_enum! {
    /// How the KMS reaches the proxy of an external key store.
    Connectivity {
        PublicEndpoint "PUBLIC_ENDPOINT",
        VpcEndpointService "VPC_ENDPOINT_SERVICE",
    }
}

/// A custom key store, as the state holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStore {
    /// The id.
    pub id: KeyStoreId,
    /// The owner.
    pub account: AccountId,
    /// The name, unique in the account and Region.
    pub name: Arc<str>,
    /// When it was created.
    pub created: Timestamp,
    /// Whether the KMS is connected to it.
    pub connection: Connection,
    /// What is behind it.
    pub backing: Backing,
}

/// What is behind a custom key store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backing {
    /// An AWS CloudHSM cluster.
    CloudHsm(CloudHsm),
    /// The proxy of an external key manager.
    External(Proxy),
}

/// An AWS CloudHSM cluster and how to log in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudHsm {
    /// The cluster.
    pub cluster: ClusterId,
    /// The certificate the cluster was initialised with, `customerCA.crt`. Clusters that share a
    /// backup history share it.
    pub trust_anchor: Arc<str>,
    /// The password of `kmsuser`, as far as the KMS knows.
    pub password: SecretBytes,
    /// The password that the connection being made changes it to. It is kept until that is known to
    /// have happened, because an answer may be lost when the cluster has changed it already.
    pub rotated: Option<SecretBytes>,
}

/// The proxy of an external key store and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// `https://` and a host.
    pub endpoint: Arc<str>,
    /// The path of the proxy's API there.
    pub path: Arc<str>,
    /// Over which network.
    pub connectivity: Connectivity,
    /// The endpoint service, for a proxy that is reached over a VPC.
    pub service: Option<EndpointServiceName>,
    /// What requests are signed with.
    pub credential: Credential,
}

/// An Amazon VPC endpoint service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndpointServiceName {
    /// The name.
    pub name: Arc<str>,
    /// The account that owns it.
    pub owner: AccountId,
}

/// What requests to a proxy are signed with; unrelated to any credential of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Names the secret.
    pub access_key_id: Arc<str>,
    /// The secret.
    pub secret: SecretBytes,
}

impl KeyStore {
    /// What kind of store it is.
    pub fn kind(&self) -> KeyStoreType {
        match self.backing {
            Backing::CloudHsm(_) => KeyStoreType::AwsCloudHsm,
            Backing::External(_) => KeyStoreType::ExternalKeyStore,
        }
    }

    /// The cluster, if that is what is behind it.
    pub fn cloud_hsm(&self) -> Option<&CloudHsm> {
        match &self.backing {
            Backing::CloudHsm(cluster) => Some(cluster),
            Backing::External(_) => None,
        }
    }

    /// The proxy, if that is what is behind it.
    pub fn proxy(&self) -> Option<&Proxy> {
        match &self.backing {
            Backing::External(proxy) => Some(proxy),
            Backing::CloudHsm(_) => None,
        }
    }

    /// Whether its keys can be used.
    pub fn is_connected(&self) -> bool {
        self.connection == Connection::Connected
    }

    /// The same store with another connection.
    #[must_use]
    pub fn with(&self, connection: Connection) -> KeyStore {
        KeyStore { connection, ..self.clone() }
    }
}

/// Where the key of a KMS key is that is in a custom key store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredIn {
    /// In the cluster behind this store, labelled with the ARN of the KMS key.
    CloudHsm(KeyStoreId),
    /// Behind the proxy of this store, beside the KMS's own key material.
    External(KeyStoreId, XksKeyId),
}

impl StoredIn {
    /// The store.
    pub fn store(&self) -> KeyStoreId {
        match self {
            StoredIn::CloudHsm(store) | StoredIn::External(store, _) => *store,
        }
    }

    /// The external key, if that is what it is.
    pub fn xks_key(&self) -> Option<&XksKeyId> {
        match self {
            StoredIn::External(_, key) => Some(key),
            StoredIn::CloudHsm(_) => None,
        }
    }
}

/// The id of a key in an external key manager.
pub type XksKeyId = Arc<str>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_it_reads_as() {
        let id = KeyStoreId::new([0xff, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01]);
        assert_eq!(id.to_string(), "cks-f23456789abcdef01");
        assert_eq!(KeyStoreId::parse("cks-f23456789abcdef01"), Some(id));
        for other in ["cks-f23456789abcdef0", "cks-F23456789abcdef01", "f23456789abcdef01", "cks-"]
        {
            assert_eq!(KeyStoreId::parse(other), None, "{other}");
        }
    }

    #[test]
    fn a_record_shows_no_secret() {
        let secret = |text: &str| SecretBytes::from(text.as_bytes().to_vec());
        let credential =
            Credential { access_key_id: "ABCDE".into(), secret: secret("proxy secret") };
        let cluster = CloudHsm {
            cluster: ClusterId::parse("cluster-2aaaaaaaaaa").unwrap(),
            trust_anchor: "certificate".into(),
            password: secret("kmsPswd1"),
            rotated: Some(secret("kmsPswd2")),
        };
        let shown = format!("{credential:?} {cluster:?}");
        assert!(!shown.contains("secret\"") && !shown.contains("kmsPswd"), "{shown}");
    }
}
