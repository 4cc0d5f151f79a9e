//! `keyquake bench compare A B`.

use super::gate::{Gate, Stopped, share};
use super::measuring::Measuring;
use super::sides::Pair;
use super::{backends, print};
use crate::exit::{Exit, Failure};
use crate::sim::obey_interrupts;
use crate::terminal;
use clap::Args;
use kms_core::crypto::BACKENDS;
use loadgen::bench::Judged;
use loadgen::bench::statistics::Rule;
use serde::Serialize;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keyquake bench compare aws-lc-rs ring --operations 'encrypt/*,mac/*' --duration 20s
  keyquake bench compare before.json after.json --within 2% --fail-on slower:3%
  keyquake bench compare main HEAD --operations 'request/encrypt/*'
  keyquake bench compare main this --fail-on slower --json
  keyquake bench compare before.json after.json --fail-on slower:3%,inconclusive,unmatched

Two backends take turns in this process. Two files of `bench run --out` are judged as they are: \
what the machine did between them counts as a difference. A commit is anything that git takes \
for one (a branch, a tag, HEAD~3); it is checked out under target/bench/source, built there with \
the profile of this program, which takes as long as any first build, and the checkout is \
removed. The program stays in target/bench, so that the next comparison begins at once. `this` \
is the running program. Both run as processes that take turns, A B B A.

The verdicts: B is faster or slower, when the estimate is beyond the tolerance and the interval \
excludes no difference; equivalent, when the interval is within the tolerance; or inconclusive, \
with the time that is still needed. What cannot be compared is refused, with the difference. \
Operations that only one of the two has are listed, and so are those that the time did not \
suffice for.

A gate stops what it names and nothing else: `slower` passes what is inconclusive and what was \
compared with nothing; `inconclusive` and `unmatched` stop those.

Exit codes: 0 fine, 2 bad usage or input, 3 a gate of --fail-on stops something, 130 interrupted.")]
pub(super) struct Arguments {
    /// A backend, a saved run, a commit, or `this`
    a: String,
    /// What is compared with it, of the same kind
    b: String,
    #[command(flatten)]
    measuring: Measuring,
    /// The backend that commits are compared on
    #[arg(long, default_value = BACKENDS[0].name(), value_parser = backends())]
    backend: String,
    /// The tolerance: a smaller difference is none
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    within: f64,
    /// End with exit code 3 on any of these: slower, slower:3%, inconclusive, unmatched
    #[arg(long, value_name = "GATE,…", value_delimiter = ',')]
    fail_on: Vec<Gate>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    a: &'a str,
    b: &'a str,
    tolerance: f64,
    interrupted: bool,
    #[serde(flatten)]
    judged: &'a Judged,
    stopped: Vec<&'a str>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let Arguments { a, b, measuring, backend, within, .. } = arguments;
    measuring.check()?;
    let pair = Pair::of(a, b)?;
    obey_interrupts()?;
    let rule = Rule { tolerance: *within, ..Rule::default() };
    let judged = pair.judged(measuring, backend, rule)?;
    let gates = arguments.fail_on.iter();
    let stopped: Vec<Stopped> = gates.flat_map(|gate| gate.stopped(&judged)).collect();
    let interrupted = crate::sim::interrupted();
    let report = Report {
        schema_version: 2,
        a,
        b,
        tolerance: *within,
        interrupted,
        judged: &judged,
        stopped: stopped.iter().map(|one| one.operation.as_str()).collect(),
    };
    match arguments.json {
        true => terminal::print_json(&report)?,
        false => terminal::print(&print::judged(&judged, *within))?,
    }
    for Stopped { operation, why } in &stopped {
        terminal::complain(&format!("{operation} {why}"));
    }
    Ok(match (stopped.is_empty(), interrupted) {
        (false, _) => Exit::Regression,
        (true, true) => Exit::Interrupted,
        (true, false) => Exit::Fine,
    })
}
