//! Every length, range, pattern and set of values that the service model gives a request's member, on
//! both sides: the shortest and the longest value pass, one less and one more are refused with a
//! ValidationException that names the member, and so is a value that breaks a pattern.

mod member;
mod values;

use kms_core::error::{Error, ErrorCode};
use kms_core::local::Local;
use kms_core::ops::Operation;
use kms_core::wire::{TARGET_PREFIX, decode_request};
use member::{Member, Type, members};
use serde_json::{Value, json};
use std::str::FromStr;

/// Full requests, one for each operation.
const SAMPLES: &str = include_str!("../wire_samples.json");

/// A request in which one member is replaced.
struct Probe {
    operation: Operation,
    member: Member,
    value: Value,
}

impl Probe {
    fn body(&self) -> Vec<u8> {
        let samples = Value::from_str(SAMPLES).expect("the samples are JSON");
        let mut body = samples[self.operation.name()]["request"].clone();
        body[self.member.name] = self.value.clone();
        body.to_string().into_bytes()
    }

    /// What is wrong with the request, if anything is: told by the wire, or else by the operation.
    fn refusal(&self) -> Option<Error> {
        let target = format!("{TARGET_PREFIX}{}", self.operation);
        match decode_request(&target, &self.body()) {
            Ok(request) => Local::single_region().call(request).err(),
            Err(error) => Some(error),
        }
    }

    /// The complaint of this test, when the service did not refuse the value as it should.
    fn must_be_refused(&self) -> Option<String> {
        let named = format!("'{}'", self.member.camel_case());
        let error = self.refusal();
        let fine = error.as_ref().is_some_and(|error| {
            let message = error.message.as_deref().unwrap_or_default();
            error.code == ErrorCode::Validation && message.contains(&named)
        });
        (!fine).then(|| format!("{} is not refused: {error:?}", self.shown()))
    }

    /// The complaint, when the wire refuses a value that the model allows.
    fn must_pass(&self) -> Option<String> {
        let target = format!("{TARGET_PREFIX}{}", self.operation);
        let error = decode_request(&target, &self.body()).err()?;
        Some(format!("{} is refused: {error}", self.shown()))
    }

    fn must_be_malformed(&self) -> Option<String> {
        let error = self.refusal();
        let fine = error.as_ref().is_some_and(|error| error.code == ErrorCode::Serialization);
        (!fine).then(|| format!("{} is read: {error:?}", self.shown()))
    }

    fn shown(&self) -> String {
        let value: String = self.value.to_string().chars().take(60).collect();
        format!("{}.{} = {value}", self.operation, self.member.name)
    }
}

/// Every member of every operation that the table has.
fn probed() -> Vec<(Operation, Member)> {
    let known = |(operation, member): (&str, Member)| {
        let operation = Operation::parse(operation)?;
        operation.request_members().contains(&member.name).then_some((operation, member))
    };
    members().into_iter().filter_map(known).collect()
}

fn complaints(
    values: impl Fn(&Member) -> Vec<Value>,
    complain: impl Fn(&Probe) -> Option<String>,
) -> (usize, Vec<String>) {
    let (mut count, mut all) = (0, Vec::new());
    for (operation, member) in &probed() {
        for value in values(member) {
            count += 1;
            all.extend(complain(&Probe { operation: *operation, member: member.clone(), value }));
        }
    }
    (count, all)
}

#[track_caller]
fn none((count, complaints): (usize, Vec<String>), at_least: usize) {
    assert!(complaints.is_empty(), "{} of {count}:\n{}", complaints.len(), complaints.join("\n"));
    assert!(count >= at_least, "only {count} values were tried");
}

#[test]
fn the_shortest_and_the_longest_values_pass() {
    none(complaints(|member| values::allowed(&member.kind), Probe::must_pass), 200);
}

#[test]
fn what_is_too_short_too_long_or_of_other_characters_is_refused_by_name() {
    none(complaints(|member| values::refused(&member.kind), Probe::must_be_refused), 250);
}

#[test]
fn a_required_member_that_is_missing_is_refused_by_name() {
    let missing = |member: &Member| if member.required { vec![Value::Null] } else { Vec::new() };
    none(complaints(missing, Probe::must_be_refused), 40);
}

#[test]
fn a_value_of_another_json_type_is_malformed() {
    let other = |member: &Member| match member.kind {
        Type::List { .. } | Type::Structure => vec![json!("text"), json!(7)],
        Type::Text { .. } | Type::Choice(_) | Type::Blob { .. } => vec![json!(7), json!(["x"])],
        Type::Number { .. } => vec![json!("7"), json!(1.5), json!({})],
        Type::Boolean => vec![json!("true"), json!(1)],
        Type::Map => vec![json!([]), json!({ "a": 1 })],
        Type::Moment => vec![json!("today"), json!(true)],
    };
    none(complaints(other, Probe::must_be_malformed), 150);
}

#[test]
fn a_request_has_exactly_the_members_of_the_model() {
    for operation in Operation::ALL {
        let all = members();
        let modelled = all.iter().filter(|(name, _)| *name == operation.name());
        let modelled: Vec<_> = modelled.map(|(_, member)| member.name).collect();
        for member in operation.request_members() {
            assert!(modelled.contains(member), "{operation} has no {member} in the model");
        }
    }
}
