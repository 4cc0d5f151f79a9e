//! `keyquake bench instructions`: instructions a call against limits, and the program that is counted.

use super::gate::share;
use super::{backends, build};
use crate::exit::{Exit, Failure};
use crate::sim::{interrupted, obey_interrupts};
use crate::terminal::{self, table};
use clap::Args;
use kms_core::crypto::BACKENDS;
use loadgen::bench::{Backend, Case, Count, Counts, Held, STEADY, Side, count};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keyquake bench instructions --write limits.json
  keyquake bench instructions --limits limits.json --within 1%
  keyquake bench instructions --backends ring --operations 'mac/*' --json

Callgrind, a tool of valgrind, counts; it shows every program the same processor, so that \
libraries choose the same code everywhere. Without --operations, those whose every call takes \
the same path are counted. Limits that were counted by another valgrind, compiler or profile are \
refused.

Exit codes: 0 fine, 2 bad usage or input, 3 over a limit, 130 interrupted.")]
pub(super) struct Arguments {
    /// The backends [default: all]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', value_parser = backends())]
    backends: Vec<String>,
    /// Operations by name, with * for any text [default: those that are steady]
    #[arg(long, value_name = "PATTERN,…", value_delimiter = ',')]
    operations: Vec<String>,
    /// Limits: what --write kept of another build
    #[arg(long, value_name = "FILE")]
    limits: Option<PathBuf>,
    /// How many more instructions than the limit are none
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share)]
    within: f64,
    /// Keep the counts in this file, as limits for other builds
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What callgrind runs.
#[derive(Debug, Args)]
pub(super) struct Once {
    /// The backend
    #[arg(value_parser = backends())]
    backend: String,
    /// The operation
    operation: String,
    /// How many calls
    calls: u32,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let steady = || STEADY.map(str::to_owned).to_vec();
    let chosen = &arguments.operations;
    let patterns = if chosen.is_empty() { steady() } else { chosen.clone() };
    let cases = Case::chosen(&patterns).map_err(Failure::usage)?;
    let limits = arguments.limits.as_ref().map(|path| {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| Failure::file("read", path, &error))?;
        let wrong = |error| Failure::usage(format!("{}: {error}", path.display()));
        Counts::parse(&text).map_err(wrong)
    });
    let limits = limits.transpose()?;
    let mut counts = Counts::new(build()).map_err(Failure::usage)?;
    if let Some(limits) = &limits {
        // Whether they apply is known before anything is counted.
        counts.against(limits, arguments.within).map_err(Failure::usage)?;
    }
    obey_interrupts()?;
    counted(&mut counts, &cases, &arguments.backends)?;
    if let Some(path) = &arguments.write {
        let text = serde_json::to_string_pretty(&counts).map_err(Failure::usage)?;
        std::fs::write(path, text + "\n").map_err(|error| Failure::file("write", path, &error))?;
    }
    // Without limits nothing is over them.
    let none = Counts { counts: Vec::new(), ..counts.clone() };
    let held = counts.against(limits.as_ref().unwrap_or(&none), arguments.within);
    let held = held.map_err(Failure::usage)?;
    match arguments.json {
        true => terminal::print_json(&held)?,
        false => terminal::print(&told(&held))?,
    }
    let over = held.iter().any(|held| held.over);
    Ok(match (over, interrupted()) {
        (true, _) => Exit::Regression,
        (false, true) => Exit::Interrupted,
        (false, false) => Exit::Fine,
    })
}

fn counted(counts: &mut Counts, cases: &[Case], backends: &[String]) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(Failure::usage)?;
    let program = program.to_str().ok_or_else(|| Failure::usage("the path is not UTF-8"))?;
    let keys = std::cell::RefCell::default();
    for backend in BACKENDS {
        let name = backend.name();
        if !backends.is_empty() && !backends.iter().any(|wanted| wanted == name) {
            continue;
        }
        let mut side = Backend::new(*backend, &keys);
        for case in cases {
            if interrupted() {
                return Ok(());
            }
            if !side.ready(case).map_err(Failure::usage)? {
                continue;
            }
            let operation = case.to_string();
            terminal::say(&format!("counting {operation} on {name}"));
            let program = [program, "bench", "once", name, &operation].map(str::to_owned);
            let wrong = |error| Failure::usage(format!("{operation} on {name}: {error}"));
            let instructions = count(&program).map_err(wrong)?;
            counts.counts.push(Count { operation, backend: name.to_owned(), instructions });
        }
    }
    Ok(())
}

pub(super) fn once(arguments: &Once) -> Result<Exit, Failure> {
    let Once { backend, operation, calls } = arguments;
    let keys = std::cell::RefCell::default();
    let backend = BACKENDS.iter().find(|known| known.name() == backend);
    let mut side = backend.map(|backend| Backend::new(*backend, &keys));
    let case = Case::chosen(std::slice::from_ref(operation)).map_err(Failure::usage)?;
    for case in case {
        let side = side.as_mut().ok_or_else(|| Failure::usage("no backend has that name"))?;
        if !side.ready(&case).map_err(Failure::usage)? {
            return Err(Failure::usage(format!("{} cannot do {operation}", side.label())));
        }
        side.block(&case, *calls).map_err(Failure::usage)?;
    }
    Ok(Exit::Fine)
}

fn told(all: &[Held]) -> String {
    let header = ["operation", "backend", "instructions a call", "limit", ""];
    let mut rows = vec![header.map(str::to_owned)];
    rows.extend(all.iter().map(|held| {
        let change = held.limit.map(|limit| (held.count.instructions / limit - 1.0) * 100.0);
        [
            held.count.operation.clone(),
            held.count.backend.clone(),
            format!("{:>19.1}", held.count.instructions),
            held.limit.map_or_else(String::new, |limit| format!("{limit:.1}")),
            match (change, held.over) {
                (Some(change), true) => format!("{change:+.2} %: over"),
                (Some(change), false) => format!("{change:+.2} %"),
                (None, _) => String::new(),
            },
        ]
    }));
    table(&rows)
}
