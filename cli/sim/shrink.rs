//! `keyquake sim shrink`: a scenario that fails becomes a small one that fails the same oracle.

use super::charge::Charge;
use super::failing::{self, Deadline, Effort, Failing, First, Subject, nobody_objects};
use super::input::NAMED_SEED;
use super::run::interrupted;
use crate::exit::{Exit, Failure};
use crate::terminal;
use ::sim::identity::identity;
use ::sim::oracle::ORACLES;
use ::sim::random::Seed;
use ::sim::shrink::{self, Shrink, Size};
use clap::Args;
use scenarios::Document;
use serde::Serialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// How many more seeds are tried when the calls are written out: other names, other draws.
const OTHERS: u64 = 20;

const EXAMPLES: &str = "\
Examples:
  keyquake sim shrink scenarios/sabotage/skipped-version-check.toml --seed 1 --budget 5m -o bug.toml
  keyquake sim run bug.toml --seed 1

`keyquake sim sweep --swarm --corpus corpus` and `keyquake sim detect` find seeds that fail; the \
file of a corpus, or --swarm with the seed and the --sabotage, is then what to shrink.

The calls of loads are written out as [[operation]]s. Everything that can go goes: phases, \
faults, loads, operations, planted bugs, parameters, Regions, hosts, clients, time. What stays \
fails the same oracle, and only with the planted bug if the scenario needed it to fail.

The file is written whenever it becomes smaller, and is an ordinary scenario that expects the \
violation. If it is there already, it must have been shrunk from the same failure; while it \
still fails, the work goes on from it.

Exit codes: 0 fine, 1 the scenario does not fail, 2 bad usage or input, 130 interrupted.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// The oracle that must object; the one that objects first when not said
    #[arg(long)]
    oracle: Option<String>,
    /// How many further seeds may show that a smaller scenario fails, too
    #[arg(long, value_name = "N", default_value = "0")]
    retries: u64,
    #[command(flatten)]
    effort: Effort,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    /// The file to write
    #[arg(short, long, value_name = "FILE", default_value = "bug.toml")]
    output: PathBuf,
}

/// What came of it.
#[derive(Serialize)]
struct Told<'a> {
    oracle: &'a str,
    seed: u64,
    runs: u64,
    operations: usize,
    workloads: usize,
    faults: usize,
    lines: usize,
    lines_before: usize,
    file: String,
    replay: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if let Some(name) = &arguments.oracle
        && ORACLES.iter().all(|entry| entry.info.name != name)
    {
        return Err(Failure::usage(format!(
            "no oracle is called {name}; `keyquake sim list oracles` names them"
        )));
    }
    regular(&arguments.output)?;
    let found = match failing::run(&arguments.subject, &arguments.effort)? {
        First::Fails(found) => found,
        First::Interrupted => return Ok(Exit::Interrupted),
        First::Passes(unmet) => {
            return Err(Failure::found(nobody_objects(&unmet, "there is nothing to shrink")));
        }
    };
    let charge = Charge::of(&found, arguments.oracle.as_deref())?;
    let Failing { document: given, seed, deadline, .. } = found;
    let before = Size::of(&given);
    let origin = Origin { scenario: identity(&given), seed, oracle: charge.oracle.clone() };
    let court = Court { charge, seed, retries: arguments.retries, deadline };
    let start = earlier(&arguments.output, &origin, &court)?
        .unwrap_or_else(|| shrink::expecting(given, &court.charge.oracle));
    let mut work = Work::new(arguments, (court, origin), start);
    work.shrink_on()?;
    work.write_out()?;
    work.settle()?;
    work.tell(before)?;
    Ok(if interrupted() { Exit::Interrupted } else { Exit::Fine })
}

/// What a file was shrunk from, as its second line says.
struct Origin {
    /// The name of the scenario that was given.
    scenario: String,
    /// The seed that it was given with.
    seed: u64,
    /// The oracle that must object.
    oracle: String,
}

impl Origin {
    fn line(&self) -> String {
        let Origin { scenario, seed, oracle } = self;
        format!("# Shrunk from {scenario}, which fails {oracle} {NAMED_SEED}{seed}.")
    }
}

/// What is written over must be a file: a device or a pipe is none.
fn regular(path: &Path) -> Result<(), Failure> {
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            let path = path.display();
            Err(Failure::usage(format!("{path} is no regular file: choose another with -o")))
        }
        _ => Ok(()),
    }
}

/// What an earlier attempt left of the same failure, if it still fails. Whatever else is there is not
/// written over.
fn earlier(path: &Path, origin: &Origin, court: &Court) -> Result<Option<Document>, Failure> {
    if fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    let text = scenarios::read(path)
        .map_err(|why| Failure::usage(format!("{}: {why}", path.display())))?;
    if text.lines().nth(1) != Some(&origin.line()) {
        let path = path.display();
        return Err(Failure::usage(format!(
            "{path} is there, and not shrunk from this failure: choose another file with -o"
        )));
    }
    let document = Document::open(path, &[]).ok().filter(|document| court.condemns(document));
    match &document {
        Some(_) => terminal::say(&format!("Going on from {}.", path.display())),
        None => terminal::say(&format!("{} fails no more: beginning anew.", path.display())),
    }
    Ok(document)
}

/// Decides whether a scenario fails as it should.
struct Court {
    charge: Charge,
    seed: u64,
    retries: u64,
    deadline: Deadline,
}

impl Court {
    fn condemns(&self, document: &Document) -> bool {
        let mut seeds = self.seed..=self.seed.saturating_add(self.retries);
        seeds.any(|seed| self.charge.holds(document, seed))
    }
}

/// Shrinking under way.
struct Work<'a> {
    arguments: &'a Arguments,
    court: Court,
    origin: Origin,
    shrink: Shrink,
    runs: u64,
}

impl<'a> Work<'a> {
    fn new(
        arguments: &'a Arguments,
        (court, origin): (Court, Origin),
        start: Document,
    ) -> Work<'a> {
        Work { arguments, court, origin, shrink: Shrink::new(start), runs: 0 }
    }

    fn shrink_on(&mut self) -> Result<(), Failure> {
        self.write()?;
        while !self.court.deadline.is_over() {
            let proposals = self.shrink.propose(self.arguments.effort.jobs.get());
            if proposals.is_empty() {
                break;
            }
            self.runs += proposals.len() as u64;
            let first = self.first_that_fails(&proposals);
            self.shrink.hear(proposals, first);
            if first.is_some() {
                self.write()?;
                self.say();
            }
        }
        Ok(())
    }

    /// Names a seed that fails, where several were good enough.
    fn settle(&mut self) -> Result<(), Failure> {
        let first = self.court.seed;
        let mut seeds = first..=first.saturating_add(self.court.retries);
        let fails = |seed: &u64| self.court.charge.holds(self.shrink.best(), *seed);
        self.court.seed = seeds.find(fails).unwrap_or(first);
        self.write()
    }

    /// Writes the calls of the loads out, if they fail like that, and goes on call by call.
    fn write_out(&mut self) -> Result<(), Failure> {
        let seed = self.court.seed;
        if self.court.deadline.is_over() || Size::of(self.shrink.best()).workloads == 0 {
            return Ok(());
        }
        let Ok(explicit) = shrink::explicit(self.shrink.best(), Seed(seed)) else { return Ok(()) };
        let mut seeds = seed..=seed.saturating_add(OTHERS);
        let Some(fitting) = seeds.find(|seed| self.court.charge.holds(&explicit, *seed)) else {
            if self.court.deadline.is_over() {
                return Ok(());
            }
            terminal::say("The same calls written out do not fail: the loads stay.");
            return Ok(());
        };
        self.court.seed = fitting;
        self.shrink = Shrink::new(explicit);
        self.say();
        self.shrink_on()
    }

    fn first_that_fails(&self, proposals: &[Document]) -> Option<usize> {
        let court = &self.court;
        std::thread::scope(|scope| {
            let judge = |document| scope.spawn(move || court.condemns(document));
            let threads: Vec<_> = proposals.iter().map(judge).collect();
            let verdicts: Vec<bool> =
                threads.into_iter().map(|thread| thread.join().unwrap_or(false)).collect();
            verdicts.into_iter().position(|fails| fails)
        })
    }

    fn write(&self) -> Result<(), Failure> {
        let (path, seed) = (&self.arguments.output, self.court.seed);
        let text = self.shrink.best().text();
        let (oracle, origin) = (&self.court.charge.oracle, self.origin.line());
        let text = format!("# Fails {oracle} {NAMED_SEED}{seed}.\n{origin}\n\n{text}");
        fs::write(path, text).map_err(|error| Failure::file("write", path, &error))
    }

    fn say(&self) {
        let Size { operations, workloads, faults, lines } = Size::of(self.shrink.best());
        let (runs, seconds) = (self.runs, self.court.deadline.elapsed().as_secs());
        terminal::say(&format!(
            "{runs} runs, {seconds} s: {operations} operations, {workloads} loads, {faults} faults, \
             {lines} lines"
        ));
    }

    fn tell(&self, before: Size) -> Result<(), Failure> {
        let Size { operations, workloads, faults, lines } = Size::of(self.shrink.best());
        let (file, seed) = (self.arguments.output.display().to_string(), self.court.seed);
        let replay = format!("keyquake sim run {file} --seed {seed}");
        let (oracle, runs, lines_before) =
            (self.court.charge.oracle.as_str(), self.runs, before.lines);
        if self.arguments.json {
            return terminal::print_json(&Told {
                oracle,
                seed,
                runs,
                operations,
                workloads,
                faults,
                lines,
                lines_before,
                file,
                replay,
            });
        }
        terminal::print(&format!(
            "{oracle} still objects to {operations} operations, {workloads} loads and {faults} faults; \
             {lines} lines, where {lines_before} were given; {runs} runs\n  {replay}\n"
        ))
    }
}
