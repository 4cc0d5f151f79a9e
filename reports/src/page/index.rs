//! The page over a folder of runs: what failed first, each with a link to its own page.

use maud::{Markup, html};

use super::class;
use super::shell::{Table, document, section};
use crate::data::{RunReport, Verdict};
use crate::format::{counted, decimal, share, span, thousands};
use crate::verdict::{sentence, word};

/// The index of many runs. It belongs into the folder that holds each run's
/// [`folder_name`](RunReport::folder_name) with the page as `report.html`.
#[must_use]
pub fn index(reports: &[RunReport]) -> String {
    let mut runs: Vec<&RunReport> = reports.iter().collect();
    runs.sort_by_key(|run| (rank(run.verdict), &run.scenario.name, run.seed));
    let (class, headline) = overall(reports);
    let count = counted(reports.len() as u64, "run");
    let body = html! {
        header class={ "banner " (class) } {
            div.inner {
                h1 { span.verdict { (headline) } " " span.scenario { (count) } }
                p.sentence { (outcome(reports)) }
            }
        }
        main { (section("runs", "Runs", &table(&runs))) }
    };
    document(&format!("{headline} – {count}"), &body)
}

/// The class and the word for all runs together; no run at all is no pass.
fn overall(reports: &[RunReport]) -> (&'static str, &'static str) {
    let worst = reports.iter().map(|run| run.verdict).min_by_key(|verdict| rank(*verdict));
    match worst {
        None => (class(Verdict::ExpectedViolation), "Nothing ran"),
        Some(Verdict::Violations) => (class(Verdict::Violations), word(Verdict::Violations)),
        Some(_) => (class(Verdict::Pass), word(Verdict::Pass)),
    }
}

/// Failures first: they are what the reader came for.
const fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Violations => 0,
        Verdict::ExpectedViolation => 1,
        Verdict::Pass => 2,
    }
}

fn outcome(reports: &[RunReport]) -> String {
    let of = |verdict| reports.iter().filter(|run| run.verdict == verdict).count() as u64;
    format!(
        "{} passed, {} failed, {} found what their scenario announced.",
        thousands(of(Verdict::Pass)),
        thousands(of(Verdict::Violations)),
        thousands(of(Verdict::ExpectedViolation))
    )
}

fn table(runs: &[&RunReport]) -> Markup {
    let rows = runs.iter().map(|run| {
        let counts = &run.counts;
        html! {
            tr {
                td { span class={ "badge " (class(run.verdict)) } { (word(run.verdict)) } }
                td {
                    a href=(format!("{}/report.html", run.folder_name())) { (run.scenario.name) }
                    small { (sentence(run)) }
                }
                td.number { (run.seed) }
                td.number { (thousands(counts.requests)) }
                td.number { (share(counts.succeeded, counts.answered)) }
                td.number { (span(run.simulated)) }
                td.number { (decimal(run.wall_seconds, 2)) " s" }
            }
        }
    });
    let columns =
        &["Verdict", "Scenario", "#Seed", "#Requests", "#Succeeded", "#Simulated", "#Took"];
    Table { caption: "Failures first, then by scenario and seed", columns }.of(rows)
}
