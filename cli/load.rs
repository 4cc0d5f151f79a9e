//! `keyquake load`: the load of a scenario, for real.

mod job;
mod keep;
mod live;
mod over;
mod print;
mod trials;

use crate::exit::{Exit, Failure};
use crate::sim::{USUAL_SEED, interrupted, obey_interrupts, read_inputs};
use crate::terminal;
use clap::Args;
use job::Job;
use loadgen::{Goal, Shape, Steps, Word};
use over::Over;
use scenarios::{Rate, Scenario, parse_duration};
use std::fmt::Display;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keyquake load scenarios/quickstart.toml
  keyquake load scenarios/quickstart.toml --rate 20k --duration 30s --threads 2
  keyquake load scenarios/quickstart.toml -c 12 --duration 10s --backend ring
  keyquake load scenarios/quickstart.toml --quota --set quota.scale=0.05 --out load
  keyquake load scenarios/quickstart.toml --url http://127.0.0.1:4599 --region us-east-1
  keyquake load scenarios/quickstart.toml --url https://localhost:8443 --ca-file ca.pem --keep-keys
  keyquake load scenarios/quickstart.toml --duration 10s --oracles
  keyquake load scenarios/quickstart.toml --duration 1h --trace starts.csv
  keyquake load scenarios/quickstart.toml --step 1k..50k:6 --duration 5s
  keyquake load scenarios/quickstart.toml --find-max 'throttled<1e-4,p99<20ms' --between 500..50k

The core runs in this process, once a thread with the same keys; calls are dealt to threads by \
client.

With --url an endpoint is driven over HTTP or HTTPS instead, signed with Signature Version 4. \
The keys, grants and aliases of the scenario are made there first; afterwards, ctrl-C or not, \
every key that the load made is scheduled for deletion in seven days, unless --keep-keys leaves \
it. While the load runs, it parts with keys and grants that no client remembers any more: more \
than 96 of a client's in a workload.

The same seed means the same schedule as `keyquake sim run`. Latency counts from the intended \
start. A call is sent once: it is not retried. Faults and planted bugs are no part of a load.

With --oracles the simulator's judges hear all that the core does, and those that cannot judge \
it are named; what they do is part of the service time.

A goal bounds shares of calls (throttled, failed, late, dropped) and times from the intended \
start (p50, p90, p99, p99.9, p99.99, mean, max). Those times are of successes alone; response, \
service and lag are of every answer. A rate holds when its goal does, nine tenths of what is due \
a second are answered, and the load is not client-bound. A closed loop has no rate, so --rate, \
--step and --find-max refuse a scenario that has one.

Exit codes: 0 fine, 1 an oracle objects or not even the lowest rate held, 2 bad usage or input, \
130 interrupted, with what was measured until then.")]
pub(crate) struct Arguments {
    /// The scenario file whose workloads are the load
    #[arg(value_name = "SCENARIO", required_unless_present = "schema")]
    scenario: Option<PathBuf>,
    /// The seed of keys and schedule
    #[arg(long, default_value_t = USUAL_SEED)]
    seed: u64,
    #[command(flatten)]
    over: Over,
    /// Threads; in process, each with a core of its own [default: one a processor]
    #[arg(long, value_name = "N", value_parser = threads)]
    threads: Option<NonZeroUsize>,
    /// Calls a second in every phase, all workloads together, as in 500 or 20k; at most 1m [default: what the
    /// scenario says]
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with_all = ["closed", "step", "find_max"])]
    rate: Option<Rate>,
    /// Loads at rising rates, as in 1k..50k or 1k..50k:12, until one does not hold
    #[arg(long, value_name = "FROM..TO[:N]", conflicts_with_all = ["closed", "find_max"])]
    step: Option<Steps>,
    /// Search for the highest rate that holds a goal, as in 'throttled<1e-4,p99<20ms'
    #[arg(long, value_name = "GOAL", conflicts_with = "closed")]
    find_max: Option<Goal>,
    /// The rates between which is searched
    #[arg(long, value_name = "LOW..HIGH", default_value = "100..1m", requires = "find_max")]
    between: Steps,
    /// How long all phases take together, as in 30s [default: what the scenario says; 10s a rate with
    /// --step and --find-max]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// A closed loop of this many clients in every phase, at least one a workload: each calls again when it
    /// is answered
    #[arg(short = 'c', long = "closed", value_name = "N", value_parser = clients)]
    closed: Option<NonZeroU32>,
    /// Intended starts from a CSV file with the columns seconds and, if wanted, client; what is asked
    /// stays the scenario's
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rate", "closed", "step", "find_max"])]
    trace: Option<PathBuf>,
    /// Spin instead of sleeping before a start: exact, and a whole core a thread
    #[arg(long)]
    spin: bool,
    /// Change a value of the scenario, as in keys.symmetric=100
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Print run.json in one line, and nothing else
    #[arg(long)]
    json: bool,
    /// Keep run.json, run.hlog, samples.csv, percentiles, report.html and its pictures in this folder
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print the JSON Schema of run.json
    #[arg(long, exclusive = true)]
    schema: bool,
}

/// How long a load at one of several rates takes when nothing is said.
const TRIAL: Duration = Duration::from_secs(10);

/// `500`, `2.5k`, `1m`.
fn rate(text: &str) -> Result<Rate, String> {
    let rate = loadgen::rate(text)?;
    Rate::of(rate).ok_or_else(|| "no such rate".to_owned())
}

/// A number of at least one.
fn several<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| "it is a whole number from 1 on".to_owned())
}

/// A number of at least one and at most so many.
fn up_to<N: FromStr + PartialOrd + Display>(text: &str, most: &N) -> Result<N, String> {
    let number = text.parse().ok().filter(|number| *number <= *most);
    number.ok_or_else(|| format!("it is a whole number from 1 to {most}"))
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    up_to(text, &const { NonZeroUsize::new(1_024).expect("it is not 0") })
}

/// As many clients as a workload may have.
fn clients(text: &str) -> Result<NonZeroU32, String> {
    up_to(text, &const { NonZeroU32::new(100_000).expect("it is not 0") })
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text).map_err(|error| error.to_string())?;
    match parsed.is_zero() {
        true => Err("a load takes longer than no time".to_owned()),
        false => Ok(parsed),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if arguments.schema {
        let schema = serde_json::to_string_pretty(&loadgen::schema()).map_err(Failure::usage)?;
        terminal::print(&(schema + "\n"))?;
        return Ok(Exit::Fine);
    }
    let scenario = scenario(arguments)?;
    arguments.shape(arguments.lowest()).check(&scenario).map_err(Failure::usage)?;
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
    }
    obey_interrupts()?;
    let job = Job::new(arguments, &scenario)?;
    let ended = match (&arguments.step, &arguments.find_max) {
        (Some(steps), _) => trials::step(&job, steps),
        (_, Some(goal)) => trials::find(&job, goal, arguments.between.ends()),
        (None, None) => one(&job),
    };
    job.end();
    ended
}

/// One load.
fn one(job: &Job<'_>) -> Result<Exit, Failure> {
    let arguments = job.arguments;
    let folder = arguments.out.as_deref();
    let outcome = job.load(arguments.rate, folder)?;
    match arguments.json {
        true => terminal::print_json(&outcome)?,
        false => terminal::print(&print::summary(&outcome, folder))?,
    }
    let violated = outcome.oracles.iter().any(|finding| finding.verdict == Word::Violated);
    Ok(match interrupted() {
        true => Exit::Interrupted,
        false if violated => Exit::Found,
        false => Exit::Fine,
    })
}

/// The scenario as the file has it.
fn scenario(arguments: &Arguments) -> Result<Scenario, Failure> {
    let path = arguments.scenario.clone().unwrap_or_default();
    let inputs = read_inputs(std::slice::from_ref(&path), &arguments.overrides)?;
    match &inputs[..] {
        [input] => Ok((*input.scenario).clone()),
        _ => Err(Failure::usage(format!(
            "{}: a load is of one scenario file, not of a folder",
            path.display()
        ))),
    }
}

impl Arguments {
    /// The lowest rate of the load, where it is not the scenario's.
    fn lowest(&self) -> Option<Rate> {
        let between = self.find_max.as_ref().map(|_| &self.between);
        let several = self.step.as_ref().or(between).map(|steps| steps.ends().0);
        self.rate.or_else(|| Rate::of(several?))
    }

    /// The shape of a load at a rate.
    fn shape(&self, rate: Option<Rate>) -> Shape {
        let several = self.step.is_some() || self.find_max.is_some();
        let duration = self.duration.or(several.then_some(TRIAL));
        let closed = self.closed.map(NonZeroU32::get);
        Shape { rate, duration, closed, region: self.over.region }
    }
}
