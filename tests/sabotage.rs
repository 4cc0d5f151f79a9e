//! Planted bugs are found, and what is not planted is not.

use crate::support::{complaints, run_of, scenario};
use sim::run::Verdict;

#[test]
fn a_skipped_version_check_is_caught() {
    let scenario = scenario("sabotage/skipped-version-check");
    let caught = (1..=5).filter(|seed| {
        let run = run_of(&scenario, *seed);
        run.verdict == Verdict::ExpectedViolation
    });
    assert!(caught.count() >= 4, "fewer than four of five seeds found the planted bug");
}

/// The same load without the bug: whatever the oracles say of the sabotage is due to it alone.
#[test]
fn the_canary_stays_green() {
    let mut scenario = scenario("sabotage/skipped-version-check");
    scenario.sabotages.clear();
    scenario.expect.verdict = scenarios::Verdict::Pass;
    for seed in 1..=5 {
        let run = run_of(&scenario, seed);
        assert_eq!(run.verdict, Verdict::Pass, "seed {seed}:\n{}", complaints(&run));
    }
}
