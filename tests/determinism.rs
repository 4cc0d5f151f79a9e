//! The same seed gives the same bytes: in one process, in another, and whatever else runs beside it.

use crate::support::{folder, keyquake, run_of, scenario};

#[test]
fn a_run_repeats_itself_and_seeds_differ() {
    let scenario = scenario("quotas/quota-exhaustion");
    let (one, two) = (run_of(&scenario, 3), run_of(&scenario, 3));
    assert_eq!(one.history.records(), two.history.records());
    assert_eq!(one.history.digest(), two.history.digest());
    assert_ne!(one.history.digest(), run_of(&scenario, 4).history.digest());
}

/// Whole histories of two processes, ciphertext digests and all.
#[test]
fn two_processes_write_the_same_history() {
    for name in ["quickstart", "regions/region-outage", "deletion/deletion-race"] {
        let file = format!("scenarios/{name}.toml");
        let stem = name.rsplit('/').next().unwrap_or(name);
        let history = |copy: &str| {
            let out = folder(&format!("determinism-{stem}-{copy}"));
            let place = out.display().to_string();
            let output = keyquake(&[
                "sim",
                "run",
                &file,
                "--seed",
                "5",
                "--json",
                "--history",
                "-o",
                &place,
            ]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let run = out.join(format!("{stem}-seed-5"));
            std::fs::read(run.join("history.ndjson")).expect("the history was written")
        };
        let (one, two) = (history("one"), history("two"));
        assert!(one.len() > 100_000, "{name}: {} bytes", one.len());
        assert!(one == two, "{name}: the histories differ");
    }
}

#[test]
fn the_check_command_compares_two_processes() {
    let output =
        keyquake(&["sim", "check", "scenarios/quotas/quota-exhaustion.toml", "--seed", "2"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The backend is no part of what is decided, and of the bytes neither: every nonce is an argument.
#[test]
fn another_backend_gives_the_same_history() {
    use kms_core::crypto::AwsLc;
    use std::ops::ControlFlow;
    use std::sync::Arc;
    let scenario = scenario("quotas/quota-exhaustion");
    let seed = sim::random::Seed(1);
    let other = sim::run::run(&scenario, seed, Arc::new(AwsLc), |_| ControlFlow::Continue(()));
    let other = other.expect("a run");
    assert_eq!(run_of(&scenario, 1).history.records(), other.history.records());
}
