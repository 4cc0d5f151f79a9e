//! The members that shapes are made of: each type knows its constraints, taken from the service
//! model (AWS KMS API reference, 2014-11-01).

use super::shape::{Member, Problems};
use crate::ciphertext::EncryptionContext;
use crate::crypto::SecretBytes;
use crate::env::Timestamp;
use crate::error::Result;
use crate::key::{KeySpec, KeyState, KeyUsage, Origin, RotationType, wire_enum};
use crate::name::{self, KeyArn, KeyId, KeyIdentifier};
use crate::policy::GrantOperation;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;
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

macro_rules! text_member {
    ($(#[$doc:meta])* $name:ident $min:literal..=$max:literal $(, $pattern:literal $fits:expr)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl<T: Into<Arc<str>>> From<T> for $name {
            fn from(text: T) -> $name {
                $name(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Member for $name {
            fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<$name> {
                let text = text(value, member, $min, $max, problems)?;
                $(if !text.chars().all($fits) {
                    let constraint =
                        concat!("Member must satisfy regular expression pattern: ", $pattern);
                    problems.violation(Some(text), member, constraint);
                    return None;
                })?
                Some($name(text.into()))
            }

            fn encode(&self) -> Option<Value> {
                Some(self.as_str().into())
            }
        }
    };
}

text_member! {
    /// An alias name as a request spells it.
    AliasText 1..=256, "^[a-zA-Z0-9:/_-]+$" is_name_char
}
text_member! {
    /// A description.
    Description 0..=8192
}
text_member! {
    /// The name of a grant.
    GrantName 1..=256, "^[a-zA-Z0-9:/_-]+$" is_name_char
}
text_member! {
    /// The id of a grant, as a request spells it.
    GrantIdText 1..=128
}
text_member! {
    /// A grant token.
    GrantToken 1..=8192
}
text_member! {
    /// Where a list goes on.
    Marker 1..=1024, "[\\u0020-\\u00FF]*" |c| ('\u{20}'..='\u{ff}').contains(&c)
}
text_member! {
    /// The name of a key policy.
    PolicyName 1..=128, "[\\w]+" |c| c.is_ascii_alphanumeric() || c == '_'
}
text_member! {
    /// A policy document.
    PolicyText 1..=131_072, "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+" |c| {
        matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
    }
}
text_member! {
    /// A principal in a grant.
    PrincipalText 1..=256, "^[\\w+=,.@:/-]+$" |c| {
        c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c)
    }
}
text_member! {
    /// A Region, as a request spells it.
    RegionText 1..=32, "^([a-z]+-){2,3}\\d+$" |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}
text_member! {
    /// A service principal in a grant.
    ServicePrincipal 1..=128, "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$" |c| {
        c.is_ascii_alphanumeric() || c == '-' || c == '.'
    }
}
text_member! {
    /// The ARN of the AWS resource that a grant is bound to.
    SourceArn 20..=512
}
text_member! {
    /// The key of a tag.
    TagKey 1..=128
}
text_member! {
    /// The value of a tag.
    TagValue 0..=256
}

impl GrantToken {
    /// The grant the token says it is for; only the service that made it can tell whether it is true.
    pub fn claims(&self) -> Option<name::GrantId> {
        crate::grant_token::claimed(self.as_str())
    }
}

macro_rules! number_member {
    ($(#[$doc:meta])* $name:ident $min:literal..=$max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub u32);

        impl Member for $name {
            fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<$name> {
                number(value, member, $min, $max, problems).map($name)
            }

            fn encode(&self) -> Option<Value> {
                Some(self.0.into())
            }
        }
    };
}

number_member! {
    /// How many items a page may have.
    Limit 1..=1000
}
number_member! {
    /// The length of a data key or of random bytes.
    NumberOfBytes 1..=1024
}
number_member! {
    /// A waiting period; the operation allows 7 to 30.
    PendingWindowInDays 1..=365
}
number_member! {
    /// A rotation period.
    RotationPeriodInDays 90..=2560
}

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

impl Member for Timestamp {
    fn decode(value: &Value, _: &str, problems: &mut Problems) -> Option<Timestamp> {
        let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0 && *seconds < 1e12);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range")]
        let moment = seconds.map(|seconds| Timestamp::from_micros((seconds * 1e6).round() as u64));
        moment.or_else(|| {
            problems.wrong_type();
            None
        })
    }

    /// Epoch seconds with milliseconds, as the service sends them.
    fn encode(&self) -> Option<Value> {
        Some(((self.as_micros() / 1000) as f64 / 1000.0).into())
    }
}

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
        name::MaterialId::parse(text).or_else(|| {
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

/// A list. Which lengths are allowed, the operation says; a list that is not there is empty.
impl<T: Member> Member for Vec<T> {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<Vec<T>> {
        match value.as_array() {
            Some(items) => items.iter().map(|item| T::decode(item, member, problems)).collect(),
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
        let tokens = Vec::decode(value, member, problems)?;
        if tokens.len() > 10 {
            problems.violation(None, member, "Member must have length less than or equal to 10");
            return None;
        }
        Some(GrantTokens(tokens))
    }

    fn absent() -> Option<GrantTokens> {
        Some(GrantTokens::default())
    }

    fn encode(&self) -> Option<Value> {
        self.0.encode()
    }
}

wire_enum! {
    /// The length of a data key.
    DataKeySpec {
        Aes256 "AES_256",
        Aes128 "AES_128",
    }
}

wire_enum! {
    /// How a message is encrypted.
    EncryptionAlgorithm {
        SymmetricDefault "SYMMETRIC_DEFAULT",
        RsaesOaepSha1 "RSAES_OAEP_SHA_1",
        RsaesOaepSha256 "RSAES_OAEP_SHA_256",
        Sm2Pke "SM2PKE",
    }
}

wire_enum! {
    /// What an authorization-only dry run may leave out.
    DryRunModifier {
        IgnoreCiphertext "IGNORE_CIPHERTEXT",
    }
}

wire_enum! {
    /// Whose keys to list.
    ResourceOwner {
        Own "SELF",
        OtherAccountsViaRam "OTHER_ACCOUNTS_VIA_RAM",
    }
}

wire_enum! {
    /// Which materials ListKeyRotations shows.
    IncludeKeyMaterial {
        AllKeyMaterial "ALL_KEY_MATERIAL",
        RotationsOnly "ROTATIONS_ONLY",
    }
}

wire_enum! {
    /// What a key material is to its key.
    KeyMaterialState {
        Current "CURRENT",
        NonCurrent "NON_CURRENT",
        PendingRotation "PENDING_ROTATION",
        PendingMultiRegionImportAndRotation "PENDING_MULTI_REGION_IMPORT_AND_ROTATION",
    }
}

wire_enum! {
    /// Who looks after a key.
    KeyManager {
        Aws "AWS",
        Customer "CUSTOMER",
    }
}

wire_enum! {
    /// A multi-Region key's part in its set.
    MultiRegionKeyType {
        Primary "PRIMARY",
        Replica "REPLICA",
    }
}

macro_rules! enum_members {
    ($($name:ty),*) => {$(
        impl Member for $name {
            fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<$name> {
                let text = text(value, member, 0, usize::MAX, problems)?;
                <$name>::parse(text).or_else(|| {
                    let values: Vec<_> = <$name>::ALL.iter().map(|value| value.as_str()).collect();
                    let constraint =
                        format!("Member must satisfy enum value set: [{}]", values.join(", "));
                    problems.violation(Some(text), member, &constraint);
                    None
                })
            }

            fn encode(&self) -> Option<Value> {
                Some(self.as_str().into())
            }
        }
    )*};
}

enum_members!(
    DataKeySpec,
    DryRunModifier,
    EncryptionAlgorithm,
    IncludeKeyMaterial,
    KeyManager,
    KeyMaterialState,
    KeySpec,
    KeyState,
    KeyUsage,
    MultiRegionKeyType,
    Origin,
    ResourceOwner,
    RotationType
);

impl Member for GrantOperation {
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<GrantOperation> {
        let text = text(value, member, 0, usize::MAX, problems)?;
        GrantOperation::parse(text).or_else(|| {
            let values: Vec<_> = GrantOperation::all().map(GrantOperation::name).collect();
            let constraint = format!("Member must satisfy enum value set: [{}]", values.join(", "));
            problems.violation(Some(text), member, &constraint);
            None
        })
    }

    fn encode(&self) -> Option<Value> {
        Some(self.name().into())
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

fn is_name_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(name::is_name_byte)
}

fn text<'a>(
    value: &'a Value,
    member: &str,
    min: usize,
    max: usize,
    problems: &mut Problems,
) -> Option<&'a str> {
    let Some(text) = value.as_str() else {
        problems.wrong_type();
        return None;
    };
    let length = text.chars().count();
    length_fits(length, member, min, max, Some(text), problems).then_some(text)
}

fn blob(value: &Value, member: &str, max: usize, problems: &mut Problems) -> Option<Vec<u8>> {
    let Some(bytes) = value.as_str().and_then(|text| STANDARD.decode(text).ok()) else {
        problems.wrong_type();
        return None;
    };
    length_fits(bytes.len(), member, 1, max, None, problems).then_some(bytes)
}

fn length_fits(
    length: usize,
    member: &str,
    min: usize,
    max: usize,
    shown: Option<&str>,
    problems: &mut Problems,
) -> bool {
    if length < min {
        let constraint = format!("Member must have length greater than or equal to {min}");
        problems.violation(shown, member, &constraint);
    } else if length > max {
        let constraint = format!("Member must have length less than or equal to {max}");
        problems.violation(shown, member, &constraint);
    }
    (min..=max).contains(&length)
}

fn number(value: &Value, member: &str, min: u32, max: u32, problems: &mut Problems) -> Option<u32> {
    let Some(number) = value.as_i64() else {
        problems.wrong_type();
        return None;
    };
    let shown = number.to_string();
    if number < i64::from(min) {
        let constraint = format!("Member must have value greater than or equal to {min}");
        problems.violation(Some(&shown), member, &constraint);
    } else if number > i64::from(max) {
        let constraint = format!("Member must have value less than or equal to {max}");
        problems.violation(Some(&shown), member, &constraint);
    }
    u32::try_from(number).ok().filter(|number| (min..=max).contains(number))
}
