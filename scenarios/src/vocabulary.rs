//! The words that other crates own: operations, errors, oracles, sabotages, quotas, parameters.
//!
//! The language checks them while it reads, so that a typing error is found with its line and the
//! nearest word, yet this crate needs to know neither the service nor the simulator.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::units::{Bytes, Probability, Rate};
use crate::value::{Data, Value};

/// What the words of a scenario may be.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    /// The model parameters that `[parameters]` may override; no other name is accepted.
    pub parameters: Vec<ParameterInfo>,
    /// Names of KMS operations, for `call` and for the `random` workload.
    pub operations: Names,
    /// Names of API errors, for `allowed_errors`.
    pub errors: Names,
    /// Names of oracles, for `expect.oracle`.
    pub oracles: Names,
    /// Names of planted bugs, for `[[sabotage]]`.
    pub sabotages: Names,
    /// Names of quota profiles, for `quota.profile`.
    pub quota_profiles: Names,
    /// Names of quota pools, for the bounds on throttled requests.
    pub quota_pools: Names,
    /// Checks the `with` table of an `[[operation]]`: the operation's name and its arguments.
    pub check_arguments: fn(&str, &Arguments) -> Result<(), ArgumentProblem>,
}

impl Vocabulary {
    /// Accepts every word and every argument, but no parameter: for tools that only look at files.
    pub fn open() -> Self {
        Self {
            parameters: Vec::new(),
            operations: Names::Any,
            errors: Names::Any,
            oracles: Names::Any,
            sabotages: Names::Any,
            quota_profiles: Names::Any,
            quota_pools: Names::Any,
            check_arguments: |_, _| Ok(()),
        }
    }
}

/// A set of valid names.
#[derive(Debug, Clone)]
pub enum Names {
    /// Every name is taken as it stands.
    Any,
    /// Only these.
    Known(Vec<&'static str>),
}

/// A model parameter that a scenario may override.
#[derive(Debug, Clone)]
pub struct ParameterInfo {
    /// Its dotted name, such as `hsm.service_time`.
    pub name: &'static str,
    /// Its type and range.
    pub kind: ParameterKind,
    /// Its default as a scenario would write it.
    pub default: &'static str,
    /// One sentence for the listing.
    pub doc: &'static str,
}

/// The type of a parameter, with its inclusive range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParameterKind {
    /// A time span.
    Duration {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// A number of bytes.
    Bytes {
        /// The smallest.
        min: Bytes,
        /// The largest.
        max: Bytes,
    },
    /// A whole number.
    Count {
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
    },
    /// A number.
    Number {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// A number from 0 to 1.
    Probability,
    /// A number of events per second.
    Rate,
    /// `true` or `false`.
    Boolean,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// The value a scenario gives a parameter.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is the kind of the same name")]
pub enum ParameterValue {
    Duration(Duration),
    Bytes(Bytes),
    Count(u32),
    Number(f64),
    Probability(Probability),
    Rate(Rate),
    Boolean(bool),
    Word(&'static str),
}

/// The arguments of an explicit call, by their names on the wire.
pub type Arguments = BTreeMap<String, Argument>;

/// One argument of an explicit call.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Number(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A list.
    List(Vec<Argument>),
    /// A structure.
    Table(Arguments),
}

/// Why a `with` table does not fit its operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArgumentProblem {
    /// The argument that is wrong; none when one is missing.
    pub argument: Option<String>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl From<&Value> for Argument {
    fn from(value: &Value) -> Self {
        match &value.data {
            Data::Text(text) | Data::Date(text) => Self::Text(text.clone()),
            Data::Integer(integer) => Self::Integer(*integer),
            Data::Number(number) => Self::Number(*number),
            Data::Boolean(boolean) => Self::Boolean(*boolean),
            Data::List(items) => Self::List(items.iter().map(Self::from).collect()),
            Data::Table(table) => {
                Self::Table(table.iter().map(|(key, e)| (key.clone(), (&e.value).into())).collect())
            }
        }
    }
}
