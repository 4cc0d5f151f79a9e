//! Values at the edges of what a member may be.

use super::member::{Range, Type};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Values that the model allows, the shortest and the longest among them.
pub(crate) fn allowed(kind: &Type) -> Vec<Value> {
    match kind {
        Type::Text { lengths, pattern } => {
            let ends = [lengths.least, lengths.most].into_iter();
            ends.filter_map(|length| text(pattern, length)).map(Value::from).collect()
        }
        Type::Blob { lengths } => vec![blob(lengths.least), blob(lengths.most)],
        Type::Number { range } => vec![json!(range.least), json!(range.most)],
        Type::Choice(values) => values.iter().map(|value| json!(value)).collect(),
        Type::Boolean => vec![json!(true), json!(false)],
        Type::Map => vec![json!({}), json!({ "": "", "ä": "b".repeat(5000) })],
        Type::Moment => vec![json!(1_767_225_600), json!(1_767_225_600.25)],
        Type::List { of, lengths: Some(lengths) } => match allowed(of).first() {
            Some(item) => vec![list(item, lengths.least), list(item, lengths.most)],
            None => Vec::new(),
        },
        Type::List { of, lengths: None } => allowed(of).iter().map(|item| list(item, 1)).collect(),
        Type::Structure => Vec::new(),
    }
}

/// Values just outside of what the model allows.
pub(crate) fn refused(kind: &Type) -> Vec<Value> {
    match kind {
        Type::Text { lengths, pattern } => {
            let outside = outside(*lengths).map(|length| Value::from("a".repeat(length)));
            outside.chain(misfits(pattern).iter().map(|text| json!(text))).collect()
        }
        Type::Blob { lengths } => outside(*lengths).map(blob).collect(),
        Type::Number { range } => {
            let below = json!(i64::try_from(range.least).unwrap_or(0) - 1);
            vec![below, json!(range.most + 1), json!(i64::MAX), json!(i64::MIN)]
        }
        Type::Choice(_) => vec![json!("NO_SUCH_VALUE"), json!("")],
        Type::List { of, lengths } => {
            let item = allowed(of).into_iter().next().unwrap_or(json!("x"));
            let number = lengths.iter().flat_map(|lengths| outside(*lengths));
            let number = number.map(|length| list(&item, length));
            number.chain(refused(of).into_iter().map(|item| json!([item]))).collect()
        }
        // Before the epoch, and in milliseconds.
        Type::Moment => vec![json!(-1), json!(1_767_225_600_000_u64)],
        Type::Boolean | Type::Map | Type::Structure => Vec::new(),
    }
}

/// One less than the least, if there is such a length, and one more than the most.
fn outside(lengths: Range) -> impl Iterator<Item = usize> {
    lengths.least.checked_sub(1).into_iter().chain([lengths.most + 1])
}

fn list(item: &Value, length: usize) -> Value {
    Value::from(vec![item.clone(); length])
}

fn blob(length: usize) -> Value {
    STANDARD.encode(vec![b'x'; length]).into()
}

/// A text of that length that fits the pattern, if there is one.
fn text(pattern: &str, length: usize) -> Option<String> {
    let (head, tail) = match pattern {
        _ if pattern.starts_with("^https://") => ("https://", ""),
        _ if pattern.starts_with("^(/") => ("/", "/kms/xks/v1"),
        _ if pattern.starts_with("^(com|eu)") => ("com.amazonaws.vpce.us-east-1.vpce-svc-", ""),
        _ if pattern.starts_with("cluster-") => ("cluster-", ""),
        _ if pattern.starts_with("^([a-z]+-)") => ("", "-a-1"),
        _ if pattern.starts_with("^([A-Za-z0-9\\-]+)\\.") => ("", ".a.b"),
        "[0-9]{12}" => return Some("1".repeat(length)),
        _ => ("", ""),
    };
    let middle = length
        .checked_sub(head.len() + tail.len())
        .filter(|middle| *middle > 0 || (head, tail) == ("", ""))?;
    Some(format!("{head}{}{tail}", "a".repeat(middle)))
}

/// Texts of a good length that do not fit the pattern.
fn misfits(pattern: &str) -> &'static [&'static str] {
    match pattern {
        "" => &[],
        "[\\u0020-\\u00FF]*" => &["Ā", "a\nb", "\u{7}"],
        "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+" => &["{\"Ā\": 1}", "{\u{0}}", "{\u{b}}"],
        "[\\w]+" => &["a-b", "a b", "ä"],
        "[0-9]{12}" => &["12345678901a"],
        _ if pattern.starts_with("^([a-z]+-)") => &["us-east", "US-EAST-1", "us-east-one", "1"],
        _ if pattern.starts_with("^([A-Za-z0-9\\-]+)\\.") => {
            &["a.b", "a..b.c", "a.b.c d", ".a.b.c"]
        }
        _ if pattern.starts_with("^https://") => &["http://proxy.example", "https://a b.example"],
        _ if pattern.starts_with("^(/") => &["/proxy/kms/xks/v123", "kms/xks/v1/a", "/kms/xks/va"],
        _ if pattern.starts_with("cluster-") => &["cluster-01010101010101", "clustr-abcdefghijkl"],
        _ if pattern.starts_with("^(com|eu)") => &["org.amazonaws.vpce.us-east-1.vpce-svc-a"],
        "^[a-f0-9]+$" => &["AB0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcd"],
        _ => &["a b\u{0}", "a;b", "ä"],
    }
}
