//! `keyquake sim list`: the words that scenario files are written in.

use super::input::LIBRARY;
use crate::exit::{Exit, Failure};
use crate::terminal;
use ::sim::fault::point::Point;
use ::sim::oracle::ORACLES;
use ::sim::probe::Probe;
use ::sim::sabotage::SABOTAGES;
use ::sim::vocabulary::vocabulary;
use clap::{Args, ValueEnum};
use scenarios::{FAULTS, Scenario, WORKLOADS, printable};
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keyquake sim list faults\n  keyquake sim list scenarios --json"
)]
pub(crate) struct Arguments {
    /// What to list
    what: What,
    /// The folder of scenarios
    #[arg(long, value_name = "DIR", default_value = LIBRARY)]
    library: PathBuf,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// What can go wrong
    Faults,
    /// What is judged
    Oracles,
    /// What clients do
    Workloads,
    /// Marks that something really happened
    Probes,
    /// Moments that may be late, lost or repeated
    Points,
    /// Bugs that can be planted
    Sabotages,
    /// The scenario files of the library
    Scenarios,
}

#[derive(Serialize)]
struct Item {
    name: String,
    doc: String,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let items = items(arguments)?;
    if arguments.json {
        terminal::print_json(&items)?;
    } else {
        let row =
            |item: Item| [item.name, item.doc].map(|text| printable(&text).replace('\t', " "));
        let rows: Vec<[String; 2]> = items.into_iter().map(row).collect();
        terminal::print(&terminal::table(&rows))?;
    }
    Ok(Exit::Fine)
}

fn items(arguments: &Arguments) -> Result<Vec<Item>, Failure> {
    let item = |name: &str, doc: &str| Item { name: name.to_owned(), doc: doc.to_owned() };
    Ok(match arguments.what {
        What::Faults => FAULTS.iter().map(|entry| item(entry.name, entry.doc)).collect(),
        What::Oracles => {
            ORACLES.iter().map(|entry| item(entry.info.name, entry.info.doc)).collect()
        }
        What::Workloads => WORKLOADS.iter().map(|entry| item(entry.name, entry.doc)).collect(),
        What::Probes => Probe::ALL.iter().map(|one| item(one.name(), one.doc())).collect(),
        What::Points => Point::ALL.iter().map(|one| item(one.name(), one.doc())).collect(),
        What::Sabotages => SABOTAGES.iter().map(|info| item(info.name, info.doc)).collect(),
        What::Scenarios => library(&arguments.library)?,
    })
}

fn library(folder: &Path) -> Result<Vec<Item>, Failure> {
    let vocabulary = vocabulary();
    let item = |path: PathBuf| {
        let scenario = Scenario::load(&path, &[], &vocabulary).map_err(Failure::usage)?;
        Ok(Item { name: path.display().to_string(), doc: scenario.description })
    };
    scenarios::library(folder).map_err(Failure::usage)?.into_iter().map(item).collect()
}
