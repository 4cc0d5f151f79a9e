//! `keyquake bench run`.

use super::measuring::Measuring;
use super::{backends, build, history, print, quotas};
use crate::exit::{Exit, Failure};
use crate::sim::obey_interrupts;
use crate::terminal;
use clap::Args;
use kms_core::crypto::BACKENDS;
use loadgen::bench::{Backend, Saved, Side};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keyquake bench run
  keyquake bench run --operations 'encrypt/*,sign/ECC_*' --duration 20s
  keyquake bench run --quota aws-2026 --history bench.ndjson
  keyquake bench run --backends aws-lc-rs,ring --operations 'request/*' --out now.json

Each operation is done by each library that has it, with a parsed key: in blocks, in turn, in an \
order drawn anew each round, so that a drift of the machine hits all alike. `request/…` is the \
same from a request to its answer, in process, with the library that production takes.

Exit codes: 0 fine, 2 bad usage or input, 130 interrupted, with what was measured until then.")]
pub(super) struct Arguments {
    /// The backends [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = backends())]
    backends: Vec<String>,
    #[command(flatten)]
    measuring: Measuring,
    /// Keep every timing in this file, for `keyquake bench compare`
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Add a line a result to this file, for `keyquake bench history`
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Say how many times the quotas of this profile one core does
    #[arg(long, value_name = "PROFILE", value_parser = quotas::profiles())]
    quota: Option<String>,
    /// Print the same in one line of JSON, and nothing else
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    arguments.measuring.check()?;
    for path in [&arguments.out, &arguments.history].into_iter().flatten() {
        // A file that cannot be written is no news for the end of a long measurement.
        let opened = std::fs::OpenOptions::new().append(true).create(true).open(path);
        opened.map_err(|error| Failure::file("write", path, &error))?;
    }
    obey_interrupts()?;
    let keys = std::cell::RefCell::default();
    let wanted = |name: &str| {
        arguments.backends.is_empty() || arguments.backends.iter().any(|wanted| wanted == name)
    };
    let chosen = BACKENDS.iter().filter(|backend| wanted(backend.name()));
    let sides = chosen.map(|backend| Box::new(Backend::new(*backend, &keys)) as Box<dyn Side>);
    let saved = arguments.measuring.measure(sides.collect(), build())?;
    if let Some(path) = &arguments.out {
        keep(path, &saved)?;
    }
    if let Some(path) = &arguments.history {
        history::append(path, &saved)?;
    }
    match arguments.json {
        true => terminal::print_json(&saved)?,
        false => terminal::print(&print::timings(&saved))?,
    }
    if let Some(name) = arguments.quota.as_ref().filter(|_| !arguments.json) {
        let profile = quotas::named(name)?;
        let text = quotas::text(&profile, &loadgen::bench::capacities(&saved, &profile));
        terminal::print(&format!("\n{text}"))?;
    }
    Ok(if saved.interrupted { Exit::Interrupted } else { Exit::Fine })
}

fn keep(path: &Path, saved: &Saved) -> Result<(), Failure> {
    let text = serde_json::to_string(saved).map_err(Failure::usage)?;
    std::fs::write(path, text + "\n").map_err(|error| Failure::file("write", path, &error))
}
