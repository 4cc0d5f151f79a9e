//! Every error that the service model lists for an operation is provoked, or stands in a reviewed list
//! of those that cannot be, with the reason. A new operation needs a line in `requests.txt`; an error
//! that the usual way does not provoke needs one in `special.rs`, or in the file of its group.

mod imports;
mod key_stores;
mod provoke;
mod special;
mod stores;
mod world;

use kms_core::error::ErrorCode;
use kms_core::ops::Operation;
use provoke::{Case, Provoke};
use world::World;

const IMPOSSIBLE: &str = include_str!("impossible.txt");

#[test]
fn every_request_is_answered_before_anything_goes_wrong() {
    for operation in Operation::ALL {
        let answer = World::new(*operation).send();
        assert!(answer.is_ok(), "{operation}: {answer:?}");
    }
}

#[test]
fn every_documented_error_is_provoked_or_known_to_be_impossible() {
    let cases = Operation::ALL
        .iter()
        .flat_map(|operation| operation.info().errors.iter().map(|code| (*operation, *code)));
    let cases: Vec<_> = cases.collect();
    let problems: Vec<_> =
        cases.iter().filter_map(|(operation, code)| problem(*operation, *code)).collect();
    assert!(problems.is_empty(), "{} of {}:\n{}", problems.len(), cases.len(), problems.join("\n"));
    println!("{} errors provoked or known to be impossible", cases.len());
}

/// What is not supported is said in words, for there are many things that may not be.
#[test]
fn every_refusal_of_what_is_not_supported_says_what_that_is() {
    let unsupported = ErrorCode::UnsupportedOperation;
    let mut count = 0;
    for operation in Operation::ALL {
        let lists = operation.info().errors.contains(&unsupported);
        let way = way(*operation, unsupported).filter(|_| lists);
        let Some(Err(error)) = way.map(|provoke| provoke(&mut World::new(*operation))) else {
            continue;
        };
        let words = error.message.as_deref().unwrap_or_default();
        assert!(error.code != unsupported || words.len() > 20, "{operation}: {error}");
        count += u32::from(error.code == unsupported);
    }
    assert!(count > 10, "{count}");
}

/// What is wrong with the coverage of an error.
fn problem(operation: Operation, code: ErrorCode) -> Option<String> {
    let answer = way(operation, code).map(|provoke| {
        let answer = provoke(&mut World::new(operation));
        answer.map_or_else(|error| error.to_string(), |_| "an answer".to_owned())
    });
    let provoked = answer.as_ref().is_some_and(|answer| answer.starts_with(code.wire_name()));
    match (is_impossible(operation, code), provoked, answer) {
        (true, true, _) => Some(format!("{operation} {code} is possible after all")),
        (true, false, _) | (false, true, _) => None,
        (false, false, Some(answer)) => Some(format!("{operation} {code}: provoked {answer}")),
        (false, false, None) => Some(format!("{operation} {code}: nothing provokes it")),
    }
}

fn special() -> impl Iterator<Item = &'static Case> {
    special::CASES.iter().chain(imports::CASES).chain(key_stores::CASES).chain(stores::CASES)
}

fn way(operation: Operation, code: ErrorCode) -> Option<Provoke> {
    let mut special = special().filter(|(name, of, _)| (*name, *of) == (operation.name(), code));
    match special.next() {
        Some((_, _, provoke)) => Some(*provoke),
        None => provoke::usual(code),
    }
}

/// The lines of `impossible.txt`: error, operations, reason.
fn impossible() -> impl Iterator<Item = (&'static str, Vec<&'static str>, &'static str)> {
    let lines = IMPOSSIBLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let mut parts = line.splitn(3, ": ");
        let mut part = || parts.next().unwrap_or_else(|| panic!("three parts: {line}"));
        (part(), part().split(' ').collect(), part())
    })
}

fn is_impossible(operation: Operation, code: ErrorCode) -> bool {
    impossible().any(|(error, operations, _)| {
        format!("{error}Exception") == code.wire_name() && operations.contains(&operation.name())
    })
}

#[test]
fn what_is_impossible_is_documented_and_has_a_reason() {
    for (error, operations, reason) in impossible() {
        assert!(reason.len() > 20, "{error}: {reason}");
        for name in operations {
            let operation = Operation::parse(name).unwrap_or_else(|| panic!("no operation {name}"));
            let documented = operation.info().errors.iter();
            let mut documented = documented.map(|code| code.wire_name());
            let wire_name = format!("{error}Exception");
            assert!(documented.any(|name| name == wire_name), "{operation} has no {error}");
        }
    }
}

#[test]
fn the_special_ways_are_for_documented_errors_and_none_is_there_twice() {
    for (index, (name, code, _)) in special().enumerate() {
        let operation = Operation::parse(name).unwrap_or_else(|| panic!("no operation {name}"));
        assert!(operation.info().errors.contains(code), "{operation} has no {code}");
        let mut before = special().take(index);
        assert!(!before.any(|(other, of, _)| (other, of) == (name, code)), "{name} {code}");
    }
}
