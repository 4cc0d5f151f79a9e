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

#[test]
fn each_of_these_bugs_is_found_by_whoever_looks_for_it() {
    for (name, oracle) in [
        ("audit-lost", "audit"),
        ("bill-lost", "price"),
        ("change-lost", "linearizability"),
        ("flipped-plaintext", "ciphertext-durability"),
        ("lost-answer", "liveness"),
        ("permission-missing", "authorization"),
        ("quota-uncounted", "quota"),
        ("repeated-draw", "nonce"),
        ("token-lost", "key-tokens"),
    ] {
        assert!(seen_by(oracle, name, 1..21).is_some(), "{name} is not seen by {oracle}");
    }
}

#[test]
fn without_a_bug_nobody_objects() {
    for seed in 1..4 {
        assert_eq!(detect::canary(seed, Arc::new(AwsLc)), None, "seed {seed}");
    }
}
