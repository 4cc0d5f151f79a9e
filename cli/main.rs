//! The `keyquake` command: parse, call, print.
//!
//! One file a subcommand; what a subcommand finds out is decided in the crates below, and said here.
//! Exit codes: 0 fine, 1 something was found, 2 bad usage or input, 3 something got worse than a gate
//! allows, 130 interrupted.

#[cfg(feature = "sim")]
mod bench;
#[cfg(feature = "sim")]
mod campaign;
mod command;
mod completions;
mod exit;
#[cfg(feature = "sim")]
mod load;
#[cfg(feature = "sim")]
mod policy;
mod quota;
#[cfg(feature = "sim")]
mod report;
mod serve;
#[cfg(feature = "sim")]
mod sim;
mod store;
mod terminal;

use clap::Parser;
use command::{Cli, Command};
use exit::{Exit, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    match parsed().and_then(|cli| cli.map_or(Ok(Exit::Fine), |cli| dispatch(cli.command))) {
        Ok(exit) => exit.into(),
        // Whoever closed the pipe has read enough.
        Err(Failure::Closed) => Exit::Fine.into(),
        Err(Failure::Said { exit, message }) => {
            terminal::complain(&message);
            exit.into()
        }
    }
}

/// The command line; nothing when it asks for help, which is printed like any other result.
fn parsed() -> Result<Option<Cli>, Failure> {
    match Cli::try_parse() {
        Ok(cli) => Ok(Some(cli)),
        Err(help) if !help.use_stderr() => {
            terminal::print(&help.render().ansi().to_string()).map(|()| None)
        }
        Err(error) => error.exit(),
    }
}

fn dispatch(command: Command) -> Result<Exit, Failure> {
    match command {
        #[cfg(feature = "sim")]
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments),
        #[cfg(feature = "sim")]
        Command::Load(arguments) => load::run(&arguments),
        #[cfg(feature = "sim")]
        Command::Policy(arguments) => policy::run(&arguments),
        Command::Quota(arguments) => quota::run(&arguments),
        #[cfg(feature = "sim")]
        Command::Report(arguments) => report::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        #[cfg(feature = "sim")]
        Command::Sim(arguments) => sim::run(&arguments),
    }
}
