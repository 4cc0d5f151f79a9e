//! The parsed tree of a scenario, in which every key and value keeps its place.
//!
//! The tree is our own rather than the TOML parser's, because files are merged and overridden
//! before they are read, and a value must still know which text it came from.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use crate::error::ScenarioError;
use crate::source::{Place, SourceId, Sources};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub(crate) place: Place,
    pub(crate) data: Data,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Text(String),
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Date(String),
    List(Vec<Value>),
    Table(Table),
}

/// The keys of a table.
pub(crate) type Table = BTreeMap<String, Entry>;

/// A key's place and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Place,
    pub(crate) value: Value,
}

/// Parses the text of a source into a table.
pub(crate) fn parse(sources: &Sources, id: SourceId, text: &str) -> Result<Table, ScenarioError> {
    let root = DeTable::parse(text).map_err(|error| syntax_error(sources, id, text, &error))?;
    table(sources, id, root.get_ref())
}

impl Value {
    /// A value from no text, for defaults and examples.
    pub(crate) fn nowhere(data: Data) -> Self {
        Self { place: Place::NOWHERE, data }
    }

    /// What was found, for "expected …, found …".
    pub(crate) fn found(&self) -> String {
        match &self.data {
            Data::Text(_) => format!("the string {}", self.toml()),
            Data::Integer(_) => format!("the integer {}", self.toml()),
            Data::Number(_) => format!("the number {}", self.toml()),
            Data::Boolean(_) => format!("the boolean {}", self.toml()),
            Data::Date(_) => format!("the date {}", self.toml()),
            Data::List(_) => "a list".into(),
            Data::Table(_) => "a table".into(),
        }
    }

    /// The value as TOML writes it.
    pub(crate) fn toml(&self) -> String {
        match &self.data {
            Data::Text(text) => format!("{text:?}"),
            Data::Integer(integer) => integer.to_string(),
            Data::Number(number) => format!("{number:?}"),
            Data::Boolean(boolean) => boolean.to_string(),
            Data::Date(date) => date.clone(),
            Data::List(items) => {
                let items: Vec<String> = items.iter().map(Self::toml).collect();
                format!("[{}]", items.join(", "))
            }
            Data::Table(table) => {
                let keys =
                    table.iter().map(|(key, entry)| format!("{key} = {}", entry.value.toml()));
                format!("{{ {} }}", keys.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

fn syntax_error(
    sources: &Sources,
    id: SourceId,
    text: &str,
    error: &toml::de::Error,
) -> ScenarioError {
    let span = error.span().unwrap_or(0..0);
    let message = match (error.message(), text.get(span.clone())) {
        ("duplicate key", Some(key)) => format!("the key \"{key}\" is there twice in this table"),
        (message, _) => format!("not valid TOML: {message}"),
    };
    sources.error(id.place(span), &message)
}

fn table(sources: &Sources, id: SourceId, from: &DeTable<'_>) -> Result<Table, ScenarioError> {
    let entry = |(key, from): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let key: &Spanned<std::borrow::Cow<'_, str>> = key;
        let entry = Entry { key: id.place(key.span()), value: value(sources, id, from)? };
        Ok((key.get_ref().to_string(), entry))
    };
    from.iter().map(entry).collect()
}

fn value(
    sources: &Sources,
    id: SourceId,
    from: &Spanned<DeValue<'_>>,
) -> Result<Value, ScenarioError> {
    let place = id.place(from.span());
    let out_of_range = |what: &str| sources.error(place, &format!("this {what} is out of range"));
    let data = match from.get_ref() {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Integer(digits) => integer(digits).ok_or_else(|| out_of_range("integer"))?,
        DeValue::Float(digits) => number(digits).ok_or_else(|| out_of_range("number"))?,
        DeValue::Boolean(boolean) => Data::Boolean(*boolean),
        DeValue::Datetime(date) => Data::Date(date.to_string()),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| value(sources, id, item));
            Data::List(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(inner) => Data::Table(table(sources, id, inner)?),
    };
    Ok(Value { place, data })
}

fn integer(digits: &DeInteger<'_>) -> Option<Data> {
    i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(Data::Integer)
}

/// Infinities and not-a-number have no meaning in a scenario; nor has what overflows to one.
fn number(digits: &DeFloat<'_>) -> Option<Data> {
    digits.as_str().parse().ok().filter(|number: &f64| number.is_finite()).map(Data::Number)
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Data {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

impl From<f64> for Data {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Data {
    fn from(boolean: bool) -> Self {
        Self::Boolean(boolean)
    }
}

impl<const N: usize> From<[&str; N]> for Data {
    fn from(items: [&str; N]) -> Self {
        Self::List(items.into_iter().map(|item| Value::nowhere(item.into())).collect())
    }
}
