//! The value of a condition key, and how it reads as text, number, moment, truth or address.

use super::context::Pairs;
use super::grant::{GrantOperation, GrantOperations};
use crate::env::Timestamp;
use crate::name::AliasName;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::net::IpAddr;

/// The value of a condition key.
#[derive(Clone, Debug, PartialEq)]
pub enum ContextValue<'a> {
    /// A text or an ARN.
    Text(Cow<'a, str>),
    /// A truth value.
    Bool(bool),
    /// A whole number; a count of seconds where a date is asked for.
    Number(i64),
    /// A moment.
    Moment(Timestamp),
    /// A network address.
    Address(IpAddr),
    /// The keys of a map, as several values.
    Keys(&'a Pairs),
    /// Grant operations, as several values.
    Operations(GrantOperations),
    /// Alias names, as several values.
    Aliases(&'a [AliasName]),
}

impl ContextValue<'_> {
    /// The value as text; several values have none.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            ContextValue::Text(text) => Some(Cow::Borrowed(text)),
            ContextValue::Bool(truth) => Some(if *truth { "true" } else { "false" }.into()),
            ContextValue::Number(number) => Some(number.to_string().into()),
            ContextValue::Moment(moment) => Some(moment.to_string().into()),
            ContextValue::Address(address) => Some(address.to_string().into()),
            ContextValue::Keys(_) | ContextValue::Operations(_) | ContextValue::Aliases(_) => None,
        }
    }

    /// The value as a number; a moment is its seconds since 1970.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            ContextValue::Number(number) => Some(*number as f64),
            ContextValue::Moment(moment) => Some(moment.as_micros() as f64 / 1e6),
            ContextValue::Text(text) => parse_number(text),
            _ => None,
        }
    }

    /// The value as microseconds since 1970.
    pub(super) fn micros(&self) -> Option<i64> {
        match self {
            ContextValue::Moment(moment) => i64::try_from(moment.as_micros()).ok(),
            ContextValue::Number(seconds) => seconds.checked_mul(1_000_000),
            ContextValue::Text(text) => parse_date(text),
            _ => None,
        }
    }

    /// The value as a truth value.
    pub(super) fn truth(&self) -> Option<bool> {
        match self {
            ContextValue::Bool(truth) => Some(*truth),
            ContextValue::Text(text) => parse_truth(text),
            _ => None,
        }
    }

    /// The value as an address.
    pub(super) fn address(&self) -> Option<IpAddr> {
        match self {
            ContextValue::Address(address) => Some(*address),
            ContextValue::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether every one of the values passes the test.
    pub(super) fn all(&self, test: impl Fn(&ContextValue<'_>) -> bool) -> bool {
        let passes = |text: &str| test(&ContextValue::Text(Cow::Borrowed(text)));
        match self {
            ContextValue::Keys(pairs) => pairs.keys().all(|key| passes(key)),
            ContextValue::Operations(operations) => {
                operations.iter().map(GrantOperation::name).all(passes)
            }
            ContextValue::Aliases(aliases) => aliases.iter().all(|alias| passes(alias.as_str())),
            single => test(single),
        }
    }

    /// How many values there are.
    pub(super) fn count(&self) -> usize {
        match self {
            ContextValue::Keys(pairs) => pairs.len(),
            ContextValue::Operations(operations) => operations.iter().count(),
            ContextValue::Aliases(aliases) => aliases.len(),
            _ => 1,
        }
    }
}

/// A finite decimal number.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// `true` or `false`, in any case.
pub(super) fn parse_truth(text: &str) -> Option<bool> {
    let named = |name: &str| text.eq_ignore_ascii_case(name);
    if named("true") { Some(true) } else { named("false").then_some(false) }
}

/// Microseconds since 1970 of an ISO 8601 date, an ISO 8601 moment with offset, or a number of seconds.
pub(super) fn parse_date(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(1_000_000);
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.as_microsecond());
    }
    let midnight = text.parse::<Date>().ok().filter(|_| text.len() == 10)?;
    let zoned = midnight.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_three_forms() {
        for text in
            ["1767225600", "2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"]
        {
            assert_eq!(parse_date(text), Some(1_767_225_600_000_000), "{text}");
        }
        for text in ["", "tomorrow", "2026-13-01", "2026-01-01T00:00:00", "9223372036854775807"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_finite() {
        assert_eq!(parse_number("7.5"), Some(7.5));
        for text in ["NaN", "inf", "", "7 days"] {
            assert_eq!(parse_number(text), None, "{text}");
        }
    }

    #[test]
    fn several_values_are_visited_one_by_one() {
        let pairs: Pairs = [("a".into(), "1".into()), ("b".into(), "2".into())].into();
        let keys = ContextValue::Keys(&pairs);
        assert_eq!((keys.count(), keys.text()), (2, None));
        assert!(keys.all(|key| key.text().is_some_and(|key| key == "a" || key == "b")));
        assert!(!keys.all(|key| key.text().is_some_and(|key| key == "a")));
        assert!(ContextValue::Number(3).all(|number| number.number() == Some(3.0)));
    }
}
