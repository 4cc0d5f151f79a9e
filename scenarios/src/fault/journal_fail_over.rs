//! journal-fail-over: the journal moves to another machine.

use crate::kind::{INTERVAL, POSITIVE_DURATION, REGION, RegionName};
use crate::reader::Reader;
use std::time::Duration;

/// A journal that moves: the old machine is fenced, the new one begins with what was durable.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalFailOver {
    /// Only the journal of this Region.
    pub region: Option<RegionName>,
    /// The mean time between two moves; without it, one at the start.
    pub every: Option<Duration>,
    /// How long nobody is the journal.
    pub takes: Duration,
}

impl JournalFailOver {
    pub(super) fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            region: reader.optional("region", &REGION, "Only the journal of this Region."),
            every: reader.optional(
                "every",
                &INTERVAL,
                "The mean time between two moves; without it, one at the start.",
            ),
            takes: reader.or("takes", &POSITIVE_DURATION, "1s", "How long nobody is the journal."),
        }
    }
}
