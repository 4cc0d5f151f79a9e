//! Conditions, read anew: the value of a key, the operators on it, policy variables.

use super::{account, arn_like, like};
use crate::case::{About, Case, NOW};
use serde_json::Value;
use std::net::IpAddr;

/// The text with its variables replaced; nothing when one has no value.
pub(super) fn filled(case: &Case, text: &str, new_language: bool) -> Option<String> {
    if !new_language {
        return Some(text.into());
    }
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let (name, after) = after.split_once('}')?;
        let (name, default) = match name.split_once(", '") {
            Some((name, default)) => (name, Some(default.trim_end_matches('\'').to_owned())),
            None => (name, None),
        };
        let found = value(case, name).filter(|values| values.len() == 1);
        let found = found.map(|values| values[0].clone()).or(default)?;
        filled.extend(found.chars().flat_map(|letter| ['\u{1}', letter]));
        rest = after;
    }
    Some(filled + rest)
}

/// The values of a condition key in this request; nothing when it is not there.
pub(super) fn value(case: &Case, key: &str) -> Option<Vec<String>> {
    let one = |text: &str| Some(vec![text.to_owned()]);
    let service = !case.caller.starts_with("arn:");
    let of_kms = key.starts_with("kms:");
    if of_kms && case.about == About::Alias {
        return None;
    }
    let on_key = !["CreateKey"].contains(&case.action);
    let with_context = ["Encrypt", "Decrypt", "CreateGrant"].contains(&case.action);
    let pairs = match (&case.child, case.action) {
        (Some(child), "CreateGrant") => child.equals.clone().or(child.subset.clone()),
        _ => Some(case.context.clone()),
    };
    let pairs = pairs.filter(|pairs| with_context && !pairs.is_empty());
    let via = case.via.or(case.source_arn.map(|_| "")).filter(|_| !service);
    match key {
        "kms:CallerAccount" if on_key => one(account(case.caller)),
        "kms:ViaService" if on_key => via.and_then(one),
        "kms:GrantIsForAWSResource" if case.action == "CreateGrant" => {
            one(if via.is_some() { "true" } else { "false" })
        }
        "kms:EncryptionContextKeys" => pairs.map(|pairs| pairs.into_keys().collect()),
        "kms:EncryptionContext:a" => pairs?.get("a").map(|value| vec![value.clone()]),
        "kms:EncryptionAlgorithm" if ["Encrypt", "Decrypt"].contains(&case.action) => {
            one("SYMMETRIC_DEFAULT")
        }
        "kms:RequestAlias"
            if ["Encrypt", "Decrypt", "DescribeKey", "Sign"].contains(&case.action) =>
        {
            case.alias.then(|| vec!["alias/app".into()])
        }
        "kms:ResourceAliases" if on_key => case.alias.then(|| vec!["alias/app".into()]),
        "kms:GrantOperations" if case.action == "CreateGrant" => {
            let names = case.child.as_ref()?.operations.iter();
            Some(names.map(|name| (*name).to_owned()).collect())
        }
        "aws:username" => {
            let name = case.caller.split_once(":user/").filter(|_| !service)?.1;
            one(name.rsplit('/').next()?)
        }
        "aws:PrincipalAccount" if !service => one(account(case.caller)),
        "aws:PrincipalArn" if !service => {
            let session = case.caller.split_once(":assumed-role/").map(|(_, rest)| rest);
            let role = session.map(|rest| rest.split('/').next().unwrap_or_default());
            let role =
                role.map(|role| format!("arn:aws:iam::{}:role/{role}", account(case.caller)));
            one(&role.unwrap_or_else(|| case.caller.to_owned()))
        }
        "aws:PrincipalTag/team" => case.team.and_then(one),
        "aws:PrincipalIsAWSService" => one(if service { "true" } else { "false" }),
        "aws:SecureTransport" => one("true"),
        "aws:SourceIp" => case.source_ip.and_then(one),
        "aws:SourceArn" => case.source_arn.and_then(one),
        "aws:EpochTime" | "aws:CurrentTime" => one(&NOW.to_string()),
        _ => None,
    }
}

pub(super) fn holds(
    case: &Case,
    operator: &str,
    values: Option<Vec<String>>,
    wanted: &[&Value],
    new_language: bool,
) -> bool {
    let wanted: Vec<String> = wanted.iter().map(|value| text(value)).collect();
    if operator == "Null" {
        return wanted.iter().any(|wish| (wish == "true") == values.is_none());
    }
    let (set, operator) = operator.split_once(':').unwrap_or(("", operator));
    let base = operator.strip_suffix("IfExists").unwrap_or(operator);
    let optional = base.len() < operator.len();
    let (plain, negated) = positive(base);
    let passes = |value: &String| {
        wanted.iter().any(|wish| agrees(case, &plain, value, wish, new_language)) != negated
    };
    match (set, values) {
        ("ForAllValues", values) => values.iter().flatten().all(passes),
        ("ForAnyValue", values) => values.iter().flatten().any(passes),
        (_, None) => negated || optional,
        (_, Some(values)) if values.len() == 1 => passes(&values[0]),
        (_, Some(_)) => negated,
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The operator without its negation.
fn positive(operator: &str) -> (String, bool) {
    match operator.strip_prefix("Not") {
        Some(rest) => (rest.into(), true),
        None => (operator.replacen("Not", "", 1), operator.contains("Not")),
    }
}

fn agrees(case: &Case, operator: &str, value: &str, wish: &str, new_language: bool) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    match operator {
        "StringEquals" => {
            filled(case, wish, new_language).is_some_and(|wish| plain(&wish) == value)
        }
        "StringEqualsIgnoreCase" => filled(case, wish, new_language)
            .is_some_and(|wish| plain(&wish).to_lowercase() == value.to_lowercase()),
        "StringLike" => filled(case, wish, new_language).is_some_and(|wish| like(&wish, value)),
        "ArnLike" | "ArnEquals" => filled(case, wish, new_language)
            .is_some_and(|wish| wish == "*" || arn_like(&wish, value)),
        "Bool" => value.eq_ignore_ascii_case(wish),
        "NumericEquals" => number(value) == number(wish),
        "NumericLessThan" | "DateLessThan" => seconds(value) < seconds(wish),
        "NumericLessThanEquals" => number(value) <= number(wish),
        "NumericGreaterThan" | "DateGreaterThan" => seconds(value) > seconds(wish),
        "NumericGreaterThanEquals" => number(value) >= number(wish),
        "IpAddress" => in_block(value, wish),
        other => panic!("no such operator here: {other}"),
    }
}

fn plain(filled: &str) -> String {
    filled.replace('\u{1}', "")
}

/// The dates that occur in the cases.
fn seconds(text: &str) -> f64 {
    match text {
        "2026-01-01T00:00:00Z" => 1_767_225_600.0,
        "2025-01-01" => 1_735_689_600.0,
        "2027-01-01" => 1_798_761_600.0,
        number => number.parse().expect("a number or one of the dates"),
    }
}

/// Whether the first bits of an address are those of the block.
fn in_block(address: &str, block: &str) -> bool {
    let (network, bits) = block.split_once('/').unwrap_or((block, "32"));
    let octets = |text: &str| match text.parse() {
        Ok(IpAddr::V4(address)) => {
            address.octets().iter().map(|o| format!("{o:08b}")).collect::<String>()
        }
        _ => panic!("{text}"),
    };
    let bits: usize = bits.parse().expect("a number of bits");
    octets(address)[..bits] == octets(network)[..bits]
}
