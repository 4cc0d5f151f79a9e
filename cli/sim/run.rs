//! `keyquake sim run`: scenarios and seeds in, verdicts out.

use super::folder::{Folder, INDEX};
use super::input::{self, Input};
use super::job::{Backend, Finished, Job, Keep, Outcome};
use super::pool;
use super::print::Printer;
use super::progress::Display;
use super::seeds::Seeds;
use crate::campaign::leash::when_cut;
use crate::exit::{Exit, Failure};
use crate::terminal;
use clap::Args;
use reports::data::slug;
use reports::{RunReport, Verdict, page};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

/// The seed of a run for which none is chosen.
pub(crate) const USUAL_SEED: u64 = 42;

/// Set by Ctrl-C. Runs look at it whenever they say how far they are.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

const EXAMPLES: &str = "\
Examples:
  keyquake sim run scenarios/quickstart.toml
  keyquake sim run scenarios/quickstart.toml --seed 7 --set topology.api_hosts=3
  keyquake sim run scenarios --seeds 0..100 --jobs 4 -o /tmp/runs

Exit codes: 0 fine, 1 an oracle found something, 2 bad usage or input, 130 interrupted.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Scenario files, or folders of them
    #[arg(required = true, value_name = "SCENARIO|FOLDER")]
    scenarios: Vec<PathBuf>,
    /// The seed that all randomness is drawn from [default: the one that the file names, or 42]
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// A range of seeds: A..B without B, A..=B with it
    #[arg(long, value_name = "A..B")]
    seeds: Option<Seeds>,
    #[command(flatten)]
    setup: Setup,
    #[command(flatten)]
    manner: Manner,
}

/// How runs are carried out, shown and kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct Manner {
    /// How many runs at a time
    #[arg(long, value_name = "N", default_value = "1")]
    jobs: NonZeroUsize,
    /// Print one line of JSON a run, and nothing else
    #[arg(long)]
    json: bool,
    /// The folder that runs are kept in
    #[arg(short, long, value_name = "DIR", default_value = "runs")]
    output: PathBuf,
    /// Keep nothing
    #[arg(long, conflicts_with_all = ["output", "history"])]
    no_report: bool,
    /// Keep every record of the history too, as NDJSON
    #[arg(long)]
    history: bool,
    /// Break off when standard input ends, as the workers of a sweep do
    #[arg(long, hide = true)]
    leashed: bool,
}

/// What changes a scenario or the program that runs it.
#[derive(Clone, Debug, Args)]
pub(crate) struct Setup {
    /// Change a value of the scenario, as in topology.api_hosts=3
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) overrides: Vec<String>,
    /// The library that does the cryptography; it changes no digest
    #[arg(long, value_enum, default_value_t)]
    pub(crate) backend: Backend,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let jobs = jobs(arguments)?;
    say_seed(arguments, &jobs);
    run_and_tell(&jobs, &arguments.manner)
}

/// Runs everything, prints what came of it and keeps it.
pub(crate) fn run_and_tell(jobs: &[Job], manner: &Manner) -> Result<Exit, Failure> {
    let folder = (!manner.no_report).then(|| Folder::open(&manner.output));
    let keep = Keep { folder: folder.transpose()?, history: manner.history };
    obey_interrupts()?;
    if manner.leashed {
        when_cut(|| INTERRUPTED.store(true, Ordering::Relaxed));
    }
    let mut all = Collected::default();
    let printer = Printer::new(manner.json, jobs.len());
    run_all(jobs, manner.jobs.get(), &keep, &printer, &mut all)?;
    let index = all.index(&keep)?;
    printer.end(&all.reports, index.as_deref())?;
    if all.left_out > 0 {
        terminal::say(&left_out(all.left_out, jobs.len()));
    }
    Ok(all.exit())
}

fn jobs(arguments: &Arguments) -> Result<Vec<Job>, Failure> {
    let setup = &arguments.setup;
    let inputs = input::read(&arguments.scenarios, &setup.overrides)?;
    distinct(&inputs)?;
    let mut jobs = Vec::new();
    for input in &inputs {
        jobs.extend(seeds(arguments, input)?.iter().map(|seed| Job {
            input: input.clone(),
            seed,
            overrides: setup.overrides.clone(),
            backend: setup.backend,
        }));
    }
    Ok(jobs)
}

/// The seeds that are chosen, or else the one that the file says it fails with, or else the usual one.
fn seeds(arguments: &Arguments, input: &Input) -> Result<Seeds, Failure> {
    if let Some(seeds) = &arguments.seeds {
        return Ok(seeds.clone());
    }
    let named = || input.path.as_deref().map_or(Ok(None), input::named_seed);
    let seed = arguments.seed.map_or_else(named, |seed| Ok(Some(seed)))?;
    Ok(Seeds::one(seed.unwrap_or(USUAL_SEED)))
}

/// Runs are kept under the names of their scenarios, as the names of folders can have them.
pub(crate) fn distinct(inputs: &[Input]) -> Result<(), Failure> {
    let mut names: BTreeMap<String, &Input> = BTreeMap::new();
    for input in inputs {
        let name = slug(&input.scenario.name);
        if let Some(other) = names.insert(name.to_lowercase(), input) {
            let (one, two) = (other.label(), input.label());
            return Err(Failure::usage(format!(
                "the runs of {one} and {two} would both be kept as {name}; run them apart, with a \
                 folder each"
            )));
        }
    }
    Ok(())
}

fn say_seed(arguments: &Arguments, jobs: &[Job]) {
    if arguments.seed.is_some() || arguments.seeds.is_some() {
        return;
    }
    let (usual, named): (Vec<&Job>, Vec<&Job>) =
        jobs.iter().partition(|job| job.seed == USUAL_SEED);
    for job in named {
        terminal::say(&format!("{} names seed {}: running it.", job.input.label(), job.seed));
    }
    if !usual.is_empty() {
        terminal::say(&format!("No seed is chosen: running seed {USUAL_SEED}."));
    }
}

/// Makes Ctrl-C end a command with what is finished.
pub(crate) fn obey_interrupts() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        // Whoever asks twice does not want to wait for the runs to notice.
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .map_err(|error| Failure::usage(format!("cannot listen for Ctrl-C: {error}")))
}

/// Whether Ctrl-C was pressed.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// What Ctrl-C sets.
pub(crate) fn interrupt_flag() -> &'static AtomicBool {
    &INTERRUPTED
}

fn run_all(
    jobs: &[Job],
    width: usize,
    keep: &Keep,
    printer: &Printer,
    all: &mut Collected,
) -> Result<(), Failure> {
    let nanos: Vec<u64> = jobs.iter().map(Job::nanos).collect();
    let display = Display::new(&nanos);
    let mut result = Ok(());
    let display = &display;
    let work = |index: usize| one(&jobs[index], index, keep, display);
    let take = |(index, outcome): (usize, Outcome)| {
        result = display.aside(|| all.take(&jobs[index], outcome, printer));
        match result {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => {
                INTERRUPTED.store(true, Ordering::Relaxed);
                ControlFlow::Break(())
            }
        }
    };
    let (over, watched) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || display.watch(&watched));
        pool::ordered(jobs.len(), width, work, take);
        drop(over);
    });
    result
}

fn one(job: &Job, index: usize, keep: &Keep, display: &Display) -> (usize, Outcome) {
    if interrupted() {
        return (index, Outcome::Interrupted);
    }
    let outcome = job.run(keep, |progress| {
        display.note(index, progress);
        match interrupted() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    display.finished();
    (index, outcome)
}

fn left_out(left_out: usize, all: usize) -> String {
    format!("Broken off: {left_out} of {all} runs are left out.")
}

/// What has come of the runs so far.
#[derive(Default)]
struct Collected {
    reports: Vec<RunReport>,
    broken: usize,
    /// Runs that were broken off or never begun.
    left_out: usize,
}

impl Collected {
    fn take(&mut self, job: &Job, outcome: Outcome, printer: &Printer) -> Result<(), Failure> {
        match outcome {
            Outcome::Finished(finished) => self.finished(*finished, printer)?,
            Outcome::Interrupted => self.left_out += 1,
            Outcome::Broken { error, replay } => {
                self.broken += 1;
                printer.broken(job, &error, &replay)?;
            }
            Outcome::Lost(failure) => return Err(failure),
        }
        Ok(())
    }

    fn finished(&mut self, finished: Finished, printer: &Printer) -> Result<(), Failure> {
        printer.finished(&finished)?;
        self.reports.push(light(finished.report));
        Ok(())
    }

    /// The page over several runs.
    fn index(&self, keep: &Keep) -> Result<Option<PathBuf>, Failure> {
        let Some(folder) = keep.folder.as_ref().filter(|_| self.reports.len() > 1) else {
            return Ok(None);
        };
        folder.write(INDEX, &page::index(&self.reports))?;
        Ok(Some(folder.path().join(INDEX)))
    }

    fn exit(&self) -> Exit {
        let violated = |report: &RunReport| report.verdict == Verdict::Violations;
        if self.left_out > 0 {
            Exit::Interrupted
        } else if self.broken > 0 || self.reports.iter().any(violated) {
            Exit::Found
        } else {
            Exit::Fine
        }
    }
}

/// What the index needs; thousands of whole reports would fill the memory.
fn light(mut report: RunReport) -> RunReport {
    report.series = Vec::new();
    report.latencies = Vec::new();
    report.events = Vec::new();
    report.parameters = Vec::new();
    report.trace = None;
    report.violations.iter_mut().for_each(|violation| violation.events = Vec::new());
    report
}
