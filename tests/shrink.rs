//! A scenario that fails is made small, and the small one fails the same oracle.

use crate::support::{folder, keyquake};
use std::fs;

const LOAD: &str = r#"
schema = 1
description = "Keys are created, and one of them is never committed."
topology = { regions = ["us-east-1"], api_hosts = 1, hsms = 1, zones = 1 }
calm = { duration = "2m" }

[[phase]]
name = "creation"
duration = "1m"

[[phase.workload]]
kind = "key-creation"
arrivals = { kind = "constant", per_second = 0.2 }

[[sabotage]]
kind = "change-lost"
at = ["20s"]
"#;

#[test]
fn a_failing_scenario_becomes_explicit_and_still_fails() {
    let folder = folder("shrink");
    let file = folder.join("bug.toml").display().to_string();
    let load = folder.join("load.toml").display().to_string();
    fs::write(&load, LOAD).unwrap();
    let shrink = |budget: &str| {
        let output = keyquake(&[
            "sim", "shrink", &load, "--seed", "1", "--budget", budget, "--json", "-o", &file,
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("a line")
    };
    // What was shrunk from another scenario and fails as well is not gone on from.
    let other = LOAD.replace("per_second = 0.2", "per_second = 0.1");
    let other_file = folder.join("other.toml").display().to_string();
    fs::write(&other_file, other).unwrap();
    let arguments = ["sim", "shrink", &other_file, "--seed", "1", "--budget", "2s", "-o", &file];
    assert_eq!(keyquake(&arguments).status.code(), Some(0));
    let header =
        |line: usize| fs::read_to_string(&file).unwrap().lines().nth(line).map(str::to_owned);
    let origin = header(1).expect("a second line");
    assert!(origin.starts_with("# Shrunk from "), "{origin}");
    let output = keyquake(&["sim", "shrink", &load, "--seed", "1", "--budget", "2s", "-o", &file]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("not shrunk from this scenario"), "{said}");
    assert_ne!(header(1).as_ref(), Some(&origin));
    let output = keyquake(&["sim", "shrink", &load, "--seed", "1", "--budget", "2s", "-o", &file]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("Going on from"), "{said}");
    let told = shrink("5s");
    assert_eq!(
        (told["oracle"].as_str(), told["faults"].as_u64()),
        (Some("reference-model"), Some(0))
    );
    assert!(told["operations"].as_u64() <= Some(2), "{told}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("verdict = \"violation\""), "{text}");
    let seed = told["seed"].to_string();
    let again = keyquake(&["sim", "run", &file, "--seed", &seed, "--no-report"]);
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stdout));
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let file = folder("shrink-nothing").join("bug.toml").display().to_string();
    let scenario = "scenarios/crashes/journal-crash.toml";
    let output = keyquake(&["sim", "shrink", scenario, "--seed", "1", "-o", &file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to shrink"));
}
