//! `--fail-on slower:3%`: from which verdict on a comparison ends with exit code 3.

use loadgen::bench::Compared;
use loadgen::bench::statistics::Verdict;
use std::str::FromStr;

/// A gate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Gate {
    /// The share of A's time by which B must be slower.
    by: f64,
}

impl FromStr for Gate {
    type Err = String;

    fn from_str(text: &str) -> Result<Gate, String> {
        match text.split_once(':') {
            None if text == "slower" => Ok(Gate { by: 0.0 }),
            Some(("slower", by)) => Ok(Gate { by: share(by)? }),
            _ => Err("a gate is `slower`, or `slower:3%`".to_owned()),
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
    /// What does not pass: B is proved slower, and by its estimate slower than the gate allows.
    pub(super) fn stopped<'c>(&self, all: &'c [Compared]) -> Vec<&'c Compared> {
        let slower = |one: &&Compared| {
            one.comparison.verdict == Verdict::Slower && one.comparison.ratio > 1.0 + self.by
        };
        all.iter().filter(slower).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loadgen::bench::statistics::Comparison;

    #[test]
    fn gates_have_a_form() {
        assert_eq!("slower".parse(), Ok(Gate { by: 0.0 }));
        assert_eq!("slower:3%".parse(), Ok(Gate { by: 0.03 }));
        for wrong in ["faster", "slower:", "slower:3", "slower:-1%", "slower:NaN%"] {
            assert!(wrong.parse::<Gate>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_proved_is_stopped() {
        let compared = |ratio, verdict| Compared {
            operation: "x".to_owned(),
            a: "a".to_owned(),
            b: "b".to_owned(),
            a_nanos: 1.0,
            b_nanos: ratio,
            comparison: Comparison { ratio, low: ratio, high: ratio, samples: 99, verdict },
        };
        let inconclusive = Verdict::Inconclusive { seconds_needed: None };
        let all = [
            compared(1.02, Verdict::Slower),
            compared(1.05, Verdict::Slower),
            compared(1.5, inconclusive),
            compared(0.5, Verdict::Faster),
        ];
        let stopped = |gate: &str| gate.parse::<Gate>().unwrap().stopped(&all).len();
        assert_eq!((stopped("slower"), stopped("slower:3%"), stopped("slower:10%")), (2, 1, 0));
    }
}
