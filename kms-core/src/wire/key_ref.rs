//! How a request names a key.

use super::checked::text;
use super::shape::{Member, Problems};
use crate::error::Result;
use crate::name::{KeyArn, KeyId, KeyIdentifier};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// How a request names a key: 1–2048 characters, parsed at once, judged when the operation looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRef {
    /// One of the four forms.
    Valid(KeyIdentifier),
    /// Anything else.
    Invalid(Arc<str>),
}

impl KeyRef {
    /// What the text names.
    pub fn new(text: &str) -> KeyRef {
        match KeyIdentifier::parse(text) {
            Ok(identifier) => KeyRef::Valid(identifier),
            Err(_) => KeyRef::Invalid(text.into()),
        }
    }

    /// The identifier.
    ///
    /// # Errors
    /// `InvalidArn` or `NotFound`, as [`KeyIdentifier::parse`].
    pub fn parse(&self) -> Result<KeyIdentifier> {
        match self {
            KeyRef::Valid(identifier) => Ok(identifier.clone()),
            KeyRef::Invalid(text) => KeyIdentifier::parse(text),
        }
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyRef::Valid(identifier) => identifier.fmt(f),
            KeyRef::Invalid(text) => f.write_str(text),
        }
    }
}

impl From<KeyArn> for KeyRef {
    fn from(arn: KeyArn) -> KeyRef {
        KeyRef::Valid(KeyIdentifier::Arn(arn))
    }
}

impl From<KeyId> for KeyRef {
    fn from(id: KeyId) -> KeyRef {
        KeyRef::Valid(KeyIdentifier::Id(id))
    }
}

impl Member for KeyRef {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<KeyRef> {
        text(value, member, 1, 2048, problems).map(KeyRef::new)
    }

    fn encode(&self) -> Option<Value> {
        Some(self.to_string().into())
    }
}
