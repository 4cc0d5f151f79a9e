//! One run as one HTML file: styles and pictures inside, nothing fetched, and no script but that of
//! the space-time diagram.
//!
//! The verdict and the command that replays it come first; whoever stops reading there has read the
//! most important thing. Every value goes through a template that escapes it; only charts, which escape
//! their own text, are inserted as they are.

mod capacity;
mod evidence;
mod fleet;
mod index;
mod load;
mod measured;
mod shell;
mod trace;

use maud::{Markup, html};

pub use capacity::capacities;
pub use index::index;
pub use measured::{charts, load};
pub use trace::trace;

use crate::data::{Micros, RunReport, Verdict};
use crate::format::{decimal, share, span, thousands};
use crate::verdict::{Tally, sentence, word};
use shell::{Table, document, section};

/// The report page of a run.
#[must_use]
pub fn page(report: &RunReport) -> String {
    let title =
        format!("{} – {}, seed {}", word(report.verdict), report.scenario.name, report.seed);
    let body = html! {
        (banner(report))
        main {
            (key_figures(report))
            (evidence::violations(report))
            @if let Some(shown) = &report.trace { (trace::diagram(shown)) }
            (evidence::oracles(report))
            (load::requests(report))
            (load::latency(report))
            (evidence::timeline(report))
            (load::errors(report))
            (fleet::fleet(report))
            (probes(report))
            (phases(report))
            (parameters(report))
            (provenance(report))
        }
    };
    document(&title, &body)
}

fn banner(report: &RunReport) -> Markup {
    html! {
        header class={ "banner " (class(report.verdict)) } {
            div.inner {
                h1 {
                    span.verdict { (word(report.verdict)) }
                    " " span.scenario { (report.scenario.name) }
                    " " span.seed { "seed " (report.seed) }
                }
                p.sentence { (sentence(report)) }
                div.replay {
                    p { "Replay" }
                    pre { code { (report.replay) } }
                }
                @if !report.scenario.description.is_empty() {
                    p.description { (report.scenario.description) }
                }
            }
        }
    }
}

/// The CSS class of a verdict.
const fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Violations => "fail",
        Verdict::ExpectedViolation => "expected",
    }
}

fn key_figures(report: &RunReport) -> Markup {
    let asks = report.counts.asks.iter();
    let asks: Vec<String> = asks.map(|(peer, n)| format!("{} to {peer}", thousands(*n))).collect();
    let list = html! {
        dl.figures {
            @for (name, value, remark) in answers(report).into_iter().chain(work(report)) {
                div { dt { (name) } dd { strong { (value) } small { (remark) } } }
            }
        }
        @if !asks.is_empty() {
            p.note { "Asks of peers: " (asks.join(", ")) "." }
        }
    };
    section("figures", "Key figures", &list)
}

/// A key figure: what it counts, its value, and a remark.
type Figure = (&'static str, String, String);

/// What became of the requests.
fn answers(report: &RunReport) -> [Figure; 5] {
    let counts = &report.counts;
    let (answered, failed) = (counts.answered, counts.all_failed());
    let part = |name, n| (name, thousands(n), format!("{} of answered", share(n, answered)));
    let requests =
        ("Requests", thousands(counts.requests), "each once, with its last answer".to_owned());
    let answers = ("Answered", thousands(answered), share(answered, counts.requests));
    [
        requests,
        answers,
        part("Succeeded", counts.succeeded),
        part("Throttled", counts.throttled),
        part("Failed", failed),
    ]
}

/// What it took.
fn work(report: &RunReport) -> [Figure; 5] {
    let counts = &report.counts;
    let figure = |name, n, remark: &str| (name, thousands(n), remark.to_owned());
    let wall = format!("in {} s", decimal(report.wall_seconds, 2));
    [
        figure("Retries", counts.retries, "attempts beyond the first"),
        ("Simulated time", span(report.simulated), wall),
        figure("Messages", counts.messages, "over the simulated network"),
        figure("Changes", counts.changes, "appended to journals"),
        figure("Tasks", counts.tasks, "rotations and deletions"),
    ]
}

/// Nothing, where nobody looked.
fn probes(report: &RunReport) -> Markup {
    if report.probes.is_empty() {
        return html! {};
    }
    let rows = report.probes.iter().map(|(name, hits)| {
        html! { tr { td { code { (name) } } td.number { (thousands(*hits)) } } }
    });
    let table =
        Table { caption: "What really happened, and how often", columns: &["Probe", "#Hits"] };
    section("probes", "Probes", &table.of(rows))
}

fn phases(report: &RunReport) -> Markup {
    let rows = report.phases.iter().map(|phase| {
        let lasted = phase.until.0.saturating_sub(phase.from.0);
        html! {
            tr {
                td { (phase.name) }
                td.number { (span(phase.from)) }
                td.number { (span(phase.until)) }
                td.number { (span(Micros(lasted))) }
            }
        }
    });
    let table = Table {
        caption: "The phases of the scenario, in simulated time",
        columns: &["Phase", "#From", "#Until", "#Lasted"],
    };
    section("phases", "Phases", &table.of(rows))
}

fn parameters(report: &RunReport) -> Markup {
    let rows = report.parameters.iter().map(|parameter| {
        html! {
            tr {
                td { code { (parameter.name) } }
                td.number { (parameter.value) }
                td { (parameter.unit) }
                td { (parameter.source) }
            }
        }
    });
    let table = Table {
        caption: "What the run depended on, and where each value comes from",
        columns: &["Parameter", "#Value", "Unit", "Source"],
    };
    section("parameters", "Parameters", &table.of(rows))
}

fn provenance(report: &RunReport) -> Markup {
    let tally = Tally::of(report);
    let facts = [
        ("keyquake", report.tool.version.clone()),
        ("Commit", report.tool.commit.clone()),
        ("Scenario", report.scenario.name.clone()),
        ("Seed", report.seed.to_string()),
        ("Digest of the history", report.digest.clone()),
        ("Oracles", (tally.passed + tally.violated + tally.cannot_judge).to_string()),
        ("Form of this report", format!("schema {}", report.schema_version)),
    ];
    let list = html! {
        dl.facts {
            @for (name, value) in &facts {
                div { dt { (name) } dd { code { (value) } } }
            }
        }
    };
    section("provenance", "Provenance", &list)
}
