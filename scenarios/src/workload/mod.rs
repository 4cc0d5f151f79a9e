//! The kinds of load: one file each, with its parameters.
//!
//! Another kind is one file, a `mod` line, a variant and a line of [`WORKLOADS`].

mod aliases;
mod choice;
mod deletion_race;
mod encrypt_decrypt;
mod envelope_encryption;
mod grants;
mod key_creation;
mod key_lifecycle;
mod multi_region;
mod policies;
mod random;
mod rotation;
mod weights;

pub use aliases::Aliases;
pub use choice::{CHOICES, KeyChoice};
pub use deletion_race::DeletionRace;
pub use encrypt_decrypt::EncryptDecrypt;
pub use envelope_encryption::EnvelopeEncryption;
pub use grants::Grants;
pub use key_creation::KeyCreation;
pub use key_lifecycle::KeyLifecycle;
pub use multi_region::MultiRegion;
pub use policies::Policies;
pub use random::Random;
pub use rotation::Rotation;

use crate::arrivals::{ARRIVALS, Arrivals};
use crate::kind::{Count, List, REGION, RegionName};
use crate::reader::{Entry, Reader};
use crate::schema::{KeySelector, SELECTORS};

/// A load during a phase.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// How many clients share it.
    pub clients: u32,
    /// When requests start, all clients together.
    pub arrivals: Arrivals,
    /// The Regions its clients are in and send to, in turn.
    pub regions: Vec<RegionName>,
    /// The keys it uses; all that suit it when none are named.
    pub keys: Vec<KeySelector>,
    /// What it does.
    pub kind: WorkloadKind,
}

/// What a workload does.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is the struct of the same name")]
pub enum WorkloadKind {
    Aliases(Aliases),
    DeletionRace(DeletionRace),
    EncryptDecrypt(EncryptDecrypt),
    EnvelopeEncryption(EnvelopeEncryption),
    Grants(Grants),
    KeyCreation(KeyCreation),
    KeyLifecycle(KeyLifecycle),
    MultiRegion(MultiRegion),
    Policies(Policies),
    Random(Random),
    Rotation(Rotation),
}

/// Every kind of workload.
pub const WORKLOADS: &[Entry<WorkloadKind>] = &[
    aliases::INFO,
    deletion_race::INFO,
    encrypt_decrypt::INFO,
    envelope_encryption::INFO,
    grants::INFO,
    key_creation::INFO,
    key_lifecycle::INFO,
    multi_region::INFO,
    policies::INFO,
    random::INFO,
    rotation::INFO,
];

impl Workload {
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let kind = reader.variant("workload", WORKLOADS, None);
        let clients = Count {
            min: 1,
            max: 100_000,
        };
        Self {
            kind,
            clients: reader.or("clients", &clients, 1, "How many clients share it."),
            arrivals: reader.required_table(
                "arrivals",
                "{ kind = \"poisson\", per_second = 80 }",
                "When requests start, all clients of the workload together.",
                |reader| reader.variant("arrivals", ARRIVALS, None),
            ),
            regions: regions(reader),
            keys: reader
                .optional(
                    "keys",
                    &SELECTORS,
                    "The keys it uses; all that suit it when not said.",
                )
                .unwrap_or_default(),
        }
    }
}

/// One Region or several; all when none are named.
fn regions(reader: &mut Reader<'_, '_>) -> Vec<RegionName> {
    let one = reader.optional(
        "region",
        &REGION,
        "The Region its clients are in and send to.",
    );
    let list = List {
        of: REGION,
        max: 16,
    };
    let several = reader.optional(
        "regions",
        &list,
        "The Regions its clients are in and send to, in turn; all when neither is said.",
    );
    if one.is_some() && several.is_some() {
        reader.complain(
            "regions",
            "a workload has either region or regions, not both",
        );
    }
    one.map(|region| vec![region])
        .or(several)
        .unwrap_or_else(|| reader.session.regions.clone())
}
