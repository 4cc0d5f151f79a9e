//! The page of a measured load.

use maud::{Markup, html};

use super::shell::{Table, document, figure, section};
use crate::chart::lines::{duration, middle};
use crate::chart::{Line, LinesChart, Scale};
use crate::data::{Interval, LoadReport, QuotaUse};
use crate::format::{decimal, measured, thousands};
use std::borrow::Cow;

/// How many quotas the chart shows.
const MOST_SHARES: usize = 5;

/// The page of a load.
#[must_use]
pub fn load(report: &LoadReport) -> String {
    let charts = charts(report);
    let body = html! {
        header class=(if report.warnings.is_empty() { "banner" } else { "banner expected" }) {
            div.inner {
                h1 { span.verdict { "Load" } " " span.scenario { (report.title) } }
                p.sentence { (report.sentence) }
                @for warning in &report.warnings { p.description { (warning) } }
            }
        }
        main {
            (section("figures", "Key figures", &key_figures(report)))
            @for (id, title, chart) in &charts { (section(id, title, &figure(chart))) }
            (section("latency", "Latency", &latencies(report)))
            @if !report.quotas.is_empty() { (section("quotas-table", "Request quotas", &quotas(report))) }
            (section("errors", "Errors", &errors(report)))
            (section("set-up", "Set-up", &set_up(report)))
        }
    };
    document(&format!("Load – {}", report.title), &body)
}

/// The pictures of a load: an id, a title, and the chart, which can also stand alone.
#[must_use]
pub fn charts(report: &LoadReport) -> Vec<(&'static str, &'static str, LinesChart)> {
    let course = &report.course;
    let until = course.last().map_or(1.0, |last| last.from + last.seconds);
    let line = |name: &'static str, value: fn(&Interval) -> f64| {
        let point = |at: &Interval| (middle(at.from, at.seconds), value(at));
        Line { name: Cow::from(name), points: course.iter().map(point).collect() }
    };
    let offered = course.iter().filter_map(|at| Some((middle(at.from, at.seconds), at.offered?)));
    let mut rates = vec![
        // What was answered is drawn over what was offered, which hides it where both are the same.
        Line { name: "offered".into(), points: offered.collect() },
        line("answered", |at| at.answered),
        line("late", |at| at.late),
        line("throttled", |at| at.throttled),
    ];
    rates.retain(|line| !line.points.is_empty());
    let responses = vec![
        line("p50", |at| duration(at.response[0])),
        line("p99", |at| duration(at.response[1])),
        line("p99.9", |at| duration(at.response[2])),
        line("maximum", |at| duration(at.response[3])),
    ];
    let per_second = "calls a second";
    #[expect(clippy::cast_precision_loss, reason = "connections and threads are few")]
    let flight = vec![line("in flight", |at| at.in_flight as f64)];
    let mut charts = vec![
        ("throughput", "Throughput", LinesChart::new(per_second, Scale::Linear, until, rates)),
        (
            "response",
            "Response time from the intended start",
            LinesChart::new("response time", Scale::Durations, until, responses),
        ),
        (
            "in-flight",
            "Calls under way",
            LinesChart::new("the most calls at once", Scale::Counts, until, flight),
        ),
    ];
    if !report.quotas.is_empty() {
        let shares = LinesChart::new("% of a quota", Scale::Linear, until, shares(report));
        let shares = shares.with_limit(Some(("all of it".to_owned(), 100.0)));
        charts.push(("quotas", "What was drawn from request quotas", shares));
    }
    charts
}

/// How much of each quota was drawn, in percent; those that were drawn from most.
fn shares(report: &LoadReport) -> Vec<Line> {
    let mut quotas: Vec<_> = report.quotas.iter().enumerate().collect();
    quotas.sort_by(|(_, one), (_, other)| other.busiest.total_cmp(&one.busiest));
    let line = |(number, quota): (usize, &QuotaUse)| {
        let share = |at: &Interval| 100.0 * at.pooled[number] / quota.per_second;
        let point = |at: &Interval| (middle(at.from, at.seconds), share(at));
        Line { name: quota.pool.clone().into(), points: report.course.iter().map(point).collect() }
    };
    quotas.into_iter().take(MOST_SHARES).map(line).collect()
}

fn key_figures(report: &LoadReport) -> Markup {
    html! {
        dl.figures {
            @for (name, value, remark) in &report.figures {
                div { dt { (name) } dd { strong { (thousands(*value)) } small { (remark) } } }
            }
        }
    }
}

fn latencies(report: &LoadReport) -> Markup {
    let rows = report.latencies.iter().map(|(name, times)| {
        html! { tr { td { (name) } @for time in times { td.number { (measured(*time)) } } } }
    });
    let table = Table {
        caption: "Response counts from the intended start, service from the sending; lag lies between. \
                  They are of every answer, but success is of successes alone",
        columns: &["", "#p50", "#p90", "#p99", "#p99.9", "#p99.99", "#Maximum"],
    };
    table.of(rows)
}

fn quotas(report: &LoadReport) -> Markup {
    let rows = report.quotas.iter().map(|quota| {
        html! {
            tr {
                td { (quota.pool) }
                td.number { (decimal(quota.per_second, 2)) }
                td.number { (thousands(quota.calls)) }
                td.number { (decimal(100.0 * quota.busiest, 1)) " %" }
            }
        }
    });
    let table = Table {
        caption: "What the calls draw from, over all accounts and Regions of the load",
        columns: &["Pool", "#Admits a second", "#Calls", "#Busiest interval"],
    };
    table.of(rows)
}

fn errors(report: &LoadReport) -> Markup {
    let rows = report.errors.iter().map(|(name, count)| {
        html! { tr { td { (name) } td.number { (thousands(*count)) } } }
    });
    Table { caption: "Answers that were errors", columns: &["Error", "#Answers"] }.of(rows)
}

fn set_up(report: &LoadReport) -> Markup {
    let rows = report.set_up.iter().map(|(name, value)| {
        html! { tr { td { (name) } td { (value) } } }
    });
    Table { caption: "What was run", columns: &["", ""] }.of(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Chart;
    use crate::data::Micros;
    use crate::format::Nanos;

    fn report() -> LoadReport {
        let interval = |second: u32| Interval {
            from: second.into(),
            seconds: 1.0,
            offered: Some(100.0),
            answered: 90.0 + f64::from(second),
            pooled: vec![0.9, 96.0],
            response: [Micros(900), Micros(9_000), Micros(20_000), Micros(90_000)],
            ..Interval::default()
        };
        LoadReport {
            title: "quickstart <over> HTTP".into(),
            sentence: "930 calls.".into(),
            figures: vec![("Calls".into(), 9_300, String::new())],
            latencies: vec![("response".into(), [Nanos(28); 6])],
            errors: vec![("NotFoundException".into(), 3)],
            course: (0..10).map(interval).collect(),
            quotas: vec![
                QuotaUse { pool: "rsa".into(), per_second: 9.0, calls: 3, busiest: 0.1 },
                QuotaUse { pool: "symmetric".into(), per_second: 120.0, calls: 900, busiest: 0.8 },
            ],
            ..LoadReport::default()
        }
    }

    #[test]
    fn a_page_is_complete_and_fetches_nothing() {
        let page = load(&report());
        assert!(page.contains("quickstart &lt;over&gt; HTTP") && !page.contains("<over>"));
        assert_eq!(page.matches("<svg ").count(), 4, "a picture each");
        for word in
            ["Throughput", "p99.9", "NotFoundException", "28 ns", "all of it", "80 %", "9,300"]
        {
            assert!(page.contains(word), "{word}");
        }
        let fetched = ["<script", "src=", "href=\"http", "@import", "url("];
        assert!(fetched.iter().all(|word| !page.contains(word)));
        assert_eq!(page, load(&report()), "equal data give an equal page");
    }

    #[test]
    fn every_picture_stands_alone() {
        for (id, _, chart) in charts(&report()) {
            let svg = chart.svg().unwrap();
            roxmltree::Document::parse(&svg).unwrap_or_else(|error| panic!("{id}: {error}"));
        }
        let closed = LoadReport {
            course: vec![Interval { seconds: 1.0, ..Interval::default() }],
            quotas: Vec::new(),
            ..report()
        };
        let charts = charts(&closed);
        assert_eq!(charts.len(), 3, "no quota, no chart of it");
        assert!(!charts[0].2.title().contains("offered"), "{}", charts[0].2.title());
        charts.iter().for_each(|(.., chart)| assert!(chart.svg().is_ok()));
    }
}
