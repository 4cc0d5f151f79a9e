//! Tells the binary which commit it is built from, so that every report can say so.
//!
//! Outside a repository, or without git, the commit is `unknown` and the build goes on.

use std::path::Path;
use std::process::Command;

#[allow(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
fn main() {
    println!("cargo:rerun-if-changed=cli/build.rs");
    // Every commit and checkout adds a line to this file. A path that does not exist would make cargo
    // run this script on every build.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&log).exists()
    {
        println!("cargo:rerun-if-changed={log}");
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=KEYQUAKE_COMMIT={commit}");
    // Timings depend on how the program was compiled.
    for name in ["PROFILE", "OPT_LEVEL", "TARGET", "CARGO_CFG_TARGET_FEATURE"] {
        let value = std::env::var(name).unwrap_or_default();
        println!("cargo:rustc-env=KEYQUAKE_{name}={value}");
    }
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = output(&compiler, &["--version"]).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=KEYQUAKE_RUSTC={version}");
}

fn git(arguments: &[&str]) -> Option<String> {
    output("git", arguments)
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
