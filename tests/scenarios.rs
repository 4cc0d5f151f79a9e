//! Every scenario of the library ends as it says, on several seeds, and the same way in another process
//! with another library of cryptography.

use crate::support::{complaints, keyquake, run_of, scenario};
use sim::history::{Event, Record, Routing};
use sim::oracle::Verdict;

/// The digests of these runs in a process of their own.
fn digests_elsewhere(name: &str, seeds: &str) -> Vec<String> {
    let file = format!("scenarios/{name}.toml");
    let output = keyquake(&["sim", "run", &file, "--seeds", seeds, "--json", "--no-report"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let digest = |line: &str| {
        let run: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        run["digest"].as_str().expect("a digest").to_owned()
    };
    String::from_utf8_lossy(&output.stdout).lines().map(digest).collect()
}

fn passes(name: &str) {
    let scenario = scenario(name);
    let elsewhere = digests_elsewhere(name, "1..=2");
    assert_eq!(elsewhere.len(), 2, "{name}");
    let mut elsewhere = elsewhere.into_iter();
    for seed in 1..=5 {
        let run = run_of(&scenario, seed);
        assert!(run.verdict.is_good(), "{name}, seed {seed}:\n{}", complaints(&run));
        for judged in &run.judged {
            let deaf = matches!(judged.verdict, Verdict::CannotJudge { .. });
            assert!(!deaf, "{name}, seed {seed}: {} lacks a source", judged.info.name);
        }
        if let Some(other) = elsewhere.next() {
            let digest = run.history.digest().map(|byte| format!("{byte:02x}")).concat();
            assert_eq!(digest, other, "{name}, seed {seed}: another process has another history");
        }
    }
}

#[test]
fn quickstart() {
    passes("quickstart");
}

#[test]
fn region_outage() {
    passes("regions/region-outage");
}

#[test]
fn deletion_race() {
    passes("deletion/deletion-race");
}

#[test]
fn quota_exhaustion() {
    passes("quotas/quota-exhaustion");
}

#[test]
fn journal_crash() {
    passes("crashes/journal-crash");
}

#[test]
fn moving_primaries() {
    passes("regions/moving-primaries");
}

#[test]
fn proxy_outage() {
    passes("key-stores/proxy-outage");
}

#[test]
fn lossy_network() {
    passes("network/lossy");
}

#[test]
fn disordered_network() {
    passes("network/disorder");
}

#[test]
fn hsm_bit_flips() {
    passes("hsm/bit-flips");
}

#[test]
fn hsm_domain_key_rotation_under_partition() {
    passes("hsm/domain-key-rotation-under-partition");
}

/// Keys are created while an HSM does not know of the newest domain key: what it wraps is told from an
/// answer, so that the scenario shows something.
#[test]
fn hosts_distrust_what_a_stale_hsm_wraps() {
    let run = run_of(&scenario("hsm/domain-key-rotation-under-partition"), 1);
    let distrusted =
        |record: &&Record| matches!(record.event, Event::Routed { what: Routing::Distrusted, .. });
    assert!(run.history.records().iter().filter(distrusted).count() > 0);
}

#[test]
fn hsm_key_creation_across_rotations() {
    passes("hsm/key-creation-across-rotations");
}

#[test]
fn hsm_quorum_loss() {
    passes("hsm/quorum-loss");
}

#[test]
fn hsm_sick_hsms() {
    passes("hsm/sick-hsms");
}

#[test]
fn hsm_reset_storm() {
    passes("hsm/reset-storm");
}

#[test]
fn hsm_zone_loss() {
    passes("hsm/zone-loss");
}

#[test]
fn every_spec() {
    passes("keys/every-spec");
}

#[test]
fn imports() {
    passes("keys/imports");
}

#[test]
fn what_was_made_small_still_fails() {
    passes("regressions/change-lost");
    passes("regressions/fail-over-at-the-start");
    passes("regressions/flipped-plaintext");
    passes("regressions/lost-answer");
    passes("regressions/token-lost");
}

/// Every file of the library but the planted bugs, which have a test of their own, is run above.
#[test]
fn no_scenario_is_left_out() {
    let files = scenarios::library(&crate::support::root().join("scenarios")).expect("the library");
    let source = include_str!("scenarios.rs");
    for file in
        files.iter().filter(|file| !file.components().any(|part| part.as_os_str() == "sabotage"))
    {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).expect("a name");
        assert!(source.contains(&format!("{stem}\");")), "no test runs {}", file.display());
    }
}

/// A judge that allows several outcomes for everything finds nothing, so it may do that rarely.
#[test]
fn the_model_allows_exactly_one_outcome_nearly_always() {
    for name in ["quickstart", "regions/region-outage", "deletion/deletion-race"] {
        let run = run_of(&scenario(name), 7);
        let model = run.judged.iter().find(|judged| judged.info.name == "reference-model");
        let detail = &model.expect("the oracle is in the table").finding.detail;
        let count = |what| detail.iter().find(|(name, _)| *name == what).map_or(0, |(_, n)| *n);
        let (answers, one) = (count("answers"), count("answers with exactly one allowed outcome"));
        assert!(answers > 10_000, "{name}: {answers} answers");
        assert!(one * 100 >= answers * 95, "{name}: {one} of {answers}");
    }
}

#[test]
fn integrated_services() {
    passes("services/integrated");
}

#[test]
fn services_under_the_policy_of_a_template() {
    passes("services/orders");
}

#[test]
fn services_refused_by_the_policy_of_a_template() {
    passes("services/vpc-only");
}

#[test]
fn grants_that_arrive_late() {
    passes("services/late-grants");
}
