//! Sweeps: every seed once, whatever happens to the processes.

use crate::support::{folder, keyquake, root};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn sweep(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_keyquake"))
        .args(["sim", "sweep", "--swarm", "--output"])
        .arg(folder)
        .args(arguments)
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the command can be started")
}

/// The seeds of a file of results, with the digests of their runs.
fn digests(file: &Path) -> BTreeMap<u64, String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect();
    let all = lines.iter().map(|line| {
        let digest = line["digest"].as_str().unwrap_or_default();
        (line["seed"].as_u64().expect("a seed"), digest.to_owned())
    });
    let digests: BTreeMap<u64, String> = all.collect();
    assert_eq!(digests.len(), lines.len(), "a seed is there twice");
    digests
}

/// The processes that the threads of a process have started.
#[cfg(target_os = "linux")]
fn workers(of: u32) -> Vec<String> {
    let all = fs::read_dir(format!("/proc/{of}/task")).into_iter().flatten().flatten();
    let children = all.map(|task| fs::read_to_string(task.path().join("children")));
    let children: String = children.map(|text| text.unwrap_or_default() + " ").collect();
    children.split_whitespace().map(str::to_owned).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_worker_that_is_killed_loses_nothing() {
    let folder = folder("campaign-killed");
    let mut child = sweep(&folder, &["--seeds", "0..24", "--jobs", "2"]);
    let file = folder.join("results-0-of-1.ndjson");
    let began = Instant::now();
    // Each is killed once: a seed at which two workers die counts as the one that kills them.
    let mut to_kill: Option<Vec<String>> = None;
    let mut killed = 0;
    while child.try_wait().expect("it can be asked").is_none() {
        assert!(began.elapsed() < Duration::from_secs(600), "it never ends");
        let reported = fs::read_to_string(&file).unwrap_or_default().lines().count();
        if reported > 0 {
            let left = to_kill.get_or_insert_with(|| workers(child.id()));
            let kill = left.pop().map(|id| Command::new("kill").args(["-9", &id]).status());
            killed += usize::from(kill.is_some_and(|kill| kill.is_ok_and(|kill| kill.success())));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(killed > 0, "no worker was there to be killed");
    let killed = digests(&file);
    assert_eq!(killed.keys().copied().collect::<Vec<_>>(), (0..24).collect::<Vec<_>>());
    assert!(killed.values().all(|digest| digest.len() == 64), "a run was lost");
}

#[test]
fn shards_are_merged_and_a_second_start_has_nothing_to_do() {
    let folder = folder("campaign-shards");
    for shard in ["0/2", "1/2"] {
        let arguments = ["--seeds", "30..36", "--shard", shard];
        let status = sweep(&folder, &arguments).wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "shard {shard}");
    }
    let (first, second) =
        (folder.join("results-0-of-2.ndjson"), folder.join("results-1-of-2.ndjson"));
    let halves = [digests(&first), digests(&second)].map(|half| half.len());
    assert_eq!(halves, [3, 3]);
    let before = fs::read(&first).unwrap();
    sweep(&folder, &["--seeds", "30..36", "--shard", "0/2"]).wait().expect("it ends");
    assert_eq!(fs::read(&first).unwrap(), before);
    let merged = keyquake(&["sim", "merge", "--json", &folder.display().to_string()]);
    let text = String::from_utf8(merged.stdout).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((summary["runs"].as_u64(), summary["failed"].as_u64()), (Some(6), Some(0)));
}

#[test]
fn failures_that_look_alike_are_one_and_the_first_is_kept_as_a_scenario() {
    let folder = folder("campaign-corpus");
    let (corpus, output) = (folder.join("corpus"), folder.display().to_string());
    let kept = corpus.display().to_string();
    let found = keyquake(&[
        "sim",
        "sweep",
        "scenarios/sabotage/skipped-version-check.toml",
        "--set",
        "expect.oracle=quota",
        "--seeds",
        "1..4",
        "--json",
        "--corpus",
        &kept,
        "--output",
        &output,
    ]);
    assert_eq!(found.status.code(), Some(1));
    let summary: serde_json::Value = serde_json::from_slice(&found.stdout).expect("a line");
    assert_eq!((summary["runs"].as_u64(), summary["failed"].as_u64()), (Some(3), Some(3)));
    let kinds = summary["failures"].as_array().expect("failures").len();
    let files = fs::read_dir(&corpus).unwrap().flatten().map(|file| file.path());
    let texts = files.map(|file| fs::read_to_string(file).unwrap());
    // A run may also be kept for a probe that no run before it had met.
    let failures: Vec<_> = texts.filter(|text| text.starts_with("# New failure: ")).collect();
    assert_eq!(failures.len(), kinds, "one file for each kind of failure");
    let text = &failures[0];
    assert!(text.starts_with("# New failure: reference-model: "), "{text}");
    assert!(text.contains("oracle = \"quota\""), "{text}");
}
