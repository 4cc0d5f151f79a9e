//! Timings and comparisons as text.

use crate::terminal::{BOLD, FAINT, table};
use loadgen::bench::statistics::{Comparison, Verdict};
use loadgen::bench::{Judged, Of, Saved, Timings};

/// Nanoseconds in the unit that reads best.
pub(super) fn time(nanos: f64) -> String {
    match nanos {
        n if n < 1e3 => format!("{n:.1} ns"),
        n if n < 1e6 => format!("{:.2} µs", n / 1e3),
        n if n < 1e9 => format!("{:.2} ms", n / 1e6),
        n => format!("{:.2} s", n / 1e9),
    }
}

/// What a run measured.
pub(super) fn timings(saved: &Saved) -> String {
    let header = ["operation", "backend", "a call", "a second", "spread", "blocks"];
    let mut rows = vec![header.map(str::to_owned)];
    rows.extend(saved.results.iter().filter_map(row));
    let mut text = table(&rows);
    text += &format!(
        "\n{FAINT}{} · {} cores · {} build of {} · {:.1} s\nA call is the median of the blocks; half of \
         them lie within the spread.{FAINT:#}\n",
        saved.machine.cpu,
        saved.machine.cores,
        saved.build.profile,
        saved.build.commit,
        saved.seconds
    );
    if saved.build.profile != "release" {
        text += &format!("{BOLD}These are figures of a {} build.{BOLD:#}\n", saved.build.profile);
    }
    if !saved.unreached.is_empty() {
        text += &format!(
            "{} operations were not reached: allow more with --duration, or choose fewer with \
             --operations.\n",
            saved.unreached.len()
        );
    }
    text
}

fn row(timings: &Timings) -> Option<[String; 6]> {
    let nanos = timings.median()?;
    Some([
        timings.operation.clone(),
        timings.backend.clone(),
        format!("{:>10}", time(nanos)),
        format!("{:>10}", per_second(1e9 / nanos)),
        format!("{:>5.1} %", timings.spread()? * 100.0),
        format!("{:>6}", timings.nanos.len()),
    ])
}

/// A rate, with three digits where it is small.
fn per_second(rate: f64) -> String {
    match rate {
        r if r < 1_000.0 => format!("{r:.1}"),
        r if r < 1e6 => format!("{:.1} k", r / 1e3),
        r => format!("{:.2} M", r / 1e6),
    }
}

/// What a comparison proves, operation by operation, and what it does not tell of.
pub(super) fn judged(judged: &Judged, tolerance: f64) -> String {
    let all = &judged.compared;
    let header = ["operation", "of A and B", "A", "B", "B/A", "95 in 100 between", "verdict"];
    let mut rows = vec![header.map(str::to_owned)];
    rows.extend(all.iter().map(|one| {
        let Comparison { ratio, low, high, verdict, samples } = one.comparison;
        let of = if one.a == one.b { one.a.clone() } else { format!("{}, {}", one.a, one.b) };
        [
            one.operation.clone(),
            of,
            format!("{:>10}", time(one.a_nanos)),
            format!("{:>10}", time(one.b_nanos)),
            format!("{ratio:.3}"),
            format!("{low:.3} and {high:.3}"),
            format!("{} ({samples})", told(verdict)),
        ]
    }));
    let count = |wanted: fn(Verdict) -> bool| {
        all.iter().filter(|one| wanted(one.comparison.verdict)).count()
    };
    let totals = format!(
        "\nB is faster in {}, slower in {}, equivalent within {} % in {}, and nothing is proved yet in {}.\n",
        count(|verdict| verdict == Verdict::Faster),
        count(|verdict| verdict == Verdict::Slower),
        tolerance * 100.0,
        count(|verdict| verdict == Verdict::Equivalent),
        count(|verdict| matches!(verdict, Verdict::Inconclusive { .. })),
    );
    table(&rows) + &totals + &uncompared(judged)
}

/// What was compared with nothing.
fn uncompared(judged: &Judged) -> String {
    let mut text = String::new();
    for (side, of) in [("A", Of::A), ("B", Of::B)] {
        let only = judged.unmatched.iter().filter(|one| one.only_in == of);
        let names: Vec<_> =
            only.map(|one| format!("{} ({})", one.operation, one.backend)).collect();
        if !names.is_empty() {
            text += &format!("Only in {side}, and compared with nothing: {}.\n", names.join(", "));
        }
    }
    if !judged.unreached.is_empty() {
        text += &format!("Not reached in the time: {}.\n", judged.unreached.join(", "));
    }
    text
}

fn told(verdict: Verdict) -> String {
    match verdict {
        Verdict::Faster => "B is faster".to_owned(),
        Verdict::Slower => "B is slower".to_owned(),
        Verdict::Equivalent => "equivalent".to_owned(),
        Verdict::Inconclusive { seconds_needed: None } => "too few timings".to_owned(),
        Verdict::Inconclusive { seconds_needed: Some(seconds) } => {
            format!("inconclusive: {} more of this alone", needed(seconds))
        }
    }
}

fn needed(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.1} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_compared_with_nothing_is_listed() {
        let unmatched = |operation: &str, only_in| loadgen::bench::Unmatched {
            operation: operation.to_owned(),
            backend: "ring".to_owned(),
            only_in,
        };
        let some = Judged {
            compared: Vec::new(),
            unmatched: vec![unmatched("x", Of::A), unmatched("y", Of::B), unmatched("z", Of::A)],
            unreached: vec!["u".to_owned()],
        };
        let text = judged(&some, 0.01);
        assert!(text.contains("Only in A, and compared with nothing: x (ring), z (ring).\n"));
        assert!(text.contains("Only in B, and compared with nothing: y (ring).\n"));
        assert!(text.ends_with("Not reached in the time: u.\n"), "{text}");
        assert!(!judged(&Judged::default(), 0.01).contains("Only in"));
    }

    #[test]
    fn numbers_have_the_unit_that_reads_best() {
        assert_eq!(
            [1.26, 1_500.0, 2.5e6, 3e9].map(time),
            ["1.3 ns", "1.50 µs", "2.50 ms", "3.00 s"]
        );
        assert_eq!([0.5, 1_500.0, 2.5e6].map(per_second), ["0.5", "1.5 k", "2.50 M"]);
        assert_eq!([10.0, 120.0, 7_200.0].map(needed), ["10.0 s", "2 min", "2 h"]);
    }
}
