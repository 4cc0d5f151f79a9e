//! `--fail-on slower:3%,inconclusive`: what of a comparison ends with exit code 3.

use loadgen::bench::statistics::Verdict;
use loadgen::bench::{Compared, Judged, Of};
use std::str::FromStr;

/// A gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Gate {
    /// B is proved slower, and by its estimate by more than this share of A's time.
    Slower(f64),
    /// Nothing is proved yet.
    Inconclusive,
    /// Only one of the two has it, or the time did not suffice for it.
    Unmatched,
}

/// What did not pass.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stopped {
    pub(super) operation: String,
    /// What is wrong with it, to be read after its name.
    pub(super) why: String,
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> Result<Gate, String> {
        match (text, text.split_once(':')) {
            ("slower", _) => Ok(Gate::Slower(0.0)),
            ("inconclusive", _) => Ok(Gate::Inconclusive),
            ("unmatched", _) => Ok(Gate::Unmatched),
            (_, Some(("slower", by))) => Ok(Gate::Slower(share(by)?)),
            _ => Err("a gate is `slower`, `slower:3%`, `inconclusive` or `unmatched`".to_owned()),
        }
    }
}

/// `2%` or `0.5%`.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').map(str::trim).and_then(|digits| digits.parse().ok());
    let share = percent.map(|percent: f64| percent / 100.0);
    let sound = share.filter(|share| (0.000_1..=1.0).contains(share));
    sound.ok_or_else(|| "a tolerance lies between 0.01% and 100%, such as 2%".to_owned())
}

impl Gate {
    /// What does not pass.
    pub(super) fn stopped(self, judged: &Judged) -> Vec<Stopped> {
        let stopped =
            |operation: &str, why: String| Stopped { operation: operation.to_owned(), why };
        let compared = |one: &Compared| self.stops(one).map(|why| stopped(&one.operation, why));
        let mut all: Vec<_> = judged.compared.iter().filter_map(compared).collect();
        if self == Gate::Unmatched {
            all.extend(judged.unmatched.iter().map(|one| {
                let side = if one.only_in == Of::A { "A" } else { "B" };
                stopped(&one.operation, format!("is only in {side} ({})", one.backend))
            }));
            let unreached = judged.unreached.iter();
            all.extend(unreached.map(|name| stopped(name, "was not reached".to_owned())));
        }
        all
    }

    fn stops(self, one: &Compared) -> Option<String> {
        let ratio = one.comparison.ratio;
        match (self, one.comparison.verdict) {
            (Gate::Slower(by), Verdict::Slower) if ratio > 1.0 + by => {
                Some(format!("is slower by {:.1} %", (ratio - 1.0) * 100.0))
            }
            (Gate::Inconclusive, Verdict::Inconclusive { .. }) => {
                Some("is inconclusive: nothing is proved yet".to_owned())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadgen::bench::Unmatched;
    use loadgen::bench::statistics::Comparison;

    #[test]
    fn gates_have_a_form() {
        assert_eq!("slower".parse(), Ok(Gate::Slower(0.0)));
        assert_eq!("slower:3%".parse(), Ok(Gate::Slower(0.03)));
        assert_eq!("inconclusive".parse(), Ok(Gate::Inconclusive));
        assert_eq!("unmatched".parse(), Ok(Gate::Unmatched));
        for wrong in ["faster", "slower:", "slower:3", "slower:-1%", "slower:NaN%", "unmatched:1%"]
        {
            assert!(wrong.parse::<Gate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_gate_stops_what_it_names() {
        let compared = |operation: &str, ratio, verdict| Compared {
            operation: operation.to_owned(),
            a: "a".to_owned(),
            b: "b".to_owned(),
            a_nanos: 1.0,
            b_nanos: ratio,
            comparison: Comparison { ratio, low: ratio, high: ratio, samples: 99, verdict },
        };
        let inconclusive = Verdict::Inconclusive { seconds_needed: None };
        let unmatched = |operation: &str, only_in| Unmatched {
            operation: operation.to_owned(),
            backend: "a".to_owned(),
            only_in,
        };
        let judged = Judged {
            compared: vec![
                compared("by-two", 1.02, Verdict::Slower),
                compared("by-five", 1.05, Verdict::Slower),
                compared("unknown", 1.5, inconclusive),
                compared("fast", 0.5, Verdict::Faster),
            ],
            unmatched: vec![unmatched("old", Of::A), unmatched("new", Of::B)],
            unreached: vec!["late".to_owned()],
        };
        let stopped = |gate: &str| -> Vec<String> {
            let stopped = gate.parse::<Gate>().unwrap().stopped(&judged);
            stopped.into_iter().map(|one| format!("{} {}", one.operation, one.why)).collect()
        };
        assert_eq!(stopped("slower"), ["by-two is slower by 2.0 %", "by-five is slower by 5.0 %"]);
        assert_eq!(stopped("slower:3%"), ["by-five is slower by 5.0 %"]);
        assert_eq!(stopped("slower:10%").len(), 0);
        assert_eq!(stopped("inconclusive"), ["unknown is inconclusive: nothing is proved yet"]);
        let only = ["old is only in A (a)", "new is only in B (a)", "late was not reached"];
        assert_eq!(stopped("unmatched"), only);
    }
}
