//! What the members share: JSON values checked for their type, length and range, and the violation
//! that is noted otherwise.

use super::shape::Problems;
use crate::name;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

pub(super) fn is_name_char(c: char) -> bool {
    u8::try_from(c).is_ok_and(name::is_name_byte)
}

pub(super) fn text<'a>(
    value: &'a Value,
    member: &str,
    min: usize,
    max: usize,
    problems: &mut Problems,
) -> Option<&'a str> {
    let Some(text) = value.as_str() else {
        problems.wrong_type();
        return None;
    };
    let length = text.chars().count();
    length_fits(length, member, min, max, Some(text), problems).then_some(text)
}

pub(super) fn blob(
    value: &Value,
    member: &str,
    max: usize,
    problems: &mut Problems,
) -> Option<Vec<u8>> {
    let Some(bytes) = value.as_str().and_then(|text| STANDARD.decode(text).ok()) else {
        problems.wrong_type();
        return None;
    };
    length_fits(bytes.len(), member, 1, max, None, problems).then_some(bytes)
}

pub(super) fn length_fits(
    length: usize,
    member: &str,
    min: usize,
    max: usize,
    shown: Option<&str>,
    problems: &mut Problems,
) -> bool {
    if length < min {
        let constraint = format!("Member must have length greater than or equal to {min}");
        problems.violation(shown, member, &constraint);
    } else if length > max {
        let constraint = format!("Member must have length less than or equal to {max}");
        problems.violation(shown, member, &constraint);
    }
    (min..=max).contains(&length)
}

pub(super) fn number(
    value: &Value,
    member: &str,
    min: u32,
    max: u32,
    problems: &mut Problems,
) -> Option<u32> {
    let Some(number) = value.as_i64() else {
        problems.wrong_type();
        return None;
    };
    let shown = number.to_string();
    if number < i64::from(min) {
        let constraint = format!("Member must have value greater than or equal to {min}");
        problems.violation(Some(&shown), member, &constraint);
    } else if number > i64::from(max) {
        let constraint = format!("Member must have value less than or equal to {max}");
        problems.violation(Some(&shown), member, &constraint);
    }
    u32::try_from(number).ok().filter(|number| (min..=max).contains(number))
}
