//! Any call with any argument: the load nobody designed.

use super::WorkloadKind;
use super::choice::KeyChoice;
use crate::kind::{List, Named, PROBABILITY};
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::Probability;

/// Call operations at random, some of them with wrong arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Random {
    /// Which key a request uses.
    pub choice: KeyChoice,
    /// Only these operations; all when not said.
    pub operations: Option<Vec<String>>,
    /// The share of calls with an argument that is wrong.
    pub invalid_share: Probability,
}

const OPERATION: Named = Named {
    what: "operation",
    among: |vocabulary| &vocabulary.operations,
};

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "random",
    doc: "Call operations at random, some of them with wrong arguments.",
    read: |reader| WorkloadKind::Random(Random::read(reader)),
};

impl Random {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let operations = List {
            of: OPERATION,
            max: 100,
        };
        Self {
            choice: KeyChoice::read(reader),
            operations: reader.optional(
                "operations",
                &operations,
                "Only these operations; all when not said.",
            ),
            invalid_share: reader.or(
                "invalid_share",
                &PROBABILITY,
                0.05,
                "The share of calls with an argument that is wrong.",
            ),
        }
    }
}
