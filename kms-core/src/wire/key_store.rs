//! The members of custom key stores: their texts, each with its pattern from the service model (AWS
//! KMS API reference, 2014-11-01), and two secrets that no message ever shows.

use super::checked::text;
use super::shape::{Member, Problems};
use super::text::text_member;
use crate::crypto::SecretBytes;
use crate::key_store::ClusterId;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

text_member! {
    /// The id of a cluster, as a request spells it.
    CloudHsmClusterIdText 19..=24, whole "cluster-[2-7a-zA-Z]{11,16}" |text: &str| {
        ClusterId::parse(text).is_some()
    }
}
text_member! {
    /// The id of a custom key store, as a request spells it.
    CustomKeyStoreIdText 1..=64
}
text_member! {
    /// The name of a custom key store.
    CustomKeyStoreName 1..=256
}
text_member! {
    /// A certificate in PEM.
    TrustAnchorCertificate 1..=5000
}
text_member! {
    /// The access key id of a proxy's credential.
    XksProxyAccessKeyId 20..=30, "^[A-Z2-7]+$" |c| matches!(c, 'A'..='Z' | '2'..='7')
}
text_member! {
    /// The id of an external key.
    XksKeyIdText 1..=128, "^[a-zA-Z0-9-_.]+$" |c| c.is_ascii_alphanumeric() || "-_.".contains(c)
}
text_member! {
    /// Scheme and host of a proxy.
    XksProxyUriEndpoint 10..=128, whole "^https://[a-zA-Z0-9.-]+$" |text: &str| {
        text.strip_prefix("https://").is_some_and(|host| {
            !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        })
    }
}
text_member! {
    /// The path of a proxy's API.
    XksProxyUriPath 10..=128, whole
    "^(/[a-zA-Z0-9\\/_-]+/kms/xks/v\\d{1,2})$|^(/kms/xks/v\\d{1,2})$" is_proxy_path
}
text_member! {
    /// The account of a VPC endpoint service.
    XksProxyVpcEndpointServiceOwner 12..=12, "[0-9]{12}" |c| c.is_ascii_digit()
}
text_member! {
    /// The name of a VPC endpoint service.
    XksProxyVpcEndpointServiceName 20..=64, whole
    "^(com|eu)\\.amazonaws\\.vpce\\.([a-z]+-){2,3}\\d+\\.vpce-svc-[0-9a-z]+$" is_service_name
}

fn is_proxy_path(text: &str) -> bool {
    let Some((before, version)) = text.rsplit_once("/kms/xks/v") else { return false };
    let digits = (1..=2).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_digit());
    let is_path_byte = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-');
    let prefix = before.is_empty()
        || before
            .strip_prefix('/')
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_path_byte));
    digits && prefix
}

fn is_service_name(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let [top, "amazonaws", "vpce", region, service] = parts[..] else { return false };
    let words: Vec<&str> = region.split('-').collect();
    let Some((number, words)) = words.split_last() else { return false };
    let lower = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    let region = (2..=3).contains(&words.len())
        && words.iter().all(lower)
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit());
    let id = service.strip_prefix("vpce-svc-").is_some_and(|id| {
        !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
    });
    matches!(top, "com" | "eu") && region && id
}

macro_rules! secret_member {
    ($(#[$doc:meta])* $name:ident $min:literal..=$max:literal, $pattern:literal $fits:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(pub SecretBytes);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} characters)"), self.0.len())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> $name {
                $name(SecretBytes::from(text.as_bytes().to_vec()))
            }
        }

        impl Member for $name {
            fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<$name> {
                let Some(text) = value.as_str() else {
                    problems.wrong_type();
                    return None;
                };
                let constraint = match text.chars().count() {
                    length if length < $min => {
                        concat!("Member must have length greater than or equal to ", $min)
                    }
                    length if length > $max => {
                        concat!("Member must have length less than or equal to ", $max)
                    }
                    _ if !text.bytes().all($fits) => {
                        concat!("Member must satisfy regular expression pattern: ", $pattern)
                    }
                    _ => return Some(text.into()),
                };
                problems.violation(None, member, constraint);
                None
            }

            fn encode(&self) -> Option<Value> {
                std::str::from_utf8(self.0.as_bytes()).ok().map(Value::from)
            }
        }
    };
}

secret_member! {
    /// The password of `kmsuser` in a cluster; 7 to 32 alphanumeric characters.
    KeyStorePassword 7..=32, "[a-zA-Z0-9]+" |byte| byte.is_ascii_alphanumeric()
}
secret_member! {
    /// The secret of a proxy's credential.
    RawSecretAccessKey 43..=64, "^[A-Za-z0-9+/=]+$" |byte| {
        byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
    }
}

crate::shape! {
    /// What requests to a proxy are signed with.
    pub struct XksProxyAuthenticationCredential {
        /// Names the secret.
        access_key_id: XksProxyAccessKeyId = "AccessKeyId",
        /// The secret.
        raw_secret_access_key: RawSecretAccessKey = "RawSecretAccessKey",
    }
}

impl CloudHsmClusterIdText {
    /// The id; a member of another form is never decoded.
    pub fn id(&self) -> Option<ClusterId> {
        ClusterId::parse(self.as_str())
    }
}

impl XksKeyIdText {
    /// The text, shared.
    pub fn shared(&self) -> Arc<str> {
        self.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits<T: Member>(text: &str) -> bool {
        T::decode(&text.into(), "Member", &mut Problems::default()).is_some()
    }

    #[test]
    fn every_pattern_has_two_sides() {
        for (text, good) in [
            ("https://a.example", true),
            ("https://ab", true),
            ("https://a", false),
            ("https://", false),
            ("http://a.example", false),
            ("https://a.example/", false),
        ] {
            assert_eq!(fits::<XksProxyUriEndpoint>(text), good, "{text}");
        }
        for (text, good) in [
            ("/kms/xks/v1", true),
            ("/kms/xks/v12", true),
            ("/a/b-c_d/kms/xks/v1", true),
            ("/kms/xks/v123", false),
            ("/kms/xks/v", false),
            ("//kms/xks/v1", false),
            ("a/kms/xks/v1", false),
            ("/a.b/kms/xks/v1", false),
        ] {
            assert_eq!(fits::<XksProxyUriPath>(text), good, "{text}");
        }
        for (text, good) in [
            ("com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0", true),
            ("eu.amazonaws.vpce.us-gov-west-1.vpce-svc-0a", true),
            ("org.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0", false),
            ("com.amazonaws.vpce.east-1.vpce-svc-0123456789abcdef0", false),
            ("com.amazonaws.vpce.us-east-1.vpce-svc-ABC", false),
        ] {
            assert_eq!(fits::<XksProxyVpcEndpointServiceName>(text), good, "{text}");
        }
        for (text, good) in [("kmsPswd", true), ("kmsPsw", false), ("kms_Pswd", false)] {
            assert_eq!(fits::<KeyStorePassword>(text), good, "{text}");
        }
        assert!(fits::<RawSecretAccessKey>(&"a".repeat(43)));
        assert!(!fits::<RawSecretAccessKey>(&"a".repeat(65)));
        assert!(fits::<XksProxyAccessKeyId>("ABCDEFGHIJKLMNOPQ234"));
        assert!(!fits::<XksProxyAccessKeyId>("ABCDEFGHIJKLMNOPQ189"));
    }

    #[test]
    fn a_secret_is_in_no_message() {
        let mut problems = Problems::default();
        let decoded =
            KeyStorePassword::decode(&"top-secret".into(), "KeyStorePassword", &mut problems);
        assert_eq!(decoded, None);
        let error = problems.into_error().unwrap().to_string();
        assert!(error.contains("keyStorePassword") && !error.contains("top"), "{error}");
        let password = KeyStorePassword::from("hunter22");
        assert_eq!(format!("{password:?}"), "KeyStorePassword(8 characters)");
    }
}
