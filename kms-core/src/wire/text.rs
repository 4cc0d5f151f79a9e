//! Members that are text, each with its length and its characters, from the service model (AWS KMS
//! API reference, 2014-11-01).

use super::checked::{is_name_char, text};
use super::shape::{Member, Problems};
use crate::name;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

macro_rules! text_member {
    ($(#[$doc:meta])* $name:ident $min:literal..=$max:literal, $pattern:literal $fits:expr) => {
        $crate::wire::text::text_member! {
            $(#[$doc])* $name $min..=$max, whole $pattern |text: &str| text.chars().all($fits)
        }
    };
    ($(#[$doc:meta])* $name:ident $min:literal..=$max:literal $(, whole $pattern:literal $fits:expr)?) => {
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
                $(let fits: fn(&str) -> bool = $fits;
                if !fits(text) {
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

pub(super) use text_member;

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
    /// The owner's description of an imported key material.
    KeyMaterialDescription 0..=256, "^[a-zA-Z0-9:/_\\s.-]+$" |c| {
        c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":/_.-".contains(c)
    }
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
    RegionText 1..=32, whole "^([a-z]+-){2,3}\\d+$" is_region
}
text_member! {
    /// A service principal in a grant.
    ServicePrincipal 1..=128, whole "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$" is_service_host
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

/// Two or three words and a number, with hyphens between them.
fn is_region(text: &str) -> bool {
    let Some((words, number)) = text.rsplit_once('-') else { return false };
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    digits && (2..=3).contains(&words.split('-').count()) && words.split('-').all(word)
}

/// Three labels or more.
fn is_service_host(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let label = |label: &str| !label.is_empty() && label.bytes().all(fits);
    text.split('.').count() >= 3 && text.split('.').all(label)
}

impl GrantToken {
    /// The grant the token says it is for; only the service that made it can tell whether it is true.
    pub fn claims(&self) -> Option<name::GrantId> {
        crate::grant_token::claimed(self.as_str())
    }
}
