//! Schema 1: what a scenario says, typed.
//!
//! One file a table. Each reads itself through a [`Reader`](crate::reader::Reader), which also
//! documents it; nothing about a key is written anywhere else.

mod client;
mod expect;
mod hsm;
mod keys;
mod operation;
mod parameters;
mod phase;
mod points;
mod quota;
mod sabotage;
mod topology;

pub use client::{Client, RetryMode};
pub use expect::{Expect, LatencyBounds, Throttling, Verdict};
pub(crate) use keys::SELECTORS;
pub use keys::{Declared, KeyGroup, KeyName, KeySelector, Keys};
pub use operation::Operation;
pub use parameters::Parameter;
pub(crate) use parameters::{TABLE as PARAMETERS, flatten as flatten_parameters};
pub use phase::Phase;
pub use points::Points;
pub use quota::Quota;
pub use sabotage::Sabotage;
pub use topology::{LatencyMatrix, Topology};

use std::time::Duration;

use kms_core::hsm::HsmModel;

use crate::kind::{Count, POSITIVE_DURATION, TEXT};
use crate::reader::Reader;

/// The schema this version reads.
pub const SCHEMA: i64 = 1;

/// A whole scenario: storm, which is the phases one after another, then calm, then the verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The file's name without folder and extension.
    pub name: String,
    /// What the scenario shows, in a sentence.
    pub description: String,
    /// Regions and what stands in them.
    pub topology: Topology,
    /// The model of each HSM.
    pub hsm: HsmModel,
    /// The keys that exist when the storm begins.
    pub keys: Keys,
    /// How many accounts share the load.
    pub accounts: u32,
    /// The request quotas.
    pub quota: Quota,
    /// The fault points.
    pub points: Points,
    /// How clients behave.
    pub client: Client,
    /// What happens, in sequence.
    pub phases: Vec<Phase>,
    /// Explicit calls, beside the workloads.
    pub operations: Vec<Operation>,
    /// Planted bugs.
    pub sabotages: Vec<Sabotage>,
    /// How long the healed service has to converge after the last phase.
    pub calm: Duration,
    /// What the run must show, beyond what the oracles always check.
    pub expect: Expect,
    /// Model parameters that differ from their defaults.
    pub parameters: Vec<Parameter>,
}

impl Scenario {
    /// How long the phases take together.
    pub fn storm(&self) -> Duration {
        self.phases.iter().map(|phase| phase.duration).sum()
    }

    /// Whether nobody would call anything.
    pub fn is_idle(&self) -> bool {
        self.operations.is_empty() && self.phases.iter().all(|phase| phase.workloads.is_empty())
    }

    pub(crate) fn read(reader: &mut Reader<'_, '_>, name: &str) -> Self {
        // The loader has resolved both already; asking here makes them known and documents them.
        let only = Count { min: 1, max: 1 };
        reader.required("schema", &only, SCHEMA, "The schema of the file; this version reads 1.");
        reader.optional(
            "extends",
            &TEXT,
            "A base file, relative to this one: tables merge, arrays are replaced.",
        );
        let description = reader.required(
            "description",
            &TEXT,
            "A Region is cut off.",
            "What the scenario shows, in a sentence.",
        );
        let topology = Topology::read(reader);
        let hsm = hsm::read(reader);
        let keys = Keys::read(reader);
        let accounts = reader.table("accounts", "The accounts that share the load.", |reader| {
            reader.or(
                "count",
                &Count { min: 1, max: 1_000 },
                1,
                "How many; workloads spread over them evenly.",
            )
        });
        reader.session.accounts = accounts;
        let quota = Quota::read(reader);
        let points = Points::read(reader);
        let client = Client::read(reader);
        let phases = phase::read_all(reader);
        let storm: Duration = phases.iter().map(|phase| phase.duration).sum();
        Self {
            name: name.into(),
            description,
            topology,
            hsm,
            keys,
            accounts,
            quota,
            points,
            client,
            phases,
            operations: operation::read_all(reader, storm),
            sabotages: sabotage::read_all(reader),
            calm: reader.table(
                "calm",
                "After the last phase every fault ends and the service must converge.",
                |reader| reader.or("duration", &POSITIVE_DURATION, "5m", "How long it has to."),
            ),
            expect: Expect::read(reader),
            parameters: parameters::read_all(reader),
        }
    }
}
