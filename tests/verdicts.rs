//! What does not show that something is right is not told as passed: nothing happened, nobody answered,
//! nobody could decide.

use crate::support::{folder, keyquake};
use serde_json::Value;
use std::fs;
use std::process::Output;

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat()
}

fn run(name: &str, text: &str) -> Output {
    let file = folder(&format!("verdicts-{name}")).join(format!("{name}.toml"));
    fs::write(&file, text).expect("a file");
    keyquake(&["sim", "run", &file.display().to_string(), "--seed", "1", "--no-report"])
}

fn json(name: &str, text: &str) -> Value {
    let file = folder(&format!("verdicts-{name}")).join(format!("{name}.toml"));
    fs::write(&file, text).expect("a file");
    let file = file.display().to_string();
    let output = keyquake(&["sim", "run", &file, "--seed", "1", "--no-report", "--json"]);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
}

/// No HSM answers, and hosts wait for longer than the run lasts.
const NEVER: &str = r#"
schema = 1
description = "No HSM answers."
topology.regions = ["us-east-1"]
keys.symmetric = 1
parameters.hsm.timeout = "10m"
calm.duration = "1s"
[[phase]]
name = "a"
duration = "20s"
[[phase.workload]]
kind = "encrypt-decrypt"
clients = 5
arrivals = { kind = "poisson", per_second = 5 }
[[phase.fault]]
kind = "hsm-hang"
hsms = 3
"#;

/// It passed with an availability of 1: only calls that had ended were counted, and none had.
#[test]
fn a_service_that_answers_nothing_is_not_available() {
    let expect = "[expect]\navailability_min = 0.999\nlatency_p99_max = '1h'\n";
    let output = run("never", &format!("{NEVER}{expect}"));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for expected in ["2 expectations not met", "never ended", "no call succeeded"] {
        assert!(said.contains(expected), "{expected}:\n{said}");
    }
}

#[test]
fn a_scenario_in_which_nobody_calls_is_refused() {
    let text = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n";
    let phase = "[[phase]]\nname = 'a'\nduration = '10s'\n";
    for (name, text) in [("no-phase", text.to_owned()), ("no-load", format!("{text}{phase}"))] {
        let output = run(name, &text);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
        assert!(said(&output).contains("nobody calls anything"), "{}", said(&output));
    }
}

/// A load so thin that its first call would come after the run.
#[test]
fn a_run_without_a_call_is_no_pass() {
    let text = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n\
                [[phase]]\nname = 'a'\nduration = '1s'\n[[phase.workload]]\n\
                kind = 'key-creation'\n\
                arrivals = { kind = 'poisson', per_second = 0.000001 }\n";
    let output = run("thin", text);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("no client called anything"), "{}", said(&output));
}

/// So many change one key at once that nobody can say in which order.
fn undecided() -> String {
    let mut text = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n\
                    keys.symmetric = 1\n[[phase]]\nname = 'a'\nduration = '30s'\n"
        .to_owned();
    for client in 0..40 {
        let call = ["DisableKey", "EnableKey"][client % 2];
        text += &format!(
            "[[operation]]\nat = '1s'\ncall = '{call}'\nkey = 'symmetric-0'\nclient = {client}\n"
        );
    }
    text
}

#[test]
fn what_could_not_be_judged_is_not_counted_as_passed() {
    let output = run("undecided", &undecided());
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("linearizability: 1 undecided"), "{text}");
    assert!(text.contains("single-primary: nothing happened that it judges"), "{text}");
    let line = json("undecided", &undecided());
    let oracles = &line["oracles"];
    let passed = oracles["passed"].as_array().unwrap();
    let blind = oracles["could_not_judge"].as_object().unwrap();
    assert_eq!(passed.len() + blind.len(), sim::oracle::ORACLES.len(), "{oracles}");
    assert!(!passed.contains(&Value::from("linearizability")), "{oracles}");
    assert!(blind["linearizability"].as_str().unwrap().starts_with("1 undecided"), "{oracles}");
    let counts = format!("{} passed, 0 violated, {} could not judge", passed.len(), blind.len());
    assert!(text.contains(&counts), "{counts}:\n{text}");
    let first = format!("{} oracles passed; {} oracles could not judge", passed.len(), blind.len());
    assert!(text.contains(&first), "{first}:\n{text}");
}
