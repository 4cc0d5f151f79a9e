//! `keyquake policy`: who may do what with the keys of a template or plan, and what will hurt.

mod check;
mod explain;

use crate::exit::{Exit, Failure};
use clap::{Args, Subcommand};
use kms_core::name::{AccountId, RegionName};
use scenarios::state::{Home, Inventory};
use std::path::Path;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Explain one decision as a tree; exit code 0 when it is allowed, 1 when it is denied
    Explain(explain::Arguments),
    /// Look for policies that lock out, let in, break a service or never apply
    Check(check::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Explain(arguments) => explain::run(arguments),
        Command::Check(arguments) => check::run(arguments),
    }
}

/// Where the keys of a file are.
#[derive(Debug, Args)]
struct Place {
    /// The account of the keys, which templates call AWS::AccountId
    #[arg(long, default_value = "111122223333", value_parser = account)]
    account: AccountId,
    /// The Region of the keys, which templates call AWS::Region
    #[arg(long, default_value = "us-east-1", value_parser = region)]
    region: RegionName,
}

fn account(text: &str) -> Result<AccountId, String> {
    AccountId::parse(text).ok_or_else(|| "an account has twelve digits".to_owned())
}

fn region(text: &str) -> Result<RegionName, String> {
    RegionName::parse(text).ok_or_else(|| "a Region looks like eu-west-1".to_owned())
}

/// What a file declares.
fn inventory(path: &Path, place: &Place) -> Result<Inventory, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let home = Home { account: place.account, region: place.region };
    Inventory::read(&text, home)
        .map_err(|problem| Failure::usage(problem.in_file(&path.display().to_string())))
}
