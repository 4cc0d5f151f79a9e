//! Exchanges without what differs between two tellings of the same stories: ids by the order in which
//! they appear, moments as such, blobs by their length.

use super::wire::Exchanged;
use serde_json::Value;
use std::collections::BTreeMap;

/// The members that hold random bytes, or what is made of them; only their length is the same.
const BLOBS: [&str; 10] = [
    "CiphertextBlob",
    "CiphertextForRecipient",
    "GrantToken",
    "NextMarker",
    "Marker",
    "Plaintext",
    "PublicKey",
    "SharedSecret",
    "SharedSecretCiphertextBlob",
    "Mac",
];

/// Signatures and what has some in it, private keys, what holds them, and lists of tokens: a leading zero more or less makes
/// another length.
const OPAQUE: [&str; 8] = [
    "AttestationDocument",
    "EncryptedKeyMaterial",
    "GrantTokens",
    "ImportToken",
    "PrivateKeyCiphertextBlob",
    "PrivateKeyPlaintext",
    "Signature",
    "TrustAnchorCertificate",
];

/// The operations that stories ask while they wait. How often they do differs, so their answers are
/// not compared; the stories look at what matters in them.
const POLLS: [&str; 2] = ["DescribeCustomKeyStores", "DescribeKey"];

/// What to compare of each exchange, as text.
pub(crate) fn exchanges(exchanged: &[Exchanged]) -> Vec<String> {
    let mut ids = Ids::default();
    let polls = |one: &&Exchanged| POLLS.contains(&&*one.operation) && one.status == 200;
    let one = |one: &Exchanged| {
        let request = ids.body(&one.request);
        let response = ids.body(&one.response);
        format!("{} {request}\n→ {} {response}", one.operation, one.status)
    };
    exchanged.iter().filter(|exchanged| !polls(exchanged)).map(one).collect()
}

#[derive(Default)]
struct Ids(BTreeMap<String, usize>);

impl Ids {
    fn body(&mut self, body: &[u8]) -> String {
        match serde_json::from_slice(body) {
            Ok(value) => self.value("", value).to_string(),
            Err(_) => String::from_utf8_lossy(body).into_owned(),
        }
    }

    fn value(&mut self, name: &str, value: Value) -> Value {
        match value {
            Value::Number(_)
                if ["Date", "Time", "ValidTo"].iter().any(|part| name.contains(part)) =>
            {
                "moment".into()
            }
            Value::String(text) if BLOBS.contains(&name) => format!("{} long", text.len()).into(),
            _ if OPAQUE.contains(&name) => "opaque".into(),
            Value::String(text) => self.text(&text).into(),
            // Lists come in the order of ids, which are drawn.
            Value::Array(items) => {
                let mut items: Vec<_> =
                    items.into_iter().map(|item| self.value(name, item)).collect();
                items.sort_by_key(Value::to_string);
                items.into()
            }
            Value::Object(members) => members
                .into_iter()
                .map(|(name, value)| {
                    let value = self.value(&name, value);
                    (name, value)
                })
                .collect(),
            other => other,
        }
    }

    /// The text with each id in it as its number.
    fn text(&mut self, text: &str) -> String {
        let is_id = |c: char| c.is_ascii_hexdigit() || c == '-';
        let mut normal = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(is_id) {
            let length = rest[start..].find(|c| !is_id(c)).unwrap_or(rest.len() - start);
            let word = &rest[start..start + length];
            normal += &rest[..start];
            // UUIDs have 36 characters, other ids 16 and more; no word of prose has.
            if word.len() >= 16 {
                let number = self.0.len();
                let number = *self.0.entry(word.to_owned()).or_insert(number);
                normal += &format!("<id {number}>");
            } else {
                normal += word;
            }
            rest = &rest[start + length..];
        }
        normal + rest
    }
}

#[test]
fn ids_are_numbers_and_moments_are_not_compared() {
    let exchanged = |id: &str, at: u32| Exchanged {
        operation: "CreateKey".into(),
        request: Vec::new(),
        status: 200,
        response: format!(r#"{{"KeyId":"{id}","Arn":"x:key/{id}","CreationDate":{at}}}"#).into(),
    };
    let one = exchanges(&[exchanged("1234abcd-12ab-34cd-56ef-1234567890ab", 7)]);
    let other = exchanges(&[exchanged("4321abcd-12ab-34cd-56ef-1234567890ab", 8)]);
    assert_eq!(one, other);
    assert!(one[0].contains("x:key/<id 0>"), "{one:?}");
}
