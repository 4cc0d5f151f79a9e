//! Authorization against a second opinion: a naive evaluator that reads policies as JSON at every
//! question and shares nothing with the one of the product; and what must hold of every decision.

mod case;
mod documented;
mod draw;
mod naive;
mod product;
mod properties;

use case::Case;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// How many random questions both evaluators answer.
const CASES: u32 = 100_000;

/// The part of the answers, in thousandths, that has to allow, and that every reason has to have.
const ALLOWED_PER_MILLE: u32 = 250;
const REASON_PER_MILLE: u32 = 10;

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// The reason without the places of statements and grants.
fn kind(answer: &str) -> String {
    let words = answer.split_whitespace();
    words
        .filter(|word| !word.chars().all(|c| c.is_ascii_digit() || c == '.'))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_naive_evaluator_agrees_on_100_000_decisions() {
    let seen: RefCell<BTreeMap<String, u32>> = RefCell::default();
    let outcome = runner(CASES).run(&draw::cases(), |case: Case| {
        let (product, naive) = (product::decide(&case), naive::decide(&case));
        proptest::prop_assert_eq!(&product, &naive, "{}", case);
        *seen.borrow_mut().entry(kind(&product)).or_default() += 1;
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    check_distribution(&seen.into_inner());
}

fn check_distribution(seen: &BTreeMap<String, u32>) {
    let table: String = seen.iter().map(|(kind, count)| format!("{count:>7}  {kind}\n")).collect();
    let allowed: u32 =
        seen.iter().filter(|(kind, _)| kind.starts_with("allow")).map(|(_, count)| count).sum();
    assert!(allowed * 1000 >= CASES * ALLOWED_PER_MILLE, "{allowed} of {CASES} allow\n{table}");
    for reason in product::REASONS {
        let count: u32 =
            seen.iter().filter(|(kind, _)| kind.starts_with(reason)).map(|(_, count)| count).sum();
        assert!(count * 1000 >= CASES * REASON_PER_MILLE, "{reason}: {count}\n{table}");
    }
}
