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

/// Sends a signal to a sweep alone, once it has reported something; how long it and its workers last.
#[cfg(target_os = "linux")]
fn signalled(name: &str, signal: &str) -> (Option<i32>, Duration) {
    let folder = folder(name);
    let mut child = sweep(&folder, &["--seeds", "0..200", "--jobs", "2"]);
    let file = folder.join("results-0-of-1.ndjson");
    let began = Instant::now();
    while fs::read_to_string(&file).unwrap_or_default().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(300), "it never begins");
        std::thread::sleep(Duration::from_millis(20));
    }
    let workers = workers(child.id());
    assert!(!workers.is_empty(), "it has no worker");
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|sent| sent.success()));
    let signalled = Instant::now();
    let code = child.wait().expect("it ends").code();
    // A worker that nobody waits for any more may be there as a name alone.
    let runs = |id: &String| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
    };
    while workers.iter().any(runs) {
        assert!(signalled.elapsed() < Duration::from_secs(60), "a worker goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
    let lasted = signalled.elapsed();
    assert!(!digests(&file).is_empty(), "what was reported stays");
    (code, lasted)
}

/// Each worker went on with its handful of seeds, which took minutes.
#[test]
#[cfg(target_os = "linux")]
fn a_sweep_that_alone_hears_of_an_interrupt_ends_with_its_workers() {
    for (name, signal) in [("campaign-term", "-TERM"), ("campaign-int", "-INT")] {
        let (code, lasted) = signalled(name, signal);
        assert_eq!(code, Some(130), "{signal}");
        assert!(lasted < Duration::from_secs(15), "{signal}: {lasted:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_worker_outlives_a_sweep_that_is_killed() {
    let (code, lasted) = signalled("campaign-orphans", "-KILL");
    assert_eq!(code, None);
    assert!(lasted < Duration::from_secs(15), "{lasted:?}");
}

/// The second cut off what the first had not written yet.
#[test]
fn two_sweeps_do_not_share_a_folder() {
    let folder = folder("campaign-locked");
    let mut first = sweep(&folder, &["--seeds", "0..200"]);
    let (file, began) = (folder.join("results-0-of-1.ndjson"), Instant::now());
    while fs::read_to_string(&file).unwrap_or_default().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(300), "it never begins");
        std::thread::sleep(Duration::from_millis(20));
    }
    let output = folder.display().to_string();
    let second = keyquake(&["sim", "sweep", "--swarm", "--seeds", "0..2", "--output", &output]);
    first.kill().expect("it is there");
    first.wait().expect("it ends");
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(2), "{said}");
    assert!(said.contains("another sweep writes to"), "{said}");
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
    let sweep = |more: &[&str]| {
        let scenario = "scenarios/sabotage/skipped-version-check.toml";
        let first = ["sim", "sweep", scenario, "--set", "expect.oracle=quota", "--seeds", "1..4"];
        keyquake(&[&first, &["--json", "--output", &output][..], more].concat())
    };
    // The folder of the corpus is named when the runs are there already: it gets them all the same.
    assert_eq!(sweep(&[]).status.code(), Some(1));
    let found = sweep(&["--corpus", &kept]);
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
    assert!(text.contains("\n# Found with seed 1: "), "{text}");
}
