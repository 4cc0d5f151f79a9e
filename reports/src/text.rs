//! The summary of a run for a terminal: the verdict first, then the figures in aligned columns.

use std::collections::BTreeMap;

use crate::data::{Oracle, OracleVerdict, RunReport, Verdict};
use crate::format::{counted, decimal, instant, printable, share, span, thousands};
use crate::verdict::{Tally, sentence, word};

/// Violations beyond this many are counted; the report page has them all.
const MOST_VIOLATIONS: usize = 5;
/// Names beyond this many are left out of a list of counts.
const MOST_NAMES: usize = 4;

/// Whether the summary may use colours. Whoever knows the terminal decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Text alone.
    Plain,
    /// ANSI colours.
    Ansi,
}

/// The summary of a run, ending with a line break; `page` is where the report page was written.
#[must_use]
pub fn summary(report: &RunReport, page: Option<&str>, colour: Colour) -> String {
    let mut text = banner(report, colour);
    text.push('\n');
    text.push_str(&table(&figures(report)));
    text.push('\n');
    text.push_str(&table(&identity(report, page)));
    text.push_str(&violations(report, colour));
    text
}

fn banner(report: &RunReport, colour: Colour) -> String {
    let verdict = match report.verdict {
        Verdict::Pass => paint(word(report.verdict), "1;32", colour),
        Verdict::Violations => paint(word(report.verdict), "1;31", colour),
        Verdict::ExpectedViolation => paint(word(report.verdict), "1;33", colour),
    };
    let scenario = paint(&printable(&report.scenario.name), "1", colour);
    format!("{verdict}  {scenario}, seed {}\n{}\n", report.seed, sentence(report))
}

/// A line of the summary: what it is, its value, and a remark.
type Line = (&'static str, String, String);

fn figures(report: &RunReport) -> Vec<Line> {
    let counts = &report.counts;
    let of_answered = |n| share(n, counts.answered);
    let plain = |name, n| (name, thousands(n), String::new());
    let part = |name, n| (name, thousands(n), of_answered(n));
    let failed = counts.all_failed();
    let failures = match names(&counts.failed) {
        list if list.is_empty() => of_answered(failed),
        list => format!("{}: {list}", of_answered(failed)),
    };
    let answered = share(counts.answered, counts.requests);
    vec![
        plain("requests", counts.requests),
        ("answered", thousands(counts.answered), answered),
        part("succeeded", counts.succeeded),
        part("throttled", counts.throttled),
        ("failed", thousands(failed), failures),
        plain("retries", counts.retries),
        plain("messages", counts.messages),
        plain("changes", counts.changes),
        plain("tasks", counts.tasks),
        ("asks", thousands(counts.all_asks()), names(&counts.asks)),
    ]
}

fn identity(report: &RunReport, page: Option<&str>) -> Vec<Line> {
    let tally = Tally::of(report);
    let oracles = format!(
        "{} passed, {} violated, {} could not judge",
        tally.passed, tally.violated, tally.cannot_judge
    );
    let doubts = report.oracles.iter().filter_map(doubt);
    let wall = decimal(report.wall_seconds, 2);
    let mut lines = vec![("oracles", String::new(), oracles)];
    lines.extend(doubts.map(|doubt| ("", String::new(), doubt)));
    lines.extend([
        ("simulated", String::new(), format!("{} in {wall} s", span(report.simulated))),
        ("digest", String::new(), printable(&report.digest)),
        ("replay", String::new(), printable(&report.replay)),
    ]);
    lines.extend(page.map(|path| ("report", String::new(), printable(path))));
    lines
}

/// Which oracle could not judge, and why.
fn doubt(oracle: &Oracle) -> Option<String> {
    let OracleVerdict::CannotJudge { reason } = &oracle.verdict else { return None };
    Some(format!("{}: {}", printable(&oracle.name), printable(reason)))
}

/// Names on the left, values aligned to the right, remarks behind them.
fn table(lines: &[Line]) -> String {
    let width = lines.iter().map(|(_, value, _)| value.chars().count()).max().unwrap_or(0);
    let gap = if width == 0 { "" } else { "  " };
    let line = |(name, value, remark): &Line| {
        let line = format!("  {name:<10}{value:>width$}{gap}{remark}");
        format!("{}\n", line.trim_end())
    };
    lines.iter().map(line).collect()
}

fn violations(report: &RunReport, colour: Colour) -> String {
    let mut text = String::new();
    for violation in report.violations.iter().take(MOST_VIOLATIONS) {
        let oracle = paint(&printable(&violation.oracle), "31", colour);
        let (at, node) = (instant(violation.at), printable(&violation.node));
        text.push_str(&format!("\n  {oracle} at {at} on {node}\n"));
        text.push_str(&format!("    {}\n", printable(&violation.message)));
    }
    match report.violations.len().saturating_sub(MOST_VIOLATIONS) {
        0 => text,
        more => format!("{text}\n  and {}\n", counted(more as u64, "more violation")),
    }
}

/// The most frequent names with their counts.
fn names(counts: &BTreeMap<String, u64>) -> String {
    let mut sorted: Vec<_> = counts.iter().filter(|(_, n)| **n > 0).collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let shown = sorted.iter().take(MOST_NAMES);
    let mut words: Vec<String> =
        shown.map(|(name, n)| format!("{} {}", printable(name), thousands(**n))).collect();
    if sorted.len() > MOST_NAMES {
        words.push(format!("{} more", sorted.len() - MOST_NAMES));
    }
    words.join(", ")
}

fn paint(text: &str, code: &str, colour: Colour) -> String {
    match colour {
        Colour::Plain => text.to_owned(),
        Colour::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Counts, Micros, Scenario, Tool, Violation};

    fn report() -> RunReport {
        let tool = Tool { version: "0.1.0".into(), commit: "abc".into() };
        let scenario = Scenario { name: "regions/partition".into(), description: String::new() };
        let mut report = RunReport::new(tool, scenario, 42, Verdict::Violations);
        report.replay = "keyquake sim run regions/partition --seed 42".into();
        report.digest = "9f2c41".into();
        report.simulated = Micros::seconds(90);
        report.wall_seconds = 1.236;
        report.counts = Counts {
            requests: 12_000,
            answered: 11_900,
            succeeded: 11_000,
            throttled: 890,
            failed: [("KMSInternalException".to_owned(), 10)].into(),
            ..Counts::default()
        };
        report.violations.push(Violation {
            oracle: "no-use-after-deletion".into(),
            at: Micros(31_204_118),
            node: "us-east-1/host-0".into(),
            message: "Decrypt answered\u{1b}[2J".into(),
            events: Vec::new(),
        });
        report
    }

    #[test]
    fn the_summary_is_aligned_and_says_how_to_replay() {
        let expected = "\
Fail  regions/partition, seed 42
1 violation, found by 0 oracles.

  requests  12,000
  answered  11,900  99.2 %
  succeeded 11,000  92.4 %
  throttled    890  7.5 %
  failed        10  0.08 %: KMSInternalException 10
  retries        0
  messages       0
  changes        0
  tasks          0
  asks           0

  oracles   0 passed, 0 violated, 0 could not judge
  simulated 1 min 30 s in 1.24 s
  digest    9f2c41
  replay    keyquake sim run regions/partition --seed 42
  report    runs/x/report.html

  no-use-after-deletion at 31.204118 s on us-east-1/host-0
    Decrypt answered\u{fffd}[2J
";
        assert_eq!(summary(&report(), Some("runs/x/report.html"), Colour::Plain), expected);
    }

    #[test]
    fn an_oracle_that_could_not_judge_says_why() {
        let mut report = report();
        report.oracles = vec![Oracle {
            name: "quota".into(),
            checks: String::new(),
            judged: 0,
            verdict: OracleVerdict::CannotJudge { reason: "nothing happened".into() },
        }];
        let text = summary(&report, None, Colour::Plain);
        let expected = "
  oracles   0 passed, 0 violated, 1 could not judge
            quota: nothing happened
  simulated";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn colour_is_only_where_it_was_asked_for() {
        let coloured = summary(&report(), None, Colour::Ansi);
        assert!(coloured.starts_with("\u{1b}[1;31mFail\u{1b}[0m"));
        assert!(!summary(&report(), None, Colour::Plain).contains('\u{1b}'));
    }
}
