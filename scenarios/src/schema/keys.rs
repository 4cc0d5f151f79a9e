//! The keys that exist from the start, and the names by which the rest of the file means them.
//!
//! Keys are named after their group and counted from 0: `symmetric-0`, `multi-region-4`. A shrunk
//! scenario keeps these names, so they are part of the schema.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use kms_core::name::AccountId;

use crate::kind::{Complaint, Count, DaysIn, Kind, List, TEXT};
use crate::nearest::suggestion;
use crate::reader::Reader;
use crate::session::Session;
use crate::state::{Home, Inventory, Problem};
use crate::value::{Data, Value};

/// How many keys of each group exist from the start, and what hangs on them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keys {
    counts: [u32; GROUPS.len()],
    /// The period of automatic rotation, where keys have it.
    pub rotation: Option<Duration>,
    /// Aliases, spread over the keys in turn.
    pub aliases: u32,
    /// Grants on every key.
    pub grants_per_key: u32,
    /// The keys that a template or plan declares.
    pub declared: Option<Declared>,
}

/// A CloudFormation template or Terraform plan whose keys exist from the start, in every Region.
#[derive(Debug, Clone)]
pub struct Declared {
    /// The file, as errors name it.
    pub file: String,
    text: Arc<str>,
    count: u32,
}

/// Where a text came from changes nothing about the keys that it declares.
impl PartialEq for Declared {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Declared {}

impl Declared {
    /// Reads a file for the simulated world.
    ///
    /// # Errors
    /// What is wrong in the file, or what the world cannot begin with.
    pub(crate) fn read(file: &str, text: &str) -> Result<Self, String> {
        let mut declared = Self { file: file.into(), text: text.into(), count: 0 };
        let region = kms_core::name::RegionName::parse("us-east-1").ok_or("no Region")?;
        let home = Home { account: AccountId::new(111_122_220_000), region };
        let inventory = declared.inventory(home).map_err(|problem| problem.in_file(file))?;
        declared.count = u32::try_from(inventory.keys.len()).unwrap_or(u32::MAX);
        if declared.count == 0 {
            return Err(format!("{file} declares no key"));
        }
        Ok(declared)
    }

    /// What the file declares in an account and Region.
    ///
    /// # Errors
    /// What is wrong in the file.
    pub fn inventory(&self, home: Home) -> Result<Inventory, Problem> {
        Inventory::read(&self.text, home)
    }
}

/// A group of keys that are made alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyGroup {
    /// `SYMMETRIC_DEFAULT`, one of each number in every Region.
    Symmetric,
    /// `SYMMETRIC_DEFAULT` primaries with a replica in every other Region.
    MultiRegion,
    /// Keys in an external key store of their account, one of each number in every Region.
    External,
    /// What `[keys] from` declares, in the order of that file.
    Declared,
}

/// One line a group: the key in the file, the stem of its keys' names, the group, its meaning.
const GROUPS: [(&str, &str, KeyGroup, &str); 4] = [
    ("symmetric", "symmetric", KeyGroup::Symmetric, "Symmetric encryption keys in each Region."),
    (
        "multi_region",
        "multi-region",
        KeyGroup::MultiRegion,
        "Multi-Region symmetric keys, each with a replica in every other Region.",
    ),
    (
        "external",
        "external",
        KeyGroup::External,
        "Keys in external key stores in each Region; their proxies stand in the Region, too.",
    ),
    ("from", "declared", KeyGroup::Declared, FROM_DOC),
];

const FROM_DOC: &str = "A CloudFormation template or Terraform plan as JSON, by its path from this file \
                        or as a text of several lines; its keys exist in every Region.";

const ROTATION_DOC: &str =
    "Period of automatic rotation of symmetric and multi-Region keys; none when unset.";

/// The name of a key: one from the start (`symmetric-7`), one that an operation creates, or an
/// alias (`alias/orders`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName(String);

/// Some of the keys that exist from the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeySelector {
    /// All keys of a group.
    Group(KeyGroup),
    /// One key: its group and its number.
    One(KeyGroup, u32),
}

pub(crate) struct SelectorKind;
pub(crate) struct KeyNameKind;

/// A list of selectors, for workloads.
pub(crate) const SELECTORS: List<SelectorKind> = List { of: SelectorKind, min: 1, max: 1_000 };

impl Keys {
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let keys = reader.table("keys", "The keys that exist when the storm begins.", |reader| {
            let mut keys = Self::default();
            for ((field, _, group, doc), count) in GROUPS.iter().zip(&mut keys.counts) {
                *count = match group {
                    KeyGroup::Declared => {
                        // The file was opened before anything was read.
                        keys.declared =
                            reader.optional(field, &TEXT, doc).and(reader.session.declared.clone());
                        keys.declared.as_ref().map_or(0, |declared| declared.count)
                    }
                    _ => reader.or(field, &Count { min: 0, max: 100_000 }, 0, doc),
                };
            }
            let period = DaysIn { min: 90, max: 2_560 };
            keys.rotation = reader.optional("rotation", &period, ROTATION_DOC);
            let (aliases, grants) = (Count { min: 0, max: 100_000 }, Count { min: 0, max: 50_000 });
            keys.aliases =
                reader.or("aliases", &aliases, 0, "Aliases in each Region, for all keys in turn.");
            keys.grants_per_key = reader.or("grants_per_key", &grants, 0, "Grants on every key.");
            keys
        });
        reader.session.keys = keys.clone();
        keys
    }

    /// How many keys of a group there are.
    pub fn count(&self, group: KeyGroup) -> u32 {
        let all = GROUPS.iter().zip(self.counts);
        all.filter(|((_, _, of, _), _)| *of == group).map(|(_, count)| count).sum()
    }

    /// All keys, over all groups.
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }
}

impl KeyGroup {
    /// Every group.
    pub fn all() -> impl Iterator<Item = Self> {
        GROUPS.iter().map(|(_, _, group, _)| *group)
    }

    /// The stem of its keys' names.
    pub fn stem(self) -> &'static str {
        let line = GROUPS.iter().find(|(_, _, group, _)| *group == self);
        line.map_or("", |(_, stem, _, _)| stem)
    }
}

impl KeyName {
    /// The name of a key that exists from the start.
    pub fn from_the_start(group: KeyGroup, number: u32) -> Self {
        Self(format!("{}-{number}", group.stem()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Kind for SelectorKind {
    type Value = KeySelector;

    fn name(&self) -> String {
        "group of keys, or one key, such as `\"symmetric\"` or `\"symmetric-7\"`".into()
    }

    fn parse(&self, value: &Value) -> Result<KeySelector, Complaint> {
        let Data::Text(text) = &value.data else {
            return Err(Complaint::expected(value, "a group of keys or a key in quotes"));
        };
        let whole_group = KeyGroup::all().find(|group| group.stem() == text);
        let selector = whole_group.map(KeySelector::Group).or_else(|| numbered(text));
        selector.ok_or_else(|| {
            let stem = text.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
            let near = suggestion(stem, KeyGroup::all().map(KeyGroup::stem));
            Complaint::about(value, format!("unknown group of keys {text:?}{near}"))
        })
    }

    fn check(&self, value: &Value, of: &KeySelector, s: &Session) -> Result<(), Complaint> {
        let (group, needed) = match *of {
            KeySelector::Group(group) => (group, 1),
            KeySelector::One(group, number) => (group, number.saturating_add(1)),
        };
        match s.keys.count(group) {
            count if count >= needed => Ok(()),
            count => Err(Complaint::about(value, too_few(group, count))),
        }
    }
}

impl Kind for KeyNameKind {
    type Value = KeyName;

    fn name(&self) -> String {
        "key such as `\"symmetric-7\"`, one that an earlier operation `creates`, or `\"alias/…\"`"
            .into()
    }

    fn parse(&self, value: &Value) -> Result<KeyName, Complaint> {
        match &value.data {
            Data::Text(text) => Ok(KeyName(text.clone())),
            _ => Err(Complaint::expected(value, "the name of a key in quotes")),
        }
    }

    fn check(&self, value: &Value, name: &KeyName, s: &Session) -> Result<(), Complaint> {
        let text = name.as_str();
        if text.starts_with("alias/") || s.created_keys.iter().any(|created| created == text) {
            return Ok(());
        }
        if let Some(KeySelector::One(group, number)) = numbered(text) {
            let count = s.keys.count(group);
            let there = number < count;
            return there
                .then_some(())
                .ok_or_else(|| Complaint::about(value, too_few(group, count)));
        }
        let groups = KeyGroup::all().filter(|group| s.keys.count(*group) > 0);
        let known: Vec<String> = groups.map(|group| format!("{}-0", group.stem())).collect();
        let words =
            known.iter().map(String::as_str).chain(s.created_keys.iter().map(String::as_str));
        Err(Complaint::about(value, format!("unknown key {text:?}{}", suggestion(text, words))))
    }
}

/// `symmetric-7` as its group and number.
fn numbered(text: &str) -> Option<KeySelector> {
    let (stem, digits) = text.rsplit_once('-')?;
    let group = KeyGroup::all().find(|group| group.stem() == stem)?;
    let number: u32 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(KeySelector::One(group, number))
}

fn too_few(group: KeyGroup, count: u32) -> String {
    let stem = group.stem();
    match count {
        0 => format!("there are no {stem} keys; [keys] would have to make some"),
        1 => format!("there is one {stem} key, \"{stem}-0\"; [keys] would have to make more"),
        many => format!("there are {many} {stem} keys, \"{stem}-0\" to \"{stem}-{}\"", many - 1),
    }
}
