//! `keyquake bench`: how fast each library of cryptography is, and which is faster beyond noise.

mod commit;
mod compare;
mod gate;
mod history;
mod instructions;
mod measuring;
mod print;
mod quotas;
mod run;
mod sides;
mod worker;

use crate::exit::{Exit, Failure};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use kms_core::crypto::BACKENDS;
use loadgen::bench::{Build, Saved};
use std::path::Path;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Time operations on libraries, in turn
    Run(run::Arguments),
    /// Tell which of two is faster: backends, saved runs or commits
    Compare(compare::Arguments),
    /// Hold a saved run against the documented request quotas
    Quotas(quotas::Arguments),
    /// Tell where results changed, over the runs of a history
    History(history::Arguments),
    /// Count instructions, and hold them against limits
    Instructions(instructions::Arguments),
    /// Do an operation so many times, for `instructions`
    #[command(hide = true, after_help = "Example:\n  keyquake bench once ring mac/HMAC_256 16")]
    Once(instructions::Once),
    /// Take turns by order, for `compare` of commits
    #[command(hide = true, after_help = "Example:\n  keyquake bench worker --backend aws-lc-rs")]
    Worker(worker::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Run(arguments) => run::run(arguments),
        Command::Compare(arguments) => compare::run(arguments),
        Command::Quotas(arguments) => quotas::run(arguments),
        Command::History(arguments) => history::run(arguments),
        Command::Instructions(arguments) => instructions::run(arguments),
        Command::Once(arguments) => instructions::once(arguments),
        Command::Worker(arguments) => worker::run(arguments),
    }
}

/// The names of backends.
fn backends() -> PossibleValuesParser {
    PossibleValuesParser::new(BACKENDS.iter().map(|backend| backend.name()))
}

/// The build that this program is.
fn build() -> Build {
    let features = env!("KEYQUAKE_CARGO_CFG_TARGET_FEATURE").split(',');
    Build {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("KEYQUAKE_COMMIT").to_owned(),
        profile: env!("KEYQUAKE_PROFILE").to_owned(),
        opt_level: env!("KEYQUAKE_OPT_LEVEL").to_owned(),
        rustc: env!("KEYQUAKE_RUSTC").to_owned(),
        target: env!("KEYQUAKE_TARGET").to_owned(),
        target_features: features.filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    }
}

/// A file of `bench run --out`.
fn read(path: &Path) -> Result<Saved, Failure> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Failure::file("read", path, &error))?;
    let wrong = |error| Failure::usage(format!("{}: {error}", path.display()));
    Saved::parse(&text).map_err(wrong)
}
