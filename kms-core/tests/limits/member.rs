//! The members of the service model, read from `members.txt`.

const MEMBERS: &str = include_str!("members.txt");

/// A member of a request.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) kind: Type,
}

impl Member {
    /// The name as messages spell it.
    pub(crate) fn camel_case(&self) -> String {
        let (first, rest) = self.name.split_at(1);
        first.to_lowercase() + rest
    }
}

/// What the model demands of a member.
#[derive(Clone)]
pub(crate) enum Type {
    Text {
        lengths: Range,
        pattern: &'static str,
    },
    Blob {
        lengths: Range,
    },
    Number {
        range: Range,
    },
    /// The values, where the model's table writes them out.
    Choice(Vec<&'static str>),
    List {
        of: Box<Type>,
        lengths: Option<Range>,
    },
    Boolean,
    Map,
    Moment,
    Structure,
}

/// The least and the most.
#[derive(Clone, Copy)]
pub(crate) struct Range {
    pub(crate) least: usize,
    pub(crate) most: usize,
}

impl Range {
    fn parse(text: &str) -> Option<Range> {
        let (least, most) = text.split_once("..")?;
        Some(Range { least: least.parse().ok()?, most: most.parse().ok()? })
    }
}

/// Every member, with its operation.
pub(crate) fn members() -> Vec<(&'static str, Member)> {
    let mut operation = "";
    let mut members = Vec::new();
    for line in MEMBERS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("    ") {
            Some(member) => members.push((operation, parse(member))),
            None => operation = line,
        }
    }
    members
}

fn parse(line: &'static str) -> Member {
    let (name, kind) = line.split_once(' ').expect("a name and a type");
    let required = name.ends_with('!');
    Member { name: name.trim_end_matches('!'), required, kind: kind_of(kind) }
}

fn kind_of(text: &'static str) -> Type {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    let range = || Range::parse(first).unwrap_or_else(|| panic!("no range in {text}"));
    match word {
        "str" => Type::Text { lengths: range(), pattern: second },
        "blob" => Type::Blob { lengths: range() },
        "int" => Type::Number { range: range() },
        "enum" => Type::Choice(rest.split('|').filter(|value| !value.is_empty()).collect()),
        "boolean" => Type::Boolean,
        "map<str,str>" => Type::Map,
        "timestamp" => Type::Moment,
        "list" => {
            let (of, lengths) = rest.split_once(" of ").unwrap_or((rest, ""));
            Type::List { of: Box::new(kind_of(of)), lengths: Range::parse(lengths) }
        }
        _ => Type::Structure,
    }
}
