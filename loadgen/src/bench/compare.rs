//! A against B, operation by operation.

use super::machine::different;
use super::saved::{Saved, Timings};
use super::statistics::{Comparison, Rule};
use serde::Serialize;
use std::time::Duration;

/// One operation of A and B.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// The operation.
    pub operation: String,
    /// A's backend.
    pub a: String,
    /// B's backend.
    pub b: String,
    /// The middle of A's timings, in nanoseconds a call.
    pub a_nanos: f64,
    /// The middle of B's timings.
    pub b_nanos: f64,
    /// What that proves.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// Judges two sides of one measurement, which took turns.
///
/// # Errors
/// When they have no operation in common.
pub fn in_turn(saved: &Saved, a: &str, b: &str, rule: Rule) -> Result<Vec<Compared>, String> {
    let pairs = pairs(saved, saved, |one, other| one.backend == a && other.backend == b);
    if pairs.is_empty() {
        return Err(match saved.unreached.is_empty() {
            true => format!("{a} and {b} have no operation in common"),
            false => format!(
                "no operation was measured in {} s; allow more with --duration, or choose fewer with \
                 --operations",
                saved.parameters.seconds
            ),
        });
    }
    let judged = pairs.into_iter().map(|(a, b)| {
        let took = Duration::from_secs_f64(a.spent);
        compared(a, b, rule.interleaved(&a.nanos, &b.nanos, took))
    });
    Ok(judged.collect())
}

/// Judges two measurements that were made one after the other. Where each is of one backend, those are
/// compared; otherwise every backend with itself.
///
/// # Errors
/// When they are not comparable: in what they differ, or that they have nothing in common.
pub fn apart(a: &Saved, b: &Saved, rule: Rule) -> Result<Vec<Compared>, String> {
    let differences = differences(a, b);
    if !differences.is_empty() {
        return Err(format!("they are not comparable: {}", differences.join("; ")));
    }
    let across = is_of_one_backend(a) && is_of_one_backend(b);
    let pairs = pairs(a, b, |one, other| across || one.backend == other.backend);
    if pairs.is_empty() {
        return Err(
            "they are not comparable: they have no operation of the same backend in common"
                .to_owned(),
        );
    }
    let judged = pairs.into_iter().map(|(a, b)| {
        let took = Duration::from_secs_f64(a.spent + b.spent);
        compared(a, b, rule.apart(&a.nanos, &b.nanos, took))
    });
    Ok(judged.collect())
}

fn is_of_one_backend(saved: &Saved) -> bool {
    saved.results.windows(2).all(|pair| pair[0].backend == pair[1].backend)
}

/// Timings of the same operation that belong together.
fn pairs<'s>(
    a: &'s Saved,
    b: &'s Saved,
    belong: impl Fn(&Timings, &Timings) -> bool,
) -> Vec<(&'s Timings, &'s Timings)> {
    let same =
        |one: &Timings, other: &Timings| one.operation == other.operation && belong(one, other);
    let pair = |one: &'s Timings| Some((one, b.results.iter().find(|other| same(one, other))?));
    a.results.iter().filter_map(pair).collect()
}

fn compared(a: &Timings, b: &Timings, comparison: Comparison) -> Compared {
    Compared {
        operation: a.operation.clone(),
        a: a.backend.clone(),
        b: b.backend.clone(),
        a_nanos: a.median().unwrap_or_default(),
        b_nanos: b.median().unwrap_or_default(),
        comparison,
    }
}

/// In what two measurements differ that makes them incomparable.
fn differences(a: &Saved, b: &Saved) -> Vec<String> {
    let block = |saved: &Saved| format!("{} ms", saved.parameters.block_millis);
    let mut differences = a.machine.differences(&b.machine);
    differences.extend(a.build.differences(&b.build));
    differences.extend(different(("length of a block", block(a), block(b))));
    differences
}

#[cfg(test)]
mod tests {
    use super::super::rounds::{Measured, Plan};
    use super::super::statistics::Verdict;
    use super::super::{Build, Machine};
    use super::*;

    fn saved(results: &[(&str, &str, f64)]) -> Saved {
        let plan = Plan { duration: Duration::ZERO, block: Duration::ZERO, seed: 1 };
        let timings = |&(operation, backend, around): &(&str, &str, f64)| Timings {
            operation: operation.to_owned(),
            backend: backend.to_owned(),
            nanos: (0..60).map(|n| around + f64::from(n % 3)).collect(),
            ..Timings::default()
        };
        let results = results.iter().map(timings).collect();
        Saved { results, ..Saved::of(&Measured::default(), plan, &[], Build::default()) }
    }

    #[test]
    fn backends_of_one_measurement_are_compared_where_both_can() {
        let saved = saved(&[("x", "a", 100.0), ("x", "b", 200.0), ("y", "a", 5.0)]);
        let compared = in_turn(&saved, "a", "b", Rule::default()).unwrap();
        assert_eq!(compared.len(), 1);
        assert_eq!(compared[0].comparison.verdict, Verdict::Slower);
        assert!(in_turn(&saved, "a", "c", Rule::default()).unwrap_err().contains("in common"));
    }

    #[test]
    fn measurements_of_one_backend_each_are_compared_across_and_others_are_not() {
        let (a, b) = (saved(&[("x", "a", 200.0)]), saved(&[("x", "b", 100.0)]));
        let compared = apart(&a, &b, Rule::default()).unwrap();
        assert_eq!(compared[0].comparison.verdict, Verdict::Faster);
        let both = saved(&[("x", "b", 100.0), ("x", "a", 200.0)]);
        let compared = apart(&a, &both, Rule::default()).unwrap();
        assert_eq!((compared.len(), compared[0].b.as_str()), (1, "a"));
        assert_eq!(compared[0].comparison.verdict, Verdict::Equivalent);
    }

    #[test]
    fn what_is_not_comparable_is_refused_with_the_difference() {
        let a = saved(&[("x", "a", 1.0)]);
        let refused = |change: &dyn Fn(&mut Saved)| {
            let mut b = a.clone();
            change(&mut b);
            apart(&a, &b, Rule::default()).unwrap_err()
        };
        let machine = Machine { cpu: "other".to_owned(), ..a.machine.clone() };
        assert!(refused(&|b| b.machine = machine.clone()).contains("and other"));
        assert!(refused(&|b| b.build.profile = "debug".to_owned()).contains("profile"));
        assert!(refused(&|b| b.parameters.block_millis = 9.0).contains("0 ms and 9 ms"));
        assert!(refused(&|b| b.results[0].operation = "y".to_owned()).contains("in common"));
        assert!(refused(&|b| b.results.clear()).contains("in common"));
    }
}
