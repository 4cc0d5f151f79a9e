//! A word from a fixed list, each standing for one value of an enum.

use super::{Complaint, Kind};
use crate::nearest::suggestion;
use crate::value::{Data, Value};

/// One of a few words.
pub(crate) struct Word<T: 'static> {
    /// What the word names, for messages: "unknown node role …".
    pub(crate) what: &'static str,
    /// The words and what they mean.
    pub(crate) words: &'static [(&'static str, T)],
}

impl<T: Copy> Kind for Word<T> {
    type Value = T;

    fn name(&self) -> String {
        let words: Vec<String> = self.words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        words.join(", ")
    }

    fn parse(&self, value: &Value) -> Result<T, Complaint> {
        let Data::Text(text) = &value.data else {
            return Err(Complaint::expected(value, &format!("a {} in quotes", self.what)));
        };
        let known = self.words.iter().find(|(word, _)| word == text);
        known.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let near = suggestion(text, self.words.iter().map(|(word, _)| *word));
            Complaint::about(value, format!("unknown {} {text:?}{near}", self.what))
        })
    }
}
