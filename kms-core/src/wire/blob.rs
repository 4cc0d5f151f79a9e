//! Members that are bytes, base64 on the wire, each with its length, from the service model (AWS KMS
//! API reference, 2014-11-01).

use super::checked::blob;
use super::shape::{Member, Problems};
use crate::crypto::SecretBytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

macro_rules! blob_member {
    ($(#[$doc:meta])* $name:ident($bytes:ty) $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(pub $bytes);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }

        impl Member for $name {
            fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<$name> {
                blob(value, member, $max, problems).map(|bytes| $name(bytes.into()))
            }

            fn encode(&self) -> Option<Value> {
                Some(STANDARD.encode(Bytes::bytes(&self.0)).into())
            }
        }
    };
}

blob_member! {
    /// A signed attestation document of 1–262144 bytes.
    AttestationDocument(Arc<[u8]>) 262_144
}
blob_member! {
    /// What only an attested recipient can open: CMS EnvelopedData of 1–6144 bytes.
    CiphertextForRecipient(Arc<[u8]>) 6144
}
blob_member! {
    /// A ciphertext of 1–6144 bytes.
    CiphertextBlob(Arc<[u8]>) 6144
}
blob_member! {
    /// A tag that authenticates a message.
    MacBlob(Arc<[u8]>) 6144
}
blob_member! {
    /// A message to be signed or authenticated, 1–4096 bytes.
    MessageBlob(SecretBytes) 4096
}
blob_member! {
    /// A plaintext of 1–4096 bytes, which no message ever shows.
    Plaintext(SecretBytes) 4096
}
blob_member! {
    /// A public key, SubjectPublicKeyInfo in DER.
    PublicKeyBlob(Arc<[u8]>) 8192
}
blob_member! {
    /// A signature.
    SignatureBlob(Arc<[u8]>) 6144
}

/// What a blob is made of.
trait Bytes {
    fn bytes(&self) -> &[u8];
}

impl Bytes for Arc<[u8]> {
    fn bytes(&self) -> &[u8] {
        self
    }
}

impl Bytes for SecretBytes {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}
