//! The command as a user meets it: verdicts, exit codes, and what it says to bad input.

use crate::support::{folder, keyquake};
use std::process::Output;

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn write(name: &str, text: &str) -> String {
    let path = folder("cli-scenarios").with_file_name(name);
    std::fs::write(&path, text).expect("a file in the target directory");
    path.display().to_string()
}

#[test]
fn a_run_ends_with_verdict_digest_replay_and_report() {
    let out = folder("cli-run");
    let arguments = ["sim", "run", "scenarios/quotas/quota-exhaustion.toml", "--seed", "1", "-o"];
    let output = keyquake(&[&arguments[..], &[out.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let said = stdout(&output);
    for expected in
        ["Pass", "sim run scenarios/quotas/quota-exhaustion.toml --seed 1", "report.html"]
    {
        assert!(said.to_lowercase().contains(&expected.to_lowercase()), "{expected}:\n{said}");
    }
    let page =
        std::fs::read_dir(&out).unwrap().flatten().map(|entry| entry.path().join("report.html"));
    assert!(page.into_iter().any(|page| page.exists()));
}

#[test]
fn a_violated_oracle_ends_with_one_and_the_replay_command() {
    let out = folder("cli-violation");
    let text = std::fs::read_to_string("scenarios/sabotage/skipped-version-check.toml").unwrap();
    let text = text.replace("verdict = \"violation\"", "verdict = \"pass\"");
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with("oracle ="))
        .map(|line| format!("{line}\n"))
        .collect();
    let file = write("violation.toml", &text);
    let found = (1..=5).find_map(|seed: u32| {
        let seed = seed.to_string();
        let output = keyquake(&["sim", "run", &file, "--seed", &seed, "-o", out.to_str().unwrap()]);
        (output.status.code() == Some(1)).then_some(output)
    });
    let output = found.expect("one of five seeds finds the planted bug");
    let said = stdout(&output) + &stderr(&output);
    assert!(said.contains("reference-model") && said.contains("--seed"), "{said}");
}

/// Three keys hold 150 aliases, and the service says so while the world is made.
#[test]
fn a_world_that_cannot_be_made_ends_with_two() {
    let more = ["sim", "run", "scenarios/quickstart.toml", "--set", "keys.aliases=100000"];
    let output = keyquake(&more);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("quickstart: the set-up asks"), "{}", stderr(&output));
}

#[test]
fn bad_scenarios_end_with_two_and_one_exact_message() {
    let base = "schema = 1\ndescription = \"x\"\n[topology]\nregions = [\"us-east-1\"]\n";
    let phase = "[[phase]]\nname = \"p\"\nduration = \"10s\"\n";
    for (name, text, expected) in [
        ("key.toml", format!("{base}zoness = 2\n"), ":5:1: unknown key \"zoness\""),
        (
            "kind.toml",
            format!(
                "{base}{phase}[[phase.fault]]\nkind = \"region-partion\"\nregion = \"us-east-1\"\n"
            ),
            "did you mean \"region-partition\"",
        ),
        (
            "region.toml",
            format!(
                "{base}{phase}[[phase.fault]]\nkind = \"region-partition\"\nregion = \"us-east-2\"\n"
            ),
            "us-east-2",
        ),
        (
            "topology.toml",
            "schema = 1\ndescription = \"x\"\n[topology]\nregions = [\"us-est-1\"]\n".to_owned(),
            "did you mean \"us-east-1\"",
        ),
        ("unit.toml", format!("{base}[[phase]]\nname = \"p\"\nduration = \"10 parsecs\"\n"), ":7:"),
    ] {
        let file = write(name, &text);
        let output = keyquake(&["sim", "run", &file]);
        assert_eq!(output.status.code(), Some(2), "{name}: {}", stderr(&output));
        let said = stderr(&output);
        assert!(said.contains(expected), "{name}: {said}");
        assert!(said.contains(&file), "{name}: the file is named: {said}");
    }
}

#[test]
fn an_output_folder_that_cannot_be_written_is_found_before_the_run() {
    let file = write("not-a-folder", "a file");
    let output = keyquake(&["sim", "run", "scenarios/quickstart.toml", "-o", &file]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("not-a-folder"), "{}", stderr(&output));
    assert!(stdout(&output).is_empty(), "nothing ran");
}

#[test]
fn wrong_usage_ends_with_two_and_a_suggestion() {
    for arguments in
        [&["sim", "rnu"][..], &["sim", "run"][..], &["sim", "run", "x", "--sede", "1"][..]]
    {
        let output = keyquake(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!stderr(&output).is_empty());
    }
}

#[test]
fn lists_name_what_there_is() {
    for (what, expected) in [
        ("faults", "region-partition"),
        ("oracles", "reference-model"),
        ("workloads", "envelope-encryption"),
        ("sabotages", "skipped-version-check"),
        ("scenarios", "quickstart"),
    ] {
        let output = keyquake(&["sim", "list", what]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stdout(&output).contains(expected), "{}", stdout(&output));
    }
}
