//! A measured load: what was driven, what it came to, and its course.

use super::Micros;
use crate::format::Nanos;

/// A load as a page shows it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadReport {
    /// The scenario and what answered.
    pub title: String,
    /// What it came to, in a sentence.
    pub sentence: String,
    /// What a reader has to know before believing the figures.
    pub warnings: Vec<String>,
    /// Key figures: a name, a value and a remark.
    pub figures: Vec<(String, u64, String)>,
    /// Rows of percentiles: a name, then p50, p90, p99, p99.9, p99.99 and the maximum.
    pub latencies: Vec<(String, [Nanos; 6])>,
    /// Errors by name.
    pub errors: Vec<(String, u64)>,
    /// Its course, interval by interval.
    pub course: Vec<Interval>,
    /// The request quotas that the load drew from.
    pub quotas: Vec<QuotaUse>,
    /// How it was set up: a name and a value.
    pub set_up: Vec<(String, String)>,
}

/// What a load drew from a request quota.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuotaUse {
    /// The pool.
    pub pool: String,
    /// Calls a second that it admits.
    pub per_second: f64,
    /// Calls that draw from it.
    pub calls: u64,
    /// The largest share of it that an interval drew.
    pub busiest: f64,
}

/// An interval of a load; rates are calls a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// When it begins, in seconds since the load began.
    pub from: f64,
    /// How many seconds it takes.
    pub seconds: f64,
    /// What the schedule offers; nothing in a closed loop.
    pub offered: Option<f64>,
    /// What was answered.
    pub answered: f64,
    /// What was sent late.
    pub late: f64,
    /// What was throttled.
    pub throttled: f64,
    /// What draws from each of the quotas.
    pub pooled: Vec<f64>,
    /// The most calls that were under way at once.
    pub in_flight: u64,
    /// Response times from the intended start: p50, p99, p99.9 and the maximum.
    pub response: [Micros; 4],
}
