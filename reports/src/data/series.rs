//! Requests over time against a documented limit.

use serde::{Deserialize, Serialize};

use super::Micros;

/// The requests of one quota pool in one Region, counted in buckets of equal width from time zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The Region.
    pub region: String,
    /// The quota pool, such as `cryptographic-operations-symmetric`.
    pub pool: String,
    /// The width of every bucket; above zero.
    pub width: Micros,
    /// The documented limit of the pool, if it has one.
    pub limit: Option<Limit>,
    /// The counts, in order of time.
    pub buckets: Vec<Bucket>,
}

impl Series {
    /// The sum of all buckets.
    #[must_use]
    pub fn total(&self) -> Bucket {
        self.buckets.iter().fold(Bucket::default(), Bucket::plus)
    }

    /// The same requests in at most `most` buckets: a chart has fewer pixels than a long run has
    /// seconds, so neighbours are merged.
    pub(crate) fn coarsened(&self, most: usize) -> Self {
        let merge = self.buckets.len().div_ceil(most.max(1)).max(1);
        let sum = |group: &[Bucket]| group.iter().fold(Bucket::default(), Bucket::plus);
        Self {
            width: Micros(self.width.0.saturating_mul(merge as u64)),
            buckets: self.buckets.chunks(merge).map(sum).collect(),
            ..self.clone()
        }
    }
}

/// The requests of one bucket. Admitted, throttled and errors never count the same request twice;
/// offered may exceed their sum by the requests that were never answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// Requests that arrived.
    pub offered: u64,
    /// Requests that the quota let through and that succeeded.
    pub admitted: u64,
    /// Requests that the quota refused.
    pub throttled: u64,
    /// Requests that failed for any other reason.
    pub errors: u64,
}

impl Bucket {
    fn plus(self, other: &Self) -> Self {
        Self {
            offered: self.offered.saturating_add(other.offered),
            admitted: self.admitted.saturating_add(other.admitted),
            throttled: self.throttled.saturating_add(other.throttled),
            errors: self.errors.saturating_add(other.errors),
        }
    }
}

/// A documented limit and the scale at which the scenario applies it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The limit as documented, in requests per second.
    pub per_second: f64,
    /// The factor that the scenario scales all quotas by.
    pub scale: f64,
    /// The document that states the limit.
    pub source: String,
    /// Whether the document leaves a gap that the profile fills with an assumption.
    pub assumed: bool,
}

impl Limit {
    /// The limit that the run applied, in requests per second.
    #[must_use]
    pub fn effective(&self) -> f64 {
        self.per_second * self.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(buckets: usize) -> Series {
        let bucket = Bucket { offered: 6, admitted: 3, throttled: 2, errors: 1 };
        Series {
            region: "us-east-1".into(),
            pool: "symmetric".into(),
            width: Micros::seconds(1),
            limit: None,
            buckets: vec![bucket; buckets],
        }
    }

    #[test]
    fn coarsening_keeps_totals_and_time() {
        let fine = series(1001);
        let coarse = fine.coarsened(400);
        assert_eq!(coarse.buckets.len(), 334);
        assert_eq!(coarse.width, Micros::seconds(3));
        assert_eq!(coarse.total(), fine.total());
    }

    #[test]
    fn few_buckets_stay_as_they_are() {
        assert_eq!(series(90).coarsened(400), series(90));
        assert_eq!(series(0).coarsened(400), series(0));
    }
}
