//! Are the oracles worth anything? Runs that the swarm draws, with a planted bug and without.
//!
//! A bug is planted into exactly the runs that are drawn without it, so nothing about a run is made to
//! suit the bug.

use crate::history::Keep;
use crate::random::Seed;
use crate::run::{Run, Verdict, run_keeping};
use crate::sabotage::SabotageInfo;
use crate::swarm;
use kms_core::crypto::CryptoBackend;
use scenarios::{Document, Sabotage, Scenario};
use std::ops::ControlFlow;
use std::sync::Arc;
use toml::Value;

/// Oracles hear everything; nobody reads the records afterwards.
const KEPT: usize = 64;

/// Who noticed a planted bug in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// The oracle that saw it first.
    pub first: &'static str,
    /// Every oracle that saw it.
    pub all: Vec<&'static str>,
    /// What the first one said.
    pub message: String,
}

/// Plants a bug into the run of a seed. Nothing, when no oracle noticed, or when one objects without
/// the bug, too.
pub fn hunt(sabotage: &SabotageInfo, seed: u64, backend: Arc<dyn CryptoBackend>) -> Option<Caught> {
    let caught = caught(&run_of(&with(sabotage, seed), seed, backend.clone()).ok()?)?;
    canary(seed, backend).is_none().then_some(caught)
}

/// The run of a seed without a bug: what is wrong with it, if anything is.
pub fn canary(seed: u64, backend: Arc<dyn CryptoBackend>) -> Option<String> {
    match run_of(&swarm::draw(Seed(seed)).scenario, seed, backend) {
        Err(error) => Some(error),
        Ok(run) if run.verdict == Verdict::Pass => None,
        Ok(run) => Some(match caught(&run) {
            Some(caught) => format!("{}: {}", caught.first, caught.message),
            None => run.unmet.join("; "),
        }),
    }
}

/// A scenario file with a planted bug beside those that are in it.
pub fn planted(mut document: Document, sabotage: &str) -> Document {
    let bug = [("kind".to_owned(), Value::String(sabotage.to_owned()))];
    let bugs = document.0.entry("sabotage").or_insert(Value::Array(Vec::new()));
    if let Value::Array(bugs) = bugs {
        bugs.push(Value::Table(bug.into_iter().collect()));
    }
    document
}

/// The scenario of a seed with a planted bug.
pub fn with(sabotage: &SabotageInfo, seed: u64) -> Scenario {
    let mut scenario = swarm::draw(Seed(seed)).scenario;
    scenario.sabotages = vec![Sabotage::usual(sabotage.name)];
    scenario
}

fn run_of(scenario: &Scenario, seed: u64, backend: Arc<dyn CryptoBackend>) -> Result<Run, String> {
    let on = |_: &_| ControlFlow::Continue(());
    let run = run_keeping(Keep::Last(KEPT), scenario, Seed(seed), backend, on);
    run.map_err(|error| error.to_string())
}

fn caught(run: &Run) -> Option<Caught> {
    let first = run.first_violation()?;
    let objecting = run.judged.iter().filter(|judged| !judged.finding.violations.is_empty());
    Some(Caught {
        first: first.oracle,
        all: objecting.map(|judged| judged.info.name).collect(),
        message: first.message.clone(),
    })
}
