//! The whole schema as text, recorded from the same calls that read a file.
//!
//! There is no second list of keys: describing the schema runs every reader over an empty table and
//! notes what it asks for.

use std::fmt::Write;

/// Every section of the schema, in reading order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// The tables of a scenario.
    pub sections: Vec<Section>,
}

/// One table of a scenario, or one kind of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its header, such as `[[phase.fault]] kind = "latency"`.
    pub title: String,
    /// The kinds of the table around it that have it so; empty when all do.
    pub of: Vec<String>,
    /// What it is for.
    pub doc: String,
    /// Its keys.
    pub fields: Vec<Field>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The key.
    pub key: String,
    /// Its type, unit and range.
    pub kind: String,
    /// Its default in TOML, or whether it must be there.
    pub default: FieldDefault,
    /// What it means.
    pub doc: String,
}

/// What happens when a key is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldDefault {
    /// That is an error; the text is an example in TOML.
    Required(String),
    /// Nothing is set.
    Unset,
    /// This TOML value is used.
    Value(String),
}

impl Listing {
    /// Adds a section and returns its index.
    pub(crate) fn open(&mut self, title: &str, of: Option<&str>, doc: &str) -> usize {
        let (title, of) = (title.into(), of.map(str::to_owned).into_iter().collect());
        self.sections.push(Section { title, of, doc: doc.into(), fields: Vec::new() });
        self.sections.len() - 1
    }

    /// Notes a key of a section.
    pub(crate) fn note(&mut self, section: usize, field: Field) {
        self.sections[section].fields.push(field);
    }

    /// Makes one section of those that several kinds have alike.
    pub(crate) fn collapse(self) -> Self {
        let mut sections: Vec<Section> = Vec::new();
        for section in self.sections {
            match sections.iter_mut().find(|known| known.is_like(&section)) {
                Some(known) => known.of.extend(section.of),
                None => sections.push(section),
            }
        }
        Self { sections }
    }

    /// The listing as Markdown, one table a section.
    pub fn markdown(&self) -> String {
        let mut text = String::from("# Scenario files, schema 1\n");
        for section in &self.sections {
            section.markdown(&mut text).expect("writing to a String cannot fail");
        }
        text
    }
}

impl Section {
    fn is_like(&self, other: &Self) -> bool {
        (&self.title, &self.doc, &self.fields) == (&other.title, &other.doc, &other.fields)
    }

    fn markdown(&self, text: &mut String) -> std::fmt::Result {
        let of: Vec<String> = self.of.iter().map(|kind| format!("`{kind}`")).collect();
        let of = if of.is_empty() { String::new() } else { format!(" of {}", of.join(", ")) };
        writeln!(text, "\n## `{}`{of}\n\n{}", self.title, self.doc)?;
        if self.fields.is_empty() {
            return Ok(());
        }
        writeln!(text, "\n| key | type | default | meaning |\n|---|---|---|---|")?;
        for field in &self.fields {
            let default = match &field.default {
                FieldDefault::Required(example) => format!("required, as in `{example}`"),
                FieldDefault::Unset => "unset".into(),
                FieldDefault::Value(value) => format!("`{value}`"),
            };
            writeln!(text, "| `{}` | {} | {default} | {} |", field.key, field.kind, field.doc)?;
        }
        Ok(())
    }
}
