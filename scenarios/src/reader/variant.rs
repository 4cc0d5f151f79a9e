//! Tables of alternatives: one entry a kind of fault, workload, arrival process or key choice.
//!
//! The same table parses, lists and finds the nearest word, so that another kind is one entry.

use super::{EMPTY, Reader};
use crate::kind::Complaint;
use crate::listing::FieldDefault;
use crate::nearest::suggestion;
use crate::value::Data;

/// One alternative: what `kind = "…"` may name.
pub struct Entry<T> {
    /// The word in the file.
    pub name: &'static str,
    /// One sentence on what it does.
    pub doc: &'static str,
    /// Reads its parameters from the table that named it.
    pub(crate) read: fn(&mut Reader<'_, '_>) -> T,
}

impl Reader<'_, '_> {
    /// The alternative that `kind` names, read from this same table.
    pub(crate) fn variant<T>(
        &mut self,
        what: &'static str,
        entries: &'static [Entry<T>],
        default: Option<&'static str>,
    ) -> T {
        if self.session.listing.is_some() {
            return self.describe_variants(what, entries, default);
        }
        let named = self.take("kind");
        let word = match named.map(|value| &value.data) {
            Some(Data::Text(word)) => Some(word.as_str()),
            _ => default.filter(|_| named.is_none()),
        };
        if let Some(entry) = entries.iter().find(|entry| Some(entry.name) == word) {
            self.chosen = Some(entry.name);
            return (entry.read)(self);
        }
        self.lenient = true;
        match (named, word) {
            (None, _) => self.missing.push(("kind", format!("{:?}", entries[0].name))),
            (Some(value), None) => {
                let what = format!("the name of a {what} in quotes");
                self.session.complain(Complaint::expected(value, &what));
            }
            (Some(value), Some(word)) => {
                let near = suggestion(word, entries.iter().map(|entry| entry.name));
                let message = format!("unknown {what} kind {word:?}{near}");
                self.session.complain(Complaint::about(value, message));
            }
        }
        self.read_nothing(entries[0].read)
    }

    /// Reads an alternative as if its table were empty, to have a value to go on with.
    fn read_nothing<T>(&mut self, read: fn(&mut Reader<'_, '_>) -> T) -> T {
        let (place, header) = (self.place, self.header.clone());
        self.session.silently(|session| read(&mut Reader::over(session, &EMPTY, place, header, "")))
    }

    fn describe_variants<T>(
        &mut self,
        what: &str,
        entries: &'static [Entry<T>],
        default: Option<&str>,
    ) -> T {
        let names: Vec<String> = entries.iter().map(|entry| format!("`{}`", entry.name)).collect();
        let default = match default {
            Some(name) => FieldDefault::Value(format!("{name:?}")),
            None => FieldDefault::Required(format!("{:?}", entries[0].name)),
        };
        self.note("kind", names.join(", "), default, &format!("Which {what}; see below."));
        let (own, around, mut first) = (self.section, self.session.described_kind, None);
        for entry in entries {
            let title = format!("{} kind = {:?}", self.header, entry.name);
            if let Some(listing) = &mut self.session.listing {
                self.section = listing.open(&title, around, entry.doc);
            }
            self.session.described_kind = Some(entry.name);
            let read = (entry.read)(self);
            first.get_or_insert(read);
        }
        (self.section, self.session.described_kind) = (own, around);
        first.expect("a table of alternatives has at least one")
    }
}
