//! The history of results: one line of JSON a result, appended run by run, and its change points.

use super::case::fits;
use super::change::{Change, changes};
use super::saved::{Saved, Timings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many results of a series are looked at: the last.
const MOST: usize = 400;

/// One result of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When the run began, in seconds since 1970.
    pub began: u64,
    /// The commit.
    pub commit: String,
    /// `debug` or `release`.
    pub profile: String,
    /// The model of the processor.
    pub cpu: String,
    /// The operation.
    pub operation: String,
    /// The backend.
    pub backend: String,
    /// The middle of the timings, in nanoseconds a call.
    pub nanos: f64,
    /// How far the middle half of them lies apart, as a share.
    pub spread: f64,
    /// How many there are.
    pub blocks: usize,
}

/// What can be compared over time: the same operation, library, machine and profile.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Series {
    /// The operation.
    pub operation: String,
    /// The backend.
    pub backend: String,
    /// The model of the processor.
    pub cpu: String,
    /// `debug` or `release`.
    pub profile: String,
    /// How many results there are.
    pub results: usize,
    /// The last of them, in nanoseconds a call.
    pub last_nanos: f64,
    /// Where it changed.
    pub changes: Vec<Changed>,
}

/// A change, with the run that showed it first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changed {
    /// The first commit after it.
    pub commit: String,
    /// The last commit before it.
    pub after: String,
    /// When the first run after it began.
    pub began: u64,
    /// The time since then, over the time before.
    pub ratio: f64,
}

/// The lines that a run adds to a history.
///
/// # Errors
/// Never in practice: numbers and texts can be written.
pub fn lines(saved: &Saved) -> Result<String, String> {
    let entry = |timings: &Timings| {
        Some(Entry {
            began: saved.began,
            commit: saved.build.commit.clone(),
            profile: saved.build.profile.clone(),
            cpu: saved.machine.cpu.clone(),
            operation: timings.operation.clone(),
            backend: timings.backend.clone(),
            nanos: timings.median()?,
            spread: timings.spread()?,
            blocks: timings.nanos.len(),
        })
    };
    let line = |entry| serde_json::to_string(&entry).map(|line| line + "\n");
    let lines = saved.results.iter().filter_map(entry).map(line);
    lines.collect::<Result<String, _>>().map_err(|error| error.to_string())
}

/// The series of a history whose operations fit a pattern, and where they changed.
///
/// # Errors
/// When a line is none that [`lines`] writes.
pub fn history(text: &str, patterns: &[String]) -> Result<Vec<Series>, String> {
    let mut all: BTreeMap<[String; 4], Vec<Entry>> = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what: &str| format!("line {}: {what}", number + 1);
        let entry: Entry = serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?;
        if !entry.nanos.is_finite() || entry.nanos <= 0.0 {
            return Err(wrong("`nanos` is a number above 0"));
        }
        let Entry { operation, backend, cpu, profile, .. } = &entry;
        if patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, operation)) {
            let key = [operation, backend, cpu, profile].map(Clone::clone);
            all.entry(key).or_default().push(entry);
        }
    }
    Ok(all.into_iter().map(|(key, entries)| series(key, entries)).collect())
}

fn series([operation, backend, cpu, profile]: [String; 4], mut entries: Vec<Entry>) -> Series {
    // A history that several branches were merged into is not in order.
    entries.sort_by_key(|entry| entry.began);
    let recent = &entries[entries.len().saturating_sub(MOST)..];
    let values: Vec<f64> = recent.iter().map(|entry| entry.nanos).collect();
    let changed = |Change { at, ratio }: Change| Changed {
        commit: recent[at].commit.clone(),
        after: recent[at - 1].commit.clone(),
        began: recent[at].began,
        ratio,
    };
    let changes = changes(&values, 1).into_iter().map(changed).collect();
    let last_nanos = values.last().copied().unwrap_or_default();
    Series { operation, backend, cpu, profile, results: entries.len(), last_nanos, changes }
}

#[cfg(test)]
mod tests {
    use super::super::Build;
    use super::super::rounds::{Measured, Plan};
    use super::*;
    use std::time::Duration;

    /// A run that began at a time, with a result of so many nanoseconds.
    fn run(began: u64, nanos: f64) -> String {
        let plan = Plan { duration: Duration::ZERO, block: Duration::ZERO, seed: 1 };
        let build = Build { commit: format!("c{began}"), ..Build::default() };
        let timings = |operation: &str| Timings {
            operation: operation.to_owned(),
            nanos: vec![nanos],
            ..Timings::default()
        };
        let results = vec![timings("mac/HMAC_256"), timings("random/32B")];
        let saved = Saved { began, results, ..Saved::of(&Measured::default(), plan, &[], build) };
        lines(&saved).unwrap()
    }

    #[test]
    fn a_change_names_the_commits_around_it() {
        let nanos = |began: u64| if began < 20 { 100.0 } else { 120.0 } + (began % 3) as f64;
        // The later half was merged in front of the earlier one.
        let text: String = (15..40).chain(0..15).map(|began| run(began, nanos(began))).collect();
        let all = history(&text, &["mac/*".to_owned()]).unwrap();
        assert_eq!(all.len(), 1);
        let [change] = &all[0].changes[..] else { panic!("{all:?}") };
        assert_eq!((change.after.as_str(), change.commit.as_str()), ("c19", "c20"));
        assert!((change.ratio - 1.2).abs() < 0.02, "{change:?}");
        assert_eq!((all[0].results, history(&text, &[]).unwrap().len()), (40, 2));
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let text = run(1, 1.0) + "{}\n";
        assert!(history(&text, &[]).unwrap_err().starts_with("line 3: missing field"));
        let text = run(1, 1.0).replace("\"nanos\":1.0", "\"nanos\":-1.0");
        assert!(history(&text, &[]).unwrap_err().contains("line 1: `nanos`"));
    }
}
