//! Planted bugs: how the oracles themselves are tested.

use std::time::Duration;

use crate::kind::{ANY_DURATION, List, Named, Number};
use crate::reader::Reader;
use crate::units::Probability;

/// A planted bug and when it strikes.
#[derive(Debug, Clone, PartialEq)]
pub struct Sabotage {
    /// Which bug.
    pub kind: String,
    /// The share of eligible events it corrupts, unless they are named.
    pub rate: Probability,
    /// For each of these moments of the run, the first eligible event from then on is corrupted, and
    /// nothing else. Empty when the rate decides.
    pub at: Vec<Duration>,
}

const KIND: Named = Named { what: "sabotage", among: |vocabulary| &vocabulary.sabotages };

pub(crate) fn read_all(reader: &mut Reader<'_, '_>) -> Vec<Sabotage> {
    reader.each("sabotage", "A planted bug; the oracles must find it.", |reader| Sabotage {
        kind: reader.required(
            "kind",
            &KIND,
            "change-lost",
            "Which bug; `keyquake sim list sabotages` names them.",
        ),
        rate: Probability(reader.or(
            "rate",
            &Number { min: 0.0, max: Sabotage::MOST },
            Sabotage::MOST,
            "The share of eligible events it corrupts.",
        )),
        at: reader
            .optional(
                "at",
                &List { of: ANY_DURATION, min: 1, max: 10_000 },
                "Moments of the run; the first eligible event from each one on is corrupted.",
            )
            .unwrap_or_default(),
    })
}

impl Sabotage {
    /// The largest share of eligible events that a planted bug may corrupt.
    const MOST: f64 = 0.01;

    /// A bug that corrupts as many events as one may.
    pub fn usual(kind: &str) -> Sabotage {
        Sabotage { kind: kind.to_owned(), rate: Probability(Sabotage::MOST), at: Vec::new() }
    }
}
