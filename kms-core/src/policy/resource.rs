//! What a statement is about, and whether a request is about it.
//!
//! The text of a request's ARN is written only when a pattern needs it, into a buffer on the stack.

use super::arn_pattern::{ArnPattern, Missing};
use super::context::Context;
use super::evaluate::Resource;
use super::pattern::Syntax;
use crate::name::{KeyArn, KeyIdentifier};
use std::cell::OnceCell;
use std::fmt::{self, Write};

/// The resources of one statement.
#[derive(Debug)]
pub(super) enum Resources {
    /// The statement names none: it is accepted and without effect.
    Missing,
    /// `Resource`.
    Only(Vec<ResourcePattern>),
    /// `NotResource`.
    AllBut(Vec<ResourcePattern>),
}

impl Resources {
    /// Whether the statement is about the target of the request.
    pub(super) fn include(&self, target: &Target<'_>, context: &dyn Context) -> bool {
        let any = |patterns: &[ResourcePattern]| {
            patterns.iter().any(|pattern| pattern.matches(target, context))
        };
        match self {
            Resources::Missing => false,
            Resources::Only(patterns) => any(patterns),
            Resources::AllBut(patterns) => !any(patterns),
        }
    }
}

/// One resource, compiled.
#[derive(Debug)]
pub(super) enum ResourcePattern {
    /// `*`: everything; in a key policy, this key.
    Any,
    /// One key.
    Key(KeyArn),
    /// Any other ARN, with wildcards or variables.
    Arn(ArnPattern),
}

impl ResourcePattern {
    /// Compiles `*` or an ARN; the error says what is wrong.
    pub(super) fn compile(text: &str, syntax: Syntax) -> Result<ResourcePattern, String> {
        if let Ok(KeyIdentifier::Arn(arn)) = KeyIdentifier::parse(text) {
            return Ok(ResourcePattern::Key(arn));
        }
        if !text.starts_with("arn:") && !text.starts_with("${") && text != "*" {
            return Err(format!("\"{text}\" is no resource: use \"*\" or an ARN"));
        }
        let pattern = ArnPattern::compile(text, syntax, Missing::MatchAll)?;
        Ok(if pattern.is_any() { ResourcePattern::Any } else { ResourcePattern::Arn(pattern) })
    }

    fn matches(&self, target: &Target<'_>, context: &dyn Context) -> bool {
        match (self, &target.resource) {
            (ResourcePattern::Any, _) => true,
            (ResourcePattern::Key(named), Resource::Key { arn, .. }) => named == arn,
            (ResourcePattern::Key(_), _) => false,
            (ResourcePattern::Arn(pattern), Resource::Key { arn, .. })
                if !pattern.may_be_in(arn.region.as_str(), context) =>
            {
                false
            }
            (ResourcePattern::Arn(pattern), _) => pattern.matches(target.text(), context),
        }
    }
}

/// The resource of a request.
pub(super) struct Target<'a> {
    pub(super) resource: Resource<'a>,
    text: OnceCell<ShortText>,
}

impl<'a> Target<'a> {
    pub(super) fn new(resource: Resource<'a>) -> Target<'a> {
        Target { resource, text: OnceCell::new() }
    }

    fn text(&self) -> &str {
        match self.resource {
            Resource::Key { arn, .. } => self.written(format_args!("{arn}")),
            Resource::Alias(arn) => self.written(format_args!("{arn}")),
            Resource::Principal(arn) => arn.as_str(),
            Resource::AnyKmsResource => "*",
        }
    }

    fn written(&self, text: fmt::Arguments<'_>) -> &str {
        self.text.get_or_init(|| ShortText::write(text)).as_str()
    }
}

/// The longest ARN is that of an alias: its name has at most 256 characters and what goes before
/// it at most 67.
const LONGEST_ARN: usize = 384;

struct ShortText {
    bytes: [u8; LONGEST_ARN],
    length: usize,
}

impl ShortText {
    fn write(text: fmt::Arguments<'_>) -> ShortText {
        let mut short = ShortText { bytes: [0; LONGEST_ARN], length: 0 };
        short.write_fmt(text).expect("every ARN is shorter than the longest");
        short
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for ShortText {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.length + part.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(part.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::condition_key::ConditionKey;
    use super::super::context::ContextValue;
    use super::super::pattern::{Case, Variables, Wildcards};
    use super::*;
    use crate::name::{AccountId, AliasArn, AliasName, RegionName};

    struct Nothing;

    impl Context for Nothing {
        fn value(&self, _: &ConditionKey) -> Option<ContextValue<'_>> {
            None
        }
    }

    const SYNTAX: Syntax = Syntax {
        wildcards: Wildcards::Active,
        variables: Variables::Active,
        case: Case::Sensitive,
    };

    #[test]
    fn the_longest_arn_fits_its_buffer() {
        let arn = AliasArn {
            region: RegionName::parse("us-gov-aaaaaaaaaaaaaaaaaaaaaaa-1").unwrap(),
            account: AccountId::new(111_122_223_333),
            name: AliasName::parse(&format!("alias/{}", "a".repeat(250))).unwrap(),
        };
        let target = Target::new(Resource::Alias(&arn));
        assert_eq!(target.text(), arn.to_string());
        let all = ResourcePattern::compile("arn:aws-us-gov:kms:*:*:alias/*", SYNTAX).unwrap();
        assert!(all.matches(&target, &Nothing));
    }

    #[test]
    fn a_resource_is_a_star_or_an_arn() {
        for text in ["*", "arn:aws:kms:*:*:key/*", "arn:aws:s3:::bucket", "${aws:PrincipalTag/key}"]
        {
            assert!(ResourcePattern::compile(text, SYNTAX).is_ok(), "{text}");
        }
        for text in ["", "key/*", "alias/app", "1234abcd-12ab-34cd-56ef-1234567890ab", "k*"] {
            assert!(ResourcePattern::compile(text, SYNTAX).is_err(), "{text}");
        }
    }
}
