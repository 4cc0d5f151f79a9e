//! Which key a request uses: all alike, or a few far more than the rest.

use crate::kind::Number;
use crate::reader::{Entry, Reader};

/// How a workload picks a key.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum KeyChoice {
    /// Every key equally often.
    Uniform,
    /// The n-th key in proportion to 1 / n^exponent, which makes the first ones hot.
    Zipf {
        /// 0 is uniform; 1 is what most key popularity looks like.
        exponent: f64,
    },
}

/// Every way to choose.
pub const CHOICES: &[Entry<KeyChoice>] = &[
    Entry {
        name: "uniform",
        doc: "Every key equally often.",
        read: |_| KeyChoice::Uniform,
    },
    Entry {
        name: "zipf",
        doc: "A few keys far more often than the rest.",
        read: |reader| KeyChoice::Zipf {
            exponent: reader.or(
                "exponent",
                &Number {
                    min: 0.0,
                    max: 10.0,
                },
                1.0,
                "The n-th key is used in proportion to 1 / n^exponent.",
            ),
        },
    },
];

impl KeyChoice {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        reader.table("choice", "Which key a request uses.", |reader| {
            reader.variant("key choice", CHOICES, Some("uniform"))
        })
    }
}
