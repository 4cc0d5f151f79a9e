//! The space-time diagram of a run: lanes for nodes, arrows for messages, marks for what nodes did.
//!
//! The diagram is drawn by a script in the page, because a picture of 50,000 arrows is only readable
//! where one can zoom and filter. Its data lies beside it, in columns, as small as JSON can be. What led
//! to the violation is a table too, for whoever reads without scripts or on paper.

use maud::{Markup, PreEscaped, html};
use serde::Serialize;
use std::collections::BTreeMap;

use super::shell::{Table, document, section};
use crate::data::{Arrow, Mark, Micros, Trace};
use crate::format::{instant, span, thousands};

/// One function, so that its names stay its own.
const SCRIPT: &str = concat!(
    "\"use strict\";\n(() => {\n",
    include_str!("trace/data.js"),
    include_str!("trace/controls.js"),
    include_str!("trace/shown.js"),
    include_str!("trace/drawing.js"),
    include_str!("trace/moving.js"),
    "})();\n",
);

/// So many rows of the past of a violation are listed: the last ones.
const LISTED: usize = 60;

/// A page with nothing but the space-time diagram of a run.
#[must_use]
pub fn trace(trace: &Trace) -> String {
    let title = format!("Trace of {}, seed {}", trace.scenario.name, trace.seed);
    let class = if trace.violation.is_some() { "fail" } else { "pass" };
    let body = html! {
        header class={ "banner slim " (class) } {
            div.inner {
                h1 {
                    span.verdict { "Trace" }
                    " " span.scenario { (trace.scenario.name) }
                    " " span.seed { "seed " (trace.seed) }
                }
                @if let Some(found) = &trace.violation {
                    p.sentence { (found.oracle) ": " (found.message) }
                }
                div.replay { p { "Replay" } pre { code { (trace.replay) } } }
            }
        }
        main.wide { (diagram(trace)) }
    };
    document(&title, &body)
}

/// The diagram as a part of a page.
pub(super) fn diagram(trace: &Trace) -> Markup {
    let messages = trace.arrows.iter().filter(|arrow| !arrow.timer).count();
    let lost = trace.arrows.iter().filter(|arrow| arrow.lost.is_some()).count();
    let lasted = span(Micros(trace.until.0.saturating_sub(trace.from.0)));
    let content = html! {
        p.note {
            (thousands(messages as u64)) " messages, " (thousands(lost as u64)) " of them lost, and "
            (thousands(trace.marks.len() as u64)) " records of " (trace.lanes.len())
            " nodes, in " (lasted) " from " (instant(trace.from)) "."
        }
        div.trace {
            noscript { p.note { "The diagram needs JavaScript; the table below does not." } }
            script.trace-data type="application/json" { (PreEscaped(embedded(trace))) }
        }
        script { (PreEscaped(SCRIPT)) }
        (past(trace))
    };
    section("trace", "Space-time diagram", &content)
}

/// What led to the violation, in order of time.
fn past(trace: &Trace) -> Markup {
    let mut rows = rows(trace);
    if rows.is_empty() {
        return html! {};
    }
    let left_out = rows.len().saturating_sub(LISTED);
    let caption = match left_out {
        0 => "By message and by the order in which a node did things, as far back as it may matter"
            .to_owned(),
        more => format!("The last steps; {} earlier ones are not listed", thousands(more as u64)),
    };
    let shown = rows.split_off(left_out);
    let rows = shown.into_iter().map(|(at, place, what, here)| {
        html! {
            tr.here[here] {
                td.number { (instant(at)) } td { code { (place) } } td { (what) }
            }
        }
    });
    let table = Table { caption: &caption, columns: &["#At", "Where", "What"] }.of(rows);
    html! { details { summary { "What led to the violation, as a table" } (table) } }
}

/// Time, place, words, and whether it is the violation itself.
type Row = (Micros, String, String, bool);

fn rows(trace: &Trace) -> Vec<Row> {
    let name = |lane: usize| trace.lanes.get(lane).map_or("", |lane| lane.name.as_str());
    let violating = trace.violation.as_ref().and_then(|found| found.mark);
    let arrows = trace.arrows.iter().filter(|arrow| arrow.past && !arrow.timer);
    let arrows = arrows.map(|arrow| {
        let place = format!("{} → {}", name(arrow.from), name(arrow.to));
        (arrow.sent, place, described(arrow), false)
    });
    let marks = trace.marks.iter().enumerate().filter(|(_, mark)| mark.past);
    let marks = marks.map(|(index, mark)| {
        (mark.at, name(mark.lane).to_owned(), mark.text.clone(), violating == Some(index))
    });
    let mut rows: Vec<Row> = arrows.chain(marks).collect();
    rows.sort_by_key(|(at, .., here)| (*at, *here));
    rows
}

fn described(arrow: &Arrow) -> String {
    let detail = if arrow.detail.is_empty() { "" } else { ": " };
    let fate = arrow.lost.as_ref().map_or(String::new(), |why| format!(", lost: {why}"));
    format!("{}{detail}{}{fate}", arrow.kind, arrow.detail)
}

/// The data of the diagram inside a script element, where `<` must not begin anything.
fn embedded(trace: &Trace) -> String {
    let text = serde_json::to_string(&Columns::of(trace));
    let text = text.expect("columns are numbers and texts, which JSON has");
    text.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// A trace as columns of numbers: texts stand once in a list, times and causes are differences.
#[derive(Serialize)]
struct Columns<'t> {
    from: u64,
    until: u64,
    /// Name, Region and role of each lane.
    lanes: Vec<(&'t str, &'t str, &'t str)>,
    texts: Vec<&'t str>,
    /// Id, client + 1, operation + 1 and key + 1; operation and key are texts.
    requests: Vec<(&'t str, usize, usize, usize)>,
    /// Label, target, from and until.
    faults: Vec<(&'t str, &'t str, u64, u64)>,
    /// Kinds are texts, request and cause are counted from 1, the cause back from the arrow itself.
    arrows: [Vec<i64>; 9],
    /// The arrows that are lost, and why.
    lost: Vec<(usize, usize)>,
    marks: [Vec<i64>; 7],
    /// When a fault first did something, counted from the beginning.
    fault: Option<u64>,
    /// Oracle, message, and the mark that shows it.
    violation: Option<(&'t str, &'t str, Option<usize>)>,
}

/// Bits of the last column.
const COPIED: i64 = 1;
const DAMAGED: i64 = 2;
const PAST: i64 = 4;
const TIMER: i64 = 8;

impl<'t> Columns<'t> {
    fn of(trace: &'t Trace) -> Columns<'t> {
        let mut texts = Texts::default();
        let requests = trace.requests.iter().map(|request| {
            let mut text =
                |text: &'t Option<String>| text.as_deref().map_or(0, |t| 1 + texts.of(t));
            let (operation, key) = (text(&request.operation), text(&request.key));
            (request.id.as_str(), next(request.client), operation, key)
        });
        let requests = requests.collect();
        let (arrows, lost) = arrows(trace, &mut texts);
        let marks = marks(trace, &mut texts);
        let lane = |lane: &'t crate::data::Lane| {
            (lane.name.as_str(), lane.region.as_str(), lane.role.as_str())
        };
        let faults = trace.faults.iter().map(|fault| {
            (fault.label.as_str(), fault.target.as_str(), fault.from.0, fault.until.0)
        });
        let violation = trace.violation.as_ref();
        Columns {
            from: trace.from.0,
            until: trace.until.0,
            lanes: trace.lanes.iter().map(lane).collect(),
            texts: texts.list,
            requests,
            faults: faults.collect(),
            arrows,
            lost,
            marks,
            fault: trace.fault.map(|at| at.0.saturating_sub(trace.from.0)),
            violation: violation.map(|f| (f.oracle.as_str(), f.message.as_str(), f.mark)),
        }
    }
}

fn arrows<'t>(trace: &'t Trace, texts: &mut Texts<'t>) -> ([Vec<i64>; 9], Vec<(usize, usize)>) {
    let (mut columns, mut lost, mut before) = (<[Vec<i64>; 9]>::default(), Vec::new(), trace.from);
    for (index, arrow) in trace.arrows.iter().enumerate() {
        if let Some(why) = &arrow.lost {
            lost.push((index, texts.of(why)));
        }
        let took = arrow.arrived.map_or(-1, |arrived| difference(arrived, arrow.sent));
        let back = arrow.cause.map_or(0, |cause| index.saturating_sub(cause));
        let Arrow { copied, damaged, past, timer, .. } = *arrow;
        let flags = [(copied, COPIED), (damaged, DAMAGED), (past, PAST), (timer, TIMER)];
        let row = [
            difference(arrow.sent, before),
            took,
            number(arrow.from),
            number(arrow.to),
            number(texts.of(&arrow.kind)),
            number(texts.of(&arrow.detail)),
            number(back),
            number(next(arrow.request)),
            bits(&flags),
        ];
        before = arrow.sent;
        columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
    }
    (columns, lost)
}

fn marks<'t>(trace: &'t Trace, texts: &mut Texts<'t>) -> [Vec<i64>; 7] {
    let (mut columns, mut before) = (<[Vec<i64>; 7]>::default(), trace.from);
    for Mark { lane, at, kind, text, cause, request, past } in &trace.marks {
        let row = [
            difference(*at, before),
            number(*lane),
            number(texts.of(kind)),
            number(texts.of(text)),
            number(next(*cause)),
            number(next(*request)),
            bits(&[(*past, PAST)]),
        ];
        before = *at;
        columns.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
    }
    columns
}

fn bits(flags: &[(bool, i64)]) -> i64 {
    flags.iter().filter(|(set, _)| *set).map(|(_, bit)| bit).sum()
}

/// Counted from 1; 0 is none.
fn next(index: Option<usize>) -> usize {
    index.map_or(0, |index| index + 1)
}

fn number(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn difference(later: Micros, earlier: Micros) -> i64 {
    later.0.cast_signed().wrapping_sub(earlier.0.cast_signed())
}

/// Texts by number, each once.
#[derive(Default)]
struct Texts<'t> {
    list: Vec<&'t str>,
    numbers: BTreeMap<&'t str, usize>,
}

impl<'t> Texts<'t> {
    fn of(&mut self, text: &'t str) -> usize {
        let list = &mut self.list;
        *self.numbers.entry(text).or_insert_with(|| {
            list.push(text);
            list.len() - 1
        })
    }
}
