//! A run as the report shows it: history and judgement in, plain data out.
//!
//! `notes` hears the history; of it `counts` adds up, `fleet` shows the HSMs, `series` counts attempts over time against the quotas, `timeline` places faults,
//! events and phases, `diagram` shows which message led to what, `evidence` shows what the oracles found with the history around it. Nothing
//! here decides anything; the verdict is the run's.

mod counts;
mod diagram;
mod evidence;
mod fleet;
mod notes;
mod series;
mod timeline;

pub use diagram::diagram;
pub use notes::Notes;

use crate::clock::SimTime;
use crate::history::Record;
use crate::parameters::Parameters;
use crate::place::{Role, Topology};
use crate::run::{Run, Scene, Verdict};
use reports::data::{self, Micros, Parameter, RunReport, Tool};
use std::time::Duration;

/// What a run has to say. `replay` is the command that runs it again, `wall` how long it took.
pub fn report(run: &Run, tool: Tool, replay: String, wall: Duration) -> RunReport {
    let scene = &run.scene;
    let scenario = data::Scenario {
        name: scene.scenario.name.clone(),
        description: scene.scenario.description.clone(),
    };
    let notes = run.notes.clone().unwrap_or_else(|| Notes::of(run));
    let (counts, latencies) = notes.totals.counts(run.summary.messages);
    RunReport {
        replay,
        counts,
        latencies,
        digest: hex(&run.history.digest()),
        simulated: micros(run.summary.ended_at),
        wall_seconds: wall.as_secs_f64(),
        oracles: evidence::oracles(run),
        violations: evidence::violations(run),
        series: series::series(&notes.series, scene),
        hsms: notes.fleet.hsms(),
        faults: timeline::faults(scene),
        events: notes.lanes.events(),
        phases: timeline::phases(scene),
        parameters: parameters(scene),
        probes: run.probes.clone(),
        ..RunReport::new(tool, scenario, scene.seed.0, verdict(run.verdict))
    }
}

fn verdict(verdict: Verdict) -> data::Verdict {
    match verdict {
        Verdict::Pass => data::Verdict::Pass,
        Verdict::ExpectedViolation => data::Verdict::ExpectedViolation,
        Verdict::Violation => data::Verdict::Violations,
    }
}

/// What was set up before the run began, keys and their aliases and grants, is said by the journals
/// and is no load.
fn is_load(topology: &Topology, record: &Record) -> bool {
    topology.contains(record.node) && topology.place(record.node).role == Role::Client
}

fn micros(at: SimTime) -> Micros {
    Micros(at.micros())
}

fn micros_of(span: Duration) -> Micros {
    Micros(u64::try_from(span.as_micros()).unwrap_or(u64::MAX))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Seed and quotas, then what the scenario changed, then the rest of the model.
fn parameters(scene: &Scene) -> Vec<Parameter> {
    let quota = &scene.scenario.quota;
    let mut all = vec![
        parameter("seed", scene.seed.0.to_string(), "chosen for this run".to_owned()),
        parameter("quota.profile", quota.profile.clone(), "the scenario".to_owned()),
        parameter("quota.scale", quota.scale.to_string(), "the scenario".to_owned()),
    ];
    let table = Parameters::table();
    let figures = table.iter().zip(scene.parameters.values());
    let (changed, usual): (Vec<_>, Vec<_>) =
        figures.partition(|(info, (_, value))| info.default != value);
    all.extend(changed.into_iter().map(|(info, (name, value))| {
        parameter(name, value, format!("the scenario; {} unless set", info.default))
    }));
    all.extend(fleet::figures(&scene.scenario.hsm));
    all.extend(
        usual
            .into_iter()
            .map(|(info, (name, value))| parameter(name, value, format!("assumed: {}", info.doc))),
    );
    all
}

/// Values carry their units, as a scenario writes them.
fn parameter(name: &str, value: String, source: String) -> Parameter {
    Parameter { name: name.to_owned(), value, unit: String::new(), source }
}
