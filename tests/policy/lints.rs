//! Every kind of finding as a minimal pair: a key that has it and nothing else, and the nearest key that
//! has none. The two differ in one member or one condition.

use super::{json, policy};
use crate::support::folder;
use serde_json::{Value, json};

/// A key to be checked: a statement besides the owner's, what the owner may do, and its rotation.
#[derive(Clone)]
struct Tried {
    owner: &'static [&'static str],
    statement: Option<Value>,
    rotation: bool,
    arguments: &'static [&'static str],
}

/// A key in which nothing is wrong.
const GOOD: Tried = Tried { owner: &["kms:*"], statement: None, rotation: true, arguments: &[] };

impl Tried {
    fn with(statement: Value) -> Tried {
        Tried { statement: Some(statement), ..GOOD }
    }

    fn template(&self) -> Value {
        let owner = json!({
            "Effect": "Allow",
            "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
            "Action": self.owner,
            "Resource": "*",
        });
        let statements: Vec<Value> = [owner].into_iter().chain(self.statement.clone()).collect();
        let properties = json!({
            "EnableKeyRotation": self.rotation,
            "KeyPolicy": { "Version": "2012-10-17", "Statement": statements },
        });
        json!({ "Resources": { "Key": { "Type": "AWS::KMS::Key", "Properties": properties } } })
    }

    /// The exit code and the kinds of the findings.
    fn findings(&self, name: &str) -> (Option<i32>, Vec<String>) {
        let file = folder(&format!("policy-lints-{name}")).join("key.json");
        std::fs::write(&file, self.template().to_string()).expect("a file");
        let file = file.display().to_string();
        let arguments = [&["check", file.as_str(), "--json"], self.arguments].concat();
        let (code, line) = policy(&arguments);
        let shown = json(&line);
        let kinds = shown["findings"].as_array().expect("a list").iter();
        let kind = |finding: &Value| finding["kind"].as_str().expect("a kind").to_owned();
        (code, kinds.map(kind).collect())
    }
}

fn allow(principal: &Value, action: &str) -> Value {
    json!({ "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*" })
}

fn under(mut statement: Value, condition: Value) -> Value {
    statement["Condition"] = condition;
    statement
}

/// The kind of finding, the key that has it, and the nearest that has none.
fn pairs() -> [(&'static str, Tried, Tried); 6] {
    let everyone = allow(&json!("*"), "kms:Encrypt");
    let role = |name: &str| json!({ "AWS": format!("arn:aws:iam::111122223333:role/{name}") });
    let encrypts = allow(&role("orders"), "kms:Encrypt");
    let grants = allow(&role("backup"), "kms:CreateGrant");
    let mut outside = allow(&json!("*"), "kms:Decrypt");
    outside["Effect"] = "Deny".into();
    let endpoint = json!({ "aws:SourceVpce": "vpce-1a2b3c4d" });
    let for_s3 = |condition| Tried {
        arguments: &["--service", "s3"],
        ..Tried::with(under(outside.clone(), condition))
    };
    [
        (
            "locks-the-owner-out",
            Tried { owner: &["kms:Encrypt", "kms:GetKeyPolicy"], ..GOOD },
            Tried { owner: &["kms:Encrypt", "kms:PutKeyPolicy"], ..GOOD },
        ),
        (
            "open-to-everyone",
            Tried::with(everyone.clone()),
            Tried::with(under(
                everyone,
                json!({ "StringEquals": { "kms:CallerAccount": "111122223333" } }),
            )),
        ),
        (
            "breaks-a-service",
            for_s3(json!({ "StringNotEquals": endpoint })),
            for_s3(json!({ "StringNotEquals": endpoint, "Null": { "kms:ViaService": "true" } })),
        ),
        ("rotation-off", Tried { rotation: false, ..GOOD }, GOOD),
        (
            "condition-never-matches",
            Tried::with(under(
                encrypts.clone(),
                json!({ "StringEquals": { "kms:SigningAlgorithm": "SYMMETRIC_DEFAULT" } }),
            )),
            Tried::with(under(
                encrypts,
                json!({ "StringEquals": { "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT" } }),
            )),
        ),
        (
            "grant-escalation",
            Tried::with(grants.clone()),
            Tried::with(under(grants, json!({ "Bool": { "kms:GrantIsForAWSResource": "true" } }))),
        ),
    ]
}

#[test]
fn every_kind_of_finding_has_a_key_with_it_and_the_nearest_without() {
    for (kind, bad, good) in pairs() {
        assert_eq!(bad.findings(&format!("{kind}-bad")), (Some(1), vec![kind.to_owned()]));
        assert_eq!(good.findings(&format!("{kind}-good")), (Some(0), vec![]), "{kind}");
    }
}
