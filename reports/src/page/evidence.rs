//! The sections that carry the verdict: violations, oracles, and what was done to the run.

use maud::{Markup, html};

use super::shell::{Table, figure, section};
use crate::chart::TimelineChart;
use crate::data::{EventLine, Micros, Oracle, OracleVerdict, RunReport, Violation};
use crate::format::{instant, span, thousands};

/// The violations with the history around each; nothing at all if there are none.
pub(super) fn violations(report: &RunReport) -> Markup {
    if report.violations.is_empty() {
        return html! {};
    }
    let list = html! { @for violation in &report.violations { (card(violation)) } };
    section("violations", "Violations", &list)
}

fn card(violation: &Violation) -> Markup {
    html! {
        article.violation {
            h3 { (violation.oracle) }
            p.where {
                "at " span.nobreak { (instant(violation.at)) } " on " code { (violation.node) }
            }
            p { (violation.message) }
            @if !violation.events.is_empty() { (history(violation)) }
        }
    }
}

fn history(violation: &Violation) -> Markup {
    let here = |event: &EventLine| event.at == violation.at && event.node == violation.node;
    let rows = violation.events.iter().map(|event| {
        html! {
            tr.here[here(event)] {
                td.number { (instant(event.at)) }
                td { code { (event.node) } }
                td { (event.text) }
            }
        }
    });
    let columns = &["#At", "Node", "Event"];
    Table { caption: "History around the violation", columns }.of(rows)
}

/// Every oracle: what it checked, how much it judged, and its verdict.
pub(super) fn oracles(report: &RunReport) -> Markup {
    let rows = report.oracles.iter().map(oracle);
    let table = Table {
        caption: "An oracle that cannot judge is never counted as passed",
        columns: &["Oracle", "Checks that", "#Judged", "Verdict"],
    };
    section("oracles", "Oracles", &table.of(rows))
}

fn oracle(oracle: &Oracle) -> Markup {
    let (class, words) = match &oracle.verdict {
        OracleVerdict::Passed => ("pass", "passed"),
        OracleVerdict::Violated => ("fail", "violated"),
        OracleVerdict::CannotJudge { .. } => ("blind", "cannot judge"),
    };
    html! {
        tr {
            td { code { (oracle.name) } }
            td { (oracle.checks) }
            td.number { (thousands(oracle.judged)) }
            td {
                span class={ "badge " (class) } { (words) }
                @if let OracleVerdict::CannotJudge { reason } = &oracle.verdict {
                    small { (reason) }
                }
            }
        }
    }
}

/// The timeline of faults and events, and the same as a table.
pub(super) fn timeline(report: &RunReport) -> Markup {
    let chart = TimelineChart::new(report);
    let content = html! {
        @if chart.is_empty() {
            p.note { "Nothing was done to this run." }
        } @else {
            (figure(&chart))
            details { summary { "Faults and events as a table" } (timeline_table(report)) }
        }
    };
    section("timeline", "Faults and events", &content)
}

fn timeline_table(report: &RunReport) -> Markup {
    let faults = report
        .faults
        .iter()
        .map(|fault| (fault.from, Some(fault.until), &fault.kind, &fault.target, &fault.label));
    let events = report
        .events
        .iter()
        .map(|event| (event.at, None, &event.kind, &event.target, &event.label));
    let mut lines: Vec<_> = faults.chain(events).collect();
    lines.sort_by_key(|(from, ..)| *from);
    let rows = lines.into_iter().map(|(from, until, kind, target, label)| {
        html! {
            tr {
                td.number { (instant(from)) }
                td.number { (until.map_or_else(String::new, |until| lasted(from, until))) }
                td { code { (kind) } }
                td { code { (target) } }
                td { (label) }
            }
        }
    });
    let columns = &["#From", "#Lasted", "Kind", "Target", "What"];
    Table { caption: "Everything that was done to the run, in order", columns }.of(rows)
}

fn lasted(from: Micros, until: Micros) -> String {
    span(Micros(until.0.saturating_sub(from.0)))
}
