//! The program of a commit, built aside.

use crate::exit::{Exit, Failure};
use crate::sim::interrupted;
use crate::terminal;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How often a build that runs is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// The commit that a revision names, if it names one.
pub(super) fn named(revision: &str) -> Option<String> {
    let revision = format!("{revision}^{{commit}}");
    git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &revision])
}

/// The program of a commit, built with the profile of this one; one that was built before is taken as
/// it is.
///
/// # Errors
/// When it cannot be checked out or built, and when that is broken off.
pub(super) fn built(commit: &str) -> Result<PathBuf, Failure> {
    // Not in the folder for temporary files, where others could put a program in the place of ours.
    let top = git(&["rev-parse", "--show-toplevel"]);
    let top = top.ok_or_else(|| Failure::usage("there is no repository here"))?;
    let folder = Path::new(&top).join("target").join("bench");
    let profile = env!("KEYQUAKE_PROFILE");
    let kept = folder.join(format!("keyquake-{profile}-{commit}"));
    if kept.is_file() {
        return Ok(kept);
    }
    terminal::say(&format!("building {commit}"));
    let checkout = Checkout::of(commit, &folder.join("source").join(commit))?;
    let target = folder.join("target");
    let named = if profile == "debug" { "dev" } else { profile };
    let build = Command::new("cargo")
        .args(["build", "--locked", "--bin", "keyquake", "--profile", named])
        .current_dir(&checkout.path)
        .env("CARGO_TARGET_DIR", &target)
        .stdin(Stdio::null())
        .spawn();
    let status = build.map_err(|error| Failure::usage(format!("cargo does not start: {error}")));
    if !watched(status?)?.success() {
        return Err(or_broken_off(format!("{commit} cannot be built")));
    }
    let made = target.join(profile).join("keyquake");
    // What is kept under its name is whole.
    let part = kept.with_extension("part");
    let copied = std::fs::copy(&made, &part).and_then(|_| std::fs::rename(&part, &kept));
    copied.map_err(|error| Failure::file("copy", &made, &error))?;
    Ok(kept)
}

/// Waits for a build, and ends it when it is broken off.
fn watched(mut build: Child) -> Result<ExitStatus, Failure> {
    loop {
        if interrupted() {
            let _ = build.kill();
            let _ = build.wait();
            return Err(broken_off());
        }
        if let Some(status) = build.try_wait().map_err(Failure::usage)? {
            return Ok(status);
        }
        std::thread::sleep(GLANCE);
    }
}

/// Ctrl-C reaches git and cargo too, which then fail for no other reason.
fn or_broken_off(message: String) -> Failure {
    if interrupted() { broken_off() } else { Failure::usage(message) }
}

fn broken_off() -> Failure {
    let message = "broken off before both commits were built".to_owned();
    Failure::Said { exit: Exit::Interrupted, message }
}

/// A working tree of git's, which goes when it is dropped.
struct Checkout {
    path: PathBuf,
}

impl Checkout {
    fn of(commit: &str, path: &Path) -> Result<Checkout, Failure> {
        let text = path.to_str().ok_or_else(|| Failure::usage("the path is not UTF-8"))?;
        let checkout = Checkout { path: path.to_owned() };
        // One that was left by a program that was killed may be half a commit.
        checkout.remove();
        match git(&["worktree", "add", "--detach", text, commit]) {
            Some(_) => Ok(checkout),
            None => Err(or_broken_off(format!("git cannot check {commit} out at {text}"))),
        }
    }

    fn remove(&self) {
        if let Some(path) = self.path.to_str() {
            git(&["worktree", "remove", "--force", path]);
        }
        // What git does not know any more.
        let _ = std::fs::remove_dir_all(&self.path);
        git(&["worktree", "prune"]);
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        self.remove();
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
