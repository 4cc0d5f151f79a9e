//! Planted bugs are found in runs that nobody made for them, and only where there is one.

use kms_core::crypto::AwsLc;
use sim::detect::{self, Caught};
use sim::sabotage::SABOTAGES;
use std::sync::Arc;

/// The first of these seeds with which an oracle sees a bug.
fn seen_by(oracle: &str, name: &str, seeds: std::ops::Range<u64>) -> Option<u64> {
    let sabotage = SABOTAGES.iter().find(|info| info.name == name).expect("it is in the table");
    let sees = |caught: Caught| caught.all.contains(&oracle);
    seeds.into_iter().find(|seed| detect::hunt(sabotage, *seed, Arc::new(AwsLc)).is_some_and(sees))
}

/// Bugs that few runs of the swarm miss, each with an oracle that sees it. `keyquake sim detect` hunts
/// all of them.
fn all_are_seen(bugs: &[(&str, &str)]) {
    for (name, oracle) in bugs {
        assert!(seen_by(oracle, name, 1..21).is_some(), "{name} is not seen by {oracle}");
    }
}

#[test]
fn bugs_in_what_is_answered_are_found_by_whoever_looks_for_them() {
    all_are_seen(&[
        ("audit-as-success", "audit"),
        ("audit-lost", "audit"),
        ("audit-of-another-key", "audit"),
        ("audit-twice", "audit"),
        ("bill-lost", "price"),
        ("failure-without-cause", "reference-model"),
        ("flipped-plaintext", "ciphertext-durability"),
        ("good-ciphertext-refused", "ciphertext-durability"),
        ("lost-answer", "liveness"),
        ("permission-missing", "authorization"),
        ("swapped-replies", "ciphertext-durability"),
        ("throttled-too-early", "audit"),
    ]);
}

#[test]
fn bugs_in_what_is_kept_are_found_by_whoever_looks_for_them() {
    all_are_seen(&[
        ("acknowledged-early", "audit"),
        ("change-lost", "linearizability"),
        ("decision-always-stale", "reference-model"),
        ("quota-uncounted", "quota"),
        ("repeated-draw", "nonce"),
        ("token-lost", "key-tokens"),
        ("unheard-key", "reference-model"),
    ]);
}

#[test]
fn without_a_bug_nobody_objects() {
    for seed in 1..4 {
        assert_eq!(detect::canary(seed, Arc::new(AwsLc)), None, "seed {seed}");
    }
}
