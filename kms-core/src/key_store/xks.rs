//! What the KMS and the proxy of an external key store say to each other, and what is made of it.
//!
//! The KMS encrypts with its own key material first and has the proxy encrypt the result; the proxy
//! never sees a plaintext of a caller. Source: AWS KMS External Key Store Proxy API Specification
//! 1.0.3; AWS KMS Developer Guide, "External key stores". [`json`] is the same as HTTP bodies.

mod error;
pub mod json;

pub use error::{ProxyError, on_connecting, on_creating_key, on_creating_store};

use super::XksKeyId;
use crate::env::{Call, RequestId};
use crate::name::{KeyArn, PrincipalArn};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The longest additional data that every proxy takes, in bytes.
pub const LONGEST_AAD: usize = 8192;
/// The longest metadata that a proxy may attach to a ciphertext, in bytes.
pub const LONGEST_METADATA: usize = 20;
/// The length of a tag.
pub const TAG: usize = 16;
/// The only algorithm of the protocol.
pub const ALGORITHM: &str = "AES_GCM";
/// What an external key must be.
pub const KEY_SPEC: &str = "AES_256";

/// Who asks, for what: the member `requestMetadata` of every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestMetadata {
    /// The principal that called the KMS; none where the KMS looks at the proxy for itself.
    pub principal: Option<PrincipalArn>,
    /// The VPC the call came through, if it came through one.
    pub source_vpc: Option<String>,
    /// The VPC endpoint.
    pub source_vpce: Option<String>,
    /// The KMS key; none when it is only being created.
    pub key: Option<KeyArn>,
    /// The operation of the KMS.
    pub operation: &'static str,
    /// The request, as the audit names it.
    pub request: RequestId,
    /// The AWS service in between, if any.
    pub via_service: Option<String>,
}

impl RequestMetadata {
    /// For a look at the proxy's health: operation and request, nothing else.
    pub fn of_health(call: &Call, operation: &'static str) -> RequestMetadata {
        RequestMetadata {
            principal: None,
            source_vpc: None,
            source_vpce: None,
            key: None,
            operation,
            request: call.request_id,
            via_service: None,
        }
    }

    /// For a key that is only being created.
    pub fn of_creation(call: &Call, operation: &'static str) -> RequestMetadata {
        RequestMetadata {
            principal: Some(call.caller.principal.clone()),
            source_vpc: call.network.vpc.clone(),
            source_vpce: call.network.vpc_endpoint.clone(),
            via_service: call.service.as_ref().map(|service| service.via.clone()),
            ..RequestMetadata::of_health(call, operation)
        }
    }

    /// For the use of a key. A foreign caller's network is nothing that the key's owner learns.
    pub fn of_use(call: &Call, operation: &'static str, key: KeyArn) -> RequestMetadata {
        let metadata =
            RequestMetadata { key: Some(key), ..RequestMetadata::of_creation(call, operation) };
        match call.caller.account() == key.account {
            true => metadata,
            false => RequestMetadata { source_vpc: None, source_vpce: None, ..metadata },
        }
    }
}

/// A request to a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyRequest {
    /// Whether it and the key managers behind it are well.
    GetHealthStatus {
        /// Who asks.
        metadata: RequestMetadata,
    },
    /// What an external key is.
    GetKeyMetadata {
        /// The external key.
        key: XksKeyId,
        /// Who asks.
        metadata: RequestMetadata,
    },
    /// Seal what the KMS has sealed.
    Encrypt {
        /// The external key.
        key: XksKeyId,
        /// A ciphertext of the KMS.
        plaintext: Arc<[u8]>,
        /// What it is bound to.
        aad: Arc<[u8]>,
        /// Who asks.
        metadata: RequestMetadata,
    },
    /// Open it again.
    Decrypt {
        /// The external key.
        key: XksKeyId,
        /// What the proxy made of it.
        sealed: Sealed,
        /// What it is bound to.
        aad: Arc<[u8]>,
        /// Who asks.
        metadata: RequestMetadata,
    },
}

impl ProxyRequest {
    /// The name of the API.
    pub fn name(&self) -> &'static str {
        match self {
            ProxyRequest::GetHealthStatus { .. } => "GetHealthStatus",
            ProxyRequest::GetKeyMetadata { .. } => "GetKeyMetadata",
            ProxyRequest::Encrypt { .. } => "XksEncrypt",
            ProxyRequest::Decrypt { .. } => "XksDecrypt",
        }
    }
}

/// A ciphertext of a proxy, in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// As long as the plaintext.
    pub ciphertext: Arc<[u8]>,
    /// 12 or 16 bytes.
    pub iv: Arc<[u8]>,
    /// 16 bytes.
    pub tag: Arc<[u8]>,
    /// At most 20 bytes that the proxy wants to see again, empty if it has none.
    pub metadata: Arc<[u8]>,
}

impl Sealed {
    /// Whether the parts are as long as they must be for a plaintext of that length.
    pub fn fits(&self, plaintext: usize) -> bool {
        self.ciphertext.len() == plaintext
            && matches!(self.iv.len(), 12 | 16)
            && self.tag.len() == TAG
            && self.metadata.len() <= LONGEST_METADATA
    }

    /// The integrity value over all that was returned: SHA-256 of additional data, metadata,
    /// initialisation vector, ciphertext and tag.
    pub fn integrity(&self, aad: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [aad, &self.metadata, &self.iv, &self.ciphertext, &self.tag] {
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// An answer of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyReply {
    /// To `GetHealthStatus`: the state of each key manager of the fleet.
    Health(Vec<ManagerHealth>),
    /// To `GetKeyMetadata`.
    KeyMetadata(ExternalKey),
    /// To `Encrypt`.
    Encrypted {
        /// The ciphertext.
        sealed: Sealed,
        /// Its integrity value, which the KMS always asks for.
        integrity: Arc<[u8]>,
    },
    /// To `Decrypt`.
    Decrypted {
        /// What the KMS had sealed.
        plaintext: Arc<[u8]>,
    },
}

/// The state of one external key manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManagerHealth {
    /// It serves.
    Active,
    /// It serves, but may not for long.
    Degraded,
    /// It does not serve.
    Unavailable,
}

/// What a proxy says of an external key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalKey {
    /// What kind of key.
    pub spec: String,
    /// What it may be used for.
    pub usages: Vec<String>,
    /// Whether it may be used now.
    pub enabled: bool,
}

impl ExternalKey {
    /// Whether a KMS key can be made of it: AES-256, enabled, for encryption and decryption.
    pub fn serves(&self) -> bool {
        let has = |usage: &str| self.usages.iter().any(|own| own == usage);
        self.spec == KEY_SPEC && self.enabled && has("ENCRYPT") && has("DECRYPT")
    }
}

/// How an Amazon VPC endpoint service is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointService {
    /// The Availability Zones of its load balancer's subnets.
    pub zones: usize,
    /// Whether each connection to it must be accepted.
    pub acceptance_required: bool,
    /// Its private DNS name, if it is verified.
    pub private_dns_name: Option<String>,
    /// Whether the KMS's principal may connect.
    pub admits_kms: bool,
}

impl EndpointService {
    /// Whether the KMS can reach a proxy of that endpoint through it: two zones, no acceptance, and a
    /// verified private DNS name that is the endpoint's host.
    pub fn serves(&self, endpoint: &str) -> bool {
        let host = endpoint.strip_prefix("https://");
        self.zones >= 2 && !self.acceptance_required && self.private_dns_name.as_deref() == host
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    fn bytes(text: &str) -> Arc<[u8]> {
        STANDARD.decode(text).unwrap().into()
    }

    /// The worked example of the proxy API specification.
    #[test]
    fn the_integrity_value_is_the_specified_one() {
        let sealed = Sealed {
            ciphertext: bytes("ghxkK1txeDNn3q8Y"),
            iv: bytes("HMrlRw85cAJUd5Ax"),
            tag: bytes("vBxN2ncH1oEkR8WVXpmyYQ=="),
            metadata: bytes("a2V5X3ZlcnNpb249MQ=="),
        };
        let integrity = sealed.integrity(b"project=nile,department=marketing");
        assert_eq!(STANDARD.encode(integrity), "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=");
        assert!(sealed.fits(12) && !sealed.fits(13));
    }

    #[test]
    fn every_part_of_a_ciphertext_has_its_length() {
        let of = |length: usize| -> Arc<[u8]> { vec![0; length].into() };
        let sealed = |iv, tag, metadata| Sealed {
            ciphertext: of(4),
            iv: of(iv),
            tag: of(tag),
            metadata: of(metadata),
        };
        for (iv, tag, metadata, fits) in [
            (12, 16, 0, true),
            (16, 16, 20, true),
            (13, 16, 0, false),
            (12, 15, 0, false),
            (12, 16, 21, false),
        ] {
            assert_eq!(sealed(iv, tag, metadata).fits(4), fits, "{iv} {tag} {metadata}");
        }
    }

    #[test]
    fn an_external_key_must_be_aes_256_enabled_and_for_both() {
        let key = |spec: &str, usages: &[&str], enabled| ExternalKey {
            spec: spec.into(),
            usages: usages.iter().map(|usage| (*usage).to_owned()).collect(),
            enabled,
        };
        assert!(key("AES_256", &["ENCRYPT", "DECRYPT", "SIGN"], true).serves());
        assert!(!key("AES_128", &["ENCRYPT", "DECRYPT"], true).serves());
        assert!(!key("AES_256", &["ENCRYPT"], true).serves());
        assert!(!key("AES_256", &["DECRYPT"], true).serves());
        assert!(!key("AES_256", &["ENCRYPT", "DECRYPT"], false).serves());
    }

    #[test]
    fn an_endpoint_service_must_be_reachable_under_the_endpoints_name() {
        let service = EndpointService {
            zones: 2,
            acceptance_required: false,
            private_dns_name: Some("proxy.example.com".into()),
            admits_kms: true,
        };
        assert!(service.serves("https://proxy.example.com"));
        assert!(!service.serves("https://other.example.com"));
        assert!(
            !EndpointService { zones: 1, ..service.clone() }.serves("https://proxy.example.com")
        );
        let asking = EndpointService { acceptance_required: true, ..service.clone() };
        assert!(!asking.serves("https://proxy.example.com"));
        let unnamed = EndpointService { private_dns_name: None, ..service };
        assert!(!unnamed.serves("https://proxy.example.com"));
    }
}
