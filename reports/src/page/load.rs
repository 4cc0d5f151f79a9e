//! The sections about load: requests against documented limits, latency, and errors.

use maud::{Markup, html};

use super::shell::{Table, figure, section};
use crate::chart::{ErrorsChart, LatencyChart, RequestsChart};
use crate::data::{Latency, Limit, RunReport, Series};
use crate::format::{span, thousands};

/// One chart for each Region and quota pool that saw requests.
pub(super) fn requests(report: &RunReport) -> Markup {
    let content = html! {
        @if report.series.is_empty() { p.note { "No requests were recorded over time." } }
        @else {
            p.note { "Every attempt counts here, in the step in which it was sent: a quota is asked each time." }
        }
        @for name in report.regions() { (region(report, name)) }
    };
    section("requests", "Requests against documented limits", &content)
}

fn region(report: &RunReport, name: &str) -> Markup {
    let in_region = report.series.iter().filter(|series| series.region == name);
    let (busy, idle): (Vec<&Series>, Vec<&Series>) =
        in_region.partition(|series| series.total().offered > 0);
    let idle: Vec<&str> = idle.iter().map(|series| series.pool.as_str()).collect();
    html! {
        h3 { (name) }
        @for series in &busy { (pool(report, series)) }
        @if busy.is_empty() {
            p.note { "No requests in " (name) "." }
        } @else if !idle.is_empty() {
            p.note { "No requests in " (idle.join(", ")) "." }
        }
    }
}

fn pool(report: &RunReport, series: &Series) -> Markup {
    let total = series.total();
    let answered = [total.admitted, total.throttled, total.errors];
    let unanswered = answered.into_iter().fold(total.offered, u64::saturating_sub);
    html! {
        div.pool {
            p.pool-title {
                strong { (series.pool) }
                span {
                    (thousands(total.offered)) " offered, " (thousands(total.admitted))
                    " admitted, " (thousands(total.throttled)) " throttled, "
                    (thousands(total.errors)) " errors"
                    @if unanswered > 0 { ", " (thousands(unanswered)) " never answered" }
                    "; one step is " (span(series.width))
                }
            }
            (figure(&RequestsChart::new(series, report)))
            @if let Some(limit) = &series.limit { (source(limit)) }
        }
    }
}

fn source(limit: &Limit) -> Markup {
    html! {
        p.source {
            "Limit: " (limit.source)
            @if limit.assumed { " " span.badge.blind { "assumed" } }
        }
    }
}

/// Latency of each operation, as a picture and as figures.
pub(super) fn latency(report: &RunReport) -> Markup {
    let measured: Vec<&Latency> = report.latencies.iter().filter(|l| l.count > 0).collect();
    let content = html! {
        @if measured.is_empty() {
            p.note { "No latency was measured." }
        } @else {
            (figure(&LatencyChart::new(&report.latencies)))
            (latency_table(&measured))
        }
    };
    section("latency", "Latency", &content)
}

fn latency_table(measured: &[&Latency]) -> Markup {
    let rows = measured.iter().map(|latency| {
        html! {
            tr {
                td { (latency.operation) }
                td.number { (thousands(latency.count)) }
                @for quantile in [0.5, 0.9, 0.99, 0.999, 1.0] {
                    td.number { (latency.at(quantile).map_or_else(|| "–".into(), span)) }
                }
            }
        }
    });
    let table = Table {
        caption: "From a client’s first attempt to its final answer",
        columns: &["Operation", "#Requests", "#p50", "#p90", "#p99", "#p99.9", "#Maximum"],
    };
    table.of(rows)
}

/// The errors that ended requests, by name.
pub(super) fn errors(report: &RunReport) -> Markup {
    let chart = ErrorsChart::new(&report.counts);
    let content = html! {
        @if chart.is_empty() {
            p.note { "No request ended with an error." }
        } @else {
            (figure(&chart))
        }
    };
    section("errors", "Errors", &content)
}
