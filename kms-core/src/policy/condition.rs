//! Conditions: operators, quantifiers and what a missing key means.
//!
//! Source: IAM User Guide, "IAM JSON policy elements: Condition operators" and "Set operators for
//! multivalued context keys". A missing key fails a condition unless the operator is negated or ends
//! in `IfExists`; `ForAllValues` holds without any value and `ForAnyValue` does not, and neither heeds
//! `IfExists`. A key with several values under no set operator equals nothing, because AWS leaves
//! open which of them would be meant.

use super::action::ActionSet;
use super::arn_pattern::{ArnPattern, Missing};
use super::compile::Rules;
use super::condition_key::{Cardinality, ConditionKey, KmsKey};
use super::context::Context;
use super::json::Json;
use super::kind::PolicyKind;
use super::network::Network;
use super::operator::{Family, Operator, Order, Quantifier};
use super::pattern::{Pattern, Syntax, Wildcards};
use super::value::{ContextValue, parse_date, parse_number, parse_truth};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One key under one operator, compiled.
#[derive(Debug)]
pub(super) struct Condition {
    key: ConditionKey,
    operator: Operator,
    operands: Operands,
    /// The operator, the key and the values as they were written, for whoever asks why.
    source: Box<str>,
}

/// Where a condition comes from.
pub(super) struct Source<'j> {
    pub(super) operator: &'j str,
    pub(super) key: &'j str,
    pub(super) values: &'j Json,
    pub(super) rules: Rules,
}

/// The values of the policy; a request value passes when it agrees with any of them.
#[derive(Debug)]
enum Operands {
    Patterns(Vec<Pattern>),
    Arns(Vec<ArnPattern>),
    Numbers(Order, Vec<f64>),
    Dates(Order, Vec<i64>),
    Truths(Vec<bool>),
    Bytes(Vec<Vec<u8>>),
    Networks(Vec<Network>),
    Absent(Vec<bool>),
}

/// Why a condition is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not as the grammar wants it; how.
    Malformed(String),
    /// It would allow more than it looks like; why. AWS KMS has a name for it.
    OverlyPermissive(String),
}

impl From<String> for Refusal {
    fn from(problem: String) -> Refusal {
        Refusal::Malformed(problem)
    }
}

impl Condition {
    /// Compiles a condition; the error says what is wrong.
    pub(super) fn compile(source: &Source<'_>) -> Result<Condition, Refusal> {
        let operator = Operator::parse(source.operator)?;
        let key = ConditionKey::new(source.key);
        if !source.key.contains(':') {
            let problem = "is no condition key: a key has a prefix such as \"kms:\"";
            return Err(Refusal::Malformed(problem.into()));
        }
        refuse_overly_permissive(&operator, &key, source.rules.kind)?;
        let operands = operands(operator.family, source)?;
        let texts = source.values.items().iter().filter_map(Json::scalar);
        let texts: Vec<String> = texts.map(|text| format!("\"{text}\"")).collect();
        let written = format!("{} {} {}", source.operator, source.key, texts.join(" or "));
        let key = visible(key, source.rules.kind);
        Ok(Condition { key, operator, operands, source: written.into() })
    }

    /// The key.
    pub(super) fn key(&self) -> &ConditionKey {
        &self.key
    }

    /// The condition as it was written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Why no request for any of these permissions can meet the condition, when that is so.
    pub(super) fn never_holds(&self, actions: ActionSet) -> Option<String> {
        let spared = self.operator.if_exists
            || self.operator.negated
            || matches!(self.operands, Operands::Absent(_))
            || self.operator.quantifier == Quantifier::All;
        let carried = match &self.key {
            ConditionKey::Unknown(_) => ActionSet::NONE,
            key => key.actions(),
        };
        let meets = actions.iter().any(|action| carried.contains(action));
        (!spared && !meets && !actions.is_empty()).then(|| match &self.key {
            ConditionKey::Unknown(name) if name.starts_with("kms:") => {
                format!("no request carries {name} to a key policy, so {} never holds", self.source)
            }
            ConditionKey::Unknown(name) => {
                format!("{name} is unknown to AWS KMS, so {} never holds", self.source)
            }
            key => {
                format!("no request for its actions carries {key}, so {} never holds", self.source)
            }
        })
    }

    /// Whether the condition holds for a request.
    pub(super) fn holds(&self, context: &dyn Context) -> bool {
        let value = context.value(&self.key);
        if let Operands::Absent(wanted) = &self.operands {
            return wanted.contains(&value.is_none());
        }
        match (self.operator.quantifier, value) {
            (Quantifier::All, None) => true,
            (Quantifier::Any, None) => false,
            (Quantifier::One, None) => self.operator.negated || self.operator.if_exists,
            (Quantifier::All, Some(value)) => value.all(|item| self.passes(item, context)),
            (Quantifier::Any, Some(value)) => !value.all(|item| !self.passes(item, context)),
            (Quantifier::One, Some(value)) if value.count() == 1 => {
                value.all(|item| self.passes(item, context))
            }
            (Quantifier::One, Some(_)) => self.operator.negated,
        }
    }

    fn passes(&self, value: &ContextValue<'_>, context: &dyn Context) -> bool {
        self.operands.agree(value, context) != self.operator.negated
    }
}

impl Operands {
    fn agree(&self, value: &ContextValue<'_>, context: &dyn Context) -> bool {
        match self {
            Operands::Patterns(patterns) => value
                .text()
                .is_some_and(|text| patterns.iter().any(|one| one.matches(&text, context))),
            Operands::Arns(arns) => {
                value.text().is_some_and(|text| arns.iter().any(|one| one.matches(&text, context)))
            }
            Operands::Numbers(order, numbers) => value
                .number()
                .is_some_and(|number| numbers.iter().any(|bound| order.holds(number, *bound))),
            Operands::Dates(order, dates) => value
                .micros()
                .is_some_and(|micros| dates.iter().any(|bound| order.holds(micros, *bound))),
            Operands::Truths(truths) => value.truth().is_some_and(|truth| truths.contains(&truth)),
            Operands::Bytes(bytes) => value
                .text()
                .is_some_and(|text| bytes.iter().any(|one| one.as_slice() == text.as_bytes())),
            Operands::Networks(networks) => value
                .address()
                .is_some_and(|address| networks.iter().any(|one| one.contains(address))),
            Operands::Absent(_) => false,
        }
    }
}

/// AWS KMS refuses `ForAllValues` over a key of one value when a key policy is written: it would hold
/// whenever the key is missing.
fn refuse_overly_permissive(
    operator: &Operator,
    key: &ConditionKey,
    kind: PolicyKind,
) -> Result<(), Refusal> {
    let all_of_one = operator.quantifier == Quantifier::All
        && key.cardinality() == Some(Cardinality::Single)
        && kind == PolicyKind::Key;
    if all_of_one {
        return Err(Refusal::OverlyPermissive(format!(
            "ForAllValues needs a key of several values; {key} has one"
        )));
    }
    Ok(())
}

/// `kms:ResourceAliases` exists in IAM policies only.
fn visible(key: ConditionKey, kind: PolicyKind) -> ConditionKey {
    match (key, kind) {
        (ConditionKey::Kms(hidden @ KmsKey::ResourceAliases), PolicyKind::Key) => {
            ConditionKey::Unknown(hidden.name().into())
        }
        (key, _) => key,
    }
}

fn operands(family: Family, source: &Source<'_>) -> Result<Operands, String> {
    let syntax = |wildcards, case| Syntax { wildcards, variables: source.rules.variables, case };
    Ok(match family {
        Family::Text(wildcards, case) => Operands::Patterns(each(source, |text| {
            Pattern::compile(text, syntax(wildcards, case))
        })?),
        Family::Arn => Operands::Arns(each(source, |text| {
            let syntax = syntax(Wildcards::Active, super::pattern::Case::Sensitive);
            ArnPattern::compile(text, syntax, Missing::MatchNone)
        })?),
        Family::Number(order) => {
            Operands::Numbers(order, each(source, |text| wanted("a number", text, parse_number))?)
        }
        Family::Date(order) => Operands::Dates(
            order,
            each(source, |text| wanted("an ISO 8601 date or epoch seconds", text, parse_date))?,
        ),
        Family::Bool => Operands::Truths(truths(source)?),
        Family::Null => Operands::Absent(truths(source)?),
        Family::Binary => Operands::Bytes(each(source, |text| {
            wanted("base64", text, |text| STANDARD.decode(text).ok())
        })?),
        Family::Ip => Operands::Networks(each(source, |text| {
            wanted("an address or CIDR block", text, Network::parse)
        })?),
    })
}

fn truths(source: &Source<'_>) -> Result<Vec<bool>, String> {
    each(source, |text| wanted("\"true\" or \"false\"", text, parse_truth))
}

fn wanted<T>(what: &str, text: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T, String> {
    parse(text).ok_or_else(|| format!("\"{text}\" is not {what}"))
}

/// Compiles every value: strings, and numbers and booleans written without quotes.
fn each<T>(
    source: &Source<'_>,
    compile: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    let items = source.values.items();
    if items.is_empty() {
        return Err("has no value".into());
    }
    items
        .iter()
        .map(|item| {
            let text = item.scalar();
            compile(text.ok_or_else(|| format!("has {} where a value has to be", item.kind()))?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::context::Pairs;
    use super::super::pattern::Variables;
    use super::*;

    /// A request with one value for every key asked, or none.
    struct Fixed(Option<ContextValue<'static>>);

    impl Context for Fixed {
        fn value(&self, _: &ConditionKey) -> Option<ContextValue<'_>> {
            self.0.clone()
        }
    }

    struct Several(Pairs);

    impl Context for Several {
        fn value(&self, _: &ConditionKey) -> Option<ContextValue<'_>> {
            (!self.0.is_empty()).then_some(ContextValue::Keys(&self.0))
        }
    }

    fn compile(
        operator: &str,
        key: &str,
        values: &str,
        kind: PolicyKind,
    ) -> Result<Condition, Refusal> {
        let rules = Rules { kind, variables: Variables::Active };
        let values = Json::parse(values).unwrap();
        Condition::compile(&Source { operator, key, values: &values, rules })
    }

    fn holds(operator: &str, values: &str, context: &dyn Context) -> bool {
        compile(operator, "aws:any", values, PolicyKind::Key).unwrap().holds(context)
    }

    fn text(value: &'static str) -> Fixed {
        Fixed(Some(ContextValue::Text(value.into())))
    }

    #[test]
    fn texts_compare_as_their_operator_says() {
        for (operator, values, value, expected) in [
            ("StringEquals", r#""a""#, "a", true),
            ("StringEquals", r#""a""#, "A", false),
            ("StringEquals", r#"["a", "b"]"#, "b", true),
            ("StringEquals", r#""a*""#, "ab", false),
            ("StringNotEquals", r#"["a", "b"]"#, "b", false),
            ("StringNotEquals", r#"["a", "b"]"#, "c", true),
            ("StringEqualsIgnoreCase", r#""Ä""#, "ä", true),
            ("StringNotEqualsIgnoreCase", r#""a""#, "A", false),
            ("StringLike", r#""a*""#, "ab", true),
            ("StringNotLike", r#""a*""#, "ab", false),
            ("StringNotLike", r#"["x", "a?"]"#, "abc", true),
            ("BinaryEquals", r#""YWI=""#, "ab", true),
            ("BinaryEquals", r#""YWI=""#, "ac", false),
            ("ArnLike", r#""arn:aws:iam::*:role/*""#, "arn:aws:iam::111122223333:role/a", true),
            (
                "ArnNotEquals",
                r#""arn:aws:iam::*:role/*""#,
                "arn:aws:iam::111122223333:user/a",
                true,
            ),
            ("ArnEquals", r#""arn:aws:iam::*:role/*""#, "alice", false),
        ] {
            assert_eq!(
                holds(operator, values, &text(value)),
                expected,
                "{operator} {values} {value}"
            );
        }
    }

    #[test]
    fn numbers_dates_truths_and_addresses_compare_by_value() {
        let number = Fixed(Some(ContextValue::Number(30)));
        let truth = Fixed(Some(ContextValue::Bool(true)));
        let address = Fixed(Some(ContextValue::Address("203.0.113.9".parse().unwrap())));
        let seconds = crate::env::Timestamp::from_seconds(1_767_225_600);
        let moment = Fixed(Some(ContextValue::Moment(seconds)));
        for (operator, values, context, expected) in [
            ("NumericEquals", r#""30.0""#, &number, true),
            ("NumericNotEquals", "30", &number, false),
            ("NumericLessThan", "30", &number, false),
            ("NumericLessThanEquals", "[7, 30]", &number, true),
            ("NumericGreaterThan", "29.9", &number, true),
            ("NumericEquals", "1767225600", &moment, true),
            ("NumericEquals", "1", &truth, false),
            ("Bool", "true", &truth, true),
            ("Bool", r#""TRUE""#, &truth, true),
            ("Bool", r#""false""#, &truth, false),
            ("StringEquals", r#""true""#, &truth, true),
            ("IpAddress", r#""203.0.113.0/24""#, &address, true),
            ("NotIpAddress", r#"["10.0.0.0/8", "203.0.113.0/24"]"#, &address, false),
            ("DateEquals", r#""2026-01-01""#, &moment, true),
            ("DateNotEquals", r#""2026-01-01""#, &moment, false),
            ("DateLessThan", r#""2026-01-01T00:00:01Z""#, &moment, true),
            ("DateGreaterThanEquals", r#""1767225600""#, &moment, true),
        ] {
            assert_eq!(holds(operator, values, context), expected, "{operator} {values}");
        }
    }

    #[test]
    fn a_missing_key_fails_unless_negated_or_optional() {
        let missing = Fixed(None);
        for (operator, expected) in [
            ("StringEquals", false),
            ("StringNotEquals", true),
            ("StringNotLike", true),
            ("ArnNotLike", true),
            ("StringEqualsIfExists", true),
            ("ForAllValues:StringEquals", true),
            ("ForAllValues:StringNotEquals", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringNotEquals", false),
            ("ForAnyValue:StringEqualsIfExists", false),
        ] {
            assert_eq!(holds(operator, r#""a""#, &missing), expected, "{operator}");
        }
        assert!(holds("Null", "true", &missing) && !holds("Null", "false", &missing));
        assert!(holds("Null", "false", &text("a")) && !holds("Null", "true", &text("a")));
        assert!(!holds("StringEqualsIfExists", r#""a""#, &text("b")));
    }

    #[test]
    fn set_operators_quantify_over_the_request() {
        let keys = |names: &[&str]| {
            Several(names.iter().map(|name| ((*name).to_owned(), String::new())).collect())
        };
        for (operator, names, expected) in [
            ("ForAllValues:StringEquals", &["a", "b"][..], true),
            ("ForAllValues:StringEquals", &["a", "c"], false),
            ("ForAllValues:StringEquals", &[], true),
            ("ForAnyValue:StringEquals", &["a", "c"], true),
            ("ForAnyValue:StringEquals", &["c"], false),
            ("ForAllValues:StringNotEquals", &["c", "d"], true),
            ("ForAllValues:StringNotEquals", &["a", "d"], false),
            ("ForAnyValue:StringNotEquals", &["a", "d"], true),
            ("ForAnyValue:StringNotEquals", &["a", "b"], false),
            ("StringEquals", &["a"], true),
            ("StringEquals", &["a", "b"], false),
            ("StringNotEquals", &["a", "b"], true),
        ] {
            let found = holds(operator, r#"["a", "b"]"#, &keys(names));
            assert_eq!(found, expected, "{operator} {names:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_condition_is_said() {
        for (operator, key, values, part) in [
            ("NumericEquals", "kms:RotationPeriodInDays", r#""soon""#, "\"soon\" is not a number"),
            ("DateEquals", "aws:CurrentTime", r#""soon""#, "ISO 8601"),
            ("Bool", "kms:MultiRegion", r#""yes""#, "\"true\" or \"false\""),
            ("IpAddress", "aws:SourceIp", r#""10.0.0.0/99""#, "CIDR"),
            ("BinaryEquals", "aws:any", r#""?""#, "base64"),
            ("StringEquals", "kms:KeySpec", "[]", "has no value"),
            ("StringEquals", "kms:KeySpec", "[[]]", "a list"),
            ("StringEquals", "KeySpec", r#""a""#, "is no condition key"),
        ] {
            let refusal = compile(operator, key, values, PolicyKind::Key).unwrap_err();
            assert!(
                matches!(&refusal, Refusal::Malformed(problem) if problem.contains(part)),
                "{refusal:?}"
            );
        }
    }

    #[test]
    fn a_set_operator_over_a_key_of_one_value_is_refused_in_key_policies() {
        let for_all = "ForAllValues:StringEquals";
        for key in ["kms:EncryptionContext:a", "aws:RequestTag/a", "kms:KeySpec"] {
            let refusal = compile(for_all, key, r#""a""#, PolicyKind::Key).unwrap_err();
            assert!(matches!(refusal, Refusal::OverlyPermissive(_)), "{refusal:?}");
        }
        assert!(compile(for_all, "kms:GrantOperations", r#""Decrypt""#, PolicyKind::Key).is_ok());
        assert!(compile(for_all, "kms:KeySpec", r#""a""#, PolicyKind::Identity).is_ok());
    }
}
