//! The types that a key of a scenario can have.
//!
//! A [`Kind`] parses a value, checks it against the rest of the scenario and names itself for the
//! listing. All messages about a single value are made here and in the modules below.

mod list;
mod named;
mod number;
mod quantity;
mod region;
mod word;

pub(crate) use list::List;
pub(crate) use named::{Named, TEXT};
pub(crate) use number::{
    BOOLEAN, Count, Integer, Number, POSITIVE_COUNT, PROBABILITY, RATE, WEIGHT,
};
pub(crate) use quantity::{
    ANY_DURATION, DaysIn, DurationIn, INTERVAL, OFFSET, POSITIVE_DURATION, SizeIn,
};
pub use region::RegionName;
pub(crate) use region::{NEW_REGION, REGION};
pub(crate) use word::Word;

use crate::session::Session;
use crate::source::Place;
use crate::value::Value;

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Complaint {
    pub(crate) place: Place,
    pub(crate) message: String,
}

impl Complaint {
    /// A complaint about a value.
    pub(crate) fn about(value: &Value, message: impl Into<String>) -> Self {
        Self { place: value.place, message: message.into() }
    }

    /// A complaint about a value of the wrong type.
    pub(crate) fn expected(value: &Value, what: &str) -> Self {
        Self::about(value, format!("expected {what}, found {}", value.found()))
    }
}

/// The type of a key.
pub(crate) trait Kind {
    /// What a value of this type becomes.
    type Value;

    /// The type as the listing shows it.
    fn name(&self) -> String;

    /// Reads a value on its own.
    fn parse(&self, value: &Value) -> Result<Self::Value, Complaint>;

    /// Checks a value that parsed against the words this scenario may use.
    fn check(&self, _: &Value, _: &Self::Value, _: &Session) -> Result<(), Complaint> {
        Ok(())
    }
}
