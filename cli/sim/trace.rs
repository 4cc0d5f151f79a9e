//! `keyquake sim trace`: a run as a space-time diagram, to see which message led to what.

use super::failing::{self, Subject, nobody_objects, unmet};
use super::input::Input;
use super::job::Backend;
use super::progress::Display;
use super::replay::Traced;
use super::run::{interrupted, obey_interrupts};
use crate::exit::{Exit, Failure};
use crate::terminal;
use ::sim::clock::SimTime;
use ::sim::driver::{Progress, RunError, Stop};
use ::sim::random::Seed;
use ::sim::report::diagram;
use ::sim::trace::{self, Window};
use clap::Args;
use reports::data::Trace;
use reports::page;
use scenarios::{Scenario, duration_text};
use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;

/// Where the page goes when nobody says otherwise.
const USUAL_PAGE: &str = "trace.html";

const EXAMPLES: &str = "\
Examples:
  keyquake sim trace scenarios/quickstart.toml --seed 7
  keyquake sim trace bug.toml -o bug.html
  keyquake sim trace scenarios/regressions/token-lost.toml --seed 1 --json

The page needs no network: a lane for each node, an arrow for each message, marks for what nodes \
decided and changed and for what faults did. The trace shows the messages around the first \
violation and opens on what led to it; that of a run without one shows what the first fault did \
and what followed. The run is the same as without a trace, with the same digest.

Exit codes: 0 no oracle objects, 1 one does or an expectation is not met, 2 bad usage or input, \
130 interrupted, with the trace until then.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// The page to write; with --json none is written unless this names one
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// How many messages and timers the trace shows, and as many records
    #[arg(long, value_name = "N", default_value_t = usual_window())]
    window: NonZeroUsize,
    /// The library that does the cryptography; it changes no digest
    #[arg(long, value_enum, default_value_t)]
    backend: Backend,
    /// Print the trace as one line of JSON
    #[arg(long)]
    json: bool,
}

fn usual_window() -> NonZeroUsize {
    NonZeroUsize::new(Window::USUAL).unwrap_or(NonZeroUsize::MIN)
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let seed = failing::seed(&arguments.subject)?;
    let subject = failing::named(&arguments.subject, seed)?;
    let page = match (&arguments.output, arguments.json) {
        (Some(path), _) => Some(path.as_path()),
        (None, true) => None,
        (None, false) => Some(Path::new(USUAL_PAGE)),
    };
    page.map_or(Ok(()), probe)?;
    obey_interrupts()?;
    let Drawn { trace, unmet, ended } = traced(arguments, seed, &subject)?;
    if let Some(page) = page {
        fs::write(page, page::trace(&trace))
            .map_err(|error| Failure::file("write", page, &error))?;
    }
    match arguments.json {
        true => terminal::print_json(&trace)?,
        false => terminal::print(&summary(&trace, page))?,
    }
    if let Some(at) = ended {
        let whole = duration_text(subject.scenario.storm() + subject.scenario.calm);
        terminal::say(&format!("Broken off: the trace shows {at} of {whole}."));
        return Ok(Exit::Interrupted);
    }
    match (&trace.violation, unmet.as_slice()) {
        (Some(_), _) => Ok(Exit::Found),
        (None, []) => Ok(Exit::Fine),
        (None, unmet) => Err(Failure::found(nobody_objects(unmet, "the trace shows no violation"))),
    }
}

/// A trace and what it does not show.
struct Drawn {
    trace: Trace,
    /// What the scenario expects of a run to which nobody objects, and does not get.
    unmet: Vec<String>,
    /// When the run was broken off, if it was.
    ended: Option<SimTime>,
}

/// Nobody waits for a run whose page has no place.
fn probe(page: &Path) -> Result<(), Failure> {
    let file = fs::OpenOptions::new().append(true).create(true).open(page);
    file.map(drop).map_err(|error| Failure::file("write", page, &error))
}

fn traced(arguments: &Arguments, seed: u64, subject: &Input) -> Result<Drawn, Failure> {
    let Arguments { subject: of, backend, .. } = arguments;
    let replay = Traced { subject: of, seed, backend: *backend }.command();
    let result = watched(&subject.scenario, |progress| {
        let (seed, library) = (Seed(seed), backend.library());
        trace::trace(arguments.window.get(), &subject.scenario, seed, library, progress)
    });
    let mut traced = result.map_err(|error| {
        Failure::found(format!("{}: {error}; replay: {replay}", subject.label()))
    })?;
    let run = &mut traced.run;
    let ended = (run.summary.stop == Stop::Interrupted).then_some(run.summary.ended_at);
    if ended.is_some() {
        // What is missing at the end of half a run is no violation.
        run.judged.clear();
    }
    let unmet = unmet(run);
    Ok(Drawn { trace: diagram(&traced.run, &traced.log, replay), unmet, ended })
}

/// Runs something and shows how far it is.
fn watched<T>(
    scenario: &Scenario,
    work: impl FnOnce(&mut (dyn FnMut(&Progress) -> ControlFlow<()> + Send)) -> Result<T, RunError>,
) -> Result<T, RunError> {
    let whole = scenario.storm() + scenario.calm;
    let display = Display::new(&[u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX)]);
    let (display, (over, watching)) = (&display, mpsc::channel::<()>());
    thread::scope(|scope| {
        scope.spawn(move || display.watch(&watching));
        let mut go_on = |progress: &Progress| {
            display.note(0, progress);
            match interrupted() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let result = work(&mut go_on);
        drop(over);
        result
    })
}

fn summary(trace: &Trace, page: Option<&Path>) -> String {
    let messages = trace.arrows.iter().filter(|arrow| !arrow.timer).count();
    let lost = trace.arrows.iter().filter(|arrow| arrow.lost.is_some()).count();
    let (lanes, marks) = (trace.lanes.len(), trace.marks.len());
    let mut text = format!(
        "{}, seed {}: {messages} messages, {lost} of them lost, and {marks} records of {lanes} nodes\n",
        trace.scenario.name, trace.seed
    );
    if let Some(found) = &trace.violation {
        let past = trace.marks.iter().filter(|mark| mark.past).count();
        let (oracle, message) = (&found.oracle, &found.message);
        text.push_str(&format!("violation  {oracle}: {message}\n"));
        text.push_str(&format!("past       {past} records led to it\n"));
    }
    text.push_str(&format!("digest     {}\n", trace.digest));
    text.push_str(&format!("replay     {}\n", trace.replay));
    if let Some(page) = page {
        text.push_str(&format!("page       {}\n", page.display()));
    }
    text
}
