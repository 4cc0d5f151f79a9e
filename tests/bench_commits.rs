//! `keyquake bench compare` of commits, from the outside: of a repository whose program takes its turns as
//! ours does, and says how long its calls took.

use crate::support::{folder, keyquake};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A program that greets as GREETING, and whose calls take about NANOS nanoseconds each.
const PROGRAM: &str = r####"
use std::io::BufRead;
fn main() {
    println!("{}", r###"GREETING"###);
    let mut turn = 0;
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        turn = (turn + 1) % 7;
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["block", _, calls] => println!("{}", calls.parse::<u64>().unwrap() * (NANOS + turn)),
            _ => println!("yes"),
        }
    }
}
"####;

/// A build that never ends by itself.
const ENDLESS: &str = "fn main() { std::thread::sleep(std::time::Duration::from_secs(600)); }\n";

/// A repository of programs.
struct Repository(PathBuf);

impl Repository {
    fn new(name: &str) -> Repository {
        let repository = Repository(folder(name));
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        let manifest = "[package]\nname = \"keyquake\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
        repository.write("Cargo.toml", manifest);
        let lock = "version = 4\n\n[[package]]\nname = \"keyquake\"\nversion = \"0.0.0\"\n";
        repository.write("Cargo.lock", lock);
        repository.write(".gitignore", "target\n");
        repository
    }

    fn git(&self, arguments: &[&str]) {
        let author = ["-c", "user.name=x", "-c", "user.email=x@example.com"];
        let git = Command::new("git").args(author).args(arguments).current_dir(&self.0).output();
        let output = git.expect("git");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }

    /// Commits what there is under a tag.
    fn commit(&self, tag: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", tag]);
        self.git(&["tag", tag]);
    }

    /// A commit whose program is so fast.
    fn program(&self, tag: &str, nanos: u32) {
        let greeting = keyquake(&["bench", "worker"]).stdout;
        let greeting = String::from_utf8(greeting).expect("UTF-8");
        let text = PROGRAM.replace("GREETING", greeting.trim());
        self.write("src/main.rs", &text.replace("NANOS", &nanos.to_string()));
        self.commit(tag);
    }

    fn command(&self, a: &str, b: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyquake"));
        let short = ["--operations", "mac/HMAC_256", "--duration", "400ms", "--json"];
        command.args(["bench", "compare", a, b, "--fail-on", "slower:3%"]).args(short);
        command.current_dir(&self.0).stdin(Stdio::null());
        command
    }

    fn compare(&self, a: &str, b: &str) -> Output {
        self.command(a, b).output().expect("the command can be started")
    }

    /// Checkouts that are there or that git knows of.
    fn checkouts(&self) -> usize {
        let there = std::fs::read_dir(self.0.join("target/bench/source"));
        let known = std::fs::read_dir(self.0.join(".git/worktrees"));
        there.into_iter().flatten().count() + known.into_iter().flatten().count()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn verdict(output: &Output) -> String {
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(output)));
    report["compared"][0]["verdict"]["verdict"].as_str().expect("a verdict").to_owned()
}

#[test]
fn commits_are_built_aside_and_compared_and_nothing_is_left_but_their_programs() {
    let repository = Repository::new("bench-commits");
    repository.program("before", 1_000);
    repository.program("after", 1_100);
    repository.write("src/main.rs", "no program\n");
    repository.commit("broken");

    let slower = repository.compare("before", "after");
    assert_eq!((verdict(&slower).as_str(), slower.status.code()), ("slower", Some(3)));
    assert_eq!(said(&slower).matches("building ").count(), 2, "{}", said(&slower));
    assert_eq!(repository.checkouts(), 0);

    // What was built is not built again, by whatever name.
    let faster = repository.compare("broken~1", "before");
    assert_eq!((verdict(&faster).as_str(), faster.status.code()), ("faster", Some(0)));
    assert!(!said(&faster).contains("building"), "{}", said(&faster));

    let broken = repository.compare("before", "broken");
    assert_eq!(broken.status.code(), Some(2));
    assert!(said(&broken).contains("cannot be built"), "{}", said(&broken));
    assert_eq!(repository.checkouts(), 0);
    for wrong in ["no-such-branch", "HEAD~99", "before:src", "--", "HEAD^{tree}"] {
        let refused = repository.compare("before", wrong);
        assert_eq!(refused.status.code(), Some(2), "{wrong}: {}", said(&refused));
    }
}

/// Waits for something.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < patience, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
#[cfg(unix)]
fn a_build_is_broken_off_by_ctrl_c_and_its_checkout_removed() {
    let repository = Repository::new("bench-commits-broken-off");
    repository.write("src/main.rs", "fn main() {}\n");
    repository.write("build.rs", ENDLESS);
    repository.commit("endless");
    let command = &mut repository.command("endless", "endless");
    let mut running = command.stderr(Stdio::null()).spawn().expect("the command can be started");
    let started = |path: &Path| path.join("target/bench/target/debug/build").is_dir();
    let release = |path: &Path| path.join("target/bench/target/release/build").is_dir();
    until("a build", || started(&repository.0) || release(&repository.0));
    assert!(repository.checkouts() > 0);
    let id = running.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    assert_eq!(running.wait().expect("an end").code(), Some(130));
    assert_eq!(repository.checkouts(), 0);
}
