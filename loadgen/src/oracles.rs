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
}

/// What became of an oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Nothing is wrong.
    Passed,
    /// Something is.
    Violated,
    /// Nobody of a kind that it needs was heard, or nothing happened that it judges.
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
        self.verdict = match judged.verdict {
            Verdict::Violated => Word::Violated,
            _ if self.verdict == Word::Violated => Word::Violated,
            Verdict::Passed if self.judged > 0 => Word::Passed,
            _ => self.verdict,
        };
        self.because = match (self.verdict, judged.verdict) {
            (Word::CannotJudge, Verdict::CannotJudge { missing }) => {
                Some(format!("no record from {missing}"))
            }
            (Word::CannotJudge, _) => Some("nothing happened that it judges".to_owned()),
            _ => None,
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
}
