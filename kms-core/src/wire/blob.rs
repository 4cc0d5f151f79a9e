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

/// A plaintext of 1–4096 bytes, which no message ever shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Plaintext(pub SecretBytes);

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plaintext({} bytes)", self.0.len())
    }
}

impl Member for Plaintext {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<Plaintext> {
        blob(value, member, 4096, problems).map(|bytes| Plaintext(SecretBytes::from(bytes)))
    }

    fn encode(&self) -> Option<Value> {
        Some(STANDARD.encode(self.0.as_bytes()).into())
    }
}

/// A ciphertext of 1–6144 bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct CiphertextBlob(pub Arc<[u8]>);

impl fmt::Debug for CiphertextBlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CiphertextBlob({} bytes)", self.0.len())
    }
}

impl Member for CiphertextBlob {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<CiphertextBlob> {
        blob(value, member, 6144, problems).map(|bytes| CiphertextBlob(bytes.into()))
    }

    fn encode(&self) -> Option<Value> {
        Some(STANDARD.encode(&self.0).into())
    }
}
