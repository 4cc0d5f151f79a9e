//! One scenario with one seed: run, judged, kept.

use super::folder::{Folder, PAGE};
use super::input::Input;
use super::replay::Replay;
use super::run::interrupted;
use crate::exit::Failure;
use ::sim::driver::{Progress, RunError, Stop};
use ::sim::history::{self, line};
use ::sim::random::Seed;
use ::sim::report::{diagram, report};
use ::sim::run::{self, Run};
use ::sim::trace;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use kms_core::crypto::{self, AwsLc, BACKENDS, CryptoBackend};
use reports::RunReport;
use reports::data::{self, Parameter, Tool, Trace};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

/// A report shows so many messages and timers around the first violation.
const TRACED: usize = 3_000;

/// A library that does the cryptography of a run. It changes no decision and no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backend(&'static str);

impl Backend {
    /// The name that the command line takes.
    pub(crate) fn name(self) -> &'static str {
        self.0
    }

    /// The library itself.
    pub(crate) fn library(self) -> Arc<dyn CryptoBackend> {
        crypto::backend(self.0).expect("the name is one of the table")
    }
}

impl Default for Backend {
    /// The fastest at what has only one right answer.
    fn default() -> Self {
        Backend(AwsLc.name())
    }
}

impl ValueEnum for Backend {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<Backend>> =
            LazyLock::new(|| BACKENDS.iter().map(|backend| Backend(backend.name())).collect());
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0))
    }
}

/// One scenario with one seed.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The scenario.
    pub(crate) input: Input,
    /// The seed.
    pub(crate) seed: u64,
    /// The overrides, as they were written.
    pub(crate) overrides: Vec<String>,
    /// The library that does the cryptography.
    pub(crate) backend: Backend,
}

/// What is kept of a run beside its report.
#[derive(Clone, Debug, Default)]
pub(crate) struct Keep {
    /// The folder of all runs; nothing is written without one.
    pub(crate) folder: Option<Folder>,
    /// Whether the history is kept too.
    pub(crate) history: bool,
}

/// What came of a job.
pub(crate) enum Outcome {
    /// It ran to its end.
    Finished(Box<Finished>),
    /// It was broken off.
    Interrupted,
    /// The world broke: a node panicked, or could not be made.
    Broken {
        /// Why.
        error: RunError,
        /// The command that breaks it again.
        replay: String,
    },
    /// What came of it could not be kept.
    Lost(Failure),
}

/// A run that ended.
pub(crate) struct Finished {
    /// What it has to say.
    pub(crate) report: RunReport,
    /// The record that shows the first violation, as a line.
    pub(crate) first: Option<String>,
    /// Its folder, if it was kept.
    pub(crate) folder: Option<PathBuf>,
}

impl Finished {
    /// The page that shows it.
    pub(crate) fn page(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(PAGE))
    }
}

impl Job {
    /// How long the run takes inside the simulation, in nanoseconds.
    pub(crate) fn nanos(&self) -> u64 {
        let whole = self.input.scenario.storm() + self.input.scenario.calm;
        u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX)
    }

    /// The name of the folder that its run is kept in.
    pub(crate) fn folder_name(&self) -> String {
        let scenario =
            data::Scenario { name: self.input.scenario.name.clone(), description: String::new() };
        RunReport::new(tool(), scenario, self.seed, data::Verdict::Pass).folder_name()
    }

    /// The command that runs it again.
    pub(crate) fn replay(&self) -> String {
        let (path, overrides) = (self.input.path.as_deref(), self.overrides.as_slice());
        Replay { path, seed: self.seed, overrides, backend: self.backend }.command()
    }

    /// Runs it on a thread of its own and keeps what came of it.
    pub(crate) fn run(
        &self,
        keep: &Keep,
        progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
    ) -> Outcome {
        let folder = keep.folder.as_ref().map(|all| all.of_run(&self.folder_name()));
        let folder = match folder.transpose() {
            Ok(folder) => folder,
            Err(failure) => return Outcome::Lost(failure),
        };
        let began = Instant::now();
        let (scenario, backend) = (&self.input.scenario, self.backend.library());
        let discard = || folder.iter().for_each(Folder::discard);
        // The oracles hear everything; in memory are more records than most runs have.
        let kept = if keep.history { history::Keep::All } else { history::Keep::Last(1 << 20) };
        match run::run_noted(kept, scenario, Seed(self.seed), backend, progress) {
            Err(RunError::Impossible(reason)) => {
                discard();
                Outcome::Lost(Failure::usage(format!("{}: {reason}", self.input.scenario.name)))
            }
            Err(error) => {
                discard();
                Outcome::Broken { error, replay: self.replay() }
            }
            Ok(run) if run.summary.stop == Stop::Interrupted => {
                discard();
                Outcome::Interrupted
            }
            Ok(run) => match self.finish(&run, began.elapsed(), folder.as_ref(), keep.history) {
                Ok(finished) => Outcome::Finished(Box::new(finished)),
                Err(failure) => Outcome::Lost(failure),
            },
        }
    }

    fn finish(
        &self,
        run: &Run,
        took: Duration,
        folder: Option<&Folder>,
        history: bool,
    ) -> Result<Finished, Failure> {
        let mut report = report(run, tool(), self.replay(), took);
        report.parameters.push(self.backend_parameter());
        if let Some(folder) = folder {
            report.trace = self.trace(run).map(Box::new);
            folder.keep(self, &report)?;
            if history {
                folder.keep_history(run)?;
            }
        }
        let folder = folder.map(|folder| folder.path().to_owned());
        Ok(Finished { report, first: first_event(run), folder })
    }

    /// The messages around the first violation: the run is played again up to it, and logged.
    fn trace(&self, run: &Run) -> Option<Trace> {
        let index = run.first_violation()?.index;
        let (scenario, backend) = (&self.input.scenario, self.backend.library());
        let go_on = |_: &_| match interrupted() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let log = trace::around(TRACED, index, scenario, Seed(self.seed), backend, go_on).ok()?;
        log.record(index)?;
        Some(diagram(run, &log, self.replay()))
    }

    fn backend_parameter(&self) -> Parameter {
        Parameter {
            name: "backend".to_owned(),
            value: self.backend.name().to_owned(),
            unit: String::new(),
            source: "the library that did the cryptography; it changes no digest".to_owned(),
        }
    }
}

/// This program.
fn tool() -> Tool {
    Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("KEYQUAKE_COMMIT").to_owned(),
    }
}

fn first_event(run: &Run) -> Option<String> {
    let record = run.history.get(run.first_violation()?.index)?;
    let (at, node) = (record.at, run.scene.topology.name(record.node));
    Some(format!("{at} {node}: {}", line(&record.event)))
}
