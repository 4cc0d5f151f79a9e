//! Patterns for ARNs: every field between colons is matched by itself, so that a `*` never reaches
//! into the next field. The last field keeps its own colons.

use super::context::Context;
use super::pattern::{Pattern, Syntax};

/// What becomes of a pattern with fewer than six fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The fields match everything (IAM User Guide, "Resource": incomplete ARNs are completed).
    MatchAll,
    /// The pattern matches nothing (IAM User Guide, "ARN condition operators").
    MatchNone,
}

/// A compiled ARN pattern.
#[derive(Debug)]
pub(super) enum ArnPattern {
    /// `*`, or a variable that stands for a whole ARN.
    Whole(Pattern),
    /// One pattern a field, at most six.
    Fields { fields: Vec<Pattern>, missing: Missing },
}

impl ArnPattern {
    /// Compiles a text; the error says what is wrong with it.
    pub(super) fn compile(
        text: &str,
        syntax: Syntax,
        missing: Missing,
    ) -> Result<ArnPattern, String> {
        if !text.starts_with("arn:") {
            return Pattern::compile(text, syntax).map(ArnPattern::Whole);
        }
        let fields = split_fields(text)
            .into_iter()
            .map(|field| Pattern::compile(field, syntax))
            .collect::<Result<_, _>>()?;
        Ok(ArnPattern::Fields { fields, missing })
    }

    /// Whether the pattern matches an ARN.
    pub(super) fn matches(&self, arn: &str, context: &dyn Context) -> bool {
        match self {
            ArnPattern::Whole(pattern) => pattern.matches(arn, context),
            ArnPattern::Fields { fields, missing } => {
                let mut found = arn.splitn(6, ':');
                let matches = |pattern: &Pattern| {
                    found.next().is_some_and(|field| pattern.matches(field, context))
                };
                (fields.len() == 6 || *missing == Missing::MatchAll)
                    && fields.iter().all(matches)
                    && fields.len() + found.count() == 6
            }
        }
    }

    /// Whether the pattern matches everything, ARN or not.
    pub(super) fn is_any(&self) -> bool {
        matches!(self, ArnPattern::Whole(pattern) if pattern.is_any())
    }
}

/// Six fields at most; a colon inside `${…}` separates nothing.
fn split_fields(text: &str) -> Vec<&str> {
    let mut fields = Vec::with_capacity(6);
    let (mut from, mut in_variable) = (0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' if text[..at].ends_with('$') => in_variable = true,
            '}' => in_variable = false,
            ':' if !in_variable && fields.len() < 5 => {
                fields.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    fields.push(&text[from..]);
    fields
}

#[cfg(test)]
mod tests {
    use super::super::condition_key::ConditionKey;
    use super::super::context::ContextValue;
    use super::super::pattern::{Case, Variables, Wildcards};
    use super::*;

    struct Account;

    impl Context for Account {
        fn value(&self, _: &ConditionKey) -> Option<ContextValue<'_>> {
            Some(ContextValue::Text("111122223333".into()))
        }
    }

    fn matches(pattern: &str, arn: &str, missing: Missing) -> bool {
        let syntax = Syntax {
            wildcards: Wildcards::Active,
            variables: Variables::Active,
            case: Case::Sensitive,
        };
        ArnPattern::compile(pattern, syntax, missing).unwrap().matches(arn, &Account)
    }

    #[test]
    fn wildcards_stay_in_their_field() {
        let role = "arn:aws:iam::111122223333:role/a:b";
        for (pattern, expected) in [
            ("arn:aws:iam::111122223333:role/*", true),
            ("arn:*:iam::*:role/a?b", true),
            ("arn:aws:iam::${aws:PrincipalAccount}:role/a:b", true),
            ("arn:aws:iam:*:role/a:b", false),
            ("arn:*:role/a:b", false),
            ("*", true),
            ("arn:aws:iam::444455556666:*", false),
        ] {
            assert_eq!(matches(pattern, role, Missing::MatchNone), expected, "{pattern}");
        }
    }

    #[test]
    fn missing_fields_are_completed_only_in_resources() {
        let key = "arn:aws:kms:us-east-1:111122223333:key/1";
        assert!(matches("arn:aws:kms", key, Missing::MatchAll));
        assert!(!matches("arn:aws:kms", key, Missing::MatchNone));
        assert!(!matches("arn:aws:kms:*:*:*", "alice", Missing::MatchAll));
    }
}
