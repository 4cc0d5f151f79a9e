//! `keyquake sim`: everything that runs on the simulated world, and the words it knows.

mod charge;
mod check;
mod detect;
mod failing;
pub(crate) mod folder;
mod input;
mod job;
mod list;
mod pool;
mod print;
mod progress;
mod replay;
mod run;
mod schema;
mod seeds;
mod shrink;
mod signature;
mod swarm;
mod trace;
mod why;

pub(crate) use input::{Input, NAMED_SEED, read as read_inputs};
pub(crate) use job::Backend;
pub(crate) use replay::command_line;
pub(crate) use run::{USUAL_SEED, distinct, interrupt_flag, interrupted, obey_interrupts};
pub(crate) use seeds::Seeds;
pub(crate) use signature::signature;

use crate::campaign::{merge, sweep};
use crate::exit::{Exit, Failure};
use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios and judge what happened
    Run(run::Arguments),
    /// Run scenarios that nobody wrote: a seed draws each
    Swarm(swarm::Arguments),
    /// Run many seeds over a pool of processes, resumable and in shards
    Sweep(sweep::Arguments),
    /// Join the results of the shards of a sweep
    Merge(merge::Arguments),
    /// Make a scenario that fails as small as it can be
    Shrink(shrink::Arguments),
    /// Say what a failure depends on: run it again with one thing left out or later
    Why(why::Arguments),
    /// Draw the messages of a run: which led to what, and to the violation
    Trace(trace::Arguments),
    /// Run a scenario twice, in two processes, and compare everything that happened
    Check(check::Arguments),
    /// Plant every bug into runs that a seed draws, and see which oracle catches it
    Detect(detect::Arguments),
    /// List faults, oracles, workloads, sabotages or scenarios
    List(list::Arguments),
    /// Print every key of a scenario file as Markdown
    #[command(after_help = "Example:\n  keyquake sim schema > schema.md")]
    Schema,
    /// List the figures of the model that AWS does not document
    Parameters(schema::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Run(arguments) => run::run(arguments),
        Command::Swarm(arguments) => swarm::run(arguments),
        Command::Sweep(arguments) => sweep::run(arguments),
        Command::Merge(arguments) => merge::run(arguments),
        Command::Shrink(arguments) => shrink::run(arguments),
        Command::Why(arguments) => why::run(arguments),
        Command::Trace(arguments) => trace::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Detect(arguments) => detect::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Schema => schema::schema(),
        Command::Parameters(arguments) => schema::parameters(arguments),
    }
}
