//! The tree of a YAML or JSON file, in which every value keeps its line and column.
//!
//! JSON is YAML, so one parser reads both. YAML's short tags (`!Ref`, `!Sub`) stay on the values they
//! stand before.

use super::problem::Problem;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use std::collections::BTreeMap;

/// Deeper files are refused.
const DEEPEST: usize = 128;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: At,
    /// The tag without its `!`.
    pub(crate) tag: Option<String>,
    pub(crate) data: Data,
}

/// A line and a column, counted from 1; 0 is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct At {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    Null,
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// A text at a place.
    pub(crate) fn text_at(at: At, text: impl Into<String>) -> Node {
        Node { at, tag: None, data: Data::Text(text.into()) }
    }

    /// Reads a file of one document.
    pub(crate) fn parse(text: &str) -> Result<Node, Problem> {
        let mut reader = Reader { parser: Parser::new_from_str(text), anchors: BTreeMap::new() };
        loop {
            match reader.next()? {
                (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
                (Event::StreamEnd | Event::DocumentEnd, span) => {
                    return Err(Problem::at(at(&span), "the file is empty"));
                }
                (event, span) => return reader.node(event, &span, 0),
            }
        }
    }

    /// The text of a string, number or boolean.
    pub(crate) fn scalar(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) | Data::Number(text) => Some(text),
            Data::Bool(true) => Some("true"),
            Data::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// The values of a list, or the value itself.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.data {
            Data::List(items) => items,
            Data::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    /// The members of a map.
    pub(crate) fn members(&self) -> &[(Node, Node)] {
        match &self.data {
            Data::Map(members) => members,
            _ => &[],
        }
    }

    /// A member of a map.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        let found = self.members().iter().find(|(key, _)| key.scalar() == Some(name));
        found.map(|(_, value)| value)
    }

    /// A member deep inside.
    pub(crate) fn path(&self, names: &[&str]) -> Option<&Node> {
        names.iter().try_fold(self, |node, name| node.get(name))
    }

    /// What it is, for errors.
    pub(crate) fn kind(&self) -> &'static str {
        match self.data {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::Text(_) => "a text",
            Data::List(_) => "a list",
            Data::Map(_) => "a map",
        }
    }

    /// The value as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(truth) => Value::Bool(*truth),
            Data::Number(number) => {
                number.parse().map_or_else(|_| Value::String(number.clone()), Value::Number)
            }
            Data::Text(text) => Value::String(text.clone()),
            Data::List(items) => Value::Array(items.iter().map(Node::json).collect()),
            Data::Map(members) => {
                let member = |(key, value): &(Node, Node)| {
                    (key.scalar().unwrap_or_default().to_owned(), value.json())
                };
                Value::Object(members.iter().map(member).collect())
            }
        }
    }
}

fn at(span: &Span) -> At {
    At { line: span.start.line(), column: span.start.col() + 1 }
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    anchors: BTreeMap<usize, Node>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => {
                let mark = error.marker();
                let at = At { line: mark.line(), column: mark.col() + 1 };
                Err(Problem::at(at, format!("neither YAML nor JSON: {}", error.info())))
            }
            None => Err(Problem::at(At::default(), "the file ends too early")),
        }
    }

    fn node(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Result<Node, Problem> {
        let at = at(span);
        if depth > DEEPEST {
            return Err(Problem::at(at, format!("values are nested more than {DEEPEST} deep")));
        }
        let (anchor, tag, data) = match event {
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                return known.ok_or_else(|| Problem::at(at, "the alias names no anchor"));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                (anchor, tag, scalar(&text, plain))
            }
            Event::SequenceStart(anchor, tag) => (anchor, tag, Data::List(self.list(depth)?)),
            Event::MappingStart(anchor, tag) => (anchor, tag, Data::Map(self.map(depth)?)),
            other => return Err(Problem::at(at, format!("unexpected {other:?}"))),
        };
        let node = Node { at, tag: tag.and_then(|tag| short(&tag)), data };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, &span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Node, Node)>, Problem> {
        let mut members: Vec<(Node, Node)> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(members);
            }
            let key = self.node(event, &span, depth + 1)?;
            let Some(name) = key.scalar() else {
                return Err(Problem::at(
                    key.at,
                    format!("a key has to be a text, not {}", key.kind()),
                ));
            };
            if members.iter().any(|(other, _)| other.scalar() == Some(name)) {
                return Err(Problem::at(key.at, format!("\"{name}\" is there twice")));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1)?;
            members.push((key, value));
        }
    }
}

/// `!Ref` as `Ref`; tags of YAML itself are none.
fn short(tag: &Tag) -> Option<String> {
    (tag.handle == "!").then(|| tag.suffix.clone())
}

/// A plain scalar is what YAML's core schema makes of it; a quoted one is a text.
fn scalar(text: &str, plain: bool) -> Data {
    let number = || {
        text.parse::<f64>().is_ok_and(f64::is_finite) && text.contains(|c: char| c.is_ascii_digit())
    };
    match text {
        _ if !plain => Data::Text(text.into()),
        "" | "~" | "null" | "Null" | "NULL" => Data::Null,
        "true" | "True" | "TRUE" => Data::Bool(true),
        "false" | "False" | "FALSE" => Data::Bool(false),
        // An account with its leading zeros is a text to whoever wrote it.
        _ if number() && !(text.len() > 1 && text.starts_with('0')) => Data::Number(text.into()),
        _ => Data::Text(text.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_make_the_same_tree_with_their_own_places() {
        let yaml = Node::parse("a: [1, two, true]\nb:\n  - !Ref Key\n").unwrap();
        let json = Node::parse("{\"a\": [1, \"two\", true],\n \"b\": [\"Key\"]}").unwrap();
        assert_eq!(yaml.json(), json.json());
        let reference = &yaml.get("b").unwrap().items()[0];
        assert_eq!(
            (reference.tag.as_deref(), reference.at),
            (Some("Ref"), At { line: 3, column: 5 })
        );
        assert_eq!(json.get("b").unwrap().at, At { line: 2, column: 7 });
    }

    #[test]
    fn what_is_no_yaml_is_said_with_its_place() {
        for (text, part) in [
            ("a: 1\na: 2\n", "2:1: \"a\" is there twice"),
            ("a: [1\nb: 2", "neither YAML nor JSON"),
            ("", "the file is empty"),
            ("? [a]\n: b\n", "a key has to be a text, not a list"),
        ] {
            let problem = Node::parse(text).unwrap_err().to_string();
            assert!(problem.contains(part), "{problem}");
        }
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(Node::parse(&deep).unwrap_err().to_string().contains("128 deep"));
    }

    #[test]
    fn scalars_are_what_yaml_makes_of_them() {
        for (text, data) in [
            ("7.5", Data::Number("7.5".into())),
            ("\"7\"", Data::Text("7".into())),
            ("012345678901", Data::Text("012345678901".into())),
            ("2012-10-17", Data::Text("2012-10-17".into())),
            ("yes", Data::Text("yes".into())),
            ("False", Data::Bool(false)),
            ("~", Data::Null),
        ] {
            assert_eq!(Node::parse(text).unwrap().data, data, "{text}");
        }
    }
}
