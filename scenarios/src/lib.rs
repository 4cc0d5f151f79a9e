//! The scenario language of keyquake: what a run is made of, written in TOML.
//!
//! One schema serves the simulator, the load generator and the planner. Start with [`Scenario`]:
//!
//! - [`Scenario::load`] reads a file, the bases it extends and `--set` overrides;
//! - [`ScenarioError`] says in one sentence where the first problem is and what would be right;
//! - [`schema_listing`] describes every key, from the very code that reads them;
//! - [`Schedule`] turns [`Arrivals`] into intended starts, alike in simulation and under load;
//! - [`Workload::generator`] makes the requests of a workload's clients, [`Script`] those written out;
//! - [`Document`] is a scenario as a tree that programs change and write down again;
//! - [`library`] lists the scenario files of a folder.
//!
//! | module | what it holds |
//! |---|---|
//! | `schema` | the tables of a scenario, one file each |
//! | `fault`, `workload`, `arrivals` | vocabularies: one table each, which parses and lists |
//! | `reader`, `kind` | how a table, a value, a choice between kinds is read |
//! | [`state`] | keys from CloudFormation templates and Terraform plans |
//! | `load`, `overrides`, `merge` | how texts become one tree |
//! | `value`, `source`, `error`, `nearest` | the tree, places in texts, and the error |

mod arrivals;
mod document;
mod error;
mod fault;
mod kind;
mod library;
mod listing;
mod load;
mod merge;
mod nearest;
mod overrides;
mod reader;
mod schema;
mod session;
mod source;
pub mod state;
mod units;
mod value;
mod vocabulary;
mod workload;

pub use arrivals::{ARRIVALS, Arrivals, Schedule};
pub use document::Document;
pub use error::{ScenarioError, printable};
pub use fault::{
    Bandwidth, ClockSkew, Clogging, CutDirection, Direction, FAULTS, Fault, FaultKind, HowItFails,
    HsmCapacityLoss, HsmColdCache, HsmCut, HsmHang, HsmLoss, HsmSlow, HsmWrongEpoch, Hsms,
    JournalFailOver, JournalFull, JournalSlow, KeyStoreOutage, Latency, LinkCut, Links,
    MessageCorruption, MessageDuplication, MessageLoss, NodeCrash, NodePause, OperatorMistake,
    QuorumLoss, QuotaChange, RegionPartition, Reordering, Role, SlowCpu, StaleFollower, Surge,
    ZoneLoss,
};
pub use kind::RegionName;
pub use library::library;
pub use listing::{Field, FieldDefault, Listing, Section};
pub use load::{read, schema_listing};
pub use overrides::Override;
pub use reader::Entry;
pub use schema::{
    Client, Declared, Expect, KeyGroup, KeyName, KeySelector, Keys, LatencyBounds, LatencyMatrix,
    Operation, Parameter, Phase, Points, Quota, RetryMode, SCHEMA, Sabotage, Scenario, Throttling,
    Topology, Verdict,
};
pub use units::{Bytes, ClockOffset, Probability, Rate, duration_text, parse_duration};
pub use vocabulary::{
    Argument, ArgumentProblem, Arguments, Names, ParameterInfo, ParameterKind, ParameterValue,
    Vocabulary,
};
pub use workload::{
    Aliases, AwsService, CHOICES, Created, DeletionRace, Draw, EncryptDecrypt, EnvelopeEncryption,
    Generator, Grants, Imports, KeyBook, KeyChoice, KeyCreation, KeyLifecycle, Moment, MultiRegion,
    Planned, Policies, REMEMBERED, Random, Rotation, Script, SignVerify, Tape, WORKERS, WORKLOADS,
    Who, Workload, WorkloadKind, check_arguments,
};
