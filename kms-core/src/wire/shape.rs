//! Shapes: structs that know their members' wire names, so that one table decodes, validates and
//! encodes each of them.
//!
//! Decoding goes on after the first problem, because the service counts all of them in one message:
//! `2 validation errors detected: Value null at 'keyId' failed …; Value …`.

use crate::error::{Error, ErrorCode};
use serde_json::{Map, Value};
use std::fmt;

/// A JSON object.
pub type Object = Map<String, Value>;

/// What is wrong with an input.
#[derive(Debug, Default)]
pub struct Problems {
    /// The structures around the member that is being read, each with a dot behind it.
    within: String,
    violations: Vec<Violation>,
    malformed: bool,
}

#[derive(Debug)]
struct Violation {
    shown: String,
    at: String,
    constraint: String,
}

impl Problems {
    /// A constraint that a member breaks. `value` is what to show of it, nothing if it is a blob.
    pub fn violation(&mut self, value: Option<&str>, member: &str, constraint: &str) {
        let shown = value.map(|value| format!("'{}' ", clip(value))).unwrap_or_default();
        self.note(shown, member, constraint.to_owned());
    }

    fn missing(&mut self, member: &str) {
        self.note("null ".to_owned(), member, "Member must not be null".to_owned());
    }

    fn note(&mut self, shown: String, member: &str, constraint: String) {
        let at = format!("{}{}", self.within, camel_case(member));
        self.violations.push(Violation { shown, at, constraint });
    }

    /// Reads the members of a structure, whose problems name it before themselves.
    pub fn within<T>(&mut self, member: &str, read: impl FnOnce(&mut Problems) -> T) -> T {
        let outside = self.within.len();
        self.within.push_str(&camel_case(member));
        self.within.push('.');
        let read = read(self);
        self.within.truncate(outside);
        read
    }

    /// Reads the items of a list. What is wrong with one of its structures names its place, counted
    /// from one; what is wrong with its texts is said of the whole list.
    pub fn items<T>(
        &mut self,
        items: &[Value],
        member: &str,
        read: impl Fn(&Value, &str, &mut Problems) -> Option<T>,
    ) -> Option<Vec<T>> {
        let before = self.violations.len();
        let place = |number: usize| format!("{member}.{number}.member");
        let read = (1..).zip(items).map(|(number, item)| read(item, &place(number), self));
        let read = read.collect::<Vec<_>>().into_iter().collect();
        if let Some(texts) = listed(items)
            && self.violations.len() > before
        {
            let mut constraints: Vec<_> =
                self.violations.drain(before..).map(|violation| violation.constraint).collect();
            constraints.dedup();
            let constraint =
                format!("Member must satisfy constraint: [{}]", constraints.join(", "));
            self.violation(Some(&texts), member, &constraint);
        }
        read
    }

    /// A value of another JSON type than the member's.
    pub fn wrong_type(&mut self) {
        self.malformed = true;
    }

    /// The error they come to, if there is any.
    pub fn into_error(self) -> Option<Error> {
        if self.malformed {
            return Some(ErrorCode::Serialization.silent());
        }
        let count = self.violations.len();
        let plural = if count == 1 { "" } else { "s" };
        let list: Vec<_> = self.violations.iter().map(Violation::to_string).collect();
        let list = list.join("; ");
        (count > 0).then(|| {
            ErrorCode::Validation.says(format!("{count} validation error{plural} detected: {list}"))
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { shown, at, constraint } = self;
        write!(f, "Value {shown}at '{at}' failed to satisfy constraint: {constraint}")
    }
}

/// A list of texts as messages show it.
pub(super) fn listed(items: &[Value]) -> Option<String> {
    let texts = items.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
    Some(format!("[{}]", texts.join(", ")))
}

/// A value that can be a member of a shape.
pub trait Member: Sized {
    /// The value, or nothing after saying what is wrong with it.
    fn decode(value: &Value, member: &str, problems: &mut Problems) -> Option<Self>;

    /// The value of a member that is not there; nothing if it is required.
    fn absent() -> Option<Self> {
        None
    }

    /// The JSON of it; nothing if the member is left out.
    fn encode(&self) -> Option<Value>;
}

/// An input or output of an operation.
pub trait Shape: Sized {
    /// The wire names of the members.
    const MEMBERS: &'static [&'static str];

    /// Reads the members of an object.
    fn decode_members(object: &Object, problems: &mut Problems) -> Option<Self>;

    /// Writes the members that are there.
    fn encode_members(&self) -> Object;
}

/// Reads one member.
pub fn member<T: Member>(object: &Object, name: &str, problems: &mut Problems) -> Option<T> {
    match object.get(name).filter(|value| !value.is_null()) {
        Some(value) => T::decode(value, name, problems),
        None => T::absent().or_else(|| {
            problems.missing(name);
            None
        }),
    }
}

/// Writes one member.
pub fn put<T: Member>(object: &mut Object, name: &str, value: &T) {
    if let Some(json) = value.encode() {
        object.insert(name.to_owned(), json);
    }
}

/// Declares a shape: a struct, and the wire name of each of its fields.
#[macro_export]
macro_rules! shape {
    ($(#[$doc:meta])* pub struct $name:ident {
        $($(#[$field_doc:meta])* $field:ident: $type:ty = $wire:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }

        impl $crate::wire::Shape for $name {
            const MEMBERS: &'static [&'static str] = &[$($wire,)*];

            #[allow(unused_variables)]
            fn decode_members(
                object: &$crate::wire::Object,
                problems: &mut $crate::wire::Problems,
            ) -> Option<Self> {
                $(let $field = $crate::wire::member(object, $wire, problems);)*
                Some($name { $($field: $field?,)* })
            }

            #[allow(unused_mut)]
            fn encode_members(&self) -> $crate::wire::Object {
                let mut object = $crate::wire::Object::new();
                $($crate::wire::put(&mut object, $wire, &self.$field);)*
                object
            }
        }

        impl $crate::wire::Member for $name {
            fn decode(
                value: &serde_json::Value,
                member: &str,
                problems: &mut $crate::wire::Problems,
            ) -> Option<Self> {
                match value.as_object() {
                    Some(object) => problems.within(member, |problems| {
                        $crate::wire::Shape::decode_members(object, problems)
                    }),
                    None => {
                        problems.wrong_type();
                        None
                    }
                }
            }

            fn encode(&self) -> Option<serde_json::Value> {
                Some(serde_json::Value::Object($crate::wire::Shape::encode_members(self)))
            }
        }
    };
}

fn camel_case(member: &str) -> String {
    let mut letters = member.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// Long values are cut in messages.
fn clip(value: &str) -> &str {
    match value.char_indices().nth(256) {
        Some((at, _)) => &value[..at],
        None => value,
    }
}
