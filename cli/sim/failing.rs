//! A scenario that fails: where it comes from, and who objects to it.

use super::input::{self, Input};
use super::run::{interrupted, obey_interrupts};
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
use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Which scenario fails, and with which seed.
#[derive(Debug, Args)]
pub(super) struct Subject {
    /// The scenario file
    #[arg(required_unless_present = "swarm")]
    pub(super) scenario: Option<PathBuf>,
    /// Whatever the seed draws
    #[arg(long, conflicts_with = "scenario")]
    swarm: bool,
    /// Plant this bug into it
    #[arg(long, value_name = "NAME")]
    pub(super) sabotage: Option<String>,
    /// Change a value of the scenario, as in topology.api_hosts=3
    #[arg(long = "set", value_name = "KEY=VALUE", conflicts_with = "swarm")]
    pub(super) overrides: Vec<String>,
    /// The seed that it fails with [default: the one that the file names, or 1]
    #[arg(long)]
    seed: Option<u64>,
}

/// How much is done to learn more of a failure.
#[derive(Debug, Args)]
pub(super) struct Effort {
    /// How many runs at a time
    #[arg(long, value_name = "N", default_value = "2")]
    pub(super) jobs: NonZeroUsize,
    /// Be content with what there is after this long, as in 10m
    #[arg(long, value_name = "TIME", value_parser = scenarios::parse_duration)]
    budget: Option<Duration>,
}

/// A scenario that fails.
pub(super) struct Failing {
    /// The scenario as a file.
    pub(super) document: Document,
    /// The seed that it fails with.
    pub(super) seed: u64,
    /// The oracle that objects first.
    pub(super) oracle: String,
    /// When to stop trying to learn more.
    pub(super) deadline: Deadline,
}

/// What became of the first run.
pub(super) enum First {
    /// It fails, and more can be learned of that.
    Fails(Failing),
    /// No oracle objects.
    Passes,
    /// Somebody broke it off.
    Interrupted,
}

/// Runs a scenario to learn who objects; without that there is nothing more to do.
pub(super) fn run(subject: &Subject, effort: &Effort) -> Result<First, Failure> {
    obey_interrupts()?;
    let seed = seed(subject)?;
    let document = given(subject, seed)?;
    let deadline = Deadline::after(effort.budget);
    match attempt(&document, seed, deadline) {
        Trial::Fails(oracle) => Ok(First::Fails(Failing { document, seed, oracle, deadline })),
        Trial::Passes => Ok(First::Passes),
        Trial::Impossible(why) => Err(Failure::usage(why)),
        Trial::Stopped if interrupted() => Ok(First::Interrupted),
        Trial::Stopped => {
            Err(Failure::found("the budget is over before the first run is: allow more"))
        }
    }
}

/// The scenario as a file, with the bug that is to be planted into it.
fn given(subject: &Subject, seed: u64) -> Result<Document, Failure> {
    let document = without_bug(subject, seed)?;
    Ok(match &subject.sabotage {
        Some(name) if SABOTAGES.iter().all(|info| info.name != name) => {
            return Err(Failure::usage(format!(
                "no sabotage is called {name}; `keyquake sim list sabotages` names them"
            )));
        }
        Some(sabotage) => detect::planted(document, sabotage),
        None => document,
    })
}

fn without_bug(subject: &Subject, seed: u64) -> Result<Document, Failure> {
    let Some(path) = &subject.scenario else { return Ok(swarm::draw(Seed(seed)).document) };
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
        Ok([only]) if subject.sabotage.is_none() => Ok(only),
        Ok([only]) => {
            let document = given(subject, seed)?;
            let scenario = document.scenario(&only.scenario.name, &vocabulary());
            Ok(Input { scenario: Arc::new(scenario.map_err(Failure::usage)?), ..only })
        }
        Err(several) => {
            let (path, count) = (path.display(), several.len());
            Err(Failure::usage(format!("{path} holds {count} scenarios; name one of them")))
        }
    }
}

/// The seed that is said; or that the file says it fails with, as what `sim shrink` writes does; or 1.
pub(super) fn seed(subject: &Subject) -> Result<u64, Failure> {
    if let Some(seed) = subject.seed {
        return Ok(seed);
    }
    let Some(path) = &subject.scenario else {
        return Err(Failure::usage("--swarm draws a run from a seed: say which with --seed"));
    };
    let text = fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let comments = text.lines().take_while(|line| line.starts_with('#'));
    let named = comments.filter_map(|line| line.split_once("with seed ")).find_map(|(_, rest)| {
        let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
        digits.parse().ok()
    });
    Ok(named.unwrap_or(1))
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// Nobody objects.
    Passes,
    /// This oracle objects first; `broken` if a node panicked.
    Fails(String),
    /// There is no such run: what a file or a world cannot be.
    Impossible(String),
    /// It was broken off.
    Stopped,
}

impl Trial {
    /// Whether this oracle objects first.
    pub(super) fn fails(&self, oracle: &str) -> bool {
        matches!(self, Trial::Fails(found) if found == oracle)
    }
}

/// When to stop trying: at an interrupt, or when the time is up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    began: Instant,
    budget: Option<Duration>,
}

impl Deadline {
    /// So long from now, if there is an end at all.
    pub(super) fn after(budget: Option<Duration>) -> Deadline {
        Deadline { began: Instant::now(), budget }
    }

    /// How long ago it was set.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Whether it is time to stop.
    pub(super) fn is_over(&self) -> bool {
        interrupted() || self.budget.is_some_and(|most| self.elapsed() >= most)
    }
}

/// Runs a scenario and says who objects.
pub(super) fn attempt(document: &Document, seed: u64, deadline: Deadline) -> Trial {
    let scenario = match document.scenario("failing", &vocabulary()) {
        Ok(scenario) => scenario,
        Err(error) => return Trial::Impossible(error.to_string()),
    };
    let go_on = |_: &_| match deadline.is_over() {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    match run::run(&scenario, Seed(seed), Arc::new(AwsLc), go_on) {
        Ok(run) => match run.first_violation() {
            Some(found) => Trial::Fails(found.oracle.to_owned()),
            None if run.summary.stop == Stop::Interrupted => Trial::Stopped,
            None => Trial::Passes,
        },
        Err(RunError::Broken(why)) => Trial::Impossible(why),
        Err(_) => Trial::Fails("broken".to_owned()),
    }
}
