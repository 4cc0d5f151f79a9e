//! The members of an import that are bytes: what GetParametersForImport gives out and
//! ImportKeyMaterial takes back, with their lengths from the service model (AWS KMS API reference,
//! 2014-11-01).

use super::checked::blob;
use super::shape::{Member, Problems};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

macro_rules! blob_member {
    ($(#[$doc:meta])* $name:ident $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(pub Arc<[u8]>);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({} bytes)", stringify!($name), self.0.len())
            }
        }

        impl Member for $name {
            fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<$name> {
                blob(value, member, $max, problems).map(|bytes| $name(bytes.into()))
            }

            fn encode(&self) -> Option<Value> {
                Some(STANDARD.encode(&self.0).into())
            }
        }
    };
}

blob_member! {
    /// An import token of 1–6144 bytes, which only an HSM of the domain can read.
    ImportTokenBlob 6144
}
blob_member! {
    /// Wrapped key material of 1–6144 bytes.
    EncryptedKeyMaterial 6144
}
blob_member! {
    /// A wrapping key of 1–4096 bytes, SubjectPublicKeyInfo in DER.
    WrappingPublicKey 4096
}
