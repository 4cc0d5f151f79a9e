//! The members that are no types of the wire's own: JSON's, the core's, and lists of any.

use super::checked::{length_fits, number, text};
use super::shape::{Member, Problems, listed};
use super::text::{GrantToken, TagKey, TagValue};
use crate::ciphertext::EncryptionContext;
use crate::env::Timestamp;
use crate::name::{self, KeyArn, KeyIdentifier};
use serde_json::Value;
use std::collections::BTreeMap;

impl Member for EncryptionContext {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<EncryptionContext> {
        BTreeMap::decode(value, member, problems).map(EncryptionContext::new)
    }

    fn absent() -> Option<EncryptionContext> {
        Some(EncryptionContext::default())
    }

    fn encode(&self) -> Option<Value> {
        (!self.is_empty()).then(|| self.pairs().encode()).flatten()
    }
}

impl Member for BTreeMap<String, String> {
    fn decode(value: &Value, _: &str, problems: &mut Problems) -> Option<Self> {
        let pairs = value.as_object().and_then(|object| {
            let pairs =
                object.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
            pairs.collect::<Option<_>>()
        });
        pairs.or_else(|| {
            problems.wrong_type();
            None
        })
    }

    fn encode(&self) -> Option<Value> {
        Some(Value::Object(self.iter().map(|(k, v)| (k.clone(), v.as_str().into())).collect()))
    }
}

impl Member for bool {
    fn decode(value: &Value, _: &str, problems: &mut Problems) -> Option<bool> {
        value.as_bool().or_else(|| {
            problems.wrong_type();
            None
        })
    }

    fn absent() -> Option<bool> {
        Some(false)
    }

    fn encode(&self) -> Option<Value> {
        Some((*self).into())
    }
}

impl Member for u32 {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<u32> {
        number(value, member, 0, u32::MAX, problems)
    }

    fn encode(&self) -> Option<Value> {
        Some((*self).into())
    }
}

impl Member for String {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<String> {
        text(value, member, 0, usize::MAX, problems).map(str::to_owned)
    }

    fn encode(&self) -> Option<Value> {
        Some(self.as_str().into())
    }
}

/// Epoch seconds with milliseconds, as the service sends them; what is finer does not count. A number
/// that cannot be meant as seconds, such as one of milliseconds, breaks a constraint and no more.
impl Member for Timestamp {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<Timestamp> {
        let Some(seconds) = value.as_f64() else {
            problems.wrong_type();
            return None;
        };
        if !(0.0..LATEST).contains(&seconds) {
            problems.violation(Some(&value.to_string()), member, NO_MOMENT);
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let millis = (seconds * 1e3).round() as u64;
        Some(Timestamp::from_micros(millis * 1000))
    }

    fn encode(&self) -> Option<Value> {
        Some(((self.as_micros() / 1000) as f64 / 1000.0).into())
    }
}

/// The first second that is no moment to speak of: today's milliseconds are above it.
const LATEST: f64 = 1e12;

const NO_MOMENT: &str = "Member must be the number of seconds since 1970-01-01T00:00:00Z, neither \
                         negative nor in milliseconds";

impl Member for KeyArn {
    fn decode(value: &Value, _: &str, problems: &mut Problems) -> Option<KeyArn> {
        match value.as_str().map(KeyIdentifier::parse) {
            Some(Ok(KeyIdentifier::Arn(arn))) => Some(arn),
            _ => {
                problems.wrong_type();
                None
            }
        }
    }

    fn encode(&self) -> Option<Value> {
        Some(self.to_string().into())
    }
}

impl Member for name::MaterialId {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<name::MaterialId> {
        let text = text(value, member, 64, 64, problems)?;
        let lower_case = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        name::MaterialId::parse(text).filter(|_| lower_case).or_else(|| {
            let constraint = "Member must satisfy regular expression pattern: ^[a-f0-9]+$";
            problems.violation(Some(text), member, constraint);
            None
        })
    }

    fn encode(&self) -> Option<Value> {
        Some(self.to_string().into())
    }
}

impl<T: Member> Member for Option<T> {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<Option<T>> {
        T::decode(value, member, problems).map(Some)
    }

    fn absent() -> Option<Option<T>> {
        Some(None)
    }

    fn encode(&self) -> Option<Value> {
        self.as_ref().and_then(Member::encode)
    }
}

/// A large member of an answer, which is not to make every answer large.
impl<T: Member> Member for Box<T> {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<Box<T>> {
        T::decode(value, member, problems).map(Box::new)
    }

    fn absent() -> Option<Box<T>> {
        T::absent().map(Box::new)
    }

    fn encode(&self) -> Option<Value> {
        T::encode(self)
    }
}

/// A list. Which lengths are allowed, the operation says; a list that is not there is empty.
impl<T: Member> Member for Vec<T> {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<Vec<T>> {
        match value.as_array() {
            Some(items) => problems.items(items, member, T::decode),
            None => {
                problems.wrong_type();
                None
            }
        }
    }

    fn absent() -> Option<Vec<T>> {
        Some(Vec::new())
    }

    fn encode(&self) -> Option<Value> {
        (!self.is_empty()).then(|| self.iter().filter_map(Member::encode).collect())
    }
}

/// A list that an output carries even when it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed<T>(pub Vec<T>);

impl<T: Member> Member for Listed<T> {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<Listed<T>> {
        Vec::decode(value, member, problems).map(Listed)
    }

    fn encode(&self) -> Option<Value> {
        Some(self.0.iter().filter_map(Member::encode).collect())
    }
}

/// A list that may be left out, and that has so many items if it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Between<T, const LEAST: usize, const MOST: usize>(pub Vec<T>);

impl<T, const LEAST: usize, const MOST: usize> Default for Between<T, LEAST, MOST> {
    fn default() -> Self {
        Between(Vec::new())
    }
}

impl<T: Member, const LEAST: usize, const MOST: usize> Member for Between<T, LEAST, MOST> {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<Self> {
        let items = Vec::decode(value, member, problems)?;
        let shown = value.as_array().and_then(|items| listed(items));
        length_fits(items.len(), member, LEAST, MOST, shown.as_deref(), problems)
            .then_some(Between(items))
    }

    fn absent() -> Option<Self> {
        Some(Between::default())
    }

    fn encode(&self) -> Option<Value> {
        self.0.encode()
    }
}

/// At most ten grant tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantTokens(pub Vec<GrantToken>);

impl std::ops::Deref for GrantTokens {
    type Target = [GrantToken];

    fn deref(&self) -> &[GrantToken] {
        &self.0
    }
}

impl Member for GrantTokens {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<GrantTokens> {
        let tokens: Between<_, 0, 10> = Between::decode(value, member, problems)?;
        Some(GrantTokens(tokens.0))
    }

    fn absent() -> Option<GrantTokens> {
        Some(GrantTokens::default())
    }

    fn encode(&self) -> Option<Value> {
        self.0.encode()
    }
}

crate::shape! {
    /// A tag.
    pub struct Tag {
        /// The key.
        key: TagKey = "TagKey",
        /// The value.
        value: TagValue = "TagValue",
    }
}
