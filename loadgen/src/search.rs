//! Which rates are tried: steps from one to another, or the bracket around the highest rate that holds.

use schemars::JsonSchema;
use serde::Serialize;
use std::str::FromStr;

/// The bracket is narrow enough when its ends are closer than this factor.
const NARROW: f64 = 1.05;
/// The most trials of a search; every one halves the bracket, so no search between bounds that can be
/// written needs more.
const MOST_TRIALS: u32 = 64;
/// How many steps there are when nothing is said.
const STEPS: u32 = 8;
/// The most steps.
const MOST_STEPS: u32 = 1_000;

/// Rates from one to another, as in `1k..50k` or `1k..50k:12`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    from: f64,
    to: f64,
    count: u32,
}

impl Steps {
    /// The rates, each the same factor above the last.
    pub fn rates(&self) -> impl Iterator<Item = f64> {
        let Steps { from, to, count } = *self;
        let last = f64::from(count - 1).max(1.0);
        (0..count).map(move |step| match step + 1 == count {
            true => to,
            false => from * (to / from).powf(f64::from(step) / last),
        })
    }

    /// The lowest and the highest rate.
    pub fn ends(&self) -> (f64, f64) {
        (self.from, self.to)
    }
}

impl FromStr for Steps {
    type Err = String;

    fn from_str(text: &str) -> Result<Steps, String> {
        let wanted =
            || format!("{text:?}: steps look like 1k..50k, or 1k..50k:12 for twelve of them");
        let (ends, count) = text.split_once(':').map_or((text, None), |(e, c)| (e, Some(c)));
        let (from, to) = ends.split_once("..").ok_or_else(wanted)?;
        let (from, to) = (rate(from.trim())?, rate(to.trim())?);
        let count = count.map_or(Ok(STEPS), |count| count.trim().parse().map_err(|_| wanted()))?;
        match (from < to, (2..=MOST_STEPS).contains(&count)) {
            (true, true) => Ok(Steps { from, to, count }),
            (false, _) => Err(format!("{text:?}: rates rise, so the second is above the first")),
            (true, false) => Err(format!("{text:?}: there are 2 to {MOST_STEPS} steps")),
        }
    }
}

/// Calls a second, as in `500`, `2.5k` or `1m`; the bounds are those of a scenario.
///
/// # Errors
/// What would be right.
pub fn rate(text: &str) -> Result<f64, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => (
            text.strip_suffix(['m', 'M']).unwrap_or(text),
            if text.ends_with(['m', 'M']) { 1e6 } else { 1.0 },
        ),
    };
    let rate = digits.parse::<f64>().ok().map(|number| number * unit);
    let rate = rate.filter(|rate| scenarios::Rate::of(*rate).is_some());
    rate.ok_or_else(|| "a rate is a number from 0.000001 to 1m, such as 500 or 20k".to_owned())
}

/// What is known of the highest rate that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Bracket {
    /// The highest rate that held, calls a second; none when none did.
    pub held: Option<f64>,
    /// The lowest rate that did not; none when all did.
    pub failed: Option<f64>,
}

/// A search for the highest rate that holds: up by doubling until one does not, then between.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    low: f64,
    high: f64,
    bracket: Bracket,
    trials: u32,
}

impl Search {
    /// A search between two rates.
    pub fn between(low: f64, high: f64) -> Search {
        Search { low, high, bracket: Bracket::default(), trials: 0 }
    }

    /// The rate to try next; none when the bracket is narrow, or an end of the bounds is the answer.
    pub fn next(&self) -> Option<f64> {
        if self.trials >= MOST_TRIALS {
            return None;
        }
        match (self.bracket.held, self.bracket.failed) {
            (None, None) => Some(self.low),
            // The lowest rate was the first.
            (None, Some(_)) => None,
            (Some(held), None) => (held < self.high).then(|| (held * 2.0).min(self.high)),
            (Some(held), Some(failed)) => (failed / held > NARROW).then(|| (held * failed).sqrt()),
        }
    }

    /// Takes note of a trial.
    pub fn tried(&mut self, rate: f64, held: bool) {
        self.trials += 1;
        let Bracket { held: best, failed } = &mut self.bracket;
        match held {
            true => *best = Some(best.map_or(rate, |best| best.max(rate))),
            false => *failed = Some(failed.map_or(rate, |failed| failed.min(rate))),
        }
    }

    /// What is known.
    pub fn bracket(&self) -> Bracket {
        self.bracket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a service that holds up to a rate; the bracket and how many trials it took.
    fn searched(capacity: f64) -> (Bracket, u32) {
        let mut search = Search::between(100.0, 100_000.0);
        while let Some(rate) = search.next() {
            search.tried(rate, rate <= capacity);
        }
        (search.bracket(), search.trials)
    }

    #[test]
    fn the_answer_is_between_what_held_and_what_did_not() {
        for capacity in [101.0, 777.0, 12_345.6, 99_000.0] {
            let (Bracket { held, failed }, trials) = searched(capacity);
            let (held, failed) = (held.unwrap(), failed.unwrap());
            assert!(held <= capacity && capacity < failed, "{held} {capacity} {failed}");
            assert!(failed / held <= NARROW, "{held} {failed}");
            assert!(trials <= 18, "{trials}");
        }
    }

    #[test]
    fn an_answer_beyond_the_bounds_is_said_to_be() {
        assert_eq!(searched(50.0).0, Bracket { held: None, failed: Some(100.0) });
        assert_eq!(searched(1e9).0, Bracket { held: Some(100_000.0), failed: None });
    }

    #[test]
    fn steps_are_even_factors_and_end_where_they_should() {
        let steps: Steps = "1k..8k:4".parse().unwrap();
        let rates: Vec<_> = steps.rates().map(f64::round).collect();
        assert_eq!(rates, [1_000.0, 2_000.0, 4_000.0, 8_000.0]);
        assert_eq!("10..20".parse::<Steps>().unwrap().rates().count(), 8);
        for wrong in ["1k", "8k..1k", "1k..8k:1", "1k..8k:x", "a..b"] {
            assert!(wrong.parse::<Steps>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_have_units() {
        assert_eq!(rate("2.5k"), Ok(2_500.0));
        assert_eq!(rate("1m"), Ok(1e6));
        assert_eq!(rate("80"), Ok(80.0));
        for wrong in ["0", "fast", "-1k", "1e-300", "1e12", "2m", "inf", "nan"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
