//! A scenario that fails: where it comes from, and who objects to it.

use super::input::{self, Input};
use super::run::interrupted;
use crate::exit::Failure;
use ::sim::detect;
use ::sim::driver::{RunError, Stop};
use ::sim::random::Seed;
use ::sim::run;
use ::sim::sabotage::SABOTAGES;
use ::sim::swarm;
use ::sim::vocabulary::vocabulary;
use clap::Args;
use kms_core::crypto::AwsLc;
use scenarios::{Document, Override};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

/// Which scenario fails.
#[derive(Debug, Args)]
pub(super) struct Subject {
    /// The scenario file
    #[arg(required_unless_present = "swarm")]
    pub(super) scenario: Option<PathBuf>,
    /// Whatever the seed draws
    #[arg(long, conflicts_with = "scenario")]
    swarm: bool,
    /// Plant this bug into it
    #[arg(long, value_name = "NAME", requires = "swarm")]
    pub(super) sabotage: Option<String>,
    /// Change a value of the scenario, as in topology.api_hosts=3
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "swarm")]
    pub(super) overrides: Vec<String>,
}

/// The scenario as a file.
pub(super) fn given(subject: &Subject, seed: u64) -> Result<Document, Failure> {
    let Some(path) = &subject.scenario else {
        return Ok(match &subject.sabotage {
            Some(name) if SABOTAGES.iter().all(|info| info.name != name) => {
                return Err(Failure::usage(format!(
                    "no sabotage is called {name}; `keyquake sim list sabotages` names them"
                )));
            }
            Some(sabotage) => detect::document(sabotage, seed),
            None => swarm::draw(Seed(seed)).document,
        });
    };
    input::read(std::slice::from_ref(path), &subject.overrides)?;
    let parse = |text: &String| text.parse::<Override>().map_err(Failure::usage);
    let overrides: Vec<Override> = subject.overrides.iter().map(parse).collect::<Result<_, _>>()?;
    Document::open(path, &overrides).map_err(Failure::usage)
}

/// The scenario under its own name.
pub(super) fn named(subject: &Subject, seed: u64) -> Result<Input, Failure> {
    let Some(path) = &subject.scenario else {
        let drawn = format!("swarm-{seed}");
        let document = given(subject, seed)?;
        let scenario = document.scenario(&drawn, &vocabulary()).map_err(Failure::usage)?;
        return Ok(Input { path: None, scenario: Arc::new(scenario) });
    };
    let read = input::read(std::slice::from_ref(path), &subject.overrides)?;
    match <[Input; 1]>::try_from(read) {
        Ok([only]) => Ok(only),
        Err(several) => {
            let (path, count) = (path.display(), several.len());
            Err(Failure::usage(format!("{path} holds {count} scenarios; name one of them")))
        }
    }
}

/// The oracle that objects first to the run of a scenario; `broken` if the world breaks.
pub(super) fn objecting(document: &Document, seed: u64) -> Option<String> {
    let scenario = document.scenario("failing", &vocabulary()).ok()?;
    let go_on = |_: &_| match interrupted() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    match run::run(&scenario, Seed(seed), Arc::new(AwsLc), go_on) {
        Ok(run) if run.summary.stop == Stop::Interrupted => None,
        Ok(run) => run.first_violation().map(|found| found.oracle.to_owned()),
        Err(RunError::Broken(_)) => None,
        Err(_) => Some("broken".to_owned()),
    }
}
