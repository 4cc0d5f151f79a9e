//! Latency as a list of quantiles: small, mergeable into a page, and honest about its tail.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::Micros;

/// The quantiles that are kept, as far as the number of values can tell them apart.
const QUANTILES: [f64; 16] = [
    0.0,
    0.25,
    0.5,
    0.75,
    0.9,
    0.95,
    0.99,
    0.995,
    0.999,
    0.9995,
    0.9999,
    0.99995,
    0.99999,
    0.999_995,
    0.999_999,
    0.999_999_9,
];

/// How long one operation took, as its clients saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The operation, such as `Encrypt`.
    pub operation: String,
    /// How many requests were measured.
    pub count: u64,
    /// Quantiles in rising order; the last is the maximum, with quantile 1.
    pub quantiles: Vec<Quantile>,
}

/// One point of a distribution: this share of all values is at most this large.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantile {
    /// From 0 to 1.
    pub quantile: f64,
    /// The value in microseconds.
    pub micros: Micros,
}

impl Latency {
    /// Reads the quantiles of a histogram that recorded microseconds.
    ///
    /// A quantile that fewer than two values exceed says no more than the maximum and is left out.
    #[must_use]
    pub fn from_histogram(operation: impl Into<String>, histogram: &Histogram<u64>) -> Self {
        let count = histogram.len();
        let told_apart = |q: &f64| (1.0 - q) * as_f64(count) >= 2.0;
        let at = |q| Quantile { quantile: q, micros: Micros(histogram.value_at_quantile(q)) };
        let mut quantiles: Vec<Quantile> =
            QUANTILES.into_iter().filter(told_apart).map(at).collect();
        if count > 0 {
            quantiles.push(Quantile { quantile: 1.0, micros: Micros(histogram.max()) });
        }
        Self { operation: operation.into(), count, quantiles }
    }

    /// The value at a quantile: that of the nearest kept quantile from above.
    #[must_use]
    pub fn at(&self, quantile: f64) -> Option<Micros> {
        self.quantiles.iter().find(|q| q.quantile >= quantile).map(|q| q.micros)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn as_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: impl IntoIterator<Item = u64>) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).unwrap();
        for value in values {
            histogram.record(value).unwrap();
        }
        histogram
    }

    #[test]
    fn quantiles_rise_to_the_maximum() {
        let latency = Latency::from_histogram("Encrypt", &histogram(1..=10_000));
        assert_eq!(latency.count, 10_000);
        assert!(latency.quantiles.is_sorted_by(|a, b| a.quantile < b.quantile));
        assert!(latency.quantiles.is_sorted_by_key(|q| q.micros));
        let median = latency.at(0.5).unwrap().0;
        assert!((4_990..=5_010).contains(&median), "{median}");
        assert!(latency.at(1.0).unwrap().0 >= 10_000);
    }

    #[test]
    fn a_tail_that_was_not_seen_is_not_claimed() {
        let latency = Latency::from_histogram("Sign", &histogram([100; 200]));
        let kept: Vec<f64> = latency.quantiles.iter().map(|q| q.quantile).collect();
        assert_eq!(kept, [0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0]);
    }

    #[test]
    fn nothing_measured_has_no_quantiles() {
        let latency = Latency::from_histogram("Sign", &histogram([]));
        assert_eq!(latency.at(0.5), None);
        assert!(latency.quantiles.is_empty());
    }
}
