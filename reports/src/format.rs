//! How numbers, times and foreign text are written, the same on every surface.

use crate::data::Micros;

/// A measured time in nanoseconds; what is measured may be shorter than any simulated time is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nanos(pub u64);

/// `1234567` as `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with at most `places` decimals, none that are zero, and thousands separated.
pub(crate) fn decimal(number: f64, places: usize) -> String {
    let fixed = format!("{number:.places$}");
    let (whole, fraction) = fixed.split_once('.').unwrap_or((&fixed, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), thousands);
    match fraction.trim_end_matches('0') {
        "" => whole,
        fraction => format!("{whole}.{fraction}"),
    }
}

/// A span in the unit that reads best: `850 µs`, `1.25 ms`, `12.5 s`, `1 min 30 s`, `2 h 5 min`.
pub fn span(span: Micros) -> String {
    let seconds = span.as_seconds();
    match span.0 {
        0 => "0 s".into(),
        1..1_000 => format!("{} µs", span.0),
        1_000..1_000_000 => format!("{} ms", significant(seconds * 1e3)),
        1_000_000..60_000_000 => format!("{} s", significant(seconds)),
        micros => long_span(micros.saturating_add(500_000) / 1_000_000),
    }
}

/// A measured time in the unit that reads best: `28 ns`, `1.5 µs`, `2.34 ms`, `3.00 s`.
pub fn measured(time: Nanos) -> String {
    let value = approximate(time.0);
    match time.0 {
        nanos @ 0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} µs", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

/// A point in simulated time to the microsecond, in seconds.
pub(crate) fn instant(at: Micros) -> String {
    format!("{}.{:06} s", thousands(at.0 / 1_000_000), at.0 % 1_000_000)
}

/// A part of a whole in percent; an empty whole has no share.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".into();
    }
    let percent = approximate(part) / approximate(whole) * 100.0;
    match percent {
        p if part > 0 && p < 0.01 => "< 0.01 %".into(),
        p if part < whole && p > 99.99 => "> 99.99 %".into(),
        p => format!("{} %", decimal(p, if p < 1.0 { 2 } else { 1 })),
    }
}

/// `1 oracle`, `2 oracles`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let ending = match (number, noun.ends_with('y')) {
        (1, _) => return format!("1 {noun}"),
        (_, true) => format!("{}ies", &noun[..noun.len() - 1]),
        (_, false) => format!("{noun}s"),
    };
    format!("{} {ending}", thousands(number))
}

/// Foreign text on one line: control characters and those that turn the direction of writing are
/// replaced, so that a message can neither break an SVG nor steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
            || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    text.chars().map(|c| if hostile(c) { '\u{fffd}' } else { c }).collect()
}

/// A count as a floating-point number, for shares and pictures.
#[expect(clippy::cast_precision_loss, reason = "shares and pictures need no more than 53 bits")]
pub(crate) fn approximate(count: u64) -> f64 {
    count as f64
}

/// Three significant digits for numbers below a thousand.
fn significant(number: f64) -> String {
    let places = match number {
        n if n < 10.0 => 2,
        n if n < 100.0 => 1,
        _ => 0,
    };
    decimal(number, places)
}

fn long_span(seconds: u64) -> String {
    let (days, hours) = (seconds / 86_400, seconds / 3_600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")];
    let shown = parts.into_iter().skip_while(|(n, _)| *n == 0).take(2).filter(|(n, _)| *n > 0);
    let words: Vec<String> = shown.map(|(n, unit)| format!("{} {unit}", thousands(n))).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let written = [0, 999, 1_000, 1_234_567].map(thousands);
        assert_eq!(written, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(decimal(12_345.50, 2), "12,345.5");
        assert_eq!(decimal(0.999, 1), "1");
    }

    #[test]
    fn spans_use_the_unit_that_reads_best() {
        let spans = [0, 850, 1_250, 12_500, 999_000, 12_500_000, 90_000_000, 7_500_000_000];
        let written = spans.map(|micros| span(Micros(micros)));
        assert_eq!(
            written,
            ["0 s", "850 µs", "1.25 ms", "12.5 ms", "999 ms", "12.5 s", "1 min 30 s", "2 h 5 min"]
        );
        assert_eq!(span(Micros::seconds(30 * 86_400)), "30 d");
    }

    #[test]
    fn measured_times_have_the_unit_that_reads_best() {
        let times = [28, 999, 1_500, 2_340_000, 3_000_000_000].map(|nanos| measured(Nanos(nanos)));
        assert_eq!(times, ["28 ns", "999 ns", "1.5 µs", "2.34 ms", "3.00 s"]);
    }

    #[test]
    fn shares_never_round_to_all_or_nothing() {
        assert_eq!(share(1, 1_000_000), "< 0.01 %");
        assert_eq!(share(999_999, 1_000_000), "> 99.99 %");
        assert_eq!(share(1, 8), "12.5 %");
        assert_eq!(share(0, 0), "–");
    }

    #[test]
    fn nouns_follow_their_number() {
        assert_eq!(counted(1, "violation"), "1 violation");
        assert_eq!(counted(0, "retry"), "0 retries");
    }

    #[test]
    fn control_characters_do_not_get_through() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202e}d"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d");
        assert_eq!(printable("Zürich → µs"), "Zürich → µs");
    }
}
