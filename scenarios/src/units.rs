//! Quantities with their units: durations, sizes, rates, probabilities, clock offsets.
//!
//! Files write units as strings (`"250ms"`, `"4KiB"`); they are parsed here once, exactly, without
//! a detour through floating point, so that no unit is ever guessed later.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Duration units from the finest to the coarsest, with their length in nanoseconds.
const DURATION_UNITS: [(&str, u128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Size units with their length in bytes.
const SIZE_UNITS: [(&str, u128); 4] =
    [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

/// One day.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// A probability or share, between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Probability(pub(crate) f64);

impl Probability {
    /// The probability as a number between 0 and 1.
    pub fn get(self) -> f64 {
        self.0
    }
}

/// A rate in events per second, above 0.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(pub(crate) f64);

impl Rate {
    /// The slowest and the fastest rate that can be asked for, in events per second.
    pub const RANGE: RangeInclusive<f64> = 1e-6..=1e6;

    /// So many events a second, if that is a rate within [`Rate::RANGE`].
    pub fn of(per_second: f64) -> Option<Self> {
        Self::RANGE.contains(&per_second).then_some(Self(per_second))
    }

    /// So many times as fast. A part of a rate may be slower than any that can be asked for.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self((self.0 * factor).clamp(f64::MIN_POSITIVE, f64::MAX))
    }

    /// Events per second.
    pub fn per_second(self) -> f64 {
        self.0
    }
}

/// How far a clock is off true time, in nanoseconds; positive is ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockOffset(pub i64);

/// Parses `"250ms"`, `"1.5s"` or `"30d"` exactly.
///
/// # Errors
/// What is wrong with the text, in a sentence.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let nanoseconds = quantity(text, &DURATION_UNITS)?;
    u64::try_from(nanoseconds)
        .map(Duration::from_nanos)
        .map_err(|_| format!("the duration {text:?} is too long; at most 584 years"))
}

/// Parses `"4KiB"` or `"512B"` exactly.
pub(crate) fn parse_bytes(text: &str) -> Result<Bytes, String> {
    let bytes = quantity(text, &SIZE_UNITS)?;
    u64::try_from(bytes).map(Bytes).map_err(|_| format!("the size {text:?} is too large"))
}

/// Parses `"250ms"`, `"+250ms"` (ahead) or `"-250ms"` (behind).
pub(crate) fn parse_offset(text: &str) -> Result<ClockOffset, String> {
    let (sign, length) = match text.strip_prefix('-') {
        Some(length) => (-1, length),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let length = parse_duration(length)?.as_nanos();
    i64::try_from(length)
        .map(|nanoseconds| ClockOffset(sign * nanoseconds))
        .map_err(|_| format!("the clock offset {text:?} is too long; at most 292 years"))
}

/// A duration as a scenario file writes it, exactly, in the coarsest unit that needs no fraction.
pub fn duration_text(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    if nanoseconds == 0 {
        return "0s".into();
    }
    let fits = |(_, unit): &&(&str, u128)| nanoseconds.is_multiple_of(*unit);
    let (name, unit) = DURATION_UNITS.iter().rev().find(fits).unwrap_or(&DURATION_UNITS[0]);
    format!("{}{name}", nanoseconds / unit)
}

/// The names of the units, for messages.
fn unit_names(units: &[(&str, u128)]) -> String {
    units.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// A decimal number and a unit, as a whole count of the smallest unit.
fn quantity(text: &str, units: &[(&str, u128)]) -> Result<u128, String> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let malformed = || format!("{text:?} is not a number and a unit ({})", unit_names(units));
    if unit.is_empty() && !digits.is_empty() {
        return Err(format!("{text:?} has no unit; units are {}", unit_names(units)));
    }
    let known = units.iter().find(|(name, _)| *name == unit);
    let (_, size) = known.ok_or_else(|| match digits {
        "" => malformed(),
        _ => format!("unknown unit {unit:?} in {text:?}; units are {}", unit_names(units)),
    })?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let complete = !whole.is_empty() && !fraction.contains('.') && !digits.ends_with('.');
    if !complete {
        return Err(malformed());
    }
    scaled(whole, fraction, *size)
        .ok_or_else(|| format!("{text:?} is out of range, or finer than one {}", units[0].0))
}

/// `whole.fraction × size`, if that is a whole number that fits.
fn scaled(whole: &str, fraction: &str, size: u128) -> Option<u128> {
    let whole = whole.parse::<u64>().ok().map(u128::from)?.checked_mul(size)?;
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        return Some(whole);
    }
    let divisor = 10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part = fraction.parse::<u64>().ok().map(u128::from)?.checked_mul(size)?;
    part.is_multiple_of(divisor).then(|| whole + part / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact() {
        let nanos = |text| parse_duration(text).map(|duration| duration.as_nanos());
        assert_eq!(nanos("80us"), Ok(80_000));
        assert_eq!(nanos("1.5s"), Ok(1_500_000_000));
        assert_eq!(nanos("0.1ms"), Ok(100_000));
        assert_eq!(nanos("30d"), Ok(2_592_000_000_000_000));
        assert_eq!(nanos("0s"), Ok(0));
    }

    #[test]
    fn bad_quantities_say_what_is_wrong() {
        let error = |text| parse_duration(text).unwrap_err();
        assert_eq!(error("5"), "\"5\" has no unit; units are ns, us, ms, s, m, h, d");
        assert_eq!(
            error("5sec"),
            "unknown unit \"sec\" in \"5sec\"; units are ns, us, ms, s, m, h, d"
        );
        assert_eq!(
            error("1.2.3s"),
            "\"1.2.3s\" is not a number and a unit (ns, us, ms, s, m, h, d)"
        );
        assert_eq!(error("0.5ns"), "\"0.5ns\" is out of range, or finer than one ns");
        assert_eq!(error("900000d"), "the duration \"900000d\" is too long; at most 584 years");
        assert_eq!(error("soon"), "\"soon\" is not a number and a unit (ns, us, ms, s, m, h, d)");
        assert_eq!(error(""), "\"\" is not a number and a unit (ns, us, ms, s, m, h, d)");
        assert_eq!(
            parse_bytes("4KB").unwrap_err(),
            "unknown unit \"KB\" in \"4KB\"; units are B, KiB, MiB, GiB"
        );
    }

    #[test]
    fn sizes_and_offsets() {
        assert_eq!(parse_bytes("4KiB"), Ok(Bytes(4096)));
        assert_eq!(parse_offset("-250ms"), Ok(ClockOffset(-250_000_000)));
        assert_eq!(parse_offset("+2s"), Ok(ClockOffset(2_000_000_000)));
        assert!(parse_offset("--2s").is_err());
    }

    #[test]
    fn a_rate_has_bounds_and_its_parts_have_none() {
        let sound = [1e-6, 0.5, 1e6].map(|rate| Rate::of(rate).map(Rate::per_second));
        assert_eq!(sound, [1e-6, 0.5, 1e6].map(Some));
        for wrong in [1e-300, 9e-7, 0.0, -1.0, 1_000_001.0, 1e12, f64::INFINITY, f64::NAN] {
            assert_eq!(Rate::of(wrong), None, "{wrong}");
        }
        let part = Rate(1e-6).times(0.25).per_second();
        assert!((part - 2.5e-7).abs() < 1e-20, "{part}");
        assert!(Rate(1.0).times(0.0).per_second() > 0.0);
    }

    #[test]
    fn a_duration_is_written_as_it_is_read() {
        for text in ["0s", "80us", "1500ms", "90s", "5m", "30d", "7ns"] {
            assert_eq!(duration_text(parse_duration(text).unwrap()), text);
        }
    }
}
