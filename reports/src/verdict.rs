//! The verdict in words, the same on the page, on the index and in the terminal.

use crate::data::{EXPECTATION, OracleVerdict, RunReport, Verdict};
use crate::format::counted;

/// How many oracles came to which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) violated: u64,
    pub(crate) cannot_judge: u64,
}

impl Tally {
    pub(crate) fn of(report: &RunReport) -> Self {
        let oracles = report.oracles.iter().filter(|oracle| oracle.name != EXPECTATION);
        oracles.fold(Self::default(), |mut tally, oracle| {
            match oracle.verdict {
                OracleVerdict::Passed => tally.passed += 1,
                OracleVerdict::Violated => tally.violated += 1,
                OracleVerdict::CannotJudge { .. } => tally.cannot_judge += 1,
            }
            tally
        })
    }
}

/// One word for a banner.
pub(crate) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "Pass",
        Verdict::Violations => "Fail",
        Verdict::ExpectedViolation => "Found as expected",
    }
}

/// One sentence that says what the verdict rests on.
pub(crate) fn sentence(report: &RunReport) -> String {
    let tally = Tally::of(report);
    let judged = match report.verdict {
        Verdict::Pass => match tally.passed {
            0 => "No oracle judged this run".to_owned(),
            passed => format!("{} passed", counted(passed, "oracle")),
        },
        Verdict::Violations => found(report, tally),
        Verdict::ExpectedViolation => {
            format!("{}, as the scenario announced", found(report, tally))
        }
    };
    match tally.cannot_judge {
        0 => format!("{judged}."),
        blind => format!("{judged}; {} could not judge.", counted(blind, "oracle")),
    }
}

/// What oracles found, and what the scenario itself expected and did not get.
fn found(report: &RunReport, tally: Tally) -> String {
    let unmet = report.violations.iter().filter(|one| one.oracle == EXPECTATION).count() as u64;
    let violations = report.violations.len() as u64 - unmet;
    let by = counted(tally.violated, "oracle");
    let violations = format!("{}, found by {by}", counted(violations, "violation"));
    let expectations = format!("{} not met", counted(unmet, "expectation"));
    match (report.violations.len() as u64 == unmet, unmet) {
        (_, 0) => violations,
        (true, _) => expectations,
        (false, _) => format!("{violations}; {expectations}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Micros, Oracle, Scenario, Tool, Violation};

    #[test]
    fn an_oracle_that_could_not_judge_is_never_counted_as_passed() {
        let tool = Tool { version: String::new(), commit: String::new() };
        let scenario = Scenario { name: String::new(), description: String::new() };
        let mut report = RunReport::new(tool, scenario, 1, Verdict::Pass);
        assert_eq!(sentence(&report), "No oracle judged this run.");
        let oracle =
            |verdict| Oracle { name: String::new(), checks: String::new(), judged: 0, verdict };
        report.oracles = vec![
            oracle(OracleVerdict::Passed),
            oracle(OracleVerdict::CannotJudge { reason: String::new() }),
        ];
        assert_eq!(sentence(&report), "1 oracle passed; 1 oracle could not judge.");
    }
    /// It was told as "1 violation, found by 1 oracle" although no oracle had found anything.
    #[test]
    fn an_expectation_that_is_not_met_is_no_oracle() {
        let tool = Tool { version: String::new(), commit: String::new() };
        let scenario = Scenario { name: String::new(), description: String::new() };
        let mut report = RunReport::new(tool, scenario, 1, Verdict::Violations);
        let oracle = |name: &str, verdict| Oracle {
            name: name.to_owned(),
            checks: String::new(),
            judged: 1,
            verdict,
        };
        let violation = |oracle: &str| Violation {
            oracle: oracle.to_owned(),
            at: Micros(0),
            node: String::new(),
            message: String::new(),
            events: Vec::new(),
        };
        report.oracles = vec![
            oracle("deletion", OracleVerdict::Passed),
            oracle(EXPECTATION, OracleVerdict::Violated),
        ];
        report.violations = vec![violation(EXPECTATION)];
        assert_eq!(sentence(&report), "1 expectation not met.");
        assert_eq!(Tally::of(&report), Tally { passed: 1, violated: 0, cannot_judge: 0 });
        report.oracles[0].verdict = OracleVerdict::Violated;
        report.violations.push(violation("deletion"));
        assert_eq!(sentence(&report), "1 violation, found by 1 oracle; 1 expectation not met.");
    }
}
