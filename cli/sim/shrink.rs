//! `keyquake sim shrink`: a scenario that fails becomes a small one that fails the same oracle.

use super::failing::{self, Deadline, Effort, Failing, First, Subject, attempt};
use super::run::interrupted;
use crate::exit::{Exit, Failure};
use crate::terminal;
use ::sim::random::Seed;
use ::sim::shrink::{self, Shrink, Size};
use clap::Args;
use scenarios::Document;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// How many more seeds are tried when the calls are written out: other names, other draws.
const OTHERS: u64 = 20;

const EXAMPLES: &str = "\
Examples:
  keyquake sim shrink sweep/corpus/swarm-seed-119.toml --seed 119 -o bug.toml
  keyquake sim shrink --swarm --seed 119 --budget 5m -o bug.toml
  keyquake sim shrink --swarm --seed 4 --sabotage grant-end-lost -o bug.toml
  keyquake sim run bug.toml --seed 119

The calls of loads are written out as [[operation]]s. Everything that can go goes: phases, faults, loads, operations, parameters, Regions, hosts, clients,
time. The file is written whenever it becomes smaller, and is an ordinary scenario that expects the
violation. If it is there already and still fails, the work goes on from it.

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
    let found = match failing::run(&arguments.subject, &arguments.effort)? {
        First::Fails(found) => found,
        First::Interrupted => return Ok(Exit::Interrupted),
        First::Passes => {
            return Err(Failure::found(
                "no oracle objects to this run: there is nothing to shrink",
            ));
        }
    };
    let Failing { document: given, seed, oracle: first, deadline } = found;
    let oracle = arguments.oracle.clone().unwrap_or(first);
    let court = Court { oracle, seed, retries: arguments.retries, deadline };
    let before = Size::of(&given);
    let start = earlier(&arguments.output, &court)
        .unwrap_or_else(|| shrink::expecting(given, &court.oracle));
    let mut work = Work::new(arguments, court, start);
    work.shrink_on()?;
    work.write_out()?;
    work.settle()?;
    work.tell(before)?;
    Ok(if interrupted() { Exit::Interrupted } else { Exit::Fine })
}

/// What an earlier attempt left, if it still fails.
fn earlier(path: &Path, court: &Court) -> Option<Document> {
    let document = Document::open(path, &[]).ok()?;
    court.condemns(&document).then(|| {
        terminal::say(&format!("Going on from {}.", path.display()));
        document
    })
}

/// Decides whether a scenario fails as it should.
struct Court {
    oracle: String,
    seed: u64,
    retries: u64,
    deadline: Deadline,
}

impl Court {
    fn condemns(&self, document: &Document) -> bool {
        let mut seeds = self.seed..=self.seed.saturating_add(self.retries);
        seeds.any(|seed| self.objects(document, seed))
    }

    fn objects(&self, document: &Document, seed: u64) -> bool {
        attempt(document, seed, self.deadline).fails(&self.oracle)
    }
}

/// Shrinking under way.
struct Work<'a> {
    arguments: &'a Arguments,
    court: Court,
    shrink: Shrink,
    runs: u64,
}

impl<'a> Work<'a> {
    fn new(arguments: &'a Arguments, court: Court, start: Document) -> Work<'a> {
        Work { arguments, court, shrink: Shrink::new(start), runs: 0 }
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
        let fails = |seed: &u64| self.court.objects(self.shrink.best(), *seed);
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
        let Some(fitting) = seeds.find(|seed| self.court.objects(&explicit, *seed)) else {
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
        let text = format!("# Fails {} with seed {seed}.\n\n{text}", self.court.oracle);
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
        let (oracle, runs, lines_before) = (self.court.oracle.as_str(), self.runs, before.lines);
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
            "{oracle} still objects to {operations} operations, {workloads} loads and {faults} faults \
             in {lines} lines, of {lines_before}; {runs} runs\n  {replay}\n"
        ))
    }
}
