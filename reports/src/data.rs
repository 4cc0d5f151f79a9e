//! What one run has to say, as plain data: the only thing that a page, a chart or a summary reads.
//!
//! A report is kept as JSON beside the run's history, so that a page can be drawn again by a newer
//! version. All times are simulated time since the start of the run unless a name says otherwise.

mod capacity;
mod hsm;
mod json;
mod latency;
mod load;
mod series;
mod trace;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use capacity::{Capacity, CapacityReport};
pub use hsm::HsmUse;
pub use json::ReportError;
pub use latency::{Latency, Quantile};
pub use load::{Interval, LoadReport, QuotaUse};
pub use series::{Bucket, Limit, Series};
pub use trace::{Arrow, Asked, Lane, Mark, Shown, Trace};

/// The version of the JSON form that this crate writes, and the only one that it reads.
pub const SCHEMA_VERSION: u32 = 1;

/// A span of simulated time in microseconds; as a point in time, the span since the run began.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Micros(pub u64);

impl Micros {
    /// Whole seconds as microseconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// Whole milliseconds as microseconds.
    #[must_use]
    pub const fn millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// The span in seconds, for drawing; exact to well below a microsecond for any real run.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a picture needs no more than 53 bits")]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// Everything a report shows about one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The version of this form; [`SCHEMA_VERSION`] when written by this crate.
    pub schema_version: u32,
    /// The program that ran it.
    pub tool: Tool,
    /// The scenario that was run.
    pub scenario: Scenario,
    /// The seed that all of the run's randomness was drawn from.
    pub seed: u64,
    /// What the run showed.
    pub verdict: Verdict,
    /// The command line that runs exactly this again.
    pub replay: String,
    /// The digest of the whole history, in hexadecimal.
    pub digest: String,
    /// How much time passed inside the simulation.
    pub simulated: Micros,
    /// How long the run took outside it, in seconds.
    pub wall_seconds: f64,
    /// The totals of the run.
    pub counts: Counts,
    /// Every oracle, also those that could not judge.
    pub oracles: Vec<Oracle>,
    /// What the oracles found, in the order they happened.
    pub violations: Vec<Violation>,
    /// Requests over time, one series for each Region and quota pool.
    pub series: Vec<Series>,
    /// Latency of answered requests as the clients saw it, one entry for each operation.
    pub latencies: Vec<Latency>,
    /// What each HSM had to do, and what hosts thought of it.
    #[serde(default)]
    pub hsms: Vec<HsmUse>,
    /// Faults that lasted.
    pub faults: Vec<Fault>,
    /// Events that happened at one point in time: a crash, a restart, a deletion, a rotation.
    pub events: Vec<PointEvent>,
    /// The phases of the scenario, in order.
    pub phases: Vec<Phase>,
    /// The parameters that the run depended on.
    pub parameters: Vec<Parameter>,
    /// What really happened, by the name of the probe that saw it, and how often.
    #[serde(default)]
    pub probes: BTreeMap<String, u64>,
    /// The messages around the first violation, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Box<Trace>>,
}

/// A scenario's name as part of the name of a folder: letters and digits of any script, dots and
/// dashes, and a dash for everything else. Never empty. Names that differ may have the same one.
#[must_use]
pub fn slug(name: &str) -> String {
    let keep = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
    let slug: String = name.chars().map(|c| if keep(c) { c } else { '-' }).collect();
    match slug.trim_start_matches(['.', '-']) {
        "" => "scenario".to_owned(),
        slug => slug.to_owned(),
    }
}

impl RunReport {
    /// A report with a verdict and nothing else yet; the caller fills in what the run produced.
    #[must_use]
    pub fn new(tool: Tool, scenario: Scenario, seed: u64, verdict: Verdict) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            tool,
            scenario,
            seed,
            verdict,
            replay: String::new(),
            digest: String::new(),
            simulated: Micros(0),
            wall_seconds: 0.0,
            counts: Counts::default(),
            oracles: Vec::new(),
            violations: Vec::new(),
            series: Vec::new(),
            latencies: Vec::new(),
            hsms: Vec::new(),
            probes: BTreeMap::new(),
            faults: Vec::new(),
            events: Vec::new(),
            phases: Vec::new(),
            parameters: Vec::new(),
            trace: None,
        }
    }

    /// The folder that a run is kept in below the folder of all runs: the [`slug`] of the scenario's
    /// name, then the seed.
    #[must_use]
    pub fn folder_name(&self) -> String {
        format!("{}-seed-{}", slug(&self.scenario.name), self.seed)
    }

    /// The regions that have a series, each once, in the order of the series.
    pub(crate) fn regions(&self) -> Vec<&str> {
        let mut regions: Vec<&str> = Vec::new();
        for series in &self.series {
            if !regions.contains(&series.region.as_str()) {
                regions.push(&series.region);
            }
        }
        regions
    }

    /// The end of the run for drawing: simulated time, or the last thing recorded if that is later.
    pub(crate) fn end(&self) -> Micros {
        let spans = self.faults.iter().map(|fault| fault.until);
        let phases = self.phases.iter().map(|phase| phase.until);
        let events = self.events.iter().map(|event| event.at);
        spans.chain(phases).chain(events).fold(self.simulated, Micros::max)
    }
}

/// The program that made a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// The version, as `keyquake --version` prints it.
    pub version: String,
    /// The commit it was built from.
    pub commit: String,
}

/// The scenario of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name, such as `regions/partition-during-deletion`.
    pub name: String,
    /// Its own sentence about itself.
    pub description: String,
}

/// What a run showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// No oracle that could judge found anything.
    Pass,
    /// At least one oracle found a violation that the scenario did not announce.
    Violations,
    /// The scenario planted a bug or announced a loss, and the oracles found it.
    ExpectedViolation,
}

/// The totals of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that clients began; retries of one request are not counted again.
    pub requests: u64,
    /// Requests that got a final answer, good or bad.
    pub answered: u64,
    /// Requests whose final answer was a success.
    pub succeeded: u64,
    /// Requests whose final answer was `ThrottlingException`.
    pub throttled: u64,
    /// Requests whose final answer was any other error, by its name.
    pub failed: BTreeMap<String, u64>,
    /// Attempts beyond the first of their request.
    pub retries: u64,
    /// Messages that the simulated network carried.
    pub messages: u64,
    /// Changes appended to the journals.
    pub changes: u64,
    /// Internal tasks done: rotations, deletions, expiries, synchronisations.
    pub tasks: u64,
    /// Commands that operations sent to a peer, by the peer: HSM, key store, other Region.
    pub asks: BTreeMap<String, u64>,
}

impl Counts {
    /// Requests whose final answer was an error other than throttling.
    #[must_use]
    pub fn all_failed(&self) -> u64 {
        total(&self.failed)
    }

    /// Commands that operations sent to any peer.
    #[must_use]
    pub fn all_asks(&self) -> u64 {
        total(&self.asks)
    }
}

fn total(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().fold(0, |sum, n| sum.saturating_add(*n))
}

/// What the scenario's own expectations are called among the oracles, when they are not met. They are
/// counted apart from them.
pub const EXPECTATION: &str = "expectation";

/// One oracle and how it judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Oracle {
    /// Its name.
    pub name: String,
    /// What it checks, as one sentence.
    pub checks: String,
    /// How many observations it judged.
    pub judged: u64,
    /// Its verdict.
    pub verdict: OracleVerdict,
}

/// How one oracle judged a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum OracleVerdict {
    /// Everything it judged was right.
    Passed,
    /// It found at least one violation.
    Violated,
    /// The run lacks what it needs, or it gave up on some of it. This is never counted as passed.
    CannotJudge {
        /// What was missing, or what it gave up on.
        reason: String,
    },
}

/// Something that must not happen and did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The oracle that found it.
    pub oracle: String,
    /// When it happened.
    pub at: Micros,
    /// The node that it showed on, such as `us-east-1/host-0`.
    pub node: String,
    /// What was seen and what would have been right.
    pub message: String,
    /// The history around it, in order.
    pub events: Vec<EventLine>,
}

/// One line of history beside a violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine {
    /// When it happened.
    pub at: Micros,
    /// The node that recorded it.
    pub node: String,
    /// What happened.
    pub text: String,
}

/// A fault that lasted from one time to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A few words for the bar, such as `us-east-1 cut off`.
    pub label: String,
    /// The fault's name in scenario files, such as `region-partition`.
    pub kind: String,
    /// What it was aimed at; one lane of the timeline.
    pub target: String,
    /// The Regions whose charts show it as a band; empty means all of them.
    #[serde(default)]
    pub regions: Vec<String>,
    /// When it began.
    pub from: Micros,
    /// When it ended.
    pub until: Micros,
}

impl Fault {
    /// Whether the fault belongs on the chart of a Region.
    pub(crate) fn touches(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.iter().any(|name| name == region)
    }
}

/// Something that happened at one point in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointEvent {
    /// A few words about it.
    pub label: String,
    /// Its kind, such as `crash`, `restart`, `deletion` or `rotation`.
    pub kind: String,
    /// What it happened to; one lane of the timeline.
    pub target: String,
    /// When it happened.
    pub at: Micros,
}

/// One phase of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// Its name.
    pub name: String,
    /// When it began.
    pub from: Micros,
    /// When it ended.
    pub until: Micros,
}

/// A parameter that the run depended on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, as `keyquake sim parameters` lists it.
    pub name: String,
    /// Its value, as text.
    pub value: String,
    /// The unit of the value; empty for a pure number or a name.
    pub unit: String,
    /// Where the value comes from: a document, the scenario file, or an assumption.
    pub source: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(name: &str) -> RunReport {
        let tool = Tool { version: "0.1.0".into(), commit: "abc".into() };
        let scenario = Scenario { name: name.into(), description: String::new() };
        RunReport::new(tool, scenario, 7, Verdict::Pass)
    }

    #[test]
    fn folder_names_stay_inside_their_parent() {
        assert_eq!(report("regions/partition").folder_name(), "regions-partition-seed-7");
        assert_eq!(report("../../etc").folder_name(), "etc-seed-7");
        assert_eq!(report("a b\"><c").folder_name(), "a-b---c-seed-7");
        assert_eq!(report("日本").folder_name(), "日本-seed-7");
        assert_eq!(report("../..").folder_name(), "scenario-seed-7");
        assert_eq!(report("").folder_name(), "scenario-seed-7");
    }

    #[test]
    fn the_end_covers_everything_recorded() {
        let mut report = report("x");
        report.simulated = Micros::seconds(5);
        assert_eq!(report.end(), Micros::seconds(5));
        report.phases.push(Phase {
            name: "calm".into(),
            from: Micros(0),
            until: Micros::seconds(9),
        });
        assert_eq!(report.end(), Micros::seconds(9));
    }
}
