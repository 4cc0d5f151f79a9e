//! The messages of a run and what nodes did with them, for a space-time diagram.

use super::{Fault, Micros, Scenario};
use serde::{Deserialize, Serialize};

/// A part of a run as a space-time diagram shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The scenario that was run.
    pub scenario: Scenario,
    /// The seed that all of the run's randomness was drawn from.
    pub seed: u64,
    /// The command line that runs exactly this again.
    pub replay: String,
    /// The digest of the whole history, in hexadecimal.
    pub digest: String,
    /// The first thing shown.
    pub from: Micros,
    /// The last.
    pub until: Micros,
    /// One lane for each node, those of a Region together.
    pub lanes: Vec<Lane>,
    /// Messages and timers, in the order in which they left or fired.
    pub arrows: Vec<Arrow>,
    /// What nodes recorded and faults did, in order.
    pub marks: Vec<Mark>,
    /// The requests and tasks that arrows and marks belong to.
    pub requests: Vec<Asked>,
    /// The faults of the scenario.
    pub faults: Vec<Fault>,
    /// When a fault first did something, if one did.
    #[serde(default)]
    pub fault: Option<Micros>,
    /// What must not have happened, if something did.
    pub violation: Option<Shown>,
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lane {
    /// Its name, such as `us-east-1/host-0`.
    pub name: String,
    /// Its Region.
    pub region: String,
    /// What it is.
    pub role: String,
}

/// A message from one node to another, or a timer of one node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrow {
    /// The lane of the sender.
    pub from: usize,
    /// The lane of the receiver; the sender's for a timer.
    pub to: usize,
    /// What kind of message.
    pub kind: String,
    /// What it says.
    pub detail: String,
    /// When it left, or fired.
    pub sent: Micros,
    /// When it was handled, if it was.
    pub arrived: Option<Micros>,
    /// Why it did not arrive; neither this nor `arrived` when it was on its way at the end.
    pub lost: Option<String>,
    /// Whether it is a timer or a start, and no message.
    pub timer: bool,
    /// Whether the network made it, as a second of another one.
    pub copied: bool,
    /// Whether it was damaged on its way.
    pub damaged: bool,
    /// The arrow that its sender was handling.
    pub cause: Option<usize>,
    /// The request or task that it belongs to.
    pub request: Option<usize>,
    /// Whether it is in the causal past of the violation.
    pub past: bool,
}

/// Something that a node recorded, or that a fault did to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The lane of the node.
    pub lane: usize,
    /// When.
    pub at: Micros,
    /// What kind of record.
    pub kind: String,
    /// The record in one line.
    pub text: String,
    /// The arrow that the node was handling.
    pub cause: Option<usize>,
    /// The request or task that it belongs to.
    pub request: Option<usize>,
    /// Whether it is in the causal past of the violation.
    pub past: bool,
}

/// A request or a task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Names it in the texts of marks.
    pub id: String,
    /// The lane of the client, if one is known to have asked for it.
    pub client: Option<usize>,
    /// What was asked for, if it is known.
    pub operation: Option<String>,
    /// The key it is about, if it is known.
    pub key: Option<String>,
}

/// What must not have happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The oracle that objects.
    pub oracle: String,
    /// What it says.
    pub message: String,
    /// The mark that shows it, if it is one of those kept.
    pub mark: Option<usize>,
}
