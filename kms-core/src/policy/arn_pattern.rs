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
                let mut found = fields_of_arn(arn);
                let matches = |pattern: &Pattern| {
                    found.next().is_some_and(|field| pattern.matches(field, context))
                };
                (fields.len() == 6 || *missing == Missing::MatchAll)
                    && fields.iter().all(matches)
                    && fields.len() + found.count() == 6
            }
        }
    }

    /// Whether an ARN of that Region may match. Most patterns that name another Region are done with
    /// here, before anybody writes the ARN out.
    pub(super) fn may_be_in(&self, region: &str, context: &dyn Context) -> bool {
        match self {
            ArnPattern::Whole(_) => true,
            ArnPattern::Fields { fields, .. } => {
                fields.get(3).is_none_or(|pattern| pattern.matches(region, context))
            }
        }
    }

    /// Whether the pattern matches everything, ARN or not.
    pub(super) fn is_any(&self) -> bool {
        matches!(self, ArnPattern::Whole(pattern) if pattern.is_any())
    }
}

/// The fields of an ARN: six at most, the last with its own colons. Fields are so short that looking
/// at every byte is cheaper than setting up a search.
pub(super) fn fields_of_arn(arn: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(arn);
    let mut left = 6;
    std::iter::from_fn(move || {
        left -= 1;
        let text = rest.take()?;
        let colon = text.bytes().position(|byte| byte == b':').filter(|_| left > 0);
        let Some(colon) = colon else { return Some(text) };
        rest = Some(&text[colon + 1..]);
        Some(&text[..colon])
    })
    .fuse()
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
    fn an_arn_has_six_fields_and_the_last_keeps_its_colons() {
        for text in
            ["", "a", "a:b", ":", "arn:aws:iam::1:role/a:b:c", "arn:aws:s3:::b", "a:b:c:d:e:"]
        {
            let split: Vec<&str> = text.splitn(6, ':').collect();
            assert_eq!(fields_of_arn(text).collect::<Vec<_>>(), split, "{text}");
        }
    }

    #[test]
    fn a_region_is_told_before_the_arn_is_written() {
        let syntax = Syntax {
            wildcards: Wildcards::Active,
            variables: Variables::Active,
            case: Case::Sensitive,
        };
        for (pattern, expected) in [
            ("arn:aws:kms:eu-*:*:key/*", false),
            ("arn:aws:kms:us-*:444455556666:key/*", true),
            ("arn:aws:kms", true),
            ("*", true),
        ] {
            let pattern = ArnPattern::compile(pattern, syntax, Missing::MatchAll).unwrap();
            assert_eq!(pattern.may_be_in("us-east-1", &Account), expected, "{pattern:?}");
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
