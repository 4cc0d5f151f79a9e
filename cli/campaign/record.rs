//! What is kept of a run: one line of NDJSON, the same whether it passed, failed or was lost.

use crate::sim::signature;
use ::sim::identity::identity;
use scenarios::Document;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is kept of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The scenario's name.
    pub(crate) scenario: String,
    /// The seed.
    pub(crate) seed: u64,
    /// What was run, and by which program; nothing in the results of a program that did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<Origin>,
    /// How it ended.
    pub(crate) verdict: Verdict,
    /// The digest of its history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    /// How many requests it made.
    #[serde(default)]
    pub(crate) requests: u64,
    /// How long it took.
    #[serde(default)]
    pub(crate) wall_seconds: f64,
    /// What failures of one cause have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<String>,
    /// What was found first, in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// The probes that it hit, with how often.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) probes: BTreeMap<String, u64>,
    /// The command that runs it again.
    #[serde(default)]
    pub(crate) replay: String,
}

/// What stands for the hash of a scenario that a seed drew.
const DRAWN: &str = "drawn";

/// What a run was made of. Runs of one name and seed that differ in it are different runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// The hash of the scenario with its bases and its overrides; [`DRAWN`] when a seed drew it.
    pub(crate) scenario: String,
    /// The commit that the program was built from.
    pub(crate) commit: String,
}

impl Origin {
    /// The origin of runs of this program; without a document, the seed drew the scenario.
    pub(crate) fn of(document: Option<&Document>) -> Origin {
        let scenario = document.map_or_else(|| DRAWN.to_owned(), identity);
        Origin { scenario, commit: env!("KEYQUAKE_COMMIT").to_owned() }
    }

    /// Whether a seed drew the scenario.
    pub(crate) fn is_drawn(&self) -> bool {
        self.scenario == DRAWN
    }

    /// How two differ, if they do.
    pub(crate) fn difference(one: Option<&Origin>, other: Option<&Origin>) -> Option<String> {
        let (Some(one), Some(other)) = (one, other) else {
            let same = one.is_none() && other.is_none();
            return (!same).then(|| "some do not say what was run".to_owned());
        };
        if one.commit != other.commit {
            return Some(format!(
                "some are of commit {}, others of commit {}",
                other.commit, one.commit
            ));
        }
        (one.scenario != other.scenario).then(|| {
            "the scenario, its bases or its overrides have changed between them".to_owned()
        })
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Nothing was found.
    Pass,
    /// What the scenario announces was found.
    ExpectedViolation,
    /// Something was found.
    Violations,
    /// The world broke.
    Broken,
    /// Its process ended twice without a word about it.
    Lost,
}

impl Verdict {
    /// Whether it is a finding.
    pub(crate) fn is_failure(self) -> bool {
        !matches!(self, Verdict::Pass | Verdict::ExpectedViolation)
    }
}

/// A line of a worker, as `sim run --json` writes it.
#[derive(Deserialize)]
struct Line {
    scenario: String,
    seed: u64,
    verdict: Verdict,
    digest: Option<String>,
    #[serde(default)]
    counts: Counts,
    #[serde(default)]
    wall_seconds: f64,
    #[serde(default)]
    violations: Vec<Violated>,
    error: Option<String>,
    #[serde(default)]
    probes: BTreeMap<String, u64>,
    replay: String,
}

#[derive(Default, Deserialize)]
struct Counts {
    requests: u64,
}

#[derive(Deserialize)]
struct Violated {
    oracle: String,
    message: String,
}

impl Record {
    /// The record that a worker's line is about.
    pub(crate) fn of_line(text: &str) -> Option<Record> {
        let line: Line = serde_json::from_str(text).ok()?;
        let found = line.violations.into_iter().next();
        let found = found.map(|found| (found.oracle, found.message));
        let found = found.or(line.error.map(|error| ("broken".to_owned(), error)));
        let found = found.filter(|_| line.verdict.is_failure());
        Some(Record {
            scenario: line.scenario,
            seed: line.seed,
            origin: None,
            verdict: line.verdict,
            digest: line.digest,
            requests: line.counts.requests,
            wall_seconds: line.wall_seconds,
            signature: found.as_ref().map(|(oracle, message)| signature(oracle, message)),
            message: found.map(|(oracle, message)| format!("{oracle}: {message}")),
            probes: line.probes,
            replay: line.replay,
        })
    }

    /// The record of a run whose process ended, twice, without a word about it.
    pub(crate) fn lost(scenario: &str, seed: u64, said: &str, replay: String) -> Record {
        Record {
            scenario: scenario.to_owned(),
            seed,
            origin: None,
            verdict: Verdict::Lost,
            digest: None,
            requests: 0,
            wall_seconds: 0.0,
            signature: Some(signature("lost", said)),
            message: Some(format!("lost: {said}")),
            probes: BTreeMap::new(),
            replay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: &str = r#"{"scenario":"x","seed":7,"verdict":"violations","digest":"ab",
        "counts":{"requests":12,"answered":12},"wall_seconds":0.5,"violations":[
        {"oracle":"deletion","message":"key 123-a was used after 4.5s"},
        {"oracle":"quota","message":"later"}],"replay":"keyquake sim run x --seed 7"}"#;

    #[test]
    fn the_first_finding_names_the_failure() {
        let record = Record::of_line(FAILED).unwrap();
        assert_eq!((record.seed, record.requests, record.verdict.is_failure()), (7, 12, true));
        assert_eq!(record.signature.as_deref(), Some("deletion: key # was used after #"));
        assert_eq!(record.message.as_deref(), Some("deletion: key 123-a was used after 4.5s"));
    }

    #[test]
    fn a_run_that_broke_is_a_failure_and_an_announced_violation_is_none() {
        let line = |verdict: &str, more: &str| {
            let text =
                format!(r#"{{"scenario":"x","seed":1,"verdict":"{verdict}","replay":"r"{more}}}"#);
            Record::of_line(&text).unwrap()
        };
        let broken = line("broken", r#","error":"node 3 panicked""#);
        assert_eq!(broken.signature.as_deref(), Some("broken: node # panicked"));
        let violation = r#","violations":[{"oracle":"deletion","message":"m"}]"#;
        assert_eq!(line("expected-violation", violation).signature, None);
    }

    #[test]
    fn a_torn_line_is_no_record() {
        assert_eq!(Record::of_line(&FAILED[..40]), None);
        assert_eq!(Record::of_line(""), None);
    }

    #[test]
    fn records_are_read_back_as_they_are_written() {
        let record = Record::of_line(FAILED).unwrap();
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }
}
