//! `--set key=value`: changes a scenario without editing its file.
//!
//! The key is a dotted path. A phase is addressed by its name (`phase.outage.duration=2m`), another
//! array element by its `kind` or its number from 0. The value is TOML, or text when it is not.

use std::str::FromStr;

use crate::error::ScenarioError;
use crate::nearest::suggestion;
use crate::schema::PARAMETERS;
use crate::source::{Place, SourceId, Sources};
use crate::value::{self, Data, Entry, Table, Value};

/// One `key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override(String);

/// Paths longer than this lead nowhere in the schema.
const LONGEST_PATH: usize = 16;

/// What errors call the text of an override.
const NAME: &str = "--set";

/// One step of a path and the place of its word.
struct Step<'o> {
    word: &'o str,
    place: Place,
}

impl FromStr for Override {
    type Err = ScenarioError;

    fn from_str(text: &str) -> Result<Self, ScenarioError> {
        let mut sources = Sources::default();
        let id = sources.add(NAME, text);
        split(&sources, id, text).map(|_| Self(text.into()))
    }
}

impl Override {
    /// Puts the value into the tree.
    pub(crate) fn apply(
        &self,
        root: &mut Table,
        sources: &mut Sources,
    ) -> Result<(), ScenarioError> {
        let id = sources.add(NAME, &self.0);
        let (steps, value) = split(sources, id, &self.0)?;
        let data = Data::Table(std::mem::take(root));
        let mut top = Value { place: id.place(0..0), data };
        let placed = place(&mut top, &steps, value);
        if let Data::Table(table) = top.data {
            *root = table;
        }
        placed.map_err(|(place, message)| sources.error(place, &message))
    }
}

/// The steps of the path and the value.
fn split<'o>(
    sources: &Sources,
    id: SourceId,
    text: &'o str,
) -> Result<(Vec<Step<'o>>, Value), ScenarioError> {
    let Some((path, value)) = text.split_once('=') else {
        let message = "an override is key=value, as in topology.api_hosts=3";
        return Err(sources.error(id.place(0..text.len()), message));
    };
    let mut at = 0;
    let mut steps: Vec<Step<'_>> = Vec::new();
    // The names of parameters have dots of their own.
    let parameter = path.split('.').next().is_some_and(|first| first.trim() == PARAMETERS);
    for part in path.splitn(if parameter { 2 } else { usize::MAX }, '.') {
        let word = part.trim();
        let start = at + (part.len() - part.trim_start().len());
        let place = id.place(start..start + word.len());
        if word.is_empty() {
            return Err(sources.error(place, "this part of the key is empty"));
        }
        if steps.len() == LONGEST_PATH {
            return Err(sources.error(place, "no key of a scenario is this deep"));
        }
        if word == "extends" && steps.is_empty() {
            return Err(sources.error(place, "a base is named in the file, not by an override"));
        }
        steps.push(Step { word, place });
        at += part.len() + 1;
    }
    Ok((steps, literal(id, value, path.len() + 1)))
}

/// The value as TOML if it is, else as text; `offset` is where it begins.
fn literal(id: SourceId, text: &str, offset: usize) -> Value {
    let trimmed = text.trim();
    let start = offset + (text.len() - text.trim_start().len());
    let place = id.place(start..start + trimmed.len());
    let mut scratch = Sources::default();
    let line = format!("value = {trimmed}");
    let scratch_id = scratch.add("", &line);
    let parsed = value::parse(&scratch, scratch_id, &line).ok().filter(|table| table.len() == 1);
    let data = match parsed.and_then(|mut table| table.remove("value")) {
        Some(entry) => moved(entry.value, place).data,
        None => Data::Text(trimmed.into()),
    };
    Value { place, data }
}

/// Everything in an override points at its whole value: that is short enough to see.
fn moved(value: Value, place: Place) -> Value {
    let data = match value.data {
        Data::List(items) => Data::List(items.into_iter().map(|item| moved(item, place)).collect()),
        Data::Table(table) => {
            let entry = |entry: Entry| Entry { key: place, value: moved(entry.value, place) };
            Data::Table(table.into_iter().map(|(name, e)| (name, entry(e))).collect())
        }
        plain => plain,
    };
    Value { place, data }
}

/// Walks down the steps, making tables where there are none, and puts the value at the end.
fn place(at: &mut Value, steps: &[Step<'_>], value: Value) -> Result<(), (Place, String)> {
    let [step, rest @ ..] = steps else {
        *at = value;
        return Ok(());
    };
    let below = match &mut at.data {
        Data::Table(table) => {
            let made = || {
                let value = Value { place: step.place, data: Data::Table(Table::new()) };
                Entry { key: step.place, value }
            };
            let entry = table.entry(step.word.into()).or_insert_with(made);
            if rest.is_empty() {
                entry.key = step.place;
            }
            &mut entry.value
        }
        Data::List(items) => element(items, step)?,
        _ => {
            return Err((step.place, format!("there is nothing below this: it is {}", at.found())));
        }
    };
    place(below, rest, value)
}

/// The element with this name, kind or number.
fn element<'v>(items: &'v mut [Value], step: &Step<'_>) -> Result<&'v mut Value, (Place, String)> {
    let labelled = |label: &str| items.iter().position(|item| text(item, label) == Some(step.word));
    let numbered = || step.word.parse().ok().filter(|number| *number < items.len());
    let found = labelled("name").or_else(|| labelled("kind")).or_else(numbered);
    let Some(index) = found else {
        let known =
            items.iter().filter_map(|item| text(item, "name").or_else(|| text(item, "kind")));
        let message = format!("there is no \"{}\" here{}", step.word, suggestion(step.word, known));
        return Err((step.place, message));
    };
    Ok(&mut items[index])
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    let Data::Table(table) = &value.data else {
        return None;
    };
    match &table.get(key)?.value.data {
        Data::Text(text) => Some(text),
        _ => None,
    }
}
