//! Which links of the network a fault is about.

use crate::fault::Fault;
use crate::fault::placement::{Placed, Placement};
use crate::net::Envelope;
use crate::place::{RegionIndex, Topology};

/// Which links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// All of them, also those within Regions.
    All,
    /// Those with an end in this Region, also those within it.
    Of(RegionIndex),
    /// Those between these two Regions, in both directions.
    Between(RegionIndex, RegionIndex),
}

impl Links {
    fn contains(self, from: RegionIndex, to: RegionIndex) -> bool {
        match self {
            Self::All => true,
            Self::Of(region) => from == region || to == region,
            Self::Between(a, b) => (from, to) == (a, b) || (from, to) == (b, a),
        }
    }
}

impl Links {
    /// The links that a scenario's words mean.
    pub(super) fn place(words: &scenarios::Links, at: &Placement<'_>) -> Links {
        match words {
            scenarios::Links::All => Links::All,
            scenarios::Links::Of(region) => Links::Of(at.region(region)),
            scenarios::Links::Between(a, b) => Links::Between(at.region(a), at.region(b)),
        }
    }

    /// Whether a message travels on one of them.
    pub(super) fn carry(self, envelope: &Envelope, topology: &Topology) -> bool {
        let region = |node| topology.place(node).region;
        self.contains(region(envelope.from), region(envelope.to))
    }

    /// A fault of links in its place.
    pub(super) fn placed(words: &scenarios::Links, fault: impl Fault + 'static) -> Placed {
        let (target, regions) = match words {
            scenarios::Links::All => ("all links".to_owned(), Vec::new()),
            scenarios::Links::Of(region) => {
                (format!("links of {region}"), vec![region.to_string()])
            }
            scenarios::Links::Between(a, b) => {
                (format!("{a} – {b}"), vec![a.to_string(), b.to_string()])
            }
        };
        Placed { fault: Box::new(fault), target, regions }
    }
}
