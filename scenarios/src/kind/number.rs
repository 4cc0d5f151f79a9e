//! Numbers: whole and fractional, with ranges, and the booleans beside them.

use super::{Complaint, Kind};
use crate::units::{Probability, Rate};
use crate::value::{Data, Value};

/// A whole number that may be negative.
pub(crate) struct Integer {
    pub(crate) min: i32,
    pub(crate) max: i32,
}

/// A whole number from 0 up.
pub(crate) struct Count {
    pub(crate) min: u32,
    pub(crate) max: u32,
}

/// A number; whole numbers are accepted too.
pub(crate) struct Number {
    pub(crate) min: f64,
    pub(crate) max: f64,
}

pub(crate) struct ProbabilityKind;
pub(crate) struct RateKind;
pub(crate) struct BooleanKind;

/// A share or probability.
pub(crate) const PROBABILITY: ProbabilityKind = ProbabilityKind;
/// Events per second.
pub(crate) const RATE: RateKind = RateKind;
/// `true` or `false`.
pub(crate) const BOOLEAN: BooleanKind = BooleanKind;
/// A count of at least one.
pub(crate) const POSITIVE_COUNT: Count = Count { min: 1, max: 1_000_000 };
/// How often one choice is made relative to the others beside it.
pub(crate) const WEIGHT: Count = Count { min: 0, max: 1_000_000 };

impl Kind for Integer {
    type Value = i32;

    fn name(&self) -> String {
        format!("integer {} to {}", self.min, self.max)
    }

    fn parse(&self, value: &Value) -> Result<i32, Complaint> {
        let integer = whole(value)?;
        let fits = i32::try_from(integer).ok().filter(|i| (self.min..=self.max).contains(i));
        fits.ok_or_else(|| out_of_range(value, &self.min, &self.max))
    }
}

impl Kind for Count {
    type Value = u32;

    fn name(&self) -> String {
        match self.max {
            u32::MAX => format!("integer from {}", self.min),
            max => format!("integer {} to {max}", self.min),
        }
    }

    fn parse(&self, value: &Value) -> Result<u32, Complaint> {
        let integer = whole(value)?;
        let fits = u32::try_from(integer).ok().filter(|i| (self.min..=self.max).contains(i));
        fits.ok_or_else(|| out_of_range(value, &self.min, &self.max))
    }
}

impl Kind for Number {
    type Value = f64;

    fn name(&self) -> String {
        format!("number {} to {}", self.min, self.max)
    }

    fn parse(&self, value: &Value) -> Result<f64, Complaint> {
        ranged(value, "a number", self.min, self.max)
    }
}

impl Kind for ProbabilityKind {
    type Value = Probability;

    fn name(&self) -> String {
        "probability 0 to 1".into()
    }

    fn parse(&self, value: &Value) -> Result<Probability, Complaint> {
        ranged(value, "a probability from 0 to 1", 0.0, 1.0).map(Probability)
    }
}

impl Kind for RateKind {
    type Value = Rate;

    fn name(&self) -> String {
        "number per second".into()
    }

    fn parse(&self, value: &Value) -> Result<Rate, Complaint> {
        let (min, max) = (*Rate::RANGE.start(), *Rate::RANGE.end());
        ranged(value, "a number of events per second", min, max).map(Rate)
    }
}

impl Kind for BooleanKind {
    type Value = bool;

    fn name(&self) -> String {
        "boolean".into()
    }

    fn parse(&self, value: &Value) -> Result<bool, Complaint> {
        match value.data {
            Data::Boolean(boolean) => Ok(boolean),
            _ => Err(Complaint::expected(value, "true or false")),
        }
    }
}

fn whole(value: &Value) -> Result<i64, Complaint> {
    match value.data {
        Data::Integer(integer) => Ok(integer),
        _ => Err(Complaint::expected(value, "a whole number")),
    }
}

fn ranged(value: &Value, what: &str, min: f64, max: f64) -> Result<f64, Complaint> {
    let number = match value.data {
        Data::Number(number) => number,
        // Every integer in range is exact: no range here reaches 2^53.
        #[expect(clippy::cast_precision_loss, reason = "the range check follows")]
        Data::Integer(integer) => integer as f64,
        _ => return Err(Complaint::expected(value, what)),
    };
    let inside = (min..=max).contains(&number);
    inside.then_some(number).ok_or_else(|| out_of_range(value, &min, &max))
}

fn out_of_range(value: &Value, min: &impl ToString, max: &impl ToString) -> Complaint {
    let (min, max) = (min.to_string(), max.to_string());
    Complaint::about(value, format!("{} is out of range; it must be {min} to {max}", value.toml()))
}
