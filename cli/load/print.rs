//! What a load came to, for people.

use crate::terminal;
use loadgen::{Distribution, Finding, Outcome, Word};
use std::path::Path;

/// Nanoseconds, in the unit that reads best.
pub(super) fn time(nanos: u64) -> String {
    let value = nanos as f64;
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} µs", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

/// What a load came to.
pub(super) fn summary(outcome: &Outcome, kept: Option<&Path>) -> String {
    let counts = &outcome.counts;
    let mut text = format!(
        "{} · seed {} · {} calls in {:.2} s: {:.0} a second\n",
        outcome.configuration.scenario,
        outcome.configuration.seed,
        counts.sent,
        outcome.seconds,
        outcome.achieved_per_second,
    );
    text += &format!(
        "succeeded {} · throttled {} · failed {} · late {} · dropped {}\n\n",
        counts.succeeded,
        counts.throttled,
        counts.failed.values().sum::<u64>(),
        counts.late,
        counts.dropped,
    );
    let row = |name: &str, d: &Distribution| {
        [name.to_owned(), time(d.p50), time(d.p90), time(d.p99), time(d.p99_9), time(d.max)]
    };
    let head = ["", "p50", "p90", "p99", "p99.9", "max"].map(str::to_owned);
    text += &terminal::table(&[
        head,
        row("response", &outcome.response),
        row("service", &outcome.service),
        row("lag", &outcome.lag),
    ]);
    if counts.parted > 0 {
        text += &format!("parted with {} keys and grants of before\n", counts.parted);
    }
    if counts.unparted > 0 {
        text += &format!("could not part with {} keys and grants of before\n", counts.unparted);
    }
    for (name, count) in &counts.failed {
        text += &format!("{count} {name}\n");
    }
    if !outcome.oracles.is_empty() {
        let rows: Vec<_> = outcome.oracles.iter().map(finding).collect();
        text += &format!("\n{}", terminal::table(&rows));
    }
    if let Some(cause) = outcome.late_because {
        text += &format!("{}\n", cause.said());
    }
    if outcome.interrupted {
        text += "Broken off: this is what was measured until then.\n";
    }
    if let Some(folder) = kept {
        text += &format!("kept in {}\n", folder.display());
    }
    text
}

/// An oracle, its verdict, and what it judged or why it cannot.
fn finding(finding: &Finding) -> [String; 3] {
    let (word, remark) = match finding.verdict {
        Word::Passed => ("passed", format!("{} judged", finding.judged)),
        Word::Violated => ("VIOLATED", finding.violations.join("; ")),
        Word::CannotJudge => ("cannot judge", finding.because.clone().unwrap_or_default()),
    };
    [finding.oracle.clone(), word.to_owned(), remark]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_unit_that_reads_best() {
        let shown = [999, 1_500, 2_340_000, 3_000_000_000].map(time);
        assert_eq!(shown, ["999 ns", "1.5 µs", "2.34 ms", "3.00 s"]);
    }
}
