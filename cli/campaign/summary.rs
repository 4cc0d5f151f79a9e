//! What a campaign came to: runs, failures by signature, probes.

use super::record::{Record, Verdict};
use crate::exit::{Exit, Failure};
use crate::terminal;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What a campaign came to.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// Runs.
    pub(crate) runs: u64,
    /// Runs that found nothing, or what their scenario announces.
    pub(crate) passed: u64,
    /// Runs that found something.
    pub(crate) failed: u64,
    /// Runs whose process ended without a word.
    pub(crate) lost: u64,
    /// Requests of all runs.
    pub(crate) requests: u64,
    /// Seconds that all runs took together.
    pub(crate) wall_seconds: f64,
    /// Failures that look alike, the most frequent first.
    pub(crate) failures: Vec<Failures>,
    /// How often each probe was hit.
    pub(crate) probes: BTreeMap<String, u64>,
    /// Runs whose repetition gave another digest, as scenario and seed.
    pub(crate) divergent: Vec<(String, u64)>,
}

/// Failures that look alike.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Failures {
    /// What they have in common.
    pub(crate) signature: String,
    /// How many there are.
    pub(crate) count: u64,
    /// The one that fails fastest, in full.
    pub(crate) message: String,
    /// The command that repeats it.
    pub(crate) replay: String,
    #[serde(skip)]
    wall_seconds: f64,
}

/// What came of a campaign, for programs.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    /// The probes that were hit less often than `--floor` wants, with how often they were.
    below_floor: &'a [(String, u64)],
}

impl Summary {
    /// Over all of these; a run that is there twice counts once, and one that was lost only if it is
    /// there in no other way.
    pub(crate) fn of<'r>(records: impl IntoIterator<Item = &'r Record>) -> Summary {
        let (lost, ended): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.verdict == Verdict::Lost);
        let mut seen: BTreeMap<(&str, u64), Option<&str>> = BTreeMap::new();
        let mut summary = Summary::default();
        let mut failures: BTreeMap<&str, Failures> = BTreeMap::new();
        for record in ended.into_iter().chain(lost) {
            let name = (record.scenario.as_str(), record.seed);
            let digest = record.digest.as_deref();
            if let Some(before) = seen.insert(name, digest) {
                if before.zip(digest).is_some_and(|(before, now)| before != now) {
                    summary.divergent.push((record.scenario.clone(), record.seed));
                }
                continue;
            }
            summary.count(record);
            if let Some(signature) = &record.signature {
                failures
                    .entry(signature)
                    .and_modify(|all| all.add(record))
                    .or_insert_with(|| Failures::first(signature, record));
            }
        }
        summary.failures = failures.into_values().collect();
        summary.failures.sort_by_key(|failures| std::cmp::Reverse(failures.count));
        summary
    }

    fn count(&mut self, record: &Record) {
        self.runs += 1;
        self.requests = self.requests.saturating_add(record.requests);
        self.wall_seconds += record.wall_seconds;
        self.lost += u64::from(record.verdict == Verdict::Lost);
        match record.verdict.is_failure() {
            true => self.failed += 1,
            false => self.passed += 1,
        }
        for (probe, hits) in &record.probes {
            let all = self.probes.entry(probe.clone()).or_default();
            *all = all.saturating_add(*hits);
        }
    }

    /// The probes of a sweep that were hit less often than this, with how often they were.
    pub(crate) fn below(&self, floor: u64) -> Vec<(String, u64)> {
        let hits = |name: &String| self.probes.get(name).copied().unwrap_or_default();
        let all = ::sim::probe::wanted().map(|name| (hits(&name), name));
        all.filter(|(hits, _)| *hits < floor).map(|(hits, name)| (name, hits)).collect()
    }

    /// Whether anything was found.
    pub(crate) fn is_clean(&self) -> bool {
        self.failed == 0 && self.divergent.is_empty()
    }

    /// Prints what came of the campaign, and what it was to meet and did not.
    pub(crate) fn tell(&self, json: bool, floor: u64) -> Result<Exit, Failure> {
        let below = self.below(floor);
        match json {
            true => terminal::print_json(&Told { summary: self, below_floor: &below })?,
            false => terminal::print(&self.text())?,
        }
        if !below.is_empty() {
            let seldom = below.iter().map(|(name, hits)| format!("\n  {hits:>9}  {name}"));
            terminal::say(&format!("hit less than {floor} times{}", seldom.collect::<String>()));
        }
        Ok(if self.is_clean() && below.is_empty() { Exit::Fine } else { Exit::Found })
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let Summary { runs, passed, failed, requests, .. } = self;
        let kinds = self.failures.len();
        let mut text = format!(
            "{runs} runs: {passed} passed, {failed} failed in {kinds} kinds; {requests} requests\n"
        );
        for failures in &self.failures {
            let Failures { signature, count, message, replay, .. } = failures;
            let _ = write!(text, "\n{count} x {signature}\n  {message}\n  {replay}\n");
        }
        for (scenario, seed) in &self.divergent {
            let _ = writeln!(text, "\n{scenario}, seed {seed}: two runs gave two digests");
        }
        if !self.probes.is_empty() {
            let _ = writeln!(text, "\nprobes");
        }
        for (probe, hits) in &self.probes {
            let _ = writeln!(text, "  {hits:>9}  {probe}");
        }
        text
    }
}

impl Failures {
    fn first(signature: &str, record: &Record) -> Failures {
        let (signature, count) = (signature.to_owned(), 1);
        let message = record.message.clone().unwrap_or_default();
        let (replay, wall_seconds) = (record.replay.clone(), record.wall_seconds);
        Failures { signature, count, message, replay, wall_seconds }
    }

    /// Whoever looks into it begins with the run that fails fastest.
    fn add(&mut self, record: &Record) {
        if record.wall_seconds < self.wall_seconds {
            let signature = std::mem::take(&mut self.signature);
            *self = Failures { count: self.count, ..Failures::first(&signature, record) };
        }
        self.count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seed: u64, message: Option<&str>, digest: &str) -> Record {
        let verdict = if message.is_some() { "violations" } else { "pass" };
        let found = message.map_or(String::new(), |message| {
            format!(r#"{{"oracle":"quota","message":"{message}"}}"#)
        });
        let line = format!(
            r#"{{"scenario":"x","seed":{seed},"verdict":"{verdict}","digest":"{digest}",
            "violations":[{found}],"wall_seconds":{},"probes":{{"hedge":2}},"replay":"r{seed}"}}"#,
            10 - seed
        );
        Record::of_line(&line).unwrap()
    }

    #[test]
    fn failures_that_look_alike_are_one_and_the_fastest_shows_it() {
        let records =
            [record(1, Some("over 5"), "a"), record(2, None, "b"), record(3, Some("over 9"), "c")];
        let summary = Summary::of(&records);
        assert_eq!((summary.runs, summary.passed, summary.failed), (3, 1, 2));
        assert_eq!(summary.failures.len(), 1);
        let failures = &summary.failures[0];
        assert_eq!((failures.count, failures.signature.as_str()), (2, "quota: over #"));
        assert_eq!(failures.replay, "r3");
        assert_eq!(summary.probes["hedge"], 6);
    }

    #[test]
    fn a_probe_below_the_floor_is_told() {
        let mut summary = Summary::default();
        let wanted: Vec<String> = ::sim::probe::wanted().collect();
        summary.probes = wanted.iter().map(|name| (name.clone(), 3)).collect();
        assert_eq!(summary.below(3), []);
        summary.probes.insert(wanted[1].clone(), 2);
        summary.probes.remove(&wanted[4]);
        let expected = [(wanted[1].clone(), 2), (wanted[4].clone(), 0)];
        assert_eq!(summary.below(3), expected);
    }

    #[test]
    fn sums_do_not_wrap() {
        let full = |seed| Record {
            requests: u64::MAX,
            probes: [("hedge".to_owned(), u64::MAX)].into(),
            ..record(seed, None, "a")
        };
        let records = [full(1), full(2)];
        let summary = Summary::of(&records);
        assert_eq!((summary.requests, summary.probes["hedge"]), (u64::MAX, u64::MAX));
    }

    #[test]
    fn a_lost_run_that_was_run_again_is_not_lost() {
        let lost = |seed| Record::lost("x", seed, "killed", "r".to_owned());
        let summary = Summary::of(&[lost(1), lost(2), record(1, None, "a")]);
        assert_eq!((summary.runs, summary.passed, summary.lost), (2, 1, 1));
    }

    #[test]
    fn programs_are_told_what_is_below_the_floor() {
        let told = Told { summary: &Summary::default(), below_floor: &[("hedge".to_owned(), 2)] };
        let told = serde_json::to_value(&told).unwrap();
        assert_eq!(told["below_floor"], serde_json::json!([["hedge", 2]]));
        assert_eq!(told["runs"], 0);
    }

    #[test]
    fn a_run_that_is_there_twice_counts_once_and_must_be_the_same() {
        let records = [record(1, None, "a"), record(1, None, "a")];
        let summary = Summary::of(&records);
        assert!(summary.is_clean() && summary.runs == 1);
        let records = [record(1, None, "a"), record(1, None, "b")];
        let summary = Summary::of(&records);
        assert_eq!(summary.divergent, [("x".to_owned(), 1)]);
        assert!(!summary.is_clean() && summary.text().contains("two digests"));
    }
}
