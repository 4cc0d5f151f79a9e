//! Bad input and the exact message it gets: file, place, what is wrong, what would be right.
//!
//! Each case is an input and the whole text of its error, the quoted line and caret included.

mod kinds;
mod names;
mod overrides;
mod regions_and_times;
mod tables;
mod whole_files;

use scenarios::{Override, Scenario};

use super::vocabulary;

/// An input that is wrong and what is said about it. A newline at the front of either is ignored.
struct Case {
    name: &'static str,
    input: &'static str,
    error: &'static str,
}

/// The shortest scenario; line 1 of a body's own text is line 3 of its file.
const FRONT: &str = "schema = 1\ndescription = \"x\"\n";

/// The phase that overrides are tried on.
const PHASE: &str = "[[phase]]\nname = \"outage\"\nduration = \"1m\"\n";

fn check(cases: &[Case], error: fn(&str) -> String) {
    for case in cases {
        let input = case.input.strip_prefix('\n').unwrap_or(case.input);
        assert_eq!(error(input), case.error.trim_start_matches('\n'), "{}", case.name);
    }
}

fn of_file(text: &str) -> String {
    parse(text, &[])
}

fn of_body(text: &str) -> String {
    parse(&format!("{FRONT}{text}"), &[])
}

fn of_override(text: &str) -> String {
    match text.parse::<Override>() {
        Ok(set) => parse(&format!("{FRONT}{PHASE}"), &[set]),
        Err(error) => error.to_string(),
    }
}

fn parse(text: &str, overrides: &[Override]) -> String {
    let parsed = Scenario::parse("x.toml", text, overrides, &vocabulary());
    parsed.expect_err("this input is wrong").to_string()
}
