//! Free text, and names that another crate's table holds.

use super::{Complaint, Kind};
use crate::nearest::suggestion;
use crate::session::Session;
use crate::value::{Data, Value};
use crate::vocabulary::{Names, Vocabulary};

/// Text that is not empty.
pub(crate) struct Text;

/// Any text that is not empty.
pub(crate) const TEXT: Text = Text;

/// A name that must be in the caller's vocabulary.
pub(crate) struct Named {
    /// What it names, for messages: "unknown oracle …".
    pub(crate) what: &'static str,
    /// Where the valid names are.
    pub(crate) among: fn(&Vocabulary) -> &Names,
}

impl Kind for Text {
    type Value = String;

    fn name(&self) -> String {
        "text".into()
    }

    fn parse(&self, value: &Value) -> Result<String, Complaint> {
        text(value, "text")
    }
}

impl Kind for Named {
    type Value = String;

    fn name(&self) -> String {
        format!("name of a known {}", self.what)
    }

    fn parse(&self, value: &Value) -> Result<String, Complaint> {
        text(value, &format!("the name of a known {}", self.what))
    }

    fn check(&self, value: &Value, name: &String, session: &Session) -> Result<(), Complaint> {
        match (self.among)(&session.vocabulary) {
            Names::Known(known) if !known.contains(&name.as_str()) => {
                let near = suggestion(name, known.iter().copied());
                Err(Complaint::about(value, format!("unknown {} {name:?}{near}", self.what)))
            }
            _ => Ok(()),
        }
    }
}

fn text(value: &Value, what: &str) -> Result<String, Complaint> {
    match &value.data {
        Data::Text(text) if text.trim().is_empty() => {
            Err(Complaint::about(value, format!("expected {what}, found empty text")))
        }
        Data::Text(text) => Ok(text.clone()),
        _ => Err(Complaint::expected(value, &format!("{what} in quotes"))),
    }
}
