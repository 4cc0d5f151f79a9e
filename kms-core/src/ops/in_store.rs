//! Cryptographic operations with keys in custom key stores.
//!
//! A key in an external key store encrypts twice: an HSM of the KMS first, with the KMS's own key
//! material, then the proxy, with the external key; decryption is the other way round, so no plaintext
//! ever leaves the KMS. A key in an AWS CloudHSM key store encrypts once, in the cluster. Source: AWS
//! KMS Developer Guide, "External key stores" and "AWS CloudHSM key stores".

use crate::ciphertext::EncryptionContext;
use crate::crypto::SecretBytes;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{
    BackingKeyRef, Command as HsmCommand, DataKeyPlaintext, Opening, Reply as HsmReply, Sealing,
};
use crate::key_store::cluster::{ClusterReply, ClusterRequest};
use crate::key_store::envelope::{
    open_cloud_hsm, open_external, proxy_aad, seal_cloud_hsm, seal_external,
};
use crate::key_store::xks::{ProxyError, ProxyReply, ProxyRequest, RequestMetadata};
use crate::key_store::{
    ClusterId, Command, Fault, KeyStore, KeyStoreId, Proxy, Reply, StoredIn, XksKeyId,
};
use crate::kms::{Effects, THROTTLED, UsableKey, internal};
use crate::name::KeyArn;
use crate::step::Next;
use std::sync::Arc;

/// A key of a custom key store at work in an operation.
#[derive(Clone)]
pub(super) struct Held {
    key: KeyArn,
    operation: &'static str,
    store: KeyStoreId,
    place: Arc<Place>,
}

enum Place {
    Cluster(ClusterId),
    Proxy { proxy: Proxy, external: XksKeyId, with: BackingKeyRef },
}

impl Held {
    /// The key as it is held, if it is in a custom key store.
    ///
    /// # Errors
    /// `KMSInvalidState` when a part of the key is missing.
    pub(super) fn of(key: &UsableKey, operation: &'static str) -> Result<Option<Held>> {
        let Some(stored) = &key.stored_in else { return Ok(None) };
        let store = key.key_store().ok_or_else(internal)?;
        let place = match (stored, store) {
            (StoredIn::CloudHsm(_), store) => {
                Place::Cluster(store.cloud_hsm().ok_or_else(internal)?.cluster.clone())
            }
            (StoredIn::External(_, external), store) => Place::Proxy {
                proxy: store.proxy().ok_or_else(internal)?.clone(),
                external: external.clone(),
                with: key.current()?,
            },
        };
        Ok(Some(Held { key: key.arn, operation, store: store.id, place: Arc::new(place) }))
    }

    /// Seals a message.
    pub(super) fn encrypt(
        self,
        effects: Effects<'_, '_>,
        plaintext: SecretBytes,
        context: EncryptionContext,
        then: impl FnOnce(Arc<[u8]>, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        match &*self.place {
            Place::Proxy { with, .. } => {
                let to = Sealing::Symmetric { with: *with, context: context.clone() };
                let command = HsmCommand::Encrypt { to, plaintext };
                effects.ask_hsm(command, move |reply, effects| match reply {
                    HsmReply::Ciphertext { blob } => self.wrap(effects, blob, &context, then),
                    _ => Err(internal()),
                })
            }
            Place::Cluster(cluster) => {
                let request = ClusterRequest::Encrypt { label: self.key, plaintext, context };
                let key = self.key;
                ask_cluster(
                    effects,
                    self.store,
                    cluster,
                    request,
                    move |reply, effects| match reply {
                        ClusterReply::Sealed(sealed) => {
                            then(seal_cloud_hsm(key.id, &sealed), effects)
                        }
                        _ => Err(internal()),
                    },
                )
            }
        }
    }

    /// Opens a message.
    pub(super) fn decrypt(
        self,
        effects: Effects<'_, '_>,
        blob: &[u8],
        context: EncryptionContext,
        then: impl FnOnce(SecretBytes, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        match &*self.place {
            Place::Proxy { with, .. } => {
                let with = *with;
                self.unwrap(effects, blob, &context.clone(), move |inner, effects| {
                    let from = Opening::Symmetric { with, blob: inner, context };
                    let command = HsmCommand::Decrypt { from };
                    effects.ask_hsm_inside(command, move |reply, effects| match reply {
                        HsmReply::Plaintext { plaintext } => then(plaintext, effects),
                        _ => Err(internal()),
                    })
                })
            }
            Place::Cluster(cluster) => {
                let (_, sealed) = open_cloud_hsm(blob).ok_or_else(invalid_ciphertext)?;
                let sealed = sealed.into();
                let request = ClusterRequest::Decrypt { label: self.key, sealed, context };
                ask_cluster(
                    effects,
                    self.store,
                    cluster,
                    request,
                    move |reply, effects| match reply {
                        ClusterReply::Opened(plaintext) => then(plaintext, effects),
                        _ => Err(internal()),
                    },
                )
            }
        }
    }

    /// Draws a data key and seals it.
    pub(super) fn generate_data_key(
        self,
        effects: Effects<'_, '_>,
        bytes: usize,
        context: EncryptionContext,
        then: impl FnOnce(Arc<[u8]>, SecretBytes, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        match &*self.place {
            Place::Proxy { with, .. } => {
                let (with, plaintext) = (*with, DataKeyPlaintext::Returned);
                let bound = context.clone();
                let command =
                    HsmCommand::GenerateDataKey { with, bytes, context: bound, plaintext };
                effects.ask_hsm(command, move |reply, effects| match reply {
                    HsmReply::DataKey { blob, plaintext: Some(plaintext) } => {
                        self.wrap(effects, blob, &context, move |blob, effects| {
                            then(blob, plaintext, effects)
                        })
                    }
                    _ => Err(internal()),
                })
            }
            Place::Cluster(cluster) => {
                let request = ClusterRequest::GenerateDataKey { label: self.key, bytes, context };
                let key = self.key;
                ask_cluster(
                    effects,
                    self.store,
                    cluster,
                    request,
                    move |reply, effects| match reply {
                        ClusterReply::DataKey { plaintext, sealed } => {
                            then(seal_cloud_hsm(key.id, &sealed), plaintext, effects)
                        }
                        _ => Err(internal()),
                    },
                )
            }
        }
    }

    /// The KMS's own material, of a key in an external key store.
    pub(super) fn own_material(&self) -> Option<BackingKeyRef> {
        match &*self.place {
            Place::Proxy { with, .. } => Some(*with),
            Place::Cluster(_) => None,
        }
    }

    /// Has the proxy seal what the KMS sealed.
    pub(super) fn wrap(
        &self,
        effects: Effects<'_, '_>,
        inner: Arc<[u8]>,
        context: &EncryptionContext,
        then: impl FnOnce(Arc<[u8]>, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        let (key, length) = (self.key, inner.len());
        let aad = proxy_aad(key.id, context);
        let bound = aad.clone();
        let request = |external, metadata| ProxyRequest::Encrypt {
            key: external,
            plaintext: inner,
            aad,
            metadata,
        };
        self.ask_proxy(effects, request, move |reply, effects| match reply {
            ProxyReply::Encrypted { sealed, integrity }
                if sealed.fits(length) && sealed.integrity(&bound) == *integrity =>
            {
                then(seal_external(key.id, &sealed), effects)
            }
            _ => Err(failure(Fault::InvalidResponse)),
        })
    }

    /// Has the proxy open what it sealed; what comes out, the KMS sealed.
    pub(super) fn unwrap(
        &self,
        effects: Effects<'_, '_>,
        blob: &[u8],
        context: &EncryptionContext,
        then: impl FnOnce(Arc<[u8]>, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        let (_, sealed) = open_external(blob).ok_or_else(invalid_ciphertext)?;
        let aad = proxy_aad(self.key.id, context);
        let request =
            |external, metadata| ProxyRequest::Decrypt { key: external, sealed, aad, metadata };
        self.ask_proxy(effects, request, move |reply, effects| match reply {
            ProxyReply::Decrypted { plaintext } => then(plaintext, effects),
            _ => Err(failure(Fault::InvalidResponse)),
        })
    }

    fn ask_proxy(
        &self,
        effects: Effects<'_, '_>,
        request: impl FnOnce(XksKeyId, RequestMetadata) -> ProxyRequest,
        then: impl FnOnce(ProxyReply, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        let Place::Proxy { proxy, external, .. } = &*self.place else { return Err(internal()) };
        let metadata = RequestMetadata::of_use(effects.call(), self.operation, self.key);
        let request = request(external.clone(), metadata);
        let command = Command::Proxy { proxy: proxy.clone(), request };
        effects.ask_key_store(self.store, command, move |answer, effects| match answer {
            Ok(Reply::Proxy(reply)) => then(reply, effects),
            Ok(_) => Err(internal()),
            Err(fault) => Err(failure(fault)),
        })
    }
}

/// AWS gives random bytes from clusters alone.
pub(super) const CLUSTERS_ALONE: &str =
    "Random bytes are only supported for a custom key store of type AWS_CLOUDHSM.";

/// Random bytes from the cluster of an AWS CloudHSM key store.
pub(super) fn generate_random(
    effects: Effects<'_, '_>,
    store: &KeyStore,
    bytes: usize,
    then: impl FnOnce(SecretBytes, Effects<'_, '_>) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    let unsupported = || ErrorCode::UnsupportedOperation.says(CLUSTERS_ALONE);
    let cluster = &store.cloud_hsm().ok_or_else(unsupported)?.cluster;
    let request = ClusterRequest::GenerateRandom { bytes };
    ask_cluster(effects, store.id, cluster, request, move |reply, effects| match reply {
        ClusterReply::Random(bytes) => then(bytes, effects),
        _ => Err(internal()),
    })
}

fn ask_cluster(
    effects: Effects<'_, '_>,
    store: KeyStoreId,
    cluster: &ClusterId,
    request: ClusterRequest,
    then: impl FnOnce(ClusterReply, Effects<'_, '_>) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    let command = Command::Cluster { cluster: cluster.clone(), request };
    effects.ask_key_store(store, command, move |answer, effects| match answer {
        Ok(Reply::Cluster(reply)) => then(reply, effects),
        Ok(_) => Err(internal()),
        Err(fault) => Err(failure(fault)),
    })
}

/// What a failure of the backend is to the caller: nearly always `KMSInvalidState` with the cause
/// (AWS KMS API reference, `KMSInvalidStateException`; External Key Store Proxy API, Errors).
fn failure(fault: Fault) -> Error {
    match fault {
        Fault::Busy => ErrorCode::Throttling.says(THROTTLED),
        Fault::NoSession => internal(),
        Fault::BadCiphertext => invalid_ciphertext(),
        fault => ErrorCode::KmsInvalidState.says(cause(fault)),
    }
}

fn cause(fault: Fault) -> &'static str {
    match fault {
        Fault::Proxy(ProxyError::KeyNotFound) => "The external key does not exist.",
        Fault::Proxy(ProxyError::InvalidState) => "The external key is not enabled.",
        Fault::Proxy(ProxyError::InvalidCiphertext) => {
            "The external key manager could not decrypt the ciphertext with its context."
        }
        Fault::Proxy(ProxyError::AccessDenied) => "The external key store proxy denied access.",
        Fault::Proxy(ProxyError::Throttling) => "The external key store proxy is throttling.",
        Fault::Proxy(_) => "The external key store proxy refused the request.",
        Fault::TimedOut => "The custom key store did not answer in time.",
        Fault::Unreachable | Fault::Tls | Fault::LogIn(_) => "The custom key store is unreachable.",
        Fault::KeyLost => "The key material is not in the AWS CloudHSM cluster.",
        _ => "The custom key store gave an invalid answer.",
    }
}

fn invalid_ciphertext() -> Error {
    ErrorCode::InvalidCiphertext.silent()
}

#[cfg(test)]
mod tests;
