//! Patterns of policies: `*`, `?` and policy variables, compiled once.
//!
//! Matching keeps one point of return, the last `*`, so the time is at most the product of the two
//! lengths whatever the pattern (`a*a*a*b` included); exact texts and prefixes are plain comparisons.
//! Source: IAM User Guide, "Policy variables" and "String condition operators".

use super::condition_key::ConditionKey;
use super::context::{Context, ContextValue};
use std::borrow::Cow;
use std::str::Chars;

/// Whether `*` and `?` stand for other characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wildcards {
    Active,
    Literal,
}

/// Whether `${…}` is replaced; only in policies of version 2012-10-17.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variables {
    Active,
    Literal,
}

/// Whether letters compare with case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    Sensitive,
    Ignored,
}

/// How a text of a policy is to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Syntax {
    pub(super) wildcards: Wildcards,
    pub(super) variables: Variables,
    pub(super) case: Case,
}

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    form: Form,
    case: Case,
}

#[derive(Debug)]
enum Form {
    Any,
    Exact(Box<str>),
    Prefix(Box<str>),
    Glob(Box<[Unit]>),
    Template(Box<[Piece]>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    Char(char),
    One,
    Any,
}

#[derive(Debug)]
enum Piece {
    Unit(Unit),
    Variable { key: ConditionKey, default: Option<Box<str>> },
}

impl Pattern {
    /// Compiles a text; the error says what is wrong with it.
    pub(super) fn compile(text: &str, syntax: Syntax) -> Result<Pattern, String> {
        let pieces = split(text, syntax)?;
        let units: Option<Vec<Unit>> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Unit(unit) => Some(*unit),
                Piece::Variable { .. } => None,
            })
            .collect();
        let form = units.map_or_else(|| Form::Template(pieces.into()), simplest);
        Ok(Pattern { form, case: syntax.case })
    }

    /// Whether the pattern matches the whole text. A variable without value matches nothing.
    pub(super) fn matches(&self, text: &str, context: &dyn Context) -> bool {
        match &self.form {
            Form::Any => true,
            Form::Exact(exact) => equal(exact, text, self.case),
            Form::Prefix(prefix) => text.starts_with(&**prefix),
            Form::Glob(units) => glob(units, text, self.case),
            Form::Template(pieces) => {
                fill(pieces, context).is_some_and(|units| glob(&units, text, self.case))
            }
        }
    }

    /// Whether the pattern matches everything.
    pub(super) fn is_any(&self) -> bool {
        matches!(self.form, Form::Any)
    }
}

/// Whether a glob without variables matches a text without regard to case; for names of actions.
pub(super) fn matches_name(pattern: &str, name: &str) -> bool {
    let units: Vec<Unit> = pattern.chars().map(wildcard).collect();
    glob(&units, name, Case::Ignored)
}

fn wildcard(letter: char) -> Unit {
    match letter {
        '*' => Unit::Any,
        '?' => Unit::One,
        letter => Unit::Char(letter),
    }
}

fn split(text: &str, syntax: Syntax) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        if syntax.variables == Variables::Active && rest.starts_with("${") {
            let end =
                rest.find('}').ok_or_else(|| format!("\"{text}\" has \"${{\" without \"}}\""))?;
            pieces.push(variable(&rest[2..end])?);
            rest = &rest[end + 1..];
            continue;
        }
        pieces.push(Piece::Unit(match syntax.wildcards {
            Wildcards::Active => wildcard(letter),
            Wildcards::Literal => Unit::Char(letter),
        }));
        rest = &rest[letter.len_utf8()..];
    }
    Ok(pieces)
}

/// `*`, `?`, `$`, `key` or `key, 'default'`.
fn variable(body: &str) -> Result<Piece, String> {
    if let "*" | "?" | "$" = body {
        return Ok(Piece::Unit(Unit::Char(body.chars().next().unwrap_or('$'))));
    }
    let (name, default) = match body.split_once(',') {
        Some((name, default)) => (name, Some(quoted(default.trim(), body)?)),
        None => (body, None),
    };
    let name = name.trim();
    if !name.contains(':') {
        return Err(format!(
            "\"${{{body}}}\" is no policy variable: it has to name a condition key"
        ));
    }
    Ok(Piece::Variable { key: ConditionKey::new(name), default })
}

fn quoted(text: &str, body: &str) -> Result<Box<str>, String> {
    let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    inner
        .map(Box::from)
        .ok_or_else(|| format!("the default in \"${{{body}}}\" has to stand in single quotes"))
}

fn simplest(units: Vec<Unit>) -> Form {
    let letters = |units: &[Unit]| -> Option<Box<str>> {
        let letter = |unit: &Unit| match unit {
            Unit::Char(letter) => Some(*letter),
            _ => None,
        };
        units.iter().map(letter).collect::<Option<String>>().map(Into::into)
    };
    match units.as_slice() {
        [Unit::Any] => Form::Any,
        [head @ .., Unit::Any] => {
            letters(head).map_or_else(|| Form::Glob(units.into()), Form::Prefix)
        }
        all => letters(all).map_or_else(|| Form::Glob(units.into()), Form::Exact),
    }
}

/// Replaces variables by their values, in which `*` and `?` are letters.
fn fill(pieces: &[Piece], context: &dyn Context) -> Option<Vec<Unit>> {
    let mut units = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Unit(unit) => units.push(*unit),
            Piece::Variable { key, default } => {
                let value = context.value(key);
                let text = value.as_ref().and_then(ContextValue::text);
                let text = text.or_else(|| default.as_deref().map(Cow::Borrowed))?;
                units.extend(text.chars().map(Unit::Char));
            }
        }
    }
    Some(units)
}

fn equal(left: &str, right: &str, case: Case) -> bool {
    match case {
        Case::Sensitive => left == right,
        Case::Ignored => {
            left.chars().flat_map(char::to_lowercase).eq(right.chars().flat_map(char::to_lowercase))
        }
    }
}

fn same(left: char, right: char, case: Case) -> bool {
    left == right || case == Case::Ignored && left.to_lowercase().eq(right.to_lowercase())
}

fn glob(units: &[Unit], text: &str, case: Case) -> bool {
    let mut rest = text.chars();
    let mut at = 0;
    let mut last_star: Option<(usize, Chars<'_>)> = None;
    loop {
        let mut next = rest.clone();
        match (units.get(at), next.next()) {
            (Some(Unit::Any), _) => {
                at += 1;
                last_star = Some((at, rest.clone()));
                continue;
            }
            (None, None) => return true,
            (Some(Unit::One), Some(_)) => (at, rest) = (at + 1, next),
            (Some(Unit::Char(letter)), Some(found)) if same(*letter, found, case) => {
                (at, rest) = (at + 1, next);
            }
            _ => {
                let Some((after, from)) = &mut last_star else {
                    return false;
                };
                if from.next().is_none() {
                    return false;
                }
                (at, rest) = (*after, from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Alice;

    impl Context for Alice {
        fn value(&self, key: &ConditionKey) -> Option<ContextValue<'_>> {
            match key.to_string().as_str() {
                "aws:username" => Some(ContextValue::Text("al*ce".into())),
                "aws:PrincipalTag/team" => Some(ContextValue::Text("blue".into())),
                _ => None,
            }
        }
    }

    fn like(pattern: &str, text: &str) -> bool {
        let syntax = Syntax {
            wildcards: Wildcards::Active,
            variables: Variables::Active,
            case: Case::Sensitive,
        };
        Pattern::compile(pattern, syntax).unwrap().matches(text, &Alice)
    }

    #[test]
    fn wildcards_match_any_text_and_one_character() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "aéc", true),
            ("a?c", "ac", false),
            ("ab*", "ab", true),
            ("ab*", "a", false),
            ("*b*", "abc", true),
            ("a*c", "abcbc", true),
            ("a*c", "abcb", false),
            ("a*b*c", "aXbYbZc", true),
            ("a**", "a", true),
            ("?*?", "ab", true),
            ("?*?", "a", false),
            ("abc", "ABC", false),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} ~ {text}");
        }
    }

    #[test]
    fn variables_are_replaced_and_their_wildcards_are_letters() {
        for (pattern, text, expected) in [
            ("home/${aws:username}/*", "home/al*ce/x", true),
            ("home/${aws:username}/*", "home/alice/x", false),
            ("${aws:PrincipalTag/team}", "blue", true),
            ("${AWS:principaltag/team}", "blue", true),
            ("${aws:PrincipalTag/none}", "", false),
            ("${aws:PrincipalTag/none, 'red'}", "red", true),
            ("${aws:PrincipalTag/team, 'red'}", "red", false),
            ("${*}${?}${$}", "*?$", true),
            ("${*}", "abc", false),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} ~ {text}");
        }
    }

    #[test]
    fn broken_variables_are_named() {
        let syntax = Syntax {
            wildcards: Wildcards::Literal,
            variables: Variables::Active,
            case: Case::Sensitive,
        };
        for (text, part) in [
            ("${aws:username", "without"),
            ("${username}", "has to name a condition key"),
            ("${aws:username, red}", "single quotes"),
        ] {
            assert!(Pattern::compile(text, syntax).unwrap_err().contains(part), "{text}");
        }
        let literal = Syntax { variables: Variables::Literal, ..syntax };
        let pattern = Pattern::compile("${aws:username", literal).unwrap();
        assert!(pattern.matches("${aws:username", &Alice));
    }

    #[test]
    fn adversarial_patterns_stay_polynomial() {
        let text = "a".repeat(4_000);
        assert!(!like(&format!("{}b", "a*".repeat(500)), &text));
        assert!(!like(&format!("*{}b*", "a".repeat(500)), &text));
        assert!(like(&"*?".repeat(500), &text));
    }

    #[test]
    fn names_of_actions_ignore_case() {
        assert!(matches_name("generatedatakey*", "GenerateDataKeyPair"));
        assert!(matches_name("*", "Sign"));
        assert!(!matches_name("Sign?", "Sign"));
    }
}
