//! From files to a typed scenario: open, extend, override, read.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use crate::error::ScenarioError;
use crate::listing::Listing;
use crate::merge::merge;
use crate::overrides::Override;
use crate::reader::Reader;
use crate::schema::{Declared, SCHEMA, Scenario, flatten_parameters};
use crate::session::Session;
use crate::source::{Place, Sources};
use crate::value::{self, Data, Table};
use crate::vocabulary::Vocabulary;

/// Files larger than this are not scenarios.
const LARGEST_FILE: u64 = 16 << 20;

/// More bases than this on top of each other are a mistake.
const LONGEST_CHAIN: usize = 16;

/// Opens a file by its path; the error is the end of a sentence.
type Open<'o> = &'o dyn Fn(&Path) -> Result<String, String>;

const ROOT_DOC: &str =
    "A scenario: storm, which is the phases one after another, then calm, then the verdict.";

impl Scenario {
    /// Reads a scenario file, the bases it extends, and overrides, in that order.
    ///
    /// # Errors
    /// The first problem in the file; failing that in its bases; failing that in the overrides.
    pub fn load(
        path: &Path,
        overrides: &[Override],
        vocabulary: &Vocabulary,
    ) -> Result<Self, ScenarioError> {
        load(&read, path, overrides, vocabulary)
    }

    /// Reads a scenario from a text that extends nothing; `name` is what errors call it.
    ///
    /// # Errors
    /// The first problem in the text; failing that in the overrides.
    pub fn parse(
        name: &str,
        text: &str,
        overrides: &[Override],
        vocabulary: &Vocabulary,
    ) -> Result<Self, ScenarioError> {
        let only = |path: &Path| match path == Path::new(name) {
            true => Ok(text.to_owned()),
            false => Err("a scenario that is not a file extends nothing".into()),
        };
        load(&only, Path::new(name), overrides, vocabulary)
    }
}

/// Every key of a scenario with its type, default and meaning.
///
/// # Panics
/// Never: the defaults of the schema parse, and a test reads them all.
pub fn schema_listing(vocabulary: &Vocabulary) -> Listing {
    let mut session = Session::describing(vocabulary.clone());
    let read = |reader: &mut Reader<'_, '_>| Scenario::read(reader, "schema");
    Reader::root(&mut session, &Table::new(), Place::NOWHERE, ROOT_DOC, read);
    session.listing.unwrap_or_default().collapse()
}

fn load(
    open: Open<'_>,
    path: &Path,
    overrides: &[Override],
    vocabulary: &Vocabulary,
) -> Result<Scenario, ScenarioError> {
    let mut sources = Sources::default();
    let tree = merged(&mut sources, open, path, overrides)?;
    let mut session = Session::reading(vocabulary.clone());
    session.declared = declared(&sources, open, path, &tree)?;
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let read = |reader: &mut Reader<'_, '_>| Scenario::read(reader, &name);
    let scenario = Reader::root(&mut session, &tree, sources.start(), ROOT_DOC, read);
    match session.first_problem() {
        Some(problem) => Err(sources.error(problem.place, &problem.message)),
        None => Ok(scenario),
    }
}

/// A file with its bases and overrides, as a tree.
pub(crate) fn tree(path: &Path, overrides: &[Override]) -> Result<Table, ScenarioError> {
    let mut sources = Sources::default();
    let mut tree = merged(&mut sources, &read, path, overrides)?;
    if let Some((_, text)) = declaring(&sources, &read, path, &tree)? {
        let keys = tree.get_mut("keys").map(|keys| &mut keys.value.data);
        if let Some(Data::Table(keys)) = keys
            && let Some(from) = keys.get_mut("from")
        {
            // Whatever has more than one line is no path.
            from.value.data = Data::Text(if text.contains('\n') { text } else { text + "\n" });
        }
    }
    Ok(tree)
}

fn merged(
    sources: &mut Sources,
    open: Open<'_>,
    path: &Path,
    overrides: &[Override],
) -> Result<Table, ScenarioError> {
    let text = open(path).map_err(|why| ScenarioError::whole_file(&show(path), why))?;
    let mut chain = vec![normal(path)];
    let mut tree = file(sources, open, path, &text, &mut chain)?;
    for one in overrides {
        one.apply(&mut tree, sources)?;
    }
    Ok(tree)
}

/// What `[keys] from` declares.
fn declared(
    sources: &Sources,
    open: Open<'_>,
    path: &Path,
    tree: &Table,
) -> Result<Option<Declared>, ScenarioError> {
    let Some((from, text)) = declaring(sources, open, path, tree)? else { return Ok(None) };
    let name = match from.text.contains('\n') {
        true => show(path),
        false => show(&from.beside(path)),
    };
    let wrong = |message: String| sources.error(from.place, &message);
    Declared::read(&name, &text).map(Some).map_err(wrong)
}

/// What `[keys] from` says: a path from where the scenario is, or the text of such a file itself, as a
/// document has it that stands alone.
struct Reference<'t> {
    text: &'t str,
    place: Place,
}

impl Reference<'_> {
    fn beside(&self, scenario: &Path) -> PathBuf {
        normal(&scenario.parent().unwrap_or(Path::new("")).join(self.text))
    }
}

/// What `[keys] from` says, and the text that it means.
fn declaring<'t>(
    sources: &Sources,
    open: Open<'_>,
    path: &Path,
    tree: &'t Table,
) -> Result<Option<(Reference<'t>, String)>, ScenarioError> {
    let Some(Data::Table(keys)) = tree.get("keys").map(|entry| &entry.value.data) else {
        return Ok(None);
    };
    let Some(value) = keys.get("from").map(|entry| &entry.value) else { return Ok(None) };
    // Anything but a text is complained of by the reader.
    let Data::Text(text) = &value.data else { return Ok(None) };
    let from = Reference { text, place: value.place };
    if text.contains('\n') {
        return Ok(Some((from, text.clone())));
    }
    let file = from.beside(path);
    let wrong = |why| sources.error(value.place, &format!("cannot read {}: {why}", show(&file)));
    let text = open(&file).map_err(wrong)?;
    Ok(Some((from, text)))
}

/// One file with its bases below it.
fn file(
    sources: &mut Sources,
    open: Open<'_>,
    path: &Path,
    text: &str,
    chain: &mut Vec<PathBuf>,
) -> Result<Table, ScenarioError> {
    let id = sources.add(&show(path), text);
    let mut own = value::parse(sources, id, text)?;
    check_schema(sources, id.place(0..0), &own)?;
    flatten_parameters(&mut own).map_err(|twice| sources.error(twice.place, &twice.message))?;
    let Some(extends) = own.remove("extends") else {
        return Ok(own);
    };
    let wrong = |message: &str| Err(sources.error(extends.value.place, message));
    let Data::Text(base) = &extends.value.data else {
        return wrong("expected the path of a base file in quotes");
    };
    let base = normal(&path.parent().unwrap_or(Path::new("")).join(base));
    if chain.contains(&base) {
        let names: Vec<String> = chain.iter().chain([&base]).map(|path| show(path)).collect();
        return wrong(&format!(
            "these files extend each other in a circle: {}",
            names.join(" -> ")
        ));
    }
    if chain.len() == LONGEST_CHAIN {
        return wrong(&format!("at most {LONGEST_CHAIN} files may extend each other"));
    }
    let text = match open(&base) {
        Ok(text) => text,
        Err(why) => return wrong(&format!("cannot read the base {}: {why}", show(&base))),
    };
    chain.push(base.clone());
    let base = file(sources, open, &base, &text, chain)?;
    Ok(merge(base, own))
}

/// The schema comes first: a file of another schema would only raise misleading errors.
fn check_schema(sources: &Sources, top: Place, table: &Table) -> Result<(), ScenarioError> {
    let message = match table.get("schema").map(|entry| &entry.value) {
        None => (top, format!("missing key \"schema\", as in schema = {SCHEMA}")),
        Some(value) => match value.data {
            Data::Integer(SCHEMA) => return Ok(()),
            Data::Integer(other) => {
                (value.place, format!("this is schema {other}; this version reads schema {SCHEMA}"))
            }
            _ => (value.place, format!("expected schema = {SCHEMA}, found {}", value.found())),
        },
    };
    Err(sources.error(message.0, &message.1))
}

/// The text of a scenario file. What never ends is not read to its end.
///
/// # Errors
/// Why it cannot be read, as the end of a sentence.
pub fn read(path: &Path) -> Result<String, String> {
    let unreadable = |error| format!("cannot read this file: {error}");
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    match file.take(LARGEST_FILE + 1).read_to_string(&mut text) {
        Ok(size) if size as u64 <= LARGEST_FILE => Ok(text),
        Ok(_) => Err(format!("this file is larger than {} MiB", LARGEST_FILE >> 20)),
        Err(error) => Err(unreadable(error)),
    }
}

fn show(path: &Path) -> String {
    path.display().to_string()
}

/// The path without `.` and, where a folder goes before it, without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::CurDir, _) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.iter().collect()
}
