//! A against B, operation by operation.

use super::machine::different;
use super::saved::{Saved, Timings};
use super::statistics::{Comparison, Rule};
use serde::Serialize;
use std::collections::BTreeSet;
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

/// What a comparison came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Judged {
    /// What was compared.
    pub compared: Vec<Compared>,
    /// What only one of the two has.
    pub unmatched: Vec<Unmatched>,
    /// Operations that the time did not suffice for.
    pub unreached: Vec<String>,
}

/// An operation that was compared with nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmatched {
    /// The operation.
    pub operation: String,
    /// The backend.
    pub backend: String,
    /// Who has it.
    pub only_in: Of,
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Of {
    /// The first.
    A,
    /// The second.
    B,
}

/// Judges two sides of one measurement, which took turns.
///
/// # Errors
/// When they have no operation in common.
pub fn in_turn(saved: &Saved, a: &str, b: &str, rule: Rule) -> Result<Judged, String> {
    let side = |name: &str| saved.results.iter().filter(|row| row.backend == name).collect();
    let paired = Paired::of(side(a), side(b), |_, _| true);
    if paired.pairs.is_empty() {
        return Err(match saved.unreached.is_empty() {
            true => format!("{a} and {b} have no operation in common"),
            false => format!(
                "no operation was measured in {} s; allow more with --duration, or choose fewer with \
                 --operations",
                saved.parameters.seconds
            ),
        });
    }
    Ok(paired.judged(saved.unreached.iter(), |a, b| {
        rule.interleaved(&a.nanos, &b.nanos, Duration::from_secs_f64(a.spent))
    }))
}

/// Judges two measurements that were made one after the other. Where each is of one backend, those are
/// compared; otherwise every backend with itself.
///
/// # Errors
/// When they are not comparable: in what they differ, or that they have nothing in common.
pub fn apart(a: &Saved, b: &Saved, rule: Rule) -> Result<Judged, String> {
    let differences = differences(a, b);
    if !differences.is_empty() {
        return Err(format!("they are not comparable: {}", differences.join("; ")));
    }
    let across = is_of_one_backend(a) && is_of_one_backend(b);
    let belong = |one: &Timings, other: &Timings| across || one.backend == other.backend;
    let paired = Paired::of(a.results.iter().collect(), b.results.iter().collect(), belong);
    if paired.pairs.is_empty() {
        return Err(
            "they are not comparable: they have no operation of the same backend in common"
                .to_owned(),
        );
    }
    Ok(paired.judged(a.unreached.iter().chain(&b.unreached), |a, b| {
        rule.apart(&a.nanos, &b.nanos, Duration::from_secs_f64(a.spent + b.spent))
    }))
}

fn is_of_one_backend(saved: &Saved) -> bool {
    saved.results.windows(2).all(|pair| pair[0].backend == pair[1].backend)
}

/// Timings of the same operation that belong together, and those that belong to none.
struct Paired<'s> {
    pairs: Vec<(&'s Timings, &'s Timings)>,
    unmatched: Vec<Unmatched>,
}

impl<'s> Paired<'s> {
    fn of(
        a: Vec<&'s Timings>,
        mut b: Vec<&'s Timings>,
        belong: impl Fn(&Timings, &Timings) -> bool,
    ) -> Paired<'s> {
        let unmatched = |row: &Timings, only_in| Unmatched {
            operation: row.operation.clone(),
            backend: row.backend.clone(),
            only_in,
        };
        let mut paired = Paired { pairs: Vec::new(), unmatched: Vec::new() };
        for one in a {
            let same = |other: &&Timings| one.operation == other.operation && belong(one, other);
            match b.iter().position(same) {
                Some(at) => paired.pairs.push((one, b.remove(at))),
                None => paired.unmatched.push(unmatched(one, Of::A)),
            }
        }
        paired.unmatched.extend(b.into_iter().map(|row| unmatched(row, Of::B)));
        paired
    }

    /// Judges each pair. What was reached on one side is unmatched, and not unreached as well.
    fn judged<'u>(
        self,
        unreached: impl Iterator<Item = &'u String>,
        judge: impl Fn(&Timings, &Timings) -> Comparison,
    ) -> Judged {
        let Paired { pairs, unmatched } = self;
        let reached = |name: &&String| unmatched.iter().all(|one| one.operation != **name);
        let unreached: BTreeSet<_> = unreached.filter(reached).cloned().collect();
        Judged {
            compared: pairs.into_iter().map(|(a, b)| compared(a, b, judge(a, b))).collect(),
            unmatched,
            unreached: unreached.into_iter().collect(),
        }
    }
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

    /// What has no match.
    fn names(judged: &Judged) -> Vec<(&str, &str, Of)> {
        let all = judged.unmatched.iter();
        all.map(|one| (one.operation.as_str(), one.backend.as_str(), one.only_in)).collect()
    }

    #[test]
    fn backends_of_one_measurement_are_compared_where_both_can() {
        let saved = saved(&[("x", "a", 100.0), ("x", "b", 200.0), ("y", "a", 5.0)]);
        let judged = in_turn(&saved, "a", "b", Rule::default()).unwrap();
        assert_eq!(judged.compared.len(), 1);
        assert_eq!(judged.compared[0].comparison.verdict, Verdict::Slower);
        assert_eq!(names(&judged), [("y", "a", Of::A)]);
        assert!(in_turn(&saved, "a", "c", Rule::default()).unwrap_err().contains("in common"));
    }

    #[test]
    fn measurements_of_one_backend_each_are_compared_across_and_others_are_not() {
        let (a, b) = (saved(&[("x", "a", 200.0)]), saved(&[("x", "b", 100.0)]));
        let judged = apart(&a, &b, Rule::default()).unwrap();
        assert_eq!(judged.compared[0].comparison.verdict, Verdict::Faster);
        assert_eq!(names(&judged), []);
        let both = saved(&[("x", "b", 100.0), ("x", "a", 200.0)]);
        let judged = apart(&a, &both, Rule::default()).unwrap();
        assert_eq!((judged.compared.len(), judged.compared[0].b.as_str()), (1, "a"));
        assert_eq!(judged.compared[0].comparison.verdict, Verdict::Equivalent);
        assert_eq!(names(&judged), [("x", "b", Of::B)]);
    }

    /// What only one of two files had was left out without a word.
    #[test]
    fn what_has_no_match_or_was_not_reached_is_named() {
        let mut a = saved(&[("x", "a", 1.0), ("y", "a", 1.0)]);
        let mut b = saved(&[("z", "a", 1.0), ("x", "a", 1.0)]);
        a.unreached = ["z", "u"].map(str::to_owned).into();
        b.unreached = ["u", "y"].map(str::to_owned).into();
        let judged = apart(&a, &b, Rule::default()).unwrap();
        assert_eq!(names(&judged), [("y", "a", Of::A), ("z", "a", Of::B)]);
        assert_eq!((judged.compared.len(), judged.unreached), (1, vec!["u".to_owned()]));
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
