//! `keyquake policy` as a user meets it: decisions as trees, findings with their places, exit codes,
//! what it says to mistakes, and the key of the README in its three forms.

mod lints;
mod readme;

use crate::support::{folder, keyquake};
use serde_json::Value;
use std::process::Output;

const ORDERS: [&str; 3] = [
    "scenarios/state/orders.yaml",
    "scenarios/state/orders.json",
    "scenarios/state/orders.plan.json",
];
const ROLE: &str = "arn:aws:iam::111122223333:role/orders";

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// The exit code and what is printed; nothing may go to the error stream.
fn policy(arguments: &[&str]) -> (Option<i32>, String) {
    let (code, out, err) = said(&keyquake(&[&["policy"], arguments].concat()));
    assert!(err.is_empty(), "{arguments:?}: {err}");
    (code, out)
}

/// What is said on the error stream with exit code 2; nothing may be printed.
fn refused(arguments: &[&str]) -> String {
    let (code, out, err) = said(&keyquake(&[&["policy"], arguments].concat()));
    assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {err}");
    err
}

fn json(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn explain<'a>(state: &'a str, principal: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let question = ["explain", "--state", state, "--principal", principal];
    [&question, more].concat()
}

const DECRYPT: [&str; 4] = ["--action", "kms:Decrypt", "--key", "alias/orders"];

fn decrypt<'a>(more: &[&'a str]) -> Vec<&'a str> {
    explain(ORDERS[0], ROLE, &[&DECRYPT, more].concat())
}

#[test]
fn a_decision_is_a_tree_and_an_exit_code() {
    for state in ORDERS {
        let allowed =
            explain(state, ROLE, &[&DECRYPT[..], &["--context", "stage=production"]].concat());
        let (code, page) = policy(&allowed);
        assert_eq!(code, Some(0), "{page}");
        assert!(page.starts_with("allowed: "), "{page}");
        for part in ["Use by the orders service", "─ ", "alias/orders", "kms:Decrypt", ROLE] {
            let part = if part == "alias/orders" {
                "arn:aws:kms:us-east-1:111122223333:key/"
            } else {
                part
            };
            assert!(page.contains(part), "{part}: {page}");
        }
        let (code, page) = policy(&explain(state, ROLE, &DECRYPT));
        assert_eq!(code, Some(1), "{page}");
        assert!(page.starts_with("denied: "), "{page}");
        assert!(page.contains("kms:EncryptionContext:stage"), "the condition that fails: {page}");
    }
}

#[test]
fn a_decision_as_json_says_the_same() {
    let (code, line) = policy(&decrypt(&["--context", "stage=production", "--json"]));
    let shown = json(&line);
    assert_eq!((code, shown["decision"].as_str()), (Some(0), Some("allowed")));
    assert_eq!(shown["principal"], ROLE);
    assert_eq!(shown["action"], "kms:Decrypt");
    assert!(shown["tree"].as_array().is_some_and(|tree| !tree.is_empty()), "{shown}");
    let (code, line) = policy(&decrypt(&["--json"]));
    let shown = json(&line);
    assert_eq!((code, shown["decision"].as_str()), (Some(1), Some("denied")));
    assert!(shown["because"].as_str().is_some_and(|why| !why.is_empty()));
}

#[test]
fn grants_services_and_iam_policies_take_part() {
    let shipping = "arn:aws:iam::111122223333:role/shipping";
    let context = ["--context", "stage=production"];
    let (code, page) = policy(&explain(ORDERS[2], shipping, &[&DECRYPT[..], &context].concat()));
    assert_eq!(code, Some(0), "the plan's grant: {page}");
    assert!(page.contains("grant"), "{page}");
    let (code, page) = policy(&explain(ORDERS[0], shipping, &DECRYPT));
    assert_eq!(code, Some(1), "the template has no grant: {page}");

    let file = folder("policy-iam").join("iam.json");
    let text = r#"{"Statement": {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}}"#;
    std::fs::write(&file, text).expect("a file");
    let file = file.display().to_string();
    let iam = ["--identity-policy", file.as_str(), "--via", "s3"];
    let (code, page) = policy(&explain(ORDERS[0], shipping, &[&DECRYPT[..], &iam].concat()));
    assert_eq!(code, Some(0), "the account's policy and IAM: {page}");

    let logs = "logs.us-east-1.amazonaws.com";
    let group = "aws:logs:arn=arn:aws:logs:us-east-1:111122223333:log-group:x";
    let (code, page) =
        policy(&explain(ORDERS[0], logs, &[&DECRYPT[..], &["--context", group]].concat()));
    assert_eq!(code, Some(0), "{page}");
}

#[test]
fn mistakes_end_with_two_and_say_what_would_be_right() {
    let asked = |principal, action, key| {
        [
            "explain",
            "--state",
            ORDERS[0],
            "--principal",
            principal,
            "--action",
            action,
            "--key",
            key,
        ]
    };
    for (arguments, parts) in [
        (
            &asked("alice", "kms:Decrypt", "alias/orders")[..],
            &["alice", "an ARN of IAM or STS"][..],
        ),
        (
            &asked("arn:aws:iam::12:role/x", "kms:Decrypt", "alias/orders"),
            &["arn:aws:iam::12:role/x"],
        ),
        (&asked(ROLE, "kms:Decript", "alias/orders"), &["there is no action kms:Decript"]),
        (
            &asked(ROLE, "kms:Decrypt", "alias/order"),
            &["there is no key alias/order", "alias/orders"],
        ),
        (
            &asked(ROLE, "kms:Decrypt", "arn:aws:kms:nowhere"),
            &["there is no key arn:aws:kms:nowhere"],
        ),
        (&decrypt(&["--context", "stage"]), &["KEY=VALUE"]),
        (&decrypt(&["--via", "s4"]), &["there is no service s4", "s3"]),
        (&decrypt(&["--identity-policy", "no-such.json"]), &["cannot read no-such.json"]),
        (&decrypt(&["--account", "12"]), &["twelve digits"]),
        (&["check", "no-such.yaml"], &["cannot read no-such.yaml"]),
        (&["check", "scenarios/state/orders.tf"], &["scenarios/state/orders.tf"]),
        (&["check", ORDERS[0], "--service", "s4"], &["there are s3"]),
    ] {
        let message = refused(arguments);
        for part in parts {
            assert!(message.contains(part), "{arguments:?}: {part}: {message}");
        }
    }
}

#[test]
fn a_good_file_has_no_findings() {
    for (file, keys) in ORDERS.into_iter().zip(["1 key, 0 findings"; 3]) {
        let (code, page) = policy(&["check", file, "--service", "s3", "--service", "logs"]);
        assert_eq!((code, page.trim_end()), (Some(0), keys), "{file}");
        let (code, line) = policy(&["check", file, "--json"]);
        let shown = json(&line);
        assert_eq!((code, &shown["findings"]), (Some(0), &Value::Array(Vec::new())));
        assert_eq!((&shown["keys"], &shown["file"]), (&1.into(), &file.into()));
    }
}

#[test]
fn every_finding_has_its_place_and_what_would_be_right() {
    let file = "scenarios/state/broken.yaml";
    let (code, page) = policy(&["check", file]);
    assert_eq!(code, Some(1), "{page}");
    assert!(page.trim_end().ends_with("1 key, 6 findings"), "{page}");
    let (code, line) = policy(&["check", file, "--json"]);
    assert_eq!(code, Some(1));
    let shown = json(&line);
    let places = [
        ("rotation-off", 10),
        ("locks-the-owner-out", 15),
        ("breaks-a-service", 15),
        ("open-to-everyone", 17),
        ("condition-never-matches", 22),
        ("grant-escalation", 32),
    ];
    let findings = shown["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), places.len());
    for (kind, line) in places {
        let finding = findings.iter().find(|finding| finding["kind"] == kind);
        let finding = finding.unwrap_or_else(|| panic!("{kind}: {shown}"));
        assert_eq!(finding["line"], line, "{kind}");
        assert_eq!(finding["key"], "BrokenKey");
        let message = finding["message"].as_str().expect("a text");
        let place = format!("{file}:{line}:{}: {message} [{kind}]", finding["column"]);
        assert!(page.contains(&place), "{place}\n{page}");
        let right = finding["right"].as_str().expect("a text");
        assert!(page.contains(&format!("right would be: {right}")), "{right}\n{page}");
    }
}

#[test]
fn a_named_service_that_the_policy_breaks_is_a_finding() {
    let file = "scenarios/state/vpc-only.yaml";
    assert_eq!(policy(&["check", file]).0, Some(0));
    let (code, page) = policy(&["check", file, "--service", "s3"]);
    assert_eq!(code, Some(1), "{page}");
    assert!(page.contains("vpc-only.yaml:19:") && page.contains("[breaks-a-service]"), "{page}");
    assert!(page.contains("1 key, 1 finding\n"), "{page}");
}

/// A policy that AWS refuses as overly permissive is refused where its statement stands.
#[test]
fn a_malformed_policy_is_refused_at_its_statement() {
    let text = std::fs::read_to_string(ORDERS[0]).expect("the template");
    let text = text.replace("StringEquals:", "ForAllValues:StringEquals:");
    let file = folder("policy-malformed").join("orders.yaml");
    std::fs::write(&file, text).expect("a file");
    let file = file.display().to_string();
    let message = refused(&["check", &file]);
    assert!(message.contains("orders.yaml:35:"), "its statement is in line 35: {message}");
    assert!(message.contains("OverlyPermissiveCondition"), "{message}");
}
