//! Round-trip times between Regions, as named tables.
//!
//! The figures are **modelled**: rounded medians in the range that public latency monitors of the
//! AWS backbone report. AWS publishes no guaranteed figure. A scenario names the table it uses.

use std::time::Duration;

/// A named, symmetric table of round-trip times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTripMatrix {
    /// The name scenarios use.
    pub name: &'static str,
    /// Where the figures come from, in one sentence.
    pub doc: &'static str,
    /// Milliseconds between two Regions of which the table does not know the pair.
    pub unknown_pair: u64,
    /// The order of the columns of `rows`.
    regions: &'static [&'static str],
    /// Milliseconds; row n holds the round trips of Region n + 1 to the Regions before it.
    rows: &'static [&'static [u64]],
}

impl RoundTripMatrix {
    /// The table of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        MATRICES.iter().find(|matrix| matrix.name == name)
    }

    /// The round trip between two different Regions; the documented default for an unknown pair.
    pub fn round_trip(&self, a: &str, b: &str) -> Duration {
        let position = |name| self.regions.iter().position(|region| *region == name);
        let known = position(a).zip(position(b)).and_then(|(a, b)| {
            let row = a.max(b).checked_sub(1)?;
            self.rows.get(row)?.get(a.min(b)).copied()
        });
        Duration::from_millis(known.unwrap_or(self.unknown_pair))
    }
}

/// Every table, by name.
pub const MATRICES: &[RoundTripMatrix] = &[AWS_2026_APPROX];

/// Ten commercial AWS Regions on four continents.
pub const AWS_2026_APPROX: RoundTripMatrix = RoundTripMatrix {
    name: "aws-2026-approx",
    doc: "modelled: rounded medians between ten AWS Regions; 150 ms for any other pair",
    unknown_pair: 150,
    regions: &[
        "us-east-1",
        "us-east-2",
        "us-west-2",
        "eu-west-1",
        "eu-west-2",
        "eu-central-1",
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-2",
        "sa-east-1",
    ],
    rows: &[
        &[12],
        &[62, 50],
        &[68, 78, 122],
        &[76, 86, 130, 12],
        &[92, 101, 144, 26, 16],
        &[148, 136, 98, 202, 212, 226],
        &[216, 204, 164, 176, 168, 160, 70],
        &[198, 190, 140, 256, 266, 250, 106, 94],
        &[114, 124, 176, 178, 186, 204, 258, 322, 310],
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole() {
        for matrix in MATRICES {
            assert_eq!(matrix.rows.len() + 1, matrix.regions.len());
            for (n, row) in matrix.rows.iter().enumerate() {
                assert_eq!(row.len(), n + 1, "{} row {n}", matrix.name);
            }
        }
    }

    #[test]
    fn pairs_are_symmetric_and_strangers_get_the_default() {
        let matrix = RoundTripMatrix::named("aws-2026-approx").unwrap();
        for (a, b, millis) in [
            ("us-east-1", "eu-west-1", 68),
            ("sa-east-1", "ap-southeast-2", 310),
            ("us-east-2", "us-east-1", 12),
            ("us-east-1", "mars-north-1", 150),
        ] {
            assert_eq!(matrix.round_trip(a, b), Duration::from_millis(millis));
            assert_eq!(matrix.round_trip(b, a), Duration::from_millis(millis));
        }
        assert_eq!(RoundTripMatrix::named("lunar"), None);
    }
}
