//! Names, parsed once: accounts, Regions, key ids, ARNs, alias names, principals, grant ids.
//!
//! Past the edge no name is a string. Ids and ARNs of keys are plain values of a few words, so that
//! messages and state copy them without allocating.

mod principal;
mod regions;
mod text;

pub(crate) use principal::entry_of;
pub use principal::{PrincipalArn, PrincipalKind};
pub use regions::AWS_REGIONS;
pub use text::write_uuid;

use crate::error::{ErrorCode, Result};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;
use text::{Line, parse_hex, parse_uuid};

/// A twelve-digit AWS account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl AccountId {
    /// From the number; only twelve digits count.
    pub const fn new(number: u64) -> AccountId {
        AccountId(number % 1_000_000_000_000)
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Exactly twelve digits, or nothing.
    pub fn parse(text: &str) -> Option<AccountId> {
        let digits = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok().map(AccountId)).flatten()
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Line::<12>::new();
        line.push_number(self.0, 12);
        line.write(f)
    }
}

/// The name of a Region, at most 32 characters, kept in place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RegionName {
    bytes: [u8; 32],
    length: u8,
}

impl Ord for RegionName {
    /// By the letters, as two numbers each: maps are asked for Regions all the time.
    fn cmp(&self, other: &RegionName) -> Ordering {
        let halves = |name: &RegionName| {
            let (halves, _) = name.bytes.as_chunks();
            [u128::from_be_bytes(halves[0]), u128::from_be_bytes(halves[1])]
        };
        halves(self).cmp(&halves(other))
    }
}

impl PartialOrd for RegionName {
    fn partial_cmp(&self, other: &RegionName) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl RegionName {
    /// A Region of the shape `^([a-z]+-){2,3}\d+$`, or nothing (AWS KMS API, `RegionType`).
    pub fn parse(text: &str) -> Option<RegionName> {
        let mut words: Vec<&str> = text.split('-').collect();
        let number = words.pop()?;
        let shaped = (2..=3).contains(&words.len())
            && words.iter().all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase()))
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit());
        let length = u8::try_from(text.len()).ok().filter(|length| *length <= 32)?;
        let mut bytes = [0; 32];
        shaped.then(|| {
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            RegionName { bytes, length }
        })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }

    /// The partition the Region belongs to.
    pub fn partition(&self) -> Partition {
        match self.as_str() {
            name if name.starts_with("cn-") => Partition::China,
            name if name.starts_with("us-gov-") => Partition::GovCloud,
            _ => Partition::Aws,
        }
    }
}

impl fmt::Display for RegionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A group of Regions that share nothing with the other groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Partition {
    /// The commercial Regions.
    Aws,
    /// The China Regions.
    China,
    /// AWS GovCloud (US).
    GovCloud,
}

impl Partition {
    /// The second field of an ARN.
    pub fn as_str(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
            Partition::China => "aws-cn",
            Partition::GovCloud => "aws-us-gov",
        }
    }

    fn parse(text: &str) -> Option<Partition> {
        [Partition::Aws, Partition::China, Partition::GovCloud]
            .into_iter()
            .find(|partition| partition.as_str() == text)
    }
}

/// The id of a key: a UUID, or `mrk-` and 32 hexadecimal digits for a multi-Region key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId {
    bytes: [u8; 16],
    multi_region: bool,
}

impl Ord for KeyId {
    /// By the bytes, as one number: maps are asked for keys all the time.
    fn cmp(&self, other: &KeyId) -> Ordering {
        let number = |id: &KeyId| (u128::from_be_bytes(id.bytes), id.multi_region);
        number(self).cmp(&number(other))
    }
}

impl PartialOrd for KeyId {
    fn partial_cmp(&self, other: &KeyId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl KeyId {
    /// The id of a single-Region key made of random bytes (a version 4 UUID).
    pub fn single_region(mut bytes: [u8; 16]) -> KeyId {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        KeyId { bytes, multi_region: false }
    }

    /// The id of a multi-Region key made of random bytes.
    pub fn multi_region(bytes: [u8; 16]) -> KeyId {
        KeyId { bytes, multi_region: true }
    }

    /// Whether the id has the multi-Region prefix.
    pub fn is_multi_region(self) -> bool {
        self.multi_region
    }

    /// The sixteen bytes and the form, for canonical encodings.
    pub fn to_bytes(self) -> [u8; 17] {
        let mut bytes = [0; 17];
        bytes[0] = u8::from(self.multi_region);
        bytes[1..].copy_from_slice(&self.bytes);
        bytes
    }

    /// The inverse of [`KeyId::to_bytes`].
    pub fn from_bytes(bytes: &[u8; 17]) -> Option<KeyId> {
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[1..]);
        (bytes[0] <= 1).then_some(KeyId { bytes: id, multi_region: bytes[0] == 1 })
    }

    fn push_to<const N: usize>(self, line: &mut Line<N>) {
        if self.multi_region {
            line.push("mrk-");
            line.push_hex(&self.bytes);
        } else {
            line.push_uuid(&self.bytes);
        }
    }

    /// Either of the two forms, lower or upper case, or nothing.
    pub fn parse(text: &str) -> Option<KeyId> {
        if let Some(hex) = text.strip_prefix("mrk-") {
            return Some(KeyId { bytes: parse_hex(hex)?, multi_region: true });
        }
        Some(KeyId { bytes: parse_uuid(text)?, multi_region: false })
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Line::<36>::new();
        self.push_to(&mut line);
        line.write(f)
    }
}

/// The ARN of a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyArn {
    /// The key's Region, which implies the partition.
    pub region: RegionName,
    /// The account that owns the key.
    pub account: AccountId,
    /// The id.
    pub id: KeyId,
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `arn:aws-us-gov:kms:`, a Region of 32 characters, an account of 12, `:key/` and an id.
        let mut line = Line::<{ 19 + 32 + 1 + 12 + 5 + 36 }>::new();
        line.push("arn:");
        line.push(self.region.partition().as_str());
        line.push(":kms:");
        line.push(self.region.as_str());
        line.push(":");
        line.push_number(self.account.0, 12);
        line.push(":key/");
        self.id.push_to(&mut line);
        line.write(f)
    }
}

/// The name of an alias, with its prefix `alias/`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AliasName(Arc<str>);

impl AliasName {
    /// A well-formed alias name: prefix, 1–250 more characters of `[a-zA-Z0-9:/_-]`.
    pub fn parse(text: &str) -> Option<AliasName> {
        let rest = text.strip_prefix("alias/")?;
        let fits = !rest.is_empty() && text.len() <= 256 && rest.bytes().all(is_name_byte);
        fits.then(|| AliasName(text.into()))
    }

    /// Whether the name is reserved for AWS managed keys.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("alias/aws/")
    }

    /// The name with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An alias where it lives: unique in its account and Region.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AliasArn {
    /// The Region.
    pub region: RegionName,
    /// The account.
    pub account: AccountId,
    /// The name.
    pub name: AliasName,
}

impl fmt::Display for AliasArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let partition = self.region.partition().as_str();
        write!(f, "arn:{partition}:kms:{}:{}:{}", self.region, self.account, self.name)
    }
}

/// Whether a byte may stand in alias and grant names.
pub fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'/' | b'_' | b'-')
}

/// How a request names a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyIdentifier {
    /// The id alone: a key of the caller's account and the endpoint's Region.
    Id(KeyId),
    /// The full ARN.
    Arn(KeyArn),
    /// An alias of the caller's account.
    Alias(AliasName),
    /// The full ARN of an alias.
    AliasArn(AliasArn),
}

impl KeyIdentifier {
    /// Parses any of the four forms.
    ///
    /// # Errors
    /// `InvalidArn` for what begins like an ARN and is none; `NotFound` for anything else that is not
    /// a key id or alias name, as AWS KMS answers it.
    pub fn parse(text: &str) -> Result<KeyIdentifier> {
        if text.starts_with("arn:") {
            return parse_kms_arn(text)
                .ok_or_else(|| ErrorCode::InvalidArn.says(format!("Invalid arn {text}")));
        }
        let named = if text.starts_with("alias/") {
            AliasName::parse(text).map(KeyIdentifier::Alias)
        } else {
            KeyId::parse(text).map(KeyIdentifier::Id)
        };
        named.ok_or_else(|| ErrorCode::NotFound.says(format!("Invalid keyId '{text}'")))
    }

    /// Whether the request named an alias.
    pub fn is_alias(&self) -> bool {
        matches!(self, KeyIdentifier::Alias(_) | KeyIdentifier::AliasArn(_))
    }
}

impl fmt::Display for KeyIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyIdentifier::Id(id) => id.fmt(f),
            KeyIdentifier::Arn(arn) => arn.fmt(f),
            KeyIdentifier::Alias(name) => name.fmt(f),
            KeyIdentifier::AliasArn(arn) => arn.fmt(f),
        }
    }
}

fn parse_kms_arn(text: &str) -> Option<KeyIdentifier> {
    let mut parts = text.splitn(6, ':').skip(1);
    let partition = Partition::parse(parts.next()?)?;
    let service = parts.next()?;
    let region = RegionName::parse(parts.next()?)?;
    let account = AccountId::parse(parts.next()?)?;
    let resource = parts.next()?;
    if service != "kms" || region.partition() != partition {
        return None;
    }
    match resource.strip_prefix("key/") {
        Some(id) => KeyId::parse(id).map(|id| KeyIdentifier::Arn(KeyArn { region, account, id })),
        None => AliasName::parse(resource)
            .map(|name| KeyIdentifier::AliasArn(AliasArn { region, account, name })),
    }
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// Lower-case hexadecimal digits of exactly this length, or nothing.
            pub fn parse(text: &str) -> Option<$name> {
                parse_hex(text).map($name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut line = Line::<{ 2 * $bytes }>::new();
                line.push_hex(&self.0);
                line.write(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

hex_id! {
    /// The id of a grant: 64 hexadecimal digits.
    GrantId 32
}

hex_id! {
    /// The id of one key material of a key: 64 hexadecimal digits, derived from key and material.
    MaterialId 32
}

hex_id! {
    /// The id of a key token, which stays the same when the token is re-encrypted.
    TokenId 16
}

macro_rules! debug_as_display {
    ($($name:ty),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )*};
}

debug_as_display!(AccountId, RegionName, KeyId, KeyArn, AliasName, PrincipalArn);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_identifiers_round_trip() {
        for text in [
            "1234abcd-12ab-34cd-56ef-1234567890ab",
            "mrk-1234abcd12ab34cd56ef1234567890ab",
            "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
            "alias/test/key",
            "arn:aws:kms:eu-west-1:111122223333:alias/test",
        ] {
            assert_eq!(KeyIdentifier::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn broken_identifiers_have_their_documented_error() {
        for (text, code) in [
            (
                "arn:aws:kms:us-east-1:1111:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                ErrorCode::InvalidArn,
            ),
            ("arn:aws:s3:::bucket", ErrorCode::InvalidArn),
            (
                "arn:aws:kms:cn-north-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                ErrorCode::InvalidArn,
            ),
            ("not-a-key", ErrorCode::NotFound),
            ("1234abcd-12ab-34cd-56ef-1234567890a", ErrorCode::NotFound),
            ("mrk-12", ErrorCode::NotFound),
            ("alias/", ErrorCode::NotFound),
            ("1234abcd-12ab-34cd-56ef-1234567890äb", ErrorCode::NotFound),
        ] {
            assert_eq!(KeyIdentifier::parse(text).unwrap_err().code, code, "{text}");
        }
    }

    #[test]
    fn regions_have_a_shape() {
        assert_eq!(RegionName::parse("us-gov-west-1").unwrap().partition(), Partition::GovCloud);
        for bad in ["", "us-east", "US-east-1", "us-east-1a", "a-b-c-d-1", "us--1"] {
            assert!(RegionName::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_longest_arn_has_room() {
        let region = RegionName::parse("us-gov-aaaaaaaaaaaaaaaaaaaaaaa-1").unwrap();
        let account = AccountId::new(7);
        for id in [KeyId::single_region([0xab; 16]), KeyId::multi_region([0xcd; 16])] {
            let arn = KeyArn { region, account, id };
            let text = format!("arn:aws-us-gov:kms:{}:000000000007:key/{id}", region.as_str());
            assert_eq!(arn.to_string(), text);
            assert_eq!(text.len(), 105);
        }
    }

    #[test]
    fn ids_survive_their_bytes() {
        for id in [KeyId::single_region([7; 16]), KeyId::multi_region([9; 16])] {
            assert_eq!(KeyId::from_bytes(&id.to_bytes()), Some(id));
            assert_eq!(KeyId::parse(&id.to_string()), Some(id));
        }
    }
}
