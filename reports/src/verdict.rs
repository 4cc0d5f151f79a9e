//! The verdict in words, the same on the page, on the index and in the terminal.

use crate::data::{OracleVerdict, RunReport, Verdict};
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
        report.oracles.iter().fold(Self::default(), |mut tally, oracle| {
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
    let found = counted(report.violations.len() as u64, "violation");
    let by = counted(tally.violated, "oracle");
    let judged = match report.verdict {
        Verdict::Pass => match tally.passed {
            0 => "No oracle judged this run".to_owned(),
            passed => format!("{} judged and found nothing", counted(passed, "oracle")),
        },
        Verdict::Violations => format!("{found}, found by {by}"),
        Verdict::ExpectedViolation => {
            format!("{found}, found by {by}, as the scenario announced")
        }
    };
    match tally.cannot_judge {
        0 => format!("{judged}."),
        blind => format!("{judged}; {} could not judge.", counted(blind, "oracle")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Oracle, Scenario, Tool};

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
        assert_eq!(
            sentence(&report),
            "1 oracle judged and found nothing; 1 oracle could not judge."
        );
    }
}
