//! Mixes: how often a workload makes one of its calls relative to the others.

use super::generator::Draw;
use crate::kind::WEIGHT;
use crate::reader::Reader;

/// Reads a table of weights, at least one of which must be above zero.
///
/// Each line is the call's key in the file, its default weight and its meaning.
pub(super) fn mix<const N: usize>(
    reader: &mut Reader<'_, '_>,
    calls: [(&'static str, i64, &'static str); N],
) -> [u32; N] {
    reader.table("mix", "How often each call is made, relative to the others.", |reader| {
        let weights = calls.map(|(name, default, doc)| reader.or(name, &WEIGHT, default, doc));
        if weights.iter().all(|weight| *weight == 0) {
            reader.complain("", "every weight of this mix is 0; at least one must be above");
        }
        weights
    })
}

/// The index of one of the weights, in proportion to them.
pub(super) fn pick<const N: usize>(weights: [u32; N], draw: &mut dyn Draw) -> usize {
    let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let mut left = draw.below(total);
    for (index, weight) in weights.into_iter().enumerate() {
        if left < u64::from(weight) {
            return index;
        }
        left -= u64::from(weight);
    }
    0
}
