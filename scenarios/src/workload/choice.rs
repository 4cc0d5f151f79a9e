//! Which key a request uses: all alike, or a few far more than the rest.

use super::generator::Draw;
use super::ring::index;
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
    Entry { name: "uniform", doc: "Every key equally often.", read: |_| KeyChoice::Uniform },
    Entry {
        name: "zipf",
        doc: "A few keys far more often than the rest.",
        read: |reader| KeyChoice::Zipf {
            exponent: reader.or(
                "exponent",
                &Number { min: 0.0, max: 10.0 },
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

/// A choice among a number of keys, ready to be made: one binary search.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Where each key's part of [0, 1) ends; nothing if all parts are equal.
    ends: Vec<f64>,
    keys: usize,
}

impl Table {
    #[expect(clippy::cast_precision_loss, reason = "fewer keys than 2^53")]
    pub(super) fn new(choice: KeyChoice, keys: usize) -> Table {
        let KeyChoice::Zipf { exponent } = choice else { return Table { ends: Vec::new(), keys } };
        let mut total = 0.0;
        let sums = (1..=keys).map(|rank| {
            total += libm::pow(rank as f64, -exponent);
            total
        });
        let mut ends: Vec<f64> = sums.collect();
        ends.iter_mut().for_each(|end| *end /= total);
        Table { ends, keys }
    }

    /// The index of a key; 0 when there is none.
    pub(super) fn pick(&self, draw: &mut dyn Draw) -> usize {
        if self.ends.is_empty() {
            return index(self.keys, draw);
        }
        let at = draw.unit();
        self.ends.partition_point(|end| *end <= at).min(self.keys - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Dice;
    use super::*;

    fn counts(choice: KeyChoice) -> [u32; 4] {
        let (table, mut dice, mut counts) = (Table::new(choice, 4), Dice::new(1), [0; 4]);
        (0..25_000).for_each(|_| counts[table.pick(&mut dice)] += 1);
        counts
    }

    #[test]
    fn zipf_prefers_the_first_in_proportion_to_their_rank() {
        // 1 + 1/2 + 1/3 + 1/4 = 25/12, so the shares are 12, 6, 4 and 3 of 25.
        for (count, expected) in counts(KeyChoice::Zipf { exponent: 1.0 }).iter().zip([12, 6, 4, 3])
        {
            assert!(count.abs_diff(expected * 1_000) < 400, "{count} {expected}");
        }
    }

    #[test]
    fn uniform_and_flat_zipf_prefer_nobody() {
        for choice in [KeyChoice::Uniform, KeyChoice::Zipf { exponent: 0.0 }] {
            assert!(counts(choice).iter().all(|count| count.abs_diff(6_250) < 300));
        }
    }

    #[test]
    fn without_keys_there_is_nothing_to_choose() {
        for choice in [KeyChoice::Uniform, KeyChoice::Zipf { exponent: 1.0 }] {
            assert_eq!(Table::new(choice, 0).pick(&mut Dice::new(1)), 0);
        }
    }
}
