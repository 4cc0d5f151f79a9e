//! Planted bugs: how the oracles themselves are tested.

use crate::kind::{Named, Number};
use crate::reader::Reader;
use crate::units::Probability;

/// A planted bug and how often it strikes.
#[derive(Debug, Clone, PartialEq)]
pub struct Sabotage {
    /// Which bug.
    pub kind: String,
    /// The share of eligible events it corrupts.
    pub rate: Probability,
}

const KIND: Named = Named { what: "sabotage", among: |vocabulary| &vocabulary.sabotages };

pub(crate) fn read_all(reader: &mut Reader<'_, '_>) -> Vec<Sabotage> {
    reader.each("sabotage", "A planted bug; the oracles must find it.", |reader| Sabotage {
        kind: reader.required(
            "kind",
            &KIND,
            "stale-follower",
            "Which bug; `keyquake sim list sabotages` names them.",
        ),
        rate: Probability(reader.or(
            "rate",
            &Number { min: 0.0, max: 0.01 },
            0.01,
            "The share of eligible events it corrupts.",
        )),
    })
}
