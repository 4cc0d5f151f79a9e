//! The table of operations, held against the service model (botocore 1.44.5, kms 2014-11-01): which
//! operations there are, which errors each may answer, and which of them can be tried dry.

use kms_core::ErrorCode;
use kms_core::ops::Operation;
use kms_core::usage::TRACKED;

/// Every operation and its modelled errors, without the suffix `Exception`.
const MODEL: &str = include_str!("operations.txt");

/// An operation of the model.
struct Modelled {
    name: &'static str,
    errors: Vec<&'static str>,
}

fn model() -> Vec<Modelled> {
    let lines = MODEL.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let modelled = lines.map(|line| {
        let (name, errors) = line.split_once(':').expect("a name, a colon and errors");
        Modelled { name, errors: errors.split_whitespace().collect() }
    });
    modelled.collect()
}

fn short(code: ErrorCode) -> &'static str {
    code.wire_name().trim_end_matches("Exception")
}

#[test]
fn the_list_is_the_models() {
    let names: Vec<_> = model().iter().map(|one| one.name).collect();
    assert_eq!(names.len(), 56);
    let table: Vec<_> = Operation::ALL.iter().map(|operation| operation.name()).collect();
    assert_eq!(table, names);
    let most: usize = model().iter().map(|one| one.errors.len()).sum();
    assert_eq!(most, 410, "as many as the model's table of exceptions adds up to");
}

#[test]
fn an_operation_lists_exactly_its_modelled_errors() {
    for operation in Operation::ALL {
        let model = model();
        let modelled = model.iter().find(|one| one.name == operation.name());
        let modelled = modelled.unwrap_or_else(|| panic!("{operation} is in no model"));
        // An error without a code belongs to a kind of key that the table has no operations for.
        let known = |name: &&&str| ErrorCode::ALL.iter().any(|code| short(*code) == **name);
        let mut expected: Vec<_> = modelled.errors.iter().filter(known).copied().collect();
        expected.sort_unstable();
        let listed = operation.info().errors.iter();
        let mut listed: Vec<_> = listed.map(|code| short(*code)).collect();
        listed.sort_unstable();
        assert_eq!(listed, expected, "{operation}");
    }
}

#[test]
fn exactly_the_documented_operations_can_be_tried_dry() {
    let dry = model().into_iter().filter(|one| one.errors.contains(&"DryRunOperation"));
    let dry: Vec<_> = dry.map(|one| one.name).collect();
    assert_eq!(dry.len(), 17);
    for operation in Operation::ALL {
        let takes = operation.request_members().contains(&"DryRun");
        assert_eq!(takes, dry.contains(&operation.name()), "{operation}");
    }
}

#[test]
fn the_operations_that_use_a_key_are_in_the_model() {
    let names: Vec<_> = model().iter().map(|one| one.name).collect();
    assert!(TRACKED.is_sorted() && TRACKED.iter().all(|name| names.contains(name)));
}
