//! `keyquake bench`: what is measured and kept, what is compared, and what is refused.

use crate::support::{folder, keyquake, root};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {}", said(output)))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// A short measurement, as a file.
fn measured(name: &str) -> (PathBuf, Value) {
    let file = folder(name).join("run.json");
    let output = keyquake(&[
        "bench",
        "run",
        "--operations",
        "mac/HMAC_2*",
        "--duration",
        "900ms",
        "--block",
        "500us",
        "--out",
        text(&file),
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    (file, json(&output))
}

fn changed(file: &Path, change: impl Fn(&mut Value)) -> PathBuf {
    let text = std::fs::read_to_string(file).expect("a file");
    let mut value: Value = serde_json::from_str(&text).expect("JSON");
    change(&mut value);
    let path = file.with_file_name("changed.json");
    std::fs::write(&path, value.to_string()).expect("a file");
    path
}

/// The same timings as if nothing else had gone on: what a busy machine measures proves little.
fn quiet(file: &Path) {
    let calm = changed(file, |value| {
        for timings in value["results"].as_array_mut().expect("results") {
            timings["nanos"] = (0..100_u32).map(|block| f64::from(100 + block % 3)).collect();
        }
    });
    std::fs::rename(calm, file).expect("a file");
}

fn slower(value: &mut Value) {
    for timings in value["results"].as_array_mut().expect("results") {
        for nanos in timings["nanos"].as_array_mut().expect("timings") {
            *nanos = (nanos.as_f64().expect("a number") * 1.5).into();
        }
    }
}

#[test]
fn a_run_keeps_what_each_library_can_do() {
    let (file, printed) = measured("bench-run");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(kept, printed);
    let results = printed["results"].as_array().expect("results");
    let of = |backend: &str| {
        let mine = results.iter().filter(|timings| timings["backend"] == backend);
        mine.map(|timings| timings["operation"].as_str().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of("aws-lc-rs"), ["mac/HMAC_224", "mac/HMAC_256"]);
    assert_eq!(of("ring"), ["mac/HMAC_256"]);
    for timings in results {
        let nanos = timings["nanos"].as_array().unwrap();
        assert!(nanos.len() >= 40, "{timings}");
        assert!(nanos.iter().all(|nanos| nanos.as_f64() > Some(10.0)), "{timings}");
    }
    assert!(printed["machine"]["cores"].as_u64() >= Some(1), "{printed}");
    assert!(printed["build"]["rustc"].as_str().unwrap().starts_with("rustc 1."), "{printed}");
}

#[test]
fn saved_runs_are_compared_and_a_slower_one_is_stopped() {
    let (file, _) = measured("bench-files");
    quiet(&file);
    let slow = changed(&file, slower);
    let compare = |a: &Path, b: &Path| {
        keyquake(&["bench", "compare", text(a), text(b), "--fail-on", "slower:3%", "--json"])
    };
    let output = compare(&file, &slow);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("mac/HMAC_256 is slower by 50.0 %"), "{}", said(&output));
    let compared = json(&output);
    let all = compared["compared"].as_array().unwrap();
    assert_eq!(all.len(), 5);
    assert!(all.iter().all(|one| one["verdict"]["verdict"] == "slower"), "{compared}");
    let output = compare(&slow, &file);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(json(&output)["compared"][0]["verdict"]["verdict"], "faster");
}

/// A gate said that all was well with operations that proved nothing, or that were compared with nothing.
#[test]
fn what_a_gate_never_compared_is_listed_and_can_be_stopped() {
    let (file, _) = measured("bench-unmatched");
    quiet(&file);
    let few = changed(&file, |value| {
        let results = value["results"].as_array_mut().expect("results");
        results.retain(|timings| timings["operation"] != "mac/HMAC_224");
        for timings in results {
            timings["nanos"] = [100.0].into_iter().collect();
        }
    });
    let compare = |gate: &str, more: &[&str]| {
        let files = ["bench", "compare", text(&file), text(&few), "--fail-on", gate];
        keyquake(&[&files[..], more].concat())
    };
    let output = compare("slower", &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let found = json(&output);
    assert_eq!(found["compared"][0]["verdict"]["verdict"], "inconclusive", "{found}");
    let unmatched = found["unmatched"].as_array().expect("a list");
    let only_in_a = |one: &Value| one["operation"] == "mac/HMAC_224" && one["only_in"] == "A";
    assert!(!unmatched.is_empty() && unmatched.iter().all(only_in_a), "{found}");
    for (gate, expected) in [
        ("inconclusive", "mac/HMAC_256 is inconclusive"),
        ("slower:3%,unmatched", "mac/HMAC_224 is only in A (aws-lc-rs)"),
    ] {
        let output = compare(gate, &[]);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains(expected), "{}", said(&output));
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.contains("Only in A, and compared with nothing: mac/HMAC_224"), "{told}");
    }
    let empty = changed(&file, |value| value["results"][0]["nanos"] = Value::Array(Vec::new()));
    let output = keyquake(&["bench", "compare", text(&file), text(&empty)]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("has no timing"), "{}", said(&output));
}

#[test]
fn what_is_not_comparable_is_refused() {
    let (file, _) = measured("bench-refused");
    let other = changed(&file, |value| value["machine"]["cpu"] = "Other".into());
    let missing = file.with_file_name("missing.json");
    let refused = |a: &str, b: &str, expected: &str| {
        let output = keyquake(&["bench", "compare", a, b]);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(expected), "{expected}: {}", said(&output));
    };
    refused(text(&file), text(&other), "processor: ");
    refused(text(&file), "ring", "is a saved run and ring is a backend");
    refused(text(&missing), text(&file), "is neither a backend (aws-lc-rs");
    refused("Cargo.toml", text(&file), "Cargo.toml: this is no file of `keyquake bench run");
    let output = keyquake(&["bench", "run", "--operations", "hash/*"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("no operation is called hash/*"), "{}", said(&output));
}

#[test]
fn backends_and_programs_take_turns() {
    let compare = |a: &str, b: &str| {
        let operations = ["--operations", "mac/HMAC_512", "--block", "1ms", "--duration", "500ms"];
        let output = keyquake(&[&["bench", "compare", a, b, "--json"], &operations[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        json(&output)
    };
    let backends = compare("rust-crypto", "ring");
    // On a machine that is busy enough it says that it cannot tell; the wrong way round it never is.
    let verdict = &backends["compared"][0]["verdict"]["verdict"];
    assert!(["faster", "inconclusive"].iter().any(|word| verdict == word), "{backends}");
    let programs = compare("this", "this");
    let compared = &programs["compared"][0];
    assert_eq!((&compared["a"], &compared["b"]), (&"this (A)".into(), &"this (B)".into()));
    let ratio = compared["ratio"].as_f64().expect("a ratio");
    assert!((0.5..2.0).contains(&ratio), "{programs}");
    assert!(compared["samples"].as_u64() > Some(4), "{programs}");
}

#[test]
fn ctrl_c_keeps_what_there_is() {
    let file = folder("bench-interrupted").join("run.json");
    let mut running = Command::new(env!("CARGO_BIN_EXE_keyquake"))
        .args(["bench", "run", "--operations", "mac/*", "--out", text(&file)])
        .current_dir(root())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command can be started");
    std::thread::sleep(Duration::from_millis(1_500));
    let id = running.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    assert_eq!(running.wait().expect("an end").code(), Some(130));
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(kept["interrupted"], true);
    assert!(!kept["results"].as_array().unwrap().is_empty(), "{kept}");
}

#[test]
fn a_run_is_held_against_quotas() {
    let (file, _) = measured("bench-quotas");
    let page = file.with_file_name("quotas.html");
    let output = keyquake(&["bench", "quotas", text(&file), "--html", text(&page), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let capacities = json(&output);
    let first = &capacities[0];
    assert_eq!((&first["pool"], &first["layer"]), (&"symmetric".into(), &"library".into()));
    let medium = &first["limits"][1];
    assert_eq!(medium["per_second"], 20_000.0);
    let times = first["per_second"].as_f64().unwrap() / 20_000.0;
    assert!((medium["times"].as_f64().unwrap() - times).abs() < 1e-9, "{first}");
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains("<svg") && page.contains("Regions of class medium"));
    let table = keyquake(&["bench", "quotas", text(&file), "--profile", "seed"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("One core against seed"));
}

#[test]
fn a_history_grows_run_by_run_and_shows_what_changed() {
    let folder = folder("bench-history");
    let file = folder.join("bench.ndjson");
    let run = || {
        let short = ["--operations", "random/*", "--duration", "100ms", "--block", "1ms"];
        let output = keyquake(&[&["bench", "run", "--history", text(&file)], &short[..]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    };
    run();
    run();
    let written = std::fs::read_to_string(&file).expect("a history");
    assert_eq!(written.lines().count(), 6, "{written}");
    // The same results, over and over, and then half as slow again.
    let first: Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    let lines = (0..40).map(|run: u32| {
        let mut line = first.clone();
        line["began"] = run.into();
        line["commit"] = format!("c{run}").into();
        let level = if run < 25 { 100.0 } else { 150.0 };
        line["nanos"] = (level + f64::from(run % 5)).into();
        line.to_string() + "\n"
    });
    std::fs::write(&file, lines.collect::<String>()).unwrap();
    let output = keyquake(&["bench", "history", text(&file)]);
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("% in c24..c25") && told.contains("+4"), "{told}");
    std::fs::write(&file, "no history\n").unwrap();
    let output = keyquake(&["bench", "history", text(&file)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("bench.ndjson: line 1: "), "{}", said(&output));
}

#[test]
fn instructions_are_held_against_limits() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        let output = keyquake(&["bench", "instructions", "--operations", "mac/*"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains("not installed"), "{}", said(&output));
        return;
    }
    let limits = folder("bench-instructions").join("limits.json");
    let count = |more: &[&str]| {
        let one = ["--backends", "ring", "--operations", "mac/HMAC_256"];
        keyquake(&[&["bench", "instructions"], &one[..], more].concat())
    };
    let output = count(&["--write", text(&limits)]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let output = count(&["--limits", text(&limits), "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let counted = json(&output)[0]["instructions"].as_f64().expect("a count");
    assert!(counted > 100.0, "{counted}");
    let tight = changed(&limits, |value| {
        value["counts"][0]["instructions"] = (counted / 1.02).into();
    });
    assert_eq!(count(&["--limits", text(&tight)]).status.code(), Some(3));
    let other = changed(&limits, |value| value["valgrind"] = "valgrind-1".into());
    let output = count(&["--limits", text(&other)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("do not apply here: valgrind: "), "{}", said(&output));
}
