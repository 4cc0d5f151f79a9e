//! What a user may get wrong and is told, and that the examples of the help do what they say.

use crate::support::{folder, keyquake, root};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat()
}

/// What a command that is to be refused says.
fn refused(arguments: &[&str]) -> String {
    let output = keyquake(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
    said(&output)
}

/// A scenario that is over at once.
const SMALL: &str = "schema = 1\ndescription = 'x'\ntopology = { regions = ['us-east-1'], \
                     api_hosts = 1, hsms = 1, zones = 1 }\ncalm.duration = '10s'\n\
                     [[phase]]\nname = 'a'\nduration = '5s'\n[[phase.workload]]\n\
                     kind = 'key-creation'\narrivals = { kind = 'constant', per_second = 1 }\n";

fn small(folder: &Path, name: &str) -> String {
    fs::create_dir_all(folder).expect("a folder");
    let path = folder.join(name);
    fs::write(&path, SMALL).expect("a file");
    path.display().to_string()
}

#[test]
fn runs_that_would_share_a_folder_are_not_run_together() {
    let folder = folder("usage-names");
    let one = small(&folder, "a b.toml");
    let two = small(&folder, "a-b.toml");
    let output = folder.join("out").display().to_string();
    let text = refused(&["sim", "run", &one, &two, "-o", &output]);
    assert!(text.contains("would both be kept as a-b"), "{text}");
    let (one, two) = (small(&folder, "日本.toml"), small(&folder, "中文.toml"));
    let both = keyquake(&["sim", "run", &one, &two, "--seed", "1", "-o", &output]);
    assert_eq!(both.status.code(), Some(0), "{}", said(&both));
    for kept in ["日本-seed-1", "中文-seed-1"] {
        assert!(folder.join("out").join(kept).join("run.json").is_file(), "{kept}");
    }
}

#[test]
fn a_sweep_of_two_scenarios_of_one_name_is_refused() {
    let folder = folder("usage-sweep-names");
    let (one, two) = (small(&folder.join("1"), "same.toml"), small(&folder.join("2"), "same.toml"));
    let output = folder.join("out").display().to_string();
    let text = refused(&["sim", "sweep", &one, &two, "--seeds", "1..3", "-o", &output]);
    assert!(text.contains("run them apart"), "{text}");
}

#[test]
fn a_sweep_goes_on_only_from_its_own_runs() {
    let folder = folder("usage-resumed");
    let file = small(&folder, "small.toml");
    let output = folder.join("out").display().to_string();
    let sweep = |more: &[&str]| {
        let first = ["sim", "sweep", &file, "--seeds", "1..3", "-o", &output, "--json"];
        keyquake(&[&first, more].concat())
    };
    let first = sweep(&[]);
    assert_eq!(first.status.code(), Some(0), "{}", said(&first));
    let again = sweep(&[]);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    let other = sweep(&["--set", "topology.api_hosts=2"]);
    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
    let text = said(&other);
    for expected in [output.as_str(), "small, seed", "overrides have changed"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_sweep_that_runs_nothing_does_not_end_well() {
    let folder = folder("usage-nothing");
    let output = folder.join("out").display().to_string();
    let nothing = keyquake(&["sim", "sweep", "--swarm", "--budget", "0s", "-o", &output]);
    assert_eq!(nothing.status.code(), Some(1), "{}", said(&nothing));
    assert!(said(&nothing).contains("the budget is over before the first run is"));
    let last = "18446744073709551615..=18446744073709551615";
    let text = refused(&["sim", "sweep", "--swarm", "--seeds", last, "-o", &output]);
    assert!(text.contains("the last seed of a sweep"), "{text}");
}

#[test]
fn detect_hunts_with_at_least_one_seed() {
    for seeds in ["0", "18446744073709551615"] {
        let text = refused(&["sim", "detect", "--seeds", seeds]);
        assert!(text.contains("1..=1000000"), "{text}");
    }
}

/// Ctrl-C ended it without a word of what it had found.
#[test]
#[cfg(unix)]
fn detect_tells_what_it_has_when_it_is_broken_off() {
    let child = Command::new(env!("CARGO_BIN_EXE_keyquake"))
        .args(["sim", "detect", "--seeds", "1000000", "--json", "--jobs", "1"])
        .args(["--sabotage", "quota-uncounted", "--sabotage", "change-lost"])
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.expect("the command can be started");
    std::thread::sleep(Duration::from_secs(2));
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.is_ok_and(|kill| kill.success()));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a line");
    assert_eq!(report["interrupted"], true, "{report}");
}

#[test]
fn check_wants_a_file_and_tells_programs_too() {
    let text = refused(&["sim", "check", "scenarios", "--seed", "1"]);
    assert!(text.contains("scenarios is a folder"), "{text}");
    let file = small(&folder("usage-check"), "small.toml");
    let output = keyquake(&["sim", "check", &file, "--seed", "1", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).expect("a line");
    assert_eq!((&told["same"], &told["divergence"]), (&true.into(), &Value::Null), "{told}");
    assert_eq!(told["digests"][0], told["digests"][1]);
}

/// It left its folder behind, and its runs at work.
#[test]
#[cfg(unix)]
fn check_cleans_up_when_it_is_broken_off() {
    let folder = folder("usage-check-broken-off");
    let child = Command::new(env!("CARGO_BIN_EXE_keyquake"))
        .args(["sim", "check", "scenarios/quickstart.toml", "--seed", "1"])
        .current_dir(root())
        .env("TMPDIR", &folder)
        .stdout(Stdio::null())
        .spawn();
    let mut child = child.expect("the command can be started");
    let scratch = folder.join(format!("keyquake-check-{}", child.id()));
    while !scratch.join("second.out").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.is_ok_and(|kill| kill.success()));
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!scratch.exists());
}

#[test]
fn why_tells_programs_that_nobody_objects() {
    let file = small(&folder("usage-why"), "small.toml");
    let output = keyquake(&["sim", "why", &file, "--seed", "1", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).expect("a line");
    assert_eq!((&told["oracle"], &told["seed"]), (&Value::Null, &1.into()), "{told}");
}

#[test]
fn the_page_of_a_load_is_not_drawn_as_a_run() {
    let folder = folder("usage-load");
    fs::write(folder.join("run.json"), r#"{"schema_version": 3, "samples": []}"#).unwrap();
    let text = refused(&["report", &folder.display().to_string()]);
    assert!(text.contains("this is a load and no run"), "{text}");
}

#[test]
fn an_account_that_does_not_exist_is_refused() {
    let folder = folder("usage-account");
    let file = folder.join("account.toml");
    let call = "[[operation]]\nat = '1s'\ncall = 'ListKeys'\naccount = 500\n";
    fs::write(&file, format!("{SMALL}{call}")).unwrap();
    let text = refused(&["sim", "run", &file.display().to_string()]);
    assert!(text.contains("there is one account, number 0"), "{text}");
}

#[test]
fn no_scenario_steers_a_terminal() {
    let folder = folder("usage-escapes");
    let hostile = SMALL.replace("'x'", r#""\u001b]0;owned\u0007\u202e""#);
    fs::write(folder.join("hostile.toml"), hostile).unwrap();
    let path = folder.display().to_string();
    let output = keyquake(&["sim", "list", "scenarios", "--library", &path]);
    let text = said(&output);
    assert!(text.contains("owned"), "{text:?}");
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
}

/// Helps name scenarios and seeds that fail; whoever copies a line is to see what it announces.
#[test]
fn the_examples_of_the_help_fail_as_they_should() {
    let folder = folder("usage-examples");
    for (command, more) in
        [("shrink", &["--budget", "20s"][..]), ("trace", &[][..]), ("why", &["--delays", "1s"][..])]
    {
        let help = said(&keyquake(&["sim", command, "--help"]));
        let start = format!("keyquake sim {command} scenarios/");
        let lines = help.lines().map(str::trim).filter(|line| line.starts_with(&start));
        let failing: Vec<&str> = lines.filter(|line| !line.contains("quickstart")).collect();
        assert!(!failing.is_empty(), "{help}");
        for line in failing {
            let words = line.split_whitespace().skip(1);
            let words: Vec<&str> = words.collect();
            let keep = |at: &usize| {
                let option = ["-o", "--budget"];
                !option.contains(&words[*at])
                    && at.checked_sub(1).is_none_or(|before| !option.contains(&words[before]))
            };
            let page = folder.join(command).display().to_string();
            let mut arguments: Vec<&str> =
                (0..words.len()).filter(keep).map(|at| words[at]).collect();
            arguments.extend(more);
            if command != "why" {
                arguments.extend(["-o", &page]);
            }
            let output = keyquake(&arguments);
            let expected = if command == "shrink" { 0 } else { 1 };
            assert_eq!(output.status.code(), Some(expected), "{line}: {}", said(&output));
        }
    }
}

/// It was read until somebody killed the process.
#[test]
#[cfg(target_os = "linux")]
fn a_scenario_that_never_ends_is_refused() {
    let text = refused(&["sim", "run", "/dev/zero", "--no-report"]);
    assert!(text.contains("larger than 16 MiB"), "{text}");
}

#[test]
fn a_sweep_of_nothing_says_what_there_is_to_sweep() {
    let output = folder("usage-nothing").display().to_string();
    let text = refused(&["sim", "sweep", "-o", &output]);
    assert!(text.contains("--swarm") && text.contains("scenario files"), "{text}");
}

/// The first run that could not be read ended the command.
#[test]
fn of_the_runs_of_a_folder_those_that_can_be_read_are_drawn() {
    let folder = folder("usage-report");
    let file = small(&folder, "small.toml");
    let runs = folder.join("runs");
    let kept = runs.display().to_string();
    let ran = keyquake(&["sim", "run", &file, "--seeds", "1..3", "-o", &kept]);
    assert_eq!(ran.status.code(), Some(0), "{}", said(&ran));
    let broken = runs.join("a-broken-one");
    fs::create_dir_all(&broken).expect("a folder");
    fs::write(broken.join("run.json"), "{").expect("a file");
    let pages = ["small-seed-1", "small-seed-2"].map(|run| runs.join(run).join("report.html"));
    pages.iter().for_each(|page| fs::remove_file(page).expect("a page"));
    let text = refused(&["report", &kept]);
    assert!(text.contains("a-broken-one"), "{text}");
    assert!(pages.iter().all(|page| page.is_file()), "{text}");
}

/// A program that reads the help from a file took an empty one for the whole.
#[test]
#[cfg(target_os = "linux")]
fn help_that_cannot_be_written_is_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyquake"));
    let status = command.arg("--help").stdout(full).stderr(Stdio::null()).status();
    assert_eq!(status.expect("it ends").code(), Some(2));
}
