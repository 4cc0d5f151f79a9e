//! `keyquake bench compare A B`.

use super::gate::{Gate, share};
use super::measuring::Measuring;
use super::sides::Pair;
use super::{backends, print};
use crate::exit::{Exit, Failure};
use crate::sim::obey_interrupts;
use crate::terminal;
use clap::Args;
use kms_core::crypto::BACKENDS;
use loadgen::bench::Compared;
use loadgen::bench::statistics::Rule;
use serde::Serialize;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keyquake bench compare aws-lc-rs ring --operations 'encrypt/*,mac/*' --duration 20s
  keyquake bench compare before.json after.json --within 2% --fail-on slower:3%
  keyquake bench compare main HEAD --operations 'request/encrypt/*'
  keyquake bench compare main this --fail-on slower --json

Two backends take turns in this process. Two files of `bench run --out` are judged as they are: what the
machine did between them counts as a difference. A commit is anything that git takes for one (a branch, a
tag, HEAD~3); it is checked out under target/bench/source, built there with the profile of this program,
which takes as long as any first build, and the checkout is removed. The program stays in target/bench,
so that the next comparison begins at once. `this` is the running program. Both run as processes that
take turns, A B B A.

The verdicts: B is faster or slower by more than the tolerance; equivalent within it; or inconclusive,
with the time that is still needed. What cannot be compared is refused, with the difference.

Exit codes: 0 fine, 2 bad usage or input, 3 slower than --fail-on allows, 130 interrupted.")]
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
    /// End with exit code 3 when B is slower: slower, or slower:3%
    #[arg(long, value_name = "GATE")]
    fail_on: Option<Gate>,
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
    compared: &'a [Compared],
    stopped: Vec<&'a str>,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let Arguments { a, b, measuring, backend, within, .. } = arguments;
    measuring.check()?;
    let pair = Pair::of(a, b)?;
    obey_interrupts()?;
    let rule = Rule { tolerance: *within, ..Rule::default() };
    let compared = pair.compared(measuring, backend, rule)?;
    let stopped = arguments.fail_on.map(|gate| gate.stopped(&compared)).unwrap_or_default();
    let interrupted = crate::sim::interrupted();
    let report = Report {
        schema_version: 1,
        a,
        b,
        tolerance: *within,
        interrupted,
        compared: &compared,
        stopped: stopped.iter().map(|one| one.operation.as_str()).collect(),
    };
    match arguments.json {
        true => terminal::print_json(&report)?,
        false => terminal::print(&print::compared(&compared, *within))?,
    }
    for one in &stopped {
        let percent = (one.comparison.ratio - 1.0) * 100.0;
        terminal::complain(&format!("{} is slower by {percent:.1} %", one.operation));
    }
    Ok(match (stopped.is_empty(), interrupted) {
        (false, _) => Exit::Regression,
        (true, true) => Exit::Interrupted,
        (true, false) => Exit::Fine,
    })
}
