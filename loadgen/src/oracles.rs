//! What the oracles say of a load, over the cores of all threads.

use schemars::JsonSchema;
use serde::Serialize;
use sim::oracle::{Judged, Verdict};

/// How many violations are told of each oracle.
const MOST_TOLD: usize = 5;

/// What an oracle says of a load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// The oracle.
    pub oracle: String,
    /// What became of it.
    pub verdict: Word,
    /// How many things it judged.
    pub judged: u64,
    /// Why it cannot judge.
    pub because: Option<String>,
    /// What must not have happened; the first few.
    pub violations: Vec<String>,
    /// How many things it gave up on; with any of them it cannot judge, whatever else it judged.
    #[serde(skip)]
    pub undecided: u64,
}

/// What became of an oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Nothing is wrong.
    Passed,
    /// Something is.
    Violated,
    /// Nobody of a kind that it needs was heard, or nothing happened that it judges, or it gave up on
    /// some of it.
    CannotJudge,
}

/// What each oracle says, in the order of their table. A load that nobody heard has no finding.
pub(crate) fn findings(all: &[Judged]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for judged in all {
        let name = judged.info.name;
        let known = findings.iter().position(|one| one.oracle == name);
        let index = known.unwrap_or_else(|| {
            findings.push(Finding {
                oracle: name.to_owned(),
                verdict: Word::CannotJudge,
                judged: 0,
                because: None,
                violations: Vec::new(),
                undecided: 0,
            });
            findings.len() - 1
        });
        findings[index].add(judged);
    }
    findings
}

impl Finding {
    /// Adds what the same oracle says of another core.
    fn add(&mut self, judged: &Judged) {
        self.judged += judged.finding.judged;
        let said = judged.finding.violations.iter();
        let said = said.map(|one| format!("at {:?}: {}", one.at, one.message));
        let room = MOST_TOLD - self.violations.len();
        self.violations.extend(said.take(room));
        if let Verdict::Undecided { left, .. } = judged.verdict {
            self.undecided += left;
        }
        self.verdict = match judged.verdict {
            Verdict::Violated => Word::Violated,
            _ if self.verdict == Word::Violated => Word::Violated,
            _ if self.undecided > 0 => Word::CannotJudge,
            Verdict::Passed if self.judged > 0 => Word::Passed,
            _ => self.verdict,
        };
        let open = Verdict::Undecided { left: self.undecided, judged: self.judged };
        self.because = match self.verdict {
            Word::Passed | Word::Violated => None,
            Word::CannotJudge if self.undecided > 0 => open.doubt(),
            Word::CannotJudge => judged.verdict.doubt().or_else(|| Verdict::Idle.doubt()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim::clock::SimTime;
    use sim::history::Source;
    use sim::oracle::{Finding as Found, ORACLES, Violation};
    use sim::place::NodeId;

    fn judged(oracle: usize, verdict: Verdict, judged: u64, violations: usize) -> Judged {
        let info = ORACLES[oracle].info;
        let violation = Violation {
            oracle: info.name,
            at: SimTime::ZERO,
            node: NodeId(0),
            index: 0,
            message: "wrong".to_owned(),
        };
        let violations = vec![violation; violations];
        Judged { info, verdict, finding: Found { judged, violations, ..Found::default() } }
    }

    #[test]
    fn cores_are_judged_together() {
        let found = findings(&[
            judged(0, Verdict::Passed, 3, 0),
            judged(1, Verdict::CannotJudge { missing: Source::Audit }, 0, 0),
            judged(2, Verdict::Passed, 0, 0),
            judged(0, Verdict::Violated, 4, 9),
            judged(0, Verdict::Passed, 1, 0),
        ]);
        let [both, deaf, idle] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            (both.verdict, both.judged, both.violations.len()),
            (Word::Violated, 8, MOST_TOLD)
        );
        assert_eq!(deaf.because.as_deref(), Some("no record from an audit trail"));
        assert_eq!(idle.because.as_deref(), Some("nothing happened that it judges"));
        assert_eq!(deaf.verdict, idle.verdict);
    }

    #[test]
    fn what_one_core_left_open_another_ones_pass_does_not_close() {
        let open = judged(0, Verdict::Undecided { left: 2, judged: 3 }, 3, 0);
        let passed = judged(0, Verdict::Passed, 4, 0);
        for order in [[&open, &passed], [&passed, &open]] {
            let found = findings(&order.map(Clone::clone));
            assert_eq!(found[0].verdict, Word::CannotJudge);
            assert_eq!(found[0].because.as_deref(), Some("2 undecided beside 7 judged"));
        }
    }
}
