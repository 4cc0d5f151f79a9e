//! The names of condition operators, taken apart: quantifier, family, negation, `IfExists`.

use super::pattern::{Case, Wildcards};

/// How many of the values of a request have to pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// No set operator: there is one value.
    One,
    /// `ForAllValues:`
    All,
    /// `ForAnyValue:`
    Any,
}

/// How a request value stands to a policy value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    /// Whether the value of the request stands so to the bound of the policy.
    pub(super) fn holds<T: PartialOrd + Copy>(self, value: T, bound: T) -> bool {
        match self {
            Order::Equal => value == bound,
            Order::Less => value < bound,
            Order::LessOrEqual => value <= bound,
            Order::Greater => value > bound,
            Order::GreaterOrEqual => value >= bound,
        }
    }
}

/// What kind of comparison an operator makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Text(Wildcards, Case),
    Arn,
    Number(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Null,
}

/// A condition operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) quantifier: Quantifier,
    pub(super) family: Family,
    pub(super) negated: bool,
    pub(super) if_exists: bool,
}

const EXACT: Family = Family::Text(Wildcards::Literal, Case::Sensitive);
const FOLDED: Family = Family::Text(Wildcards::Literal, Case::Ignored);
const LIKE: Family = Family::Text(Wildcards::Active, Case::Sensitive);

/// Operators and, where there is one, their negation. `ArnEquals` and `ArnLike` are one.
const OPERATORS: [(&str, Option<&str>, Family); 19] = [
    ("StringEquals", Some("StringNotEquals"), EXACT),
    ("StringEqualsIgnoreCase", Some("StringNotEqualsIgnoreCase"), FOLDED),
    ("StringLike", Some("StringNotLike"), LIKE),
    ("NumericEquals", Some("NumericNotEquals"), Family::Number(Order::Equal)),
    ("NumericLessThan", None, Family::Number(Order::Less)),
    ("NumericLessThanEquals", None, Family::Number(Order::LessOrEqual)),
    ("NumericGreaterThan", None, Family::Number(Order::Greater)),
    ("NumericGreaterThanEquals", None, Family::Number(Order::GreaterOrEqual)),
    ("DateEquals", Some("DateNotEquals"), Family::Date(Order::Equal)),
    ("DateLessThan", None, Family::Date(Order::Less)),
    ("DateLessThanEquals", None, Family::Date(Order::LessOrEqual)),
    ("DateGreaterThan", None, Family::Date(Order::Greater)),
    ("DateGreaterThanEquals", None, Family::Date(Order::GreaterOrEqual)),
    ("Bool", None, Family::Bool),
    ("BinaryEquals", None, Family::Binary),
    ("IpAddress", Some("NotIpAddress"), Family::Ip),
    ("ArnEquals", Some("ArnNotEquals"), Family::Arn),
    ("ArnLike", Some("ArnNotLike"), Family::Arn),
    ("Null", None, Family::Null),
];

impl Operator {
    /// Takes a name apart; the error says what is wrong with it.
    pub(super) fn parse(name: &str) -> Result<Operator, String> {
        let (quantifier, rest) = match name.split_once(':') {
            None => (Quantifier::One, name),
            Some(("ForAllValues", rest)) => (Quantifier::All, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::Any, rest),
            Some((set, _)) => {
                return Err(format!(
                    "\"{set}\" is no set operator: use ForAllValues or ForAnyValue"
                ));
            }
        };
        let (base, if_exists) = match rest.strip_suffix("IfExists") {
            Some(base) => (base, true),
            None => (rest, false),
        };
        let (family, negated) =
            lookup(base).ok_or_else(|| format!("\"{base}\" is no condition operator"))?;
        if family == Family::Null && (if_exists || quantifier != Quantifier::One) {
            return Err("Null takes neither IfExists nor a set operator".into());
        }
        Ok(Operator { quantifier, family, negated, if_exists })
    }
}

fn lookup(name: &str) -> Option<(Family, bool)> {
    OPERATORS.iter().find_map(|(plain, negation, family)| {
        let negated = *negation == Some(name);
        (*plain == name || negated).then_some((*family, negated))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let operator = Operator::parse("ForAnyValue:StringNotLikeIfExists").unwrap();
        let expected =
            Operator { quantifier: Quantifier::Any, family: LIKE, negated: true, if_exists: true };
        assert_eq!(operator, expected);
        assert_eq!(Operator::parse("ArnEquals"), Operator::parse("ArnLike"));
        assert!(Operator::parse("NumericNotEquals").unwrap().negated);
    }

    #[test]
    fn what_is_no_operator_is_named() {
        for (name, part) in [
            ("stringequals", "\"stringequals\" is no condition operator"),
            ("BoolNotEquals", "is no condition operator"),
            ("", "is no condition operator"),
            ("IfExists", "is no condition operator"),
            ("ForSome:Bool", "\"ForSome\" is no set operator"),
            ("NullIfExists", "neither IfExists nor"),
            ("ForAllValues:Null", "neither IfExists nor"),
        ] {
            assert!(Operator::parse(name).unwrap_err().contains(part), "{name}");
        }
    }

    #[test]
    fn orders_compare_the_request_with_the_policy() {
        for (order, expected) in [
            (Order::Equal, [false, true, false]),
            (Order::Less, [true, false, false]),
            (Order::LessOrEqual, [true, true, false]),
            (Order::Greater, [false, false, true]),
            (Order::GreaterOrEqual, [false, true, true]),
        ] {
            assert_eq!([1, 2, 3].map(|value| order.holds(value, 2)), expected, "{order:?}");
        }
    }
}
