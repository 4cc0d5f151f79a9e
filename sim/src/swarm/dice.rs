//! The draws that a swarm is made of, and how what is drawn is written.

use crate::random::{Name, Seed, Site, Stream};
use std::time::Duration;
use toml::{Table, Value};

/// A stream of draws for one part of a run.
pub(super) struct Dice(Stream);

impl Dice {
    /// The draws for a part of the run of a seed.
    pub(super) fn of(seed: Seed, part: &'static str) -> Dice {
        Dice(Stream::named(Name::new(seed, Site::new(part))))
    }

    pub(super) fn chance(&mut self, p: f64) -> bool {
        self.0.chance(p)
    }

    /// A whole number, both ends included.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0.uniform(least..most + 1)
    }

    /// A number between two others.
    pub(super) fn number(&mut self, least: f64, most: f64) -> f64 {
        least + (most - least) * self.0.unit()
    }

    /// A number between two others whose orders of magnitude are equally likely.
    pub(super) fn magnitude(&mut self, least: f64, most: f64) -> f64 {
        least * libm::pow(most / least, self.0.unit())
    }

    /// A duration between two others whose orders of magnitude are equally likely.
    pub(super) fn spread(&mut self, least: Duration, most: Duration) -> Duration {
        rounded(Duration::from_secs_f64(self.magnitude(least.as_secs_f64(), most.as_secs_f64())))
    }

    /// One of several.
    pub(super) fn one<'i, T>(&mut self, items: &'i [T]) -> &'i T {
        self.0.pick(items).expect("there is something to choose from")
    }

    /// Two different ones of several, if there are two.
    pub(super) fn two<'i, T>(&mut self, items: &'i [T]) -> Option<(&'i T, &'i T)> {
        let others = items.len().checked_sub(1).filter(|others| *others > 0)?;
        let first = self.0.below(items.len() as u64);
        let second = (first + 1 + self.0.below(others as u64)) % items.len() as u64;
        Some((&items[usize::try_from(first).ok()?], &items[usize::try_from(second).ok()?]))
    }

    /// Each of several with a chance, but at least one.
    pub(super) fn some<T: Copy>(&mut self, items: &[T], chance: f64) -> Vec<T> {
        let kept: Vec<T> = items.iter().copied().filter(|_| self.chance(chance)).collect();
        if kept.is_empty() { vec![*self.one(items)] } else { kept }
    }
}

/// To the millisecond, or to a microsecond below ten of them: nobody reads more digits.
fn rounded(duration: Duration) -> Duration {
    match duration < Duration::from_millis(10) {
        true => Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(1).max(1)),
        false => Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// A duration as a file says it.
pub(super) fn text(duration: Duration) -> Value {
    scenarios::duration_text(duration).into()
}

/// A number with so many digits that a person can read it.
pub(super) fn short(number: f64) -> Value {
    let digits = libm::pow(10.0, libm::floor(libm::log10(number.abs().max(1e-9))) - 2.0);
    Value::Float((libm::round(number / digits) * digits * 1e9).round() / 1e9)
}

/// A whole number as a file says it.
pub(super) fn whole(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A table of so many entries.
pub(super) fn table<const N: usize>(entries: [(&str, Value); N]) -> Table {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice() -> Dice {
        Dice::of(Seed(1), "test")
    }

    #[test]
    fn both_ends_are_drawn_and_nothing_else() {
        let mut dice = dice();
        let drawn: std::collections::BTreeSet<u64> = (0..200).map(|_| dice.between(2, 5)).collect();
        assert_eq!(drawn.into_iter().collect::<Vec<_>>(), [2, 3, 4, 5]);
        let one_second = Duration::from_secs(1);
        assert!((0..100).all(|_| {
            let drawn = dice.spread(one_second, 60 * one_second);
            (one_second..=60 * one_second).contains(&drawn)
        }));
    }

    #[test]
    fn two_are_never_the_same() {
        let mut dice = dice();
        assert!((0..100).all(|_| dice.two(&[1, 2, 3]).is_some_and(|(one, two)| one != two)));
        assert!(dice.two(&[1]).is_none());
    }

    #[test]
    fn some_is_never_nothing() {
        let mut dice = dice();
        assert!((0..100).all(|_| dice.some(&[1, 2], 0.0).len() == 1));
        assert_eq!(dice.some(&[1, 2], 1.0), [1, 2]);
    }

    #[test]
    fn numbers_are_written_with_few_digits() {
        assert_eq!(short(0.123_456), Value::Float(0.123));
        assert_eq!(short(1_234.567), Value::Float(1_230.0));
        assert_eq!(text(rounded(Duration::from_nanos(1_234_567_890))), "1234ms".into());
    }
}
