//! The kinds of load: one file each, with its parameters, its behaviour and its tests.
//!
//! Another kind is one file, a `mod` line, a variant, a line of [`WORKLOADS`] and one of
//! [`Workload::generator`]. What all of them share is in `seat`, what drives them in `generator`.

mod aliases;
mod aws_service;
mod book;
mod choice;
mod deletion_race;
mod dry_run;
mod encrypt_decrypt;
mod envelope_encryption;
mod explicit;
mod generator;
mod grants;
mod imports;
mod key_creation;
mod key_lifecycle;
mod multi_region;
mod part;
mod policies;
mod random;
mod ring;
mod rotation;
mod seat;
mod sign_verify;
mod tape;
#[cfg(test)]
mod testing;
mod weights;

pub use aliases::Aliases;
pub use aws_service::AwsService;
pub use book::KeyBook;
pub use choice::{CHOICES, KeyChoice};
pub use deletion_race::DeletionRace;
pub use encrypt_decrypt::EncryptDecrypt;
pub use envelope_encryption::EnvelopeEncryption;
pub use explicit::{Created, Script, check_arguments};
pub use generator::{Draw, Generator, Moment, Planned, WORKERS, Who};
pub use grants::Grants;
pub use imports::Imports;
pub use key_creation::KeyCreation;
pub use key_lifecycle::KeyLifecycle;
pub use multi_region::MultiRegion;
pub use policies::Policies;
pub use random::Random;
pub use ring::REMEMBERED;
pub use rotation::Rotation;
pub use sign_verify::SignVerify;
pub use tape::Tape;
pub(crate) use tape::is_made;

use crate::arrivals::{ARRIVALS, Arrivals};
use crate::kind::{Count, List, PROBABILITY, REGION, RegionName};
use crate::reader::{Entry, Reader};
use crate::schema::{KeySelector, SELECTORS};
use crate::units::Probability;
use key_lifecycle::Subject;
use seat::{Place, Seat};

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
    /// The share of its calls that are dry runs, where their operations have them.
    pub dry_runs: Probability,
    /// What it does.
    pub kind: WorkloadKind,
}

/// What a workload does.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is the struct of the same name")]
pub enum WorkloadKind {
    Aliases(Aliases),
    AwsService(AwsService),
    DeletionRace(DeletionRace),
    EncryptDecrypt(EncryptDecrypt),
    EnvelopeEncryption(EnvelopeEncryption),
    Grants(Grants),
    Imports(Imports),
    KeyCreation(KeyCreation),
    KeyLifecycle(KeyLifecycle),
    MultiRegion(MultiRegion),
    Policies(Policies),
    Random(Random),
    Rotation(Rotation),
    SignVerify(SignVerify),
}

/// Every kind of workload.
pub const WORKLOADS: &[Entry<WorkloadKind>] = &[
    aliases::INFO,
    aws_service::INFO,
    deletion_race::INFO,
    encrypt_decrypt::INFO,
    envelope_encryption::INFO,
    grants::INFO,
    imports::INFO,
    key_creation::INFO,
    key_lifecycle::INFO,
    multi_region::INFO,
    policies::INFO,
    random::INFO,
    rotation::INFO,
    sign_verify::INFO,
];

impl Workload {
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        let kind = reader.variant("workload", WORKLOADS, None);
        let clients = Count { min: 1, max: 100_000 };
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
                .optional("keys", &SELECTORS, "The keys it uses; all that suit it when not said.")
                .unwrap_or_default(),
            dry_runs: reader.or(
                "dry_runs",
                &PROBABILITY,
                0.0,
                "The share of its calls that are dry runs, where their operations have them.",
            ),
        }
    }

    /// The part of one of its clients, which are numbered from 0.
    pub fn generator(&self, book: &KeyBook, number: u32) -> Box<dyn Generator> {
        let of = self.generator_of_kind(book, number);
        match self.dry_runs {
            share if share.get() > 0.0 => Box::new(dry_run::DryRuns { of, share }),
            _ => of,
        }
    }

    fn generator_of_kind(&self, book: &KeyBook, number: u32) -> Box<dyn Generator> {
        let (choice, pairs) = self.kind.habits();
        let region = self.regions[number as usize % self.regions.len()].kms();
        let selectors = &self.keys;
        let seat = Seat::new(&Place { book, region, number, selectors, choice, pairs });
        match &self.kind {
            WorkloadKind::Aliases(kind) => Box::new(aliases::Client::new(kind, seat)),
            WorkloadKind::AwsService(kind) => Box::new(aws_service::Client::new(kind, seat)),
            WorkloadKind::DeletionRace(kind) => Box::new(deletion_race::Client::new(kind, seat)),
            WorkloadKind::EncryptDecrypt(kind) => {
                Box::new(encrypt_decrypt::Client::new(kind, seat))
            }
            WorkloadKind::EnvelopeEncryption(kind) => {
                Box::new(envelope_encryption::Client::new(kind, seat))
            }
            WorkloadKind::Grants(kind) => Box::new(grants::Client::new(kind, seat)),
            WorkloadKind::Imports(kind) => Box::new(imports::Client::new(kind, seat)),
            WorkloadKind::KeyCreation(kind) => Box::new(key_creation::Client::new(kind, seat)),
            WorkloadKind::KeyLifecycle(kind) => {
                let keys = if self.keys.is_empty() { Subject::Own } else { Subject::Named };
                Box::new(key_lifecycle::Client::new(kind, seat, keys))
            }
            WorkloadKind::MultiRegion(kind) => {
                let sets = book.sets(&self.keys, seat.account);
                Box::new(multi_region::Client::new(kind, seat, sets))
            }
            WorkloadKind::Policies(kind) => Box::new(policies::Client::new(kind, seat)),
            WorkloadKind::Random(kind) => Box::new(random::Client::new(kind, seat)),
            WorkloadKind::Rotation(kind) => Box::new(rotation::Client::new(kind, seat)),
            WorkloadKind::SignVerify(kind) => Box::new(sign_verify::Client::new(kind, seat)),
        }
    }
}

impl WorkloadKind {
    /// How its clients choose keys, and how many pairs their encryption contexts have.
    fn habits(&self) -> (KeyChoice, u32) {
        match self {
            WorkloadKind::EncryptDecrypt(kind) => (kind.choice, kind.context_pairs),
            WorkloadKind::EnvelopeEncryption(kind) => (kind.choice, USUAL_PAIRS),
            WorkloadKind::Random(kind) => (kind.choice, USUAL_PAIRS),
            _ => (KeyChoice::Uniform, USUAL_PAIRS),
        }
    }
}

/// Pairs in the encryption contexts of workloads that do not say.
const USUAL_PAIRS: u32 = 2;

/// One Region or several; all when none are named.
fn regions(reader: &mut Reader<'_, '_>) -> Vec<RegionName> {
    let one = reader.optional("region", &REGION, "The Region its clients are in and send to.");
    let list = List { of: REGION, min: 1, max: 16 };
    let several = reader.optional(
        "regions",
        &list,
        "The Regions its clients are in and send to, in turn; all when neither is said.",
    );
    if one.is_some() && several.is_some() {
        reader.complain("regions", "a workload has either region or regions, not both");
    }
    one.map(|region| vec![region]).or(several).unwrap_or_else(|| reader.session.regions.clone())
}
