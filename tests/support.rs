//! What several tests need: scenarios by name, runs, and the built command.

use kms_core::crypto::AwsLc;
use scenarios::Scenario;
use sim::random::Seed;
use sim::run::{Run, run};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A scenario of the library, by its path without `scenarios/` and extension.
pub(crate) fn scenario(name: &str) -> Scenario {
    let path = root().join("scenarios").join(format!("{name}.toml"));
    Scenario::load(&path, &[], &sim::vocabulary::vocabulary())
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A run of a scenario.
pub(crate) fn run_of(scenario: &Scenario, seed: u64) -> Run {
    run(scenario, Seed(seed), Arc::new(AwsLc), |_| ControlFlow::Continue(()))
        .unwrap_or_else(|error| panic!("seed {seed}: {error}"))
}

/// What a run says against itself, for the message of a failed assertion.
pub(crate) fn complaints(run: &Run) -> String {
    let found = run.judged.iter().flat_map(|judged| &judged.finding.violations);
    let said = found.map(|found| format!("{} at {:?}: {}", found.oracle, found.at, found.message));
    said.chain(run.unmet.iter().cloned()).take(5).collect::<Vec<_>>().join("\n")
}

/// Runs the built command in the root of the repository.
pub(crate) fn keyquake(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keyquake"))
        .args(arguments)
        .current_dir(root())
        .env("NO_COLOR", "1")
        .output()
        .expect("the command can be started")
}

/// A fresh folder for a test's output.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder in the target directory");
    folder
}
