//! Key policies in a judge's words. Another reading of them than the service's, and a narrower one: what
//! it does not read it leaves open.

use super::PolicyWords;
use kms_core::ops::Operation;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::slice;
use std::sync::Arc;

/// The members of a statement that a judge reads.
const READ: [&str; 5] = ["Sid", "Effect", "Principal", "Action", "Resource"];

impl PolicyWords {
    /// The words of a document.
    pub fn of(document: &str) -> PolicyWords {
        let Ok(policy) = serde_json::from_str::<Value>(document) else {
            return PolicyWords::default();
        };
        let statements = items(&policy["Statement"]);
        let allow = statements.iter().all(|statement| statement["Effect"] == "Allow");
        PolicyWords {
            trusts: allow && statements.iter().any(trusts_account),
            allows: allows(statements),
        }
    }

    /// Whether it may be the default policy: it trusts the account and names nobody else.
    pub fn is_like_default(&self) -> bool {
        let alone = |allows: &BTreeMap<Arc<str>, BTreeSet<&'static str>>| allows.len() == 1;
        self.trusts && self.allows.as_ref().is_some_and(alone)
    }

    /// Whether it allows somebody something; nothing when that is left open.
    pub fn allow(&self, principal: &str, action: &str) -> Option<bool> {
        let allows = self.allows.as_ref()?;
        Some(allows.get(principal).is_some_and(|actions| actions.contains(action)))
    }
}

/// One item or a list of them.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => slice::from_ref(one),
    }
}

fn trusts_account(statement: &Value) -> bool {
    let account = |principal: &Value| {
        principal.as_str().is_some_and(|arn| arn.ends_with(":root") || arn.len() == 12)
    };
    account(&statement["Principal"]["AWS"])
        && statement["Action"] == "kms:*"
        && statement["Resource"] == "*"
        && statement.get("Condition").is_none()
}

fn allows(statements: &[Value]) -> Option<BTreeMap<Arc<str>, BTreeSet<&'static str>>> {
    let mut allows: BTreeMap<Arc<str>, BTreeSet<&'static str>> = BTreeMap::new();
    for statement in statements {
        let known = statement.as_object()?.keys().all(|member| READ.contains(&member.as_str()));
        if !known || statement["Effect"] != "Allow" || statement["Resource"] != "*" {
            return None;
        }
        let principals = statement["Principal"].as_object().filter(|all| all.len() == 1)?;
        let actions: BTreeSet<_> = items(&statement["Action"])
            .iter()
            .map(actions)
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect();
        for principal in items(principals.get("AWS")?) {
            let arn = principal.as_str().filter(|arn| arn.starts_with("arn:"))?;
            allows.entry(arn.into()).or_default().extend(&actions);
        }
    }
    Some(allows)
}

/// The actions that a pattern names, of those that are operations.
fn actions(pattern: &Value) -> Option<Vec<&'static str>> {
    const PARTS: [&str; 2] = ["ReEncryptFrom", "ReEncryptTo"];
    let pattern = pattern.as_str()?.strip_prefix("kms:")?;
    let all = Operation::ALL.iter().map(|operation| operation.name()).chain(PARTS);
    let fits: Vec<_> = match pattern.strip_suffix('*') {
        Some(stem) if !stem.contains(['*', '?']) => {
            all.filter(|name| name.starts_with(stem)).collect()
        }
        None if !pattern.contains('?') => all.filter(|name| *name == pattern).collect(),
        _ => return None,
    };
    Some(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = r#""Principal":{"AWS":"arn:aws:iam::111122220000:root"},"Action":"kms:*""#;
    const WORKER: &str = "arn:aws:iam::111122220000:role/worker-1";

    fn words(statements: &str) -> PolicyWords {
        PolicyWords::of(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#))
    }

    fn worker(effect: &str, more: &str) -> String {
        format!(
            r#"{{"Effect":"{effect}","Principal":{{"AWS":["{WORKER}"]}},"Resource":"*",
            "Action":["kms:Encrypt","kms:GenerateDataKey*"]{more}}}"#
        )
    }

    #[test]
    fn plain_permissions_are_read() {
        let words = words(&format!(
            r#"{{"Effect":"Allow",{ROOT},"Resource":"*"}},{}"#,
            worker("Allow", "")
        ));
        assert!(words.trusts);
        let may = |action| words.allow(WORKER, action);
        assert_eq!(may("Encrypt"), Some(true));
        assert_eq!(may("GenerateDataKeyWithoutPlaintext"), Some(true));
        assert_eq!(may("Decrypt"), Some(false));
        assert_eq!(words.allow("arn:aws:iam::111122220000:role/worker-2", "Encrypt"), Some(false));
    }

    #[test]
    fn what_is_not_read_is_left_open() {
        for statement in [
            worker("Deny", ""),
            worker("Allow", r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#),
            worker("Allow", "").replace("\"Action\"", "\"NotAction\""),
            worker("Allow", "").replace("kms:Encrypt", "kms:?ncrypt"),
            worker("Allow", "").replace("{\"AWS\":", "{\"Service\":"),
            worker("Allow", "").replace("arn:aws:iam::111122220000:role/worker-1", "*"),
        ] {
            assert_eq!(words(&statement).allow(WORKER, "Encrypt"), None, "{statement}");
        }
        assert_eq!(PolicyWords::of("no policy"), PolicyWords::default());
    }
}
