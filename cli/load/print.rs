//! What a load came to, for people.

use crate::terminal;
use loadgen::{Distribution, Finding, Outcome, Word};
use reports::{Nanos, measured};
use std::path::Path;

/// Nanoseconds, as the page of the load shows them.
pub(super) fn time(nanos: u64) -> String {
    measured(Nanos(nanos))
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
        row("success", &outcome.success),
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
    fn times_of_successes_stand_beside_those_of_every_answer() {
        let mut outcome = Outcome::default();
        (outcome.response.p50, outcome.success.p50) = (900, 40_000_000);
        let text = summary(&outcome, None);
        let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        assert!(row("response").contains("900 ns"), "{text}");
        assert!(row("success").contains("40.00 ms"), "{text}");
    }
}
