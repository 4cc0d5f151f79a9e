//! Reads one table of a scenario, key by key.
//!
//! A reader is asked for each key with its type, default and meaning. That one call parses, checks,
//! documents and makes the key known: whatever nobody asked for is an unknown key.

mod variant;

pub use variant::Entry;

use std::collections::BTreeMap;

use crate::kind::{Complaint, Kind, Named};
use crate::listing::{Field, FieldDefault};
use crate::nearest::{nearest, suggestion};
use crate::session::Session;
use crate::source::Place;
use crate::value::{Data, Entry as Key, Table, Value};

static EMPTY: Table = BTreeMap::new();

/// One table being read.
pub(crate) struct Reader<'s, 't> {
    pub(crate) session: &'s mut Session,
    table: &'t Table,
    place: Place,
    header: Header,
    asked: Vec<&'static str>,
    missing: Vec<(&'static str, String)>,
    section: usize,
    /// The alternative this table turned out to be.
    chosen: Option<&'static str>,
    /// Set when the table's kind is unknown, so that its other keys cannot be judged.
    lenient: bool,
}

/// The dotted path of a table and how its header is written.
#[derive(Clone)]
struct Header {
    path: String,
    repeated: bool,
}

impl<'t> Reader<'_, 't> {
    /// Reads a whole file, or describes the schema when the session does.
    pub(crate) fn root<T>(
        session: &mut Session,
        table: &Table,
        place: Place,
        doc: &'static str,
        read: impl FnOnce(&mut Reader<'_, '_>) -> T,
    ) -> T {
        let header = Header { path: String::new(), repeated: false };
        Reader::over(session, table, place, header, doc).run(read)
    }

    /// A key that must be there. The example is shown when it is not.
    pub(crate) fn required<K: Kind>(
        &mut self,
        name: &'static str,
        kind: &K,
        example: impl Into<Data>,
        doc: &'static str,
    ) -> K::Value {
        let example = Value::nowhere(example.into());
        self.note(name, kind.name(), FieldDefault::Required(example.toml()), doc);
        let read = match self.take(name) {
            Some(value) => self.parse(kind, value),
            None => {
                self.missing.push((name, example.toml()));
                None
            }
        };
        read.unwrap_or_else(|| stand_in(kind, &example))
    }

    /// A key with a default, written as the file would write it.
    pub(crate) fn or<K: Kind>(
        &mut self,
        name: &'static str,
        kind: &K,
        default: impl Into<Data>,
        doc: &'static str,
    ) -> K::Value {
        let default = Value::nowhere(default.into());
        self.note(name, kind.name(), FieldDefault::Value(default.toml()), doc);
        let read = self.take(name).and_then(|value| self.parse(kind, value));
        read.unwrap_or_else(|| stand_in(kind, &default))
    }

    /// A key that may be absent.
    pub(crate) fn optional<K: Kind>(
        &mut self,
        name: &'static str,
        kind: &K,
        doc: &'static str,
    ) -> Option<K::Value> {
        self.note(name, kind.name(), FieldDefault::Unset, doc);
        self.take(name).and_then(|value| self.parse(kind, value))
    }

    /// A table; when it is absent, all its keys have their defaults.
    pub(crate) fn table<T>(
        &mut self,
        name: &'static str,
        doc: &'static str,
        read: impl FnOnce(&mut Reader<'_, '_>) -> T,
    ) -> T {
        let header = self.header.below(name, false);
        match self.take(name) {
            Some(value) => self.child(value, header, doc, read),
            None => self.child(&empty(self.place), header, doc, read),
        }
    }

    /// A table that must be there. The example is shown when it is not.
    pub(crate) fn required_table<T>(
        &mut self,
        name: &'static str,
        example: &str,
        doc: &'static str,
        read: impl FnOnce(&mut Reader<'_, '_>) -> T,
    ) -> T {
        self.note(name, "table".into(), FieldDefault::Required(example.into()), doc);
        if self.table.contains_key(name) {
            return self.table(name, doc, read);
        }
        self.missing.push((name, example.into()));
        let (table, header) = (empty(self.place), self.header.below(name, false));
        self.asked.push(name);
        self.session.silently(|session| {
            let Data::Table(keys) = &table.data else { unreachable!("made a table just above") };
            Reader::over(session, keys, table.place, header, doc).run(read)
        })
    }

    /// An array of tables, in the order of the file.
    pub(crate) fn each<T>(
        &mut self,
        name: &'static str,
        doc: &'static str,
        mut read: impl FnMut(&mut Reader<'_, '_>) -> T,
    ) -> Vec<T> {
        let header = self.header.below(name, true);
        if self.session.listing.is_some() {
            return vec![self.child(&empty(self.place), header, doc, read)];
        }
        match self.take(name).map(|value| (value, &value.data)) {
            None => Vec::new(),
            Some((_, Data::List(items))) => {
                let item = |item| self.child(item, header.clone(), doc, &mut read);
                items.iter().map(item).collect()
            }
            Some((value, _)) => {
                let what = format!("an array of tables, written {header}");
                self.session.complain(Complaint::expected(value, &what));
                Vec::new()
            }
        }
    }

    /// Every key and value of this table, for tables whose keys are data.
    pub(crate) fn entries(&mut self) -> impl Iterator<Item = (&'t str, &'t Key)> + use<'t> {
        self.lenient = true;
        self.table.iter().map(|(name, entry)| (name.as_str(), entry))
    }

    /// A complaint about the value of a key; about the table when the key is absent.
    pub(crate) fn complain(&mut self, name: &str, message: impl Into<String>) {
        let place = self.table.get(name).map_or(self.place, |entry| entry.value.place);
        self.session.complain(Complaint { place, message: message.into() });
    }

    /// The value of a key as it stands, without making the key known.
    pub(crate) fn raw(&self, name: &str) -> Option<&'t Value> {
        self.table.get(name).map(|entry| &entry.value)
    }

    /// Adds a key to the listing by hand, for tables whose keys are data.
    pub(crate) fn note(&mut self, key: &str, kind: String, default: FieldDefault, doc: &str) {
        let section = self.section;
        if let Some(listing) = &mut self.session.listing {
            listing.note(section, Field { key: key.into(), kind, default, doc: doc.into() });
        }
    }

    /// Checks a name that stands as a key.
    pub(crate) fn check_name(&mut self, kind: &Named, name: &str, place: Place) {
        let value = Value { place, data: name.into() };
        self.parse(kind, &value);
    }

    /// Parses and checks a value; what is wrong with it is kept for later.
    pub(crate) fn parse<K: Kind>(&mut self, kind: &K, value: &Value) -> Option<K::Value> {
        let checked = kind.parse(value).and_then(|parsed| {
            kind.check(value, &parsed, self.session)?;
            Ok(parsed)
        });
        checked.map_err(|complaint| self.session.complain(complaint)).ok()
    }
}

impl<'s, 't> Reader<'s, 't> {
    fn over(
        session: &'s mut Session,
        table: &'t Table,
        place: Place,
        header: Header,
        doc: &str,
    ) -> Self {
        let section = match &mut session.listing {
            Some(listing) => listing.open(&header.to_string(), session.described_kind, doc),
            None => 0,
        };
        let (asked, missing) = (Vec::new(), Vec::new());
        Self {
            session,
            table,
            place,
            header,
            asked,
            missing,
            section,
            chosen: None,
            lenient: false,
        }
    }

    fn run<T>(mut self, read: impl FnOnce(&mut Reader<'_, '_>) -> T) -> T {
        let result = read(&mut self);
        self.finish();
        result
    }

    fn child<T>(
        &mut self,
        value: &Value,
        header: Header,
        doc: &'static str,
        read: impl FnOnce(&mut Reader<'_, '_>) -> T,
    ) -> T {
        if let Data::Table(table) = &value.data {
            return Reader::over(self.session, table, value.place, header, doc).run(read);
        }
        self.session.complain(Complaint::expected(value, &format!("the table {header}")));
        self.session
            .silently(|session| Reader::over(session, &EMPTY, value.place, header, doc).run(read))
    }

    /// ` in [topology]`, or nothing at the top of the file.
    fn within(&self) -> String {
        match (self.header.path.as_str(), self.chosen) {
            ("", _) => String::new(),
            (_, None) => format!(" in {}", self.header),
            (_, Some(kind)) => format!(" in {} of kind \"{kind}\"", self.header),
        }
    }

    fn take(&mut self, name: &'static str) -> Option<&'t Value> {
        self.asked.push(name);
        self.raw(name)
    }

    /// Reports the keys nobody asked for, and the required ones that are absent.
    fn finish(self) {
        if self.session.listing.is_some() {
            return;
        }
        let unknown: Vec<_> = match self.lenient {
            true => Vec::new(),
            false => self.table.iter().filter(|(k, _)| !self.asked.contains(&k.as_str())).collect(),
        };
        for (name, example) in &self.missing {
            let mistyped = unknown.iter().any(|(key, _)| nearest(key, [*name]).is_some());
            if !mistyped {
                let (place, header) = (self.place, self.within());
                let message = format!("missing key \"{name}\"{header}, as in {name} = {example}");
                self.session.complain(Complaint { place, message });
            }
        }
        for (key, entry) in unknown {
            let near = suggestion(key, self.asked.iter().copied());
            let message = format!("unknown key \"{key}\"{}{near}", self.within());
            self.session.complain(Complaint { place: entry.key, message });
        }
    }
}

impl Header {
    fn below(&self, name: &str, repeated: bool) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { path: format!("{}{dot}{name}", self.path), repeated }
    }
}

impl std::fmt::Display for Header {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.path.as_str(), self.repeated) {
            ("", _) => f.write_str("top of the file"),
            (path, true) => write!(f, "[[{path}]]"),
            (path, false) => write!(f, "[{path}]"),
        }
    }
}

fn empty(place: Place) -> Value {
    Value { place, data: Data::Table(Table::new()) }
}

/// A default or example of the schema; a test reads every one of them.
fn stand_in<K: Kind>(kind: &K, value: &Value) -> K::Value {
    kind.parse(value).expect("defaults and examples of the schema parse")
}
