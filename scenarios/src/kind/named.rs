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

#[cfg(test)]
mod tests {
    use crate::{Scenario, Vocabulary};

    /// Overrides take text without quotes, so that quotes are not what an empty one lacks.
    #[test]
    fn only_what_is_no_text_is_asked_for_quotes() {
        let said = |description: &str| {
            let text = format!("schema = 1\ndescription = {description}\n");
            let scenario = Scenario::parse("x.toml", &text, &[], &Vocabulary::open());
            scenario.unwrap_err().to_string()
        };
        assert!(said("''").contains("expected text, found empty text"), "{}", said("''"));
        assert!(said("3").contains("expected text in quotes"), "{}", said("3"));
    }
}
