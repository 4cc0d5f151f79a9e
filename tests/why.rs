//! What a failure depends on is found by leaving things out.

use crate::support::{folder, keyquake};
use std::fs;

/// A bug that spoils the first plaintext after the tenth second: the Encrypt and the Decrypt are
/// needed, and nothing else is.
const BUG: &str = r#"
schema = 1
description = "A plaintext is spoilt."
topology = { regions = ["us-east-1"], api_hosts = 1, hsms = 1, zones = 1 }
keys = { symmetric = 1 }
calm = { duration = "2m" }

[[phase]]
name = "storm"
duration = "30s"

[[phase.fault]]
kind = "latency"
add = "1ms"
at = "5s"
for = "2s"

[[phase.workload]]
kind = "key-creation"
arrivals = { kind = "constant", per_second = 0.2 }

[[phase.workload]]
kind = "encrypt-decrypt"
arrivals = { kind = "constant", per_second = 0.5 }

[[sabotage]]
kind = "flipped-plaintext"
at = ["10s"]
"#;

#[test]
fn what_is_needed_comes_first() {
    let path = folder("why").join("bug.toml");
    fs::write(&path, BUG).unwrap();
    let path = path.display().to_string();
    let output = keyquake(&["sim", "why", &path, "--seed", "1", "--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a line");
    assert_eq!(told["oracle"], "ciphertext-durability", "{told}");
    let parts = told["parts"].as_array().unwrap();
    let says = |what: &str| {
        let part = parts.iter().find(|part| part["part"].as_str().unwrap().contains(what));
        part.unwrap()["says"].as_str().unwrap().to_owned()
    };
    assert_eq!(says("encrypt-decrypt"), "needed");
    assert_eq!(says("flipped-plaintext"), "needed");
    assert_eq!(says("key-creation"), "not needed");
    assert_eq!(says("latency"), "not needed");
    assert!(parts[..2].iter().all(|part| part["says"] == "needed"), "{told}");
}

/// Each delay is one more run for each part that has room for it.
#[test]
fn delays_are_those_that_are_named() {
    let path = folder("why-delays").join("bug.toml");
    fs::write(&path, BUG).unwrap();
    let path = path.display().to_string();
    let runs = |delays: &str| {
        let output = keyquake(&["sim", "why", &path, "--delays", delays, "--json"]);
        let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a line");
        told["runs"].as_u64().unwrap()
    };
    // Four parts left out; of those that can come later, the fault at 5 s of a phase of 30 s.
    assert_eq!((runs("1s"), runs("1s,2s"), runs("1s,26s")), (5, 6, 5));
    let output = keyquake(&["sim", "why", &path, "--delays", "0s"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing is later by no time"));
}

#[test]
fn what_does_not_fail_needs_no_explanation() {
    let output = keyquake(&["sim", "why", "scenarios/crashes/journal-crash.toml", "--seed", "1"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to explain"));
}
