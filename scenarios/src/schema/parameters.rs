//! Overrides of named model parameters, checked against the table of whoever owns them.
//!
//! `"hsm.service_time" = "80us"` and `hsm.service_time = "80us"` mean the same, because TOML users
//! write both.

use crate::kind::{BOOLEAN, Complaint, Count, DurationIn, Kind, Number, PROBABILITY, RATE, SizeIn};
use crate::listing::FieldDefault;
use crate::nearest::suggestion;
use crate::reader::Reader;
use crate::value::{Data, Entry, Table, Value};
use crate::vocabulary::{ParameterInfo, ParameterKind, ParameterValue};

/// The name of the table.
pub(crate) const TABLE: &str = "parameters";

/// A parameter that differs from its default.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its dotted name.
    pub name: &'static str,
    /// Its value in this scenario.
    pub value: ParameterValue,
}

pub(crate) fn read_all(reader: &mut Reader<'_, '_>) -> Vec<Parameter> {
    reader.table(TABLE, "Model parameters that differ from their defaults.", |reader| {
        let known = reader.session.vocabulary.parameters.clone();
        for info in &known {
            let default = FieldDefault::Value(info.default.into());
            reader.note(info.name, describe(info.kind), default, info.doc);
        }
        let mut read = Vec::new();
        for (name, entry) in reader.entries() {
            match parameter(&known, name, entry) {
                Ok(parameter) => read.push(parameter),
                Err(complaint) => reader.session.complain(complaint),
            }
        }
        read
    })
}

/// Makes dotted names of nested tables, so that bases and overrides meet the same names.
pub(crate) fn flatten(table: &mut Table) -> Result<(), Complaint> {
    let Some(Data::Table(parameters)) = table.get_mut(TABLE).map(|entry| &mut entry.value.data)
    else {
        return Ok(());
    };
    let mut flat = Table::new();
    for (name, entry) in std::mem::take(parameters) {
        lift(name, entry, &mut flat)?;
    }
    *parameters = flat;
    Ok(())
}

fn lift(name: String, entry: Entry, flat: &mut Table) -> Result<(), Complaint> {
    let Entry { key, value } = entry;
    if let Data::Table(below) = value.data {
        let mut below = below.into_iter();
        return below.try_for_each(|(part, entry)| lift(format!("{name}.{part}"), entry, flat));
    }
    if flat.contains_key(&name) {
        let message = format!("the parameter \"{name}\" is there twice");
        return Err(Complaint { place: key, message });
    }
    flat.insert(name, Entry { key, value });
    Ok(())
}

fn parameter(known: &[ParameterInfo], name: &str, entry: &Entry) -> Result<Parameter, Complaint> {
    let Some(info) = known.iter().find(|info| info.name == name) else {
        let near = suggestion(name, known.iter().map(|info| info.name));
        let message = format!("unknown parameter \"{name}\"{near}");
        return Err(Complaint { place: entry.key, message });
    };
    Ok(Parameter { name: info.name, value: value(info.kind, &entry.value)? })
}

fn value(kind: ParameterKind, value: &Value) -> Result<ParameterValue, Complaint> {
    Ok(match kind {
        ParameterKind::Duration { min, max } => {
            ParameterValue::Duration(DurationIn { min, max }.parse(value)?)
        }
        ParameterKind::Bytes { min, max } => {
            ParameterValue::Bytes(SizeIn { min, max }.parse(value)?)
        }
        ParameterKind::Count { min, max } => {
            ParameterValue::Count(Count { min, max }.parse(value)?)
        }
        ParameterKind::Number { min, max } => {
            ParameterValue::Number(Number { min, max }.parse(value)?)
        }
        ParameterKind::Probability => ParameterValue::Probability(PROBABILITY.parse(value)?),
        ParameterKind::Rate => ParameterValue::Rate(RATE.parse(value)?),
        ParameterKind::Boolean => ParameterValue::Boolean(BOOLEAN.parse(value)?),
        ParameterKind::Word(words) => ParameterValue::Word(word(words, value)?),
    })
}

fn word(words: &'static [&'static str], value: &Value) -> Result<&'static str, Complaint> {
    let Data::Text(text) = &value.data else {
        return Err(Complaint::expected(value, "a word in quotes"));
    };
    words.iter().find(|word| *word == text).copied().ok_or_else(|| {
        let near = suggestion(text, words.iter().copied());
        Complaint::about(value, format!("unknown word {text:?}{near}"))
    })
}

fn describe(kind: ParameterKind) -> String {
    match kind {
        ParameterKind::Duration { min, max } => DurationIn { min, max }.name(),
        ParameterKind::Bytes { min, max } => SizeIn { min, max }.name(),
        ParameterKind::Count { min, max } => Count { min, max }.name(),
        ParameterKind::Number { min, max } => Number { min, max }.name(),
        ParameterKind::Probability => PROBABILITY.name(),
        ParameterKind::Rate => RATE.name(),
        ParameterKind::Boolean => BOOLEAN.name(),
        ParameterKind::Word(words) => words.join(", "),
    }
}
