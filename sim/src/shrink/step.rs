//! The ways to make a scenario smaller, from the boldest to the smallest.

use scenarios::{Document, duration_text, parse_duration};
use std::ops::Range;
use toml::{Table, Value};

/// A way to make a scenario smaller.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    path: Vec<Place>,
    change: Change,
}

/// One step of the way to a value.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    Name(String),
    Index(usize),
}

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq)]
enum Change {
    /// It goes.
    Remove,
    /// These elements of it go; they are named in their order.
    Cut(Vec<Range<usize>>),
    /// It becomes this.
    Become(Value),
}

/// The lists whose elements are what a scenario is made of.
const LISTS: [&str; 3] = ["operation", "phase", "sabotage"];
const IN_PHASES: [&str; 2] = ["workload", "fault"];
/// Tables without which a scenario has its defaults.
const OPTIONAL: [&str; 5] = ["parameters", "client", "quota", "accounts", "keys"];
/// The most calls of which every two are tried together.
const FEW: usize = 24;
/// What may be halved, and how far.
const COUNTS: [(&str, i64); 5] =
    [("clients", 1), ("zones", 1), ("api_hosts", 1), ("hsms", 1), ("count", 1)];

impl Step {
    /// The scenario after this step.
    pub(super) fn applied(&self, document: &Document) -> Document {
        let mut root = Value::Table(document.0.clone());
        change(&mut root, &self.path, &self.change);
        match root {
            Value::Table(mut table) => {
                // A list of nothing is not written at all.
                table.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()));
                Document(table)
            }
            _ => document.clone(),
        }
    }
}

fn change(at: &mut Value, path: &[Place], to: &Change) {
    let [place, rest @ ..] = path else {
        match to {
            Change::Become(value) => *at = value.clone(),
            Change::Cut(ranges) => {
                if let Value::Array(items) = at {
                    for range in ranges.iter().rev() {
                        items.drain(range.clone());
                    }
                }
            }
            Change::Remove => {}
        }
        return;
    };
    if let (Place::Name(name), [], Change::Remove, Value::Table(table)) =
        (place, rest, to, &mut *at)
    {
        table.remove(name);
        return;
    }
    let below = match (place, at) {
        (Place::Name(name), Value::Table(table)) => table.get_mut(name),
        (Place::Index(index), Value::Array(items)) => items.get_mut(*index),
        _ => None,
    };
    if let Some(below) = below {
        change(below, rest, to);
    }
}

/// Everything that could make a scenario smaller.
pub(super) fn steps(document: &Document) -> Vec<Step> {
    let table = &document.0;
    let mut steps = Vec::new();
    for name in LISTS {
        cuts(table.get(name), &[named(name)], &mut steps);
    }
    for (index, phase) in phases(table).enumerate() {
        for name in IN_PHASES {
            let path = [named("phase"), Place::Index(index), named(name)];
            cuts(phase.get(name), &path, &mut steps);
        }
    }
    for name in OPTIONAL.into_iter().filter(|name| table.contains_key(*name)) {
        removals(table.get(name), &[named(name)], &mut steps);
    }
    removals(
        table.get("topology").and_then(|topology| topology.get("propagation")),
        &[named("topology"), named("propagation")],
        &mut steps,
    );
    moments(table, &mut steps);
    let regions = table.get("topology").and_then(|topology| topology.get("regions"));
    cuts(regions, &[named("topology"), named("regions")], &mut steps);
    shorten(table, &mut steps);
    lessen(&Value::Table(table.clone()), &mut Vec::new(), &mut steps);
    if elements(table.get("operation")).len() <= FEW {
        strikes(table, &mut steps);
        pairs(table.get("operation"), &[named("operation")], &mut steps);
    }
    steps
}

fn named(name: &str) -> Place {
    Place::Name(name.to_owned())
}

fn elements(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn phases(table: &Table) -> impl Iterator<Item = &Value> {
    elements(table.get("phase")).iter()
}

/// Planted bugs that strike less often, and the last one at once: what is eligible first comes sooner
/// when there are fewer calls.
fn moments(table: &Table, steps: &mut Vec<Step>) {
    for (index, bug) in elements(table.get("sabotage")).iter().enumerate() {
        let path = [named("sabotage"), Place::Index(index), named("at")];
        let at_once: Value = vec!["0s"].into();
        if elements(bug.get("at")).len() == 1 && bug.get("at") != Some(&at_once) {
            steps.push(Step { path: path.to_vec(), change: Change::Become(at_once) });
        }
        cuts(bug.get("at"), &path, steps);
    }
}

/// A planted bug that strikes once, and sooner: from the moment of any call on. With fewer calls the
/// network draws other latencies, and what the bug struck comes earlier or later.
fn strikes(table: &Table, steps: &mut Vec<Step>) {
    let time = |text: &Value| parse_duration(text.as_str()?).ok();
    for (index, bug) in elements(table.get("sabotage")).iter().enumerate() {
        let [moment] = elements(bug.get("at")) else { continue };
        let Some(now) = time(moment) else { continue };
        let calls = elements(table.get("operation")).iter().filter_map(|call| call.get("at"));
        let mut sooner: Vec<&Value> =
            calls.filter(|at| time(at).is_some_and(|at| at < now)).collect();
        sooner.dedup();
        let path = vec![named("sabotage"), Place::Index(index), named("at")];
        steps.extend(sooner.into_iter().map(|at| Step {
            path: path.clone(),
            change: Change::Become(Value::Array(vec![at.clone()])),
        }));
    }
}

/// A list without its halves, its quarters, and so on to its single elements.
fn cuts(list: Option<&Value>, path: &[Place], steps: &mut Vec<Step>) {
    let count = elements(list).len();
    let mut size = count;
    while size > 0 {
        let ranges = (0..count).step_by(size).map(|from| from..count.min(from + size));
        steps.extend(ranges.map(|range| cut(path, vec![range])));
        size /= 2;
    }
}

/// A list without every two of its elements that are not neighbours: a call may only be missed as long as
/// another is there.
fn pairs(list: Option<&Value>, path: &[Place], steps: &mut Vec<Step>) {
    let count = elements(list).len();
    let one = |index| index..index + 1;
    let pairs = (0..count).flat_map(|a| (a + 2..count).map(move |b| (a, b)));
    steps.extend(pairs.map(|(a, b)| cut(path, vec![one(a), one(b)])));
}

fn cut(path: &[Place], ranges: Vec<Range<usize>>) -> Step {
    Step { path: path.to_vec(), change: Change::Cut(ranges) }
}

/// A table that goes whole, or a key at a time.
fn removals(table: Option<&Value>, path: &[Place], steps: &mut Vec<Step>) {
    let Some(Value::Table(table)) = table else { return };
    let step = |path: Vec<Place>| Step { path, change: Change::Remove };
    steps.push(step(path.to_vec()));
    let below = |name: &String| path.iter().cloned().chain([named(name)]).collect();
    steps.extend(table.keys().map(below).map(step));
}

/// Phases of half the time, and faults that begin and end in what is left.
fn shorten(table: &Table, steps: &mut Vec<Step>) {
    for (index, phase) in phases(table).enumerate() {
        let Some(half) = duration(phase, "duration").map(|whole| whole / 2) else { continue };
        let mut phase = phase.clone();
        set(&mut phase, "duration", duration_text(half).into());
        for fault in phase.get_mut("fault").and_then(Value::as_array_mut).into_iter().flatten() {
            let (at, lasts) = (duration(fault, "at").unwrap_or_default(), duration(fault, "for"));
            let at = at.min(half * 9 / 10);
            set(fault, "at", duration_text(at).into());
            if let Some(lasts) = lasts {
                set(fault, "for", duration_text(lasts.min(half.saturating_sub(at))).into());
            }
        }
        let path = vec![named("phase"), Place::Index(index)];
        steps.push(Step { path, change: Change::Become(phase) });
    }
}

fn duration(of: &Value, name: &str) -> Option<std::time::Duration> {
    parse_duration(of.get(name)?.as_str()?).ok()
}

fn set(of: &mut Value, name: &str, value: Value) {
    if let Value::Table(table) = of {
        table.insert(name.to_owned(), value);
    }
}

/// Smaller numbers, wherever they stand; calls of a mix that are made no more.
fn lessen(value: &Value, path: &mut Vec<Place>, steps: &mut Vec<Step>) {
    match value {
        Value::Table(table) => {
            for (name, below) in table {
                path.push(named(name));
                steps.extend(
                    smaller(path, below)
                        .map(|value| Step { path: path.clone(), change: Change::Become(value) }),
                );
                lessen(below, path, steps);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, below) in items.iter().enumerate() {
                path.push(Place::Index(index));
                lessen(below, path, steps);
                path.pop();
            }
        }
        _ => {}
    }
}

/// The smaller value of what is at a path, if there is one.
fn smaller(path: &[Place], value: &Value) -> Option<Value> {
    let name = |back: usize| match path.iter().rev().nth(back) {
        Some(Place::Name(name)) => name.as_str(),
        _ => "",
    };
    match (name(0), name(1), value) {
        (_, "mix", Value::Integer(1..)) => Some(0.into()),
        (_, "keys", Value::Integer(count @ 2..)) => Some((count / 2).into()),
        ("per_second", _, Value::Float(rate)) if *rate > 1e-3 => Some((rate / 2.0).into()),
        ("per_second", _, Value::Integer(rate @ 2..)) => Some((rate / 2).into()),
        (name, _, Value::Integer(count)) => {
            let least = COUNTS.iter().find(|(known, _)| *known == name)?.1;
            (*count > least).then(|| (count / 2).max(least).into())
        }
        _ => None,
    }
}
