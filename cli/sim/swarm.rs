//! `keyquake sim swarm`: runs that nobody wrote, each drawn from its seed.

use super::input::Input;
use super::job::{Backend, Job};
use super::run::{self, Manner};
use super::seeds::Seeds;
use crate::exit::{Exit, Failure};
use crate::terminal;
use ::sim::random::Seed;
use ::sim::swarm;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  keyquake sim swarm --seed 7
  keyquake sim swarm --seeds 0..200 --jobs 2 --no-report
  keyquake sim swarm --seed 7 --write seven.toml && keyquake sim run seven.toml --seed 7

A seed draws topology, keys, load, faults and parameters; the profile drawn is printed first. \
The file that --write makes gives the same history, byte for byte.

Exit codes: 0 fine, 1 an oracle found something, 2 bad usage or input, 130 interrupted.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The seed that draws the scenario and is run with it
    #[arg(long, required_unless_present = "seeds", conflicts_with = "seeds")]
    seed: Option<u64>,
    /// A range of seeds: A..B without B, A..=B with it
    #[arg(long, value_name = "A..B")]
    seeds: Option<Seeds>,
    /// Write the scenario that the seed draws to a file, and run nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["seeds", "json", "history", "no_report"])]
    write: Option<PathBuf>,
    /// The library that does the cryptography; it changes no digest
    #[arg(long, value_enum, default_value_t)]
    backend: Backend,
    #[command(flatten)]
    manner: Manner,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    if let (Some(seed), Some(path)) = (arguments.seed, &arguments.write) {
        return write(seed, path);
    }
    if let Some(seed) = arguments.seed {
        terminal::say(&swarm::draw(Seed(seed)).document.text());
    }
    let one = arguments.seed.map(Seeds::one);
    let seeds = one.iter().chain(&arguments.seeds).flat_map(Seeds::iter);
    let jobs: Vec<Job> = seeds.map(|seed| job(seed, arguments.backend)).collect();
    run::run_and_tell(&jobs, &arguments.manner)
}

/// The run of a seed of the swarm.
pub(crate) fn job(seed: u64, backend: Backend) -> Job {
    Job { input: Input::swarm(seed), seed, overrides: Vec::new(), backend }
}

fn write(seed: u64, path: &Path) -> Result<Exit, Failure> {
    let text = swarm::draw(Seed(seed)).document.text();
    fs::write(path, text).map_err(|error| Failure::file("write", path, &error))?;
    terminal::print(&format!("{}\n", path.display()))?;
    Ok(Exit::Fine)
}
