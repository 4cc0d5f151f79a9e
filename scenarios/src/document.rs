//! A scenario as a tree that can be changed and written down again.
//!
//! What draws, shrinks or varies scenarios works on this tree and not on the typed
//! [`Scenario`](crate::Scenario), because a tree keeps what was not said unsaid. The text of a
//! document is a scenario file as a person would write it, and reads back as the same scenario.

use std::fmt::Write;
use std::path::Path;

use toml::{Table, Value};

use crate::error::ScenarioError;
use crate::load::tree;
use crate::overrides::Override;
use crate::schema::Scenario;
use crate::value::{Data, Entry, Value as Placed};
use crate::vocabulary::Vocabulary;

/// A scenario file as a tree. It extends nothing: bases are merged into it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document(pub Table);

/// The tables of a file, in the order in which they are read best.
const TABLES: [&str; 13] = [
    "topology",
    "keys",
    "accounts",
    "quota",
    "client",
    "parameters",
    "phase",
    "workload",
    "fault",
    "operation",
    "sabotage",
    "calm",
    "expect",
];

/// What comes first in a table, in this order; the rest is alphabetical.
const FIRST: [&str; 11] = [
    "schema",
    "description",
    "name",
    "kind",
    "at",
    "for",
    "duration",
    "call",
    "region",
    "client",
    "key",
];

impl Document {
    /// Reads a scenario file with the bases it extends and overrides.
    ///
    /// # Errors
    /// What makes the files unreadable as TOML; whether they say something sensible is not looked at.
    pub fn open(path: &Path, overrides: &[Override]) -> Result<Document, ScenarioError> {
        Ok(Document(tree(path, overrides)?.into_iter().map(plain_entry).collect()))
    }

    /// The scenario that the document means; `name` is its name.
    ///
    /// # Errors
    /// The first problem in its text.
    pub fn scenario(&self, name: &str, vocabulary: &Vocabulary) -> Result<Scenario, ScenarioError> {
        Scenario::parse(&format!("{name}.toml"), &self.text(), &[], vocabulary)
    }

    /// The document as a scenario file.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let is_section = |value: &Value| value.is_table() || sections(value).is_some();
        let (tables, plain): (Vec<_>, Vec<_>) =
            ordered(&self.0).into_iter().partition(|(_, value)| is_section(value));
        lines(&mut text, plain);
        each_section(&mut text, "", tables);
        text
    }
}

fn each_section(text: &mut String, above: &str, mut sections: Vec<(&String, &Value)>) {
    let rank = |name: &str| TABLES.iter().position(|known| *known == name);
    sections.sort_by_key(|(name, _)| rank(name).unwrap_or(TABLES.len()));
    for (name, value) in sections {
        section(text, &format!("{above}{name}"), value);
    }
}

fn section(text: &mut String, name: &str, value: &Value) {
    match (value, sections(value)) {
        (Value::Table(table), _) => {
            let _ = writeln!(text, "\n[{name}]");
            lines(text, ordered(table));
        }
        (_, Some(elements)) => elements.for_each(|element| element_of(text, name, element)),
        _ => {}
    }
}

/// An element of an array of tables, and below it the arrays of tables that it has.
fn element_of(text: &mut String, name: &str, element: &Table) {
    let _ = writeln!(text, "\n[[{name}]]");
    let (below, plain): (Vec<_>, Vec<_>) =
        ordered(element).into_iter().partition(|(_, value)| sections(value).is_some());
    lines(text, plain);
    each_section(text, &format!("{name}."), below);
}

/// The elements of an array of tables.
fn sections(value: &Value) -> Option<impl Iterator<Item = &Table>> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    items.iter().all(Value::is_table).then(|| items.iter().filter_map(Value::as_table))
}

fn lines(text: &mut String, entries: Vec<(&String, &Value)>) {
    for (name, value) in entries {
        let _ = writeln!(text, "{} = {}", key(name), inline(value));
    }
}

fn ordered(table: &Table) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = table.iter().collect();
    let rank = |name: &str| FIRST.iter().position(|known| *known == name).unwrap_or(FIRST.len());
    entries.sort_by(|(one, _), (other, _)| (rank(one), *one).cmp(&(rank(other), *other)));
    entries
}

/// A key, in quotes where it needs them.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    match !name.is_empty() && name.chars().all(bare) {
        true => name.to_owned(),
        false => Value::String(name.to_owned()).to_string(),
    }
}

/// A value on one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Table(table) if table.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let pair =
                |(name, value): (&String, &Value)| format!("{} = {}", key(name), inline(value));
            let pairs: Vec<String> = ordered(table).into_iter().map(pair).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        plain => plain.to_string(),
    }
}

fn plain_entry((name, entry): (String, Entry)) -> (String, Value) {
    (name, plain(entry.value))
}

fn plain(value: Placed) -> Value {
    match value.data {
        Data::Text(text) | Data::Date(text) => Value::String(text),
        Data::Integer(integer) => Value::Integer(integer),
        Data::Number(number) => Value::Float(number),
        Data::Boolean(boolean) => Value::Boolean(boolean),
        Data::List(items) => Value::Array(items.into_iter().map(plain).collect()),
        Data::Table(table) => Value::Table(table.into_iter().map(plain_entry).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_as_people_write_them() {
        let text = "schema = 1\ndescription = \"x\"\n\n[topology]\nregions = [\"us-east-1\"]\n\n\
                    [[phase]]\nname = \"a\"\nduration = \"1m\"\n\n[[phase.workload]]\n\
                    kind = \"random\"\narrivals = { kind = \"poisson\", per_second = 2.5 }\n\n\
                    [[phase.fault]]\nkind = \"zone-loss\"\nat = \"1s\"\n\n\
                    [calm]\nduration = \"2m\"\n";
        let document = Document(text.parse().unwrap());
        assert_eq!(document.text(), text);
    }

    #[test]
    fn names_that_are_not_bare_are_quoted() {
        let text = "\n[parameters]\n\"hsm.timeout\" = \"1s\"\n";
        assert_eq!(Document(text.parse().unwrap()).text(), text);
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused() {
        let path = std::env::temp_dir().join(format!("no-toml-{}.toml", std::process::id()));
        std::fs::write(&path, "schema = ").unwrap();
        let refused = Document::open(&path, &[]);
        std::fs::remove_file(&path).unwrap();
        assert!(refused.unwrap_err().to_string().contains("no-toml"));
    }
}
