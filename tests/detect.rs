//! Planted bugs are found in runs that nobody made for them, and only where there is one.

use kms_core::crypto::AwsLc;
use sim::detect::{self, Caught};
use sim::sabotage::SABOTAGES;
use std::sync::Arc;

/// The seeds until a bug was found, and who found it.
fn hunted(name: &str, seeds: std::ops::Range<u64>) -> Option<(u64, Caught)> {
    let sabotage = SABOTAGES.iter().find(|info| info.name == name).expect("it is in the table");
    seeds.into_iter().find_map(|seed| Some((seed, detect::hunt(sabotage, seed, Arc::new(AwsLc))?)))
}

#[test]
fn each_of_these_bugs_is_found_by_whoever_looks_for_it() {
    for (name, oracle) in [
        ("audit-lost", "audit"),
        ("bill-lost", "price"),
        ("change-lost", "linearizability"),
        ("flipped-plaintext", "ciphertext-durability"),
        ("lost-answer", "liveness"),
        ("permission-ignored", "authorization"),
        ("quota-uncounted", "quota"),
        ("repeated-draw", "nonce"),
        ("token-lost", "key-tokens"),
    ] {
        let (seed, caught) = hunted(name, 1..6).unwrap_or_else(|| panic!("{name} is not found"));
        assert!(caught.all.contains(&oracle), "{name}, seed {seed}: {caught:?}");
    }
}

#[test]
fn without_a_bug_nobody_objects() {
    for seed in 1..4 {
        assert_eq!(detect::canary(seed, Arc::new(AwsLc)), None, "seed {seed}");
    }
}
