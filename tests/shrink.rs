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
    let first = shrink("2s");
    assert_eq!(first["oracle"], "reference-model");
    let said = keyquake(&["sim", "shrink", &load, "--seed", "1", "--budget", "2s", "-o", &file]);
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
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
    // The file names its seed, so that nobody has to.
    let again = keyquake(&["sim", "run", &file, "--no-report"]);
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stdout));
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains(&format!("names seed {seed}: running it")), "{said}");
}

/// Whatever stood there was gone: another scenario's bug, a file of somebody's, the scenario itself.
#[test]
fn only_what_was_shrunk_from_the_same_failure_is_written_over() {
    let folder = folder("shrink-over");
    let load = folder.join("load.toml").display().to_string();
    fs::write(&load, LOAD).unwrap();
    let (mine, other) = (folder.join("mine.txt"), folder.join("bug.toml"));
    fs::write(&mine, "# Fails me with seed 1.\n# Shrunk from something else.\n").unwrap();
    let changed = LOAD.replace("per_second = 0.2", "per_second = 0.1");
    let changed_file = folder.join("changed.toml").display().to_string();
    fs::write(&changed_file, changed).unwrap();
    let shrink = |from: &str, seed: &str, to: &str| {
        let arguments = ["sim", "shrink", from, "--seed", seed, "--budget", "2s", "-o", to];
        let output = keyquake(&arguments);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let bug = other.display().to_string();
    assert_eq!(shrink(&changed_file, "1", &bug).0, Some(0));
    let refused = |from: &str, seed: &str, to: &str, why: &str| {
        let before = fs::read(to).unwrap_or_default();
        let (code, said) = shrink(from, seed, to);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(why), "{said}");
        assert_eq!(fs::read(to).unwrap_or_default(), before);
    };
    refused(&load, "1", &bug, "not shrunk from this failure");
    refused(&changed_file, "2", &bug, "not shrunk from this failure");
    refused(&load, "1", &load, "not shrunk from this failure");
    refused(&load, "1", &mine.display().to_string(), "not shrunk from this failure");
    refused(&load, "1", &folder.display().to_string(), "no regular file");
    if cfg!(target_os = "linux") {
        let (code, said) = shrink(&load, "1", "/dev/full");
        assert_eq!((code, said.contains("no regular file")), (Some(2), true), "{said}");
    }
}

/// It claimed that any oracle whatever objected to what it left.
#[test]
fn the_oracle_that_is_named_must_object() {
    let folder = folder("shrink-oracle");
    let scenario = folder.join("wrong.toml").display().to_string();
    let file = folder.join("bug.toml").display().to_string();
    fs::write(&scenario, SLIDING).unwrap();
    let arguments = ["sim", "shrink", &scenario, "--seed", "1", "--oracle", "nonce", "-o", &file];
    let output = keyquake(&arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nonce does not object; audit and reference-model do"), "{said}");
    assert!(!folder.join("bug.toml").exists());
}

/// Cut down, a planted wrong error became a call that fails without any bug. The oracle that is named
/// does not object first here.
#[test]
fn what_is_left_still_needs_the_planted_bug() {
    let folder = folder("shrink-slide");
    let scenario = folder.join("wrong.toml").display().to_string();
    let file = folder.join("bug.toml").display().to_string();
    fs::write(&scenario, SLIDING).unwrap();
    let arguments = ["sim", "shrink", &scenario, "--seed", "1", "--budget", "20s", "-o", &file];
    let output = keyquake(&[&arguments[..], &["--oracle", "reference-model"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("kind = \"wrong-error\""), "{text}");
    assert!(!text.contains("kind = \"audit-lost\""), "{text}");
    let sound = text.split("[[sabotage]]").next().unwrap_or_default();
    let sound = format!("{sound}\n[calm]\nduration = \"2m\"\n");
    let path = folder.join("sound.toml").display().to_string();
    fs::write(&path, sound).unwrap();
    let run = keyquake(&["sim", "run", &path, "--no-report"]);
    assert_eq!(run.status.code(), Some(0), "{}{text}", String::from_utf8_lossy(&run.stdout));
}

const SLIDING: &str = r#"
schema = 1
description = "Some errors are wrong ones."
topology = { regions = ["us-east-1"], api_hosts = 1, hsms = 1, zones = 1 }
keys = { symmetric = 2 }
calm = { duration = "2m" }

[[phase]]
name = "storm"
duration = "20s"

[[phase.workload]]
kind = "random"
clients = 3
arrivals = { kind = "poisson", per_second = 10 }

[[sabotage]]
kind = "wrong-error"
at = ["10s"]

[[sabotage]]
kind = "audit-lost"
at = ["1s"]
"#;

/// Only an expectation was not met, and `sim why` and `sim trace` were content.
#[test]
fn an_expectation_that_is_not_met_is_told_apart_from_an_objection() {
    let folder = folder("shrink-expectation");
    let scenario = folder.join("expectation.toml").display().to_string();
    let text = LOAD.split("[[sabotage]]").next().unwrap_or_default();
    let text = format!("{text}[expect]\nrequired_errors = [\"DisabledException\"]\n");
    fs::write(&scenario, text).unwrap();
    let (bug, page) = (folder.join("bug.toml"), folder.join("page.html"));
    let (bug, page) = (bug.display().to_string(), page.display().to_string());
    for arguments in [&["shrink", "-o", &bug][..], &["why"], &["trace", "-o", &page]] {
        let all = [&["sim", arguments[0], &scenario, "--seed", "1"], &arguments[1..]].concat();
        let output = keyquake(&all);
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("no oracle objects"), "{arguments:?}: {said}");
        assert!(said.contains("DisabledException"), "{arguments:?}: {said}");
    }
}

#[test]
fn what_does_not_fail_is_not_shrunk() {
    let file = folder("shrink-nothing").join("bug.toml").display().to_string();
    let scenario = "scenarios/crashes/journal-crash.toml";
    let output = keyquake(&["sim", "shrink", scenario, "--seed", "1", "-o", &file]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to shrink"));
}
