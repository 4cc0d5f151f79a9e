//! Where the service runs: Regions, what stands in each, and how far apart everything is.

use std::time::Duration;

use kms_core::history::{LONGEST_PROPAGATION, Propagation};

use crate::kind::{Count, DurationIn, List, NEW_REGION, RegionName, Word};
use crate::reader::Reader;
use crate::session::MOST_ZONES;
use crate::units::duration_text;

/// Regions and the machines in each of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// The Regions, the first being the home of what names none.
    pub regions: Vec<RegionName>,
    /// Availability Zones in each Region.
    pub zones: u32,
    /// API hosts in each Region.
    pub api_hosts: u32,
    /// HSMs in each Region.
    pub hsms: u32,
    /// Round-trip times between Regions.
    pub latency: LatencyMatrix,
    /// When other hosts see a committed change.
    pub propagation: Propagation,
}

/// A named matrix of round-trip times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LatencyMatrix {
    /// Close to what is published for AWS Regions in 2026.
    Aws2026Approx,
}

const PROPAGATION: DurationIn = DurationIn { min: Duration::ZERO, max: LONGEST_PROPAGATION };

const LATENCY: Word<LatencyMatrix> =
    Word { what: "latency matrix", words: &[("aws-2026-approx", LatencyMatrix::Aws2026Approx)] };

impl Topology {
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        reader.table("topology", "Regions and what stands in each of them.", |reader| {
            let regions = List { of: NEW_REGION, min: 1, max: 16 };
            let regions = reader.or(
                "regions",
                &regions,
                ["us-east-1"],
                "The Regions; the first is the home of what names none.",
            );
            reader.session.regions.clone_from(&regions);
            let most = Count { min: 1, max: MOST_ZONES };
            let zones = reader.or("zones", &most, 3, "Availability Zones in each Region.");
            // What is described has no number of zones yet.
            if reader.session.listing.is_none() {
                reader.session.zones = zones;
            }
            Self {
                regions,
                zones,
                api_hosts: reader.or(
                    "api_hosts",
                    &Count { min: 1, max: 64 },
                    2,
                    "API hosts in each Region.",
                ),
                hsms: reader.or("hsms", &Count { min: 1, max: 64 }, 3, "HSMs in each Region."),
                latency: reader.or(
                    "latency",
                    &LATENCY,
                    "aws-2026-approx",
                    "Round-trip times between Regions.",
                ),
                propagation: propagation(reader),
            }
        })
    }
}

/// The delays of a scenario are those of AWS unless it says otherwise.
fn propagation(reader: &mut Reader<'_, '_>) -> Propagation {
    let doc = "How long after its commit a change may be unseen by other hosts of the Region.";
    let Propagation { policy, grant, alias, tag } = Propagation::AWS;
    reader.table("propagation", doc, |reader| {
        let mut delay = |name, default, doc| {
            reader.or(name, &PROPAGATION, duration_text(default).as_str(), doc)
        };
        Propagation {
            policy: delay("policy", policy, "Key policies."),
            grant: delay("grant", grant, "Grants, unless their grant token is used."),
            alias: delay("alias", alias, "Aliases, as names of keys."),
            tag: delay("tag", tag, "Tags and aliases, as conditions see them."),
        }
    })
}
