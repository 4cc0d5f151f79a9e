//! Fault points: moments in the service that may be late, lost or repeated.

use crate::kind::PROBABILITY;
use crate::reader::Reader;
use crate::units::Probability;

/// How many fault points are armed, and how often those fire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Points {
    /// The chance that a seed arms a point.
    pub armed: Probability,
    /// The chance that an armed point fires when it is passed.
    pub fires: Probability,
}

impl Points {
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let doc = "Fault points: named moments in the nodes that may be late, lost or repeated.";
        reader.table("points", doc, |reader| Self {
            armed: reader.or("armed", &PROBABILITY, 0.0, "The chance that a seed arms a point."),
            fires: reader.or(
                "fires",
                &PROBABILITY,
                0.01,
                "The chance that an armed point fires when it is passed.",
            ),
        })
    }
}
