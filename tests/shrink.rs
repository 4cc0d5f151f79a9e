//! A scenario that fails is made small, and the small one fails the same oracle.

use crate::support::{folder, keyquake};
use std::fs;

#[test]
fn a_failing_scenario_becomes_explicit_and_still_fails() {
    let folder = folder("shrink");
    let file = folder.join("bug.toml").display().to_string();
    let shrink = |budget: &str| {
        let scenario = "scenarios/sabotage/skipped-version-check.toml";
        let output = keyquake(&[
            "sim", "shrink", scenario, "--seed", "1", "--budget", budget, "--json", "-o", &file,
        ]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("a line")
    };
    let told = shrink("20s");
    assert_eq!(
        (told["oracle"].as_str(), told["faults"].as_u64()),
        (Some("reference-model"), Some(0))
    );
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
