//! What a load has to hold: bounds on shares of calls and on response times.

use crate::outcome::Outcome;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Bounds that all have to hold, as in `throttled<1e-4,p99<20ms`.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    bounds: Vec<Bound>,
}

/// A measure and the value that it has to stay below.
#[derive(Clone, Debug, PartialEq)]
struct Bound {
    measure: &'static Measure,
    below: f64,
    text: String,
}

/// What can be bounded.
#[derive(Debug)]
struct Measure {
    name: &'static str,
    unit: Unit,
    of: fn(&Outcome) -> f64,
}

impl PartialEq for Measure {
    fn eq(&self, other: &Measure) -> bool {
        self.name == other.name
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    /// Of the calls that were due.
    Share,
    Nanoseconds,
}

const fn share(name: &'static str, of: fn(&Outcome) -> f64) -> Measure {
    Measure { name, unit: Unit::Share, of }
}

const fn time(name: &'static str, of: fn(&Outcome) -> f64) -> Measure {
    Measure { name, unit: Unit::Nanoseconds, of }
}

/// Times count from the intended start, and only those of successes: a call that was refused quickly, or
/// never sent, makes no service faster. What was refused, failed or never sent is bounded by its share.
const MEASURES: &[Measure] = &[
    share("dropped", |o| o.share(o.counts.dropped)),
    share("failed", |o| o.share(o.counts.failed.values().sum())),
    share("late", |o| o.share(o.counts.late + o.counts.dropped)),
    time("max", |o| o.success.max as f64),
    time("mean", |o| o.success.mean),
    time("p50", |o| o.success.p50 as f64),
    time("p90", |o| o.success.p90 as f64),
    time("p99", |o| o.success.p99 as f64),
    time("p99.9", |o| o.success.p99_9 as f64),
    time("p99.99", |o| o.success.p99_99 as f64),
    share("throttled", |o| o.share(o.counts.throttled)),
];

impl Goal {
    /// The bounds that a load did not hold, in words.
    pub fn unmet(&self, outcome: &Outcome) -> Vec<String> {
        let broken = self.bounds.iter().filter_map(|bound| {
            let value = (bound.measure.of)(outcome);
            let said = match bound.measure.unit {
                Unit::Share => format!("{value:.2e}"),
                Unit::Nanoseconds => format!("{:?}", Duration::from_secs_f64(value / 1e9)),
            };
            (value >= bound.below)
                .then(|| format!("{} is {said}, not {}", bound.measure.name, bound.text))
        });
        let nothing = match (outcome.counts.sent, outcome.counts.succeeded) {
            (0, _) => Some("no call was answered"),
            (_, 0) => Some("no call succeeded"),
            _ => None,
        };
        broken.chain(nothing.map(str::to_owned)).collect()
    }
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Goal, String> {
        let bounds = text.split(',').map(|part| bound(part.trim())).collect::<Result<_, _>>()?;
        Ok(Goal { bounds })
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self
            .bounds
            .iter()
            .map(|bound| format!("{}{}", bound.measure.name, bound.text))
            .collect();
        f.write_str(&all.join(","))
    }
}

fn bound(text: &str) -> Result<Bound, String> {
    let wanted = "a goal looks like throttled<1e-4,p99<20ms";
    let (name, limit) = text.split_once('<').ok_or_else(|| format!("{text:?}: {wanted}"))?;
    let (name, limit) = (name.trim(), limit.trim());
    let measure = MEASURES.iter().find(|measure| measure.name == name).ok_or_else(|| {
        let names: Vec<_> = MEASURES.iter().map(|measure| measure.name).collect();
        format!("{name:?} cannot be bounded; what can is {}", names.join(", "))
    })?;
    let below = match measure.unit {
        Unit::Share => of_share(limit).ok_or_else(|| {
            format!("{name}<{limit}: a share is a number above 0 and at most 1, or a percentage such as 0.1%")
        }),
        Unit::Nanoseconds => scenarios::parse_duration(limit)
            .map(|duration| duration.as_secs_f64() * 1e9)
            .map_err(|error| format!("{name}<{limit}: {error}")),
    }?;
    Ok(Bound { measure, below, text: format!("<{limit}") })
}

fn of_share(text: &str) -> Option<f64> {
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().ok()? / 100.0,
        None => text.parse::<f64>().ok()?,
    };
    (share > 0.0 && share <= 1.0).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let mut outcome = Outcome::default();
        outcome.counts.sent = 9_000;
        outcome.counts.dropped = 1_000;
        outcome.counts.throttled = 10;
        outcome.counts.succeeded = 8_990;
        outcome.success.p99 = 20_000_000;
        outcome
    }

    #[test]
    fn what_was_not_held_is_said_with_its_value() {
        let unmet = |goal: &str| goal.parse::<Goal>().unwrap().unmet(&outcome());
        assert_eq!(unmet("throttled<1.1e-3,p99<21ms"), <[String; 0]>::default());
        assert_eq!(unmet("throttled < 0.1%"), ["throttled is 1.00e-3, not <0.1%"]);
        assert_eq!(unmet("p99<20ms"), ["p99 is 20ms, not <20ms"]);
        assert_eq!(unmet("late<0.1"), ["late is 1.00e-1, not <0.1"]);
        let nothing = Outcome::default();
        assert_eq!("p99<1s".parse::<Goal>().unwrap().unmet(&nothing), ["no call was answered"]);
    }

    /// Refusals are quick, and a goal for p99 was held the better the more of them there were.
    #[test]
    fn refusals_hold_no_bound_of_time() {
        let goal: Goal = "p99<30ms".parse().unwrap();
        let mut outcome = outcome();
        outcome.response.p99 = 40_000;
        outcome.success.p99 = 35_000_000;
        assert_eq!(goal.unmet(&outcome), ["p99 is 35ms, not <30ms"]);
        outcome.counts.succeeded = 0;
        outcome.success = crate::outcome::Distribution::default();
        assert_eq!(goal.unmet(&outcome), ["no call succeeded"]);
    }

    #[test]
    fn what_is_no_goal_is_said_with_what_would_be() {
        let said = |goal: &str| goal.parse::<Goal>().unwrap_err();
        assert!(said("p99=20ms").contains("looks like"));
        assert!(said("p98<20ms").contains("p99.9"), "{}", said("p98<20ms"));
        assert!(said("p99<20").contains("p99<20"));
        assert!(said("throttled<2").contains("at most 1"));
    }

    #[test]
    fn a_goal_is_shown_as_it_was_said() {
        assert_eq!("late<1%, p50<1ms".parse::<Goal>().unwrap().to_string(), "late<1%,p50<1ms");
    }
}
