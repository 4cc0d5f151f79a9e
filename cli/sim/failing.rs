//! A scenario that fails: where it comes from, and who objects to it.

use super::input::{self, Input};
use super::run::{interrupted, obey_interrupts};
use super::signature::signature;
use crate::exit::Failure;
use ::sim::detect;
use ::sim::driver::{RunError, Stop};
use ::sim::random::Seed;
use ::sim::run::{self, Run};
use ::sim::sabotage::SABOTAGES;
use ::sim::swarm;
use ::sim::vocabulary::vocabulary;
use clap::Args;
use kms_core::crypto::AwsLc;
use scenarios::{Document, Override};
use std::collections::BTreeSet;
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
    /// Who objects, the first one first.
    pub(super) objections: Vec<Objection>,
    /// When to stop trying to learn more.
    pub(super) deadline: Deadline,
}

/// What became of the first run.
pub(super) enum First {
    /// It fails, and more can be learned of that.
    Fails(Failing),
    /// No oracle objects; these expectations of the scenario are not met.
    Passes(Vec<String>),
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
        Trial::Fails(objections) => {
            Ok(First::Fails(Failing { document, seed, objections, deadline }))
        }
        Trial::Passes(unmet) => Ok(First::Passes(unmet)),
        Trial::Impossible(why) => Err(Failure::usage(why)),
        Trial::Stopped if interrupted() => Ok(First::Interrupted),
        Trial::Stopped => {
            Err(Failure::found("the budget is over before the first run is: allow more"))
        }
    }
}

/// What is said of a run to which no oracle objects: there is nothing to do for this command.
pub(super) fn nobody_objects(unmet: &[String], nothing: &str) -> String {
    match unmet {
        [] => format!("no oracle objects to this run: {nothing}"),
        unmet => format!(
            "no oracle objects to this run: {nothing}; what the scenario expects is not met: {}",
            unmet.join("; ")
        ),
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
    Ok(input::named_seed(path)?.unwrap_or(1))
}

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// Nobody objects; these expectations of the scenario are not met.
    Passes(Vec<String>),
    /// These are the objections, the first one first; `broken` objects if a node panicked.
    Fails(Vec<Objection>),
    /// There is no such run: what a file or a world cannot be.
    Impossible(String),
    /// It was broken off.
    Stopped,
}

/// What an oracle says against a run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Objection {
    /// The oracle.
    pub(super) oracle: String,
    /// What failures of one cause have in common.
    pub(super) signature: String,
}

impl Objection {
    fn new(oracle: &str, message: &str) -> Objection {
        Objection { oracle: oracle.to_owned(), signature: signature(oracle, message) }
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
        Ok(run) => match objections(&run) {
            all if !all.is_empty() => Trial::Fails(all),
            _ if run.summary.stop == Stop::Interrupted => Trial::Stopped,
            _ => Trial::Passes(unmet(&run)),
        },
        Err(RunError::Impossible(why)) => Trial::Impossible(why),
        Err(broken) => Trial::Fails(vec![Objection::new("broken", &broken.to_string())]),
    }
}

/// Each objection to a run once, the first one first.
fn objections(run: &Run) -> Vec<Objection> {
    let all = run.judged.iter().flat_map(|judged| &judged.finding.violations);
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|violation| violation.index);
    let mut seen = BTreeSet::new();
    let objections = all.into_iter().map(|found| Objection::new(found.oracle, &found.message));
    objections.filter(|objection| seen.insert(objection.clone())).collect()
}

/// What a scenario expects of a run to which nobody objects, and does not get.
pub(super) fn unmet(run: &Run) -> Vec<String> {
    let mut unmet = run.unmet.clone();
    if let scenarios::Verdict::Violation { oracle } = &run.scene.scenario.expect.verdict {
        unmet.push(format!("the oracle {oracle} is expected to object"));
    }
    unmet
}
