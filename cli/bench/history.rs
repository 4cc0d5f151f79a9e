//! `keyquake bench history`: where results changed, over the runs of a history file.

use super::print::time;
use crate::exit::{Exit, Failure};
use crate::terminal::{self, table};
use clap::Args;
use loadgen::bench::{Saved, Series, history, lines};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keyquake bench run --operations 'request/*' --history bench.ndjson
  keyquake bench history bench.ndjson
  keyquake bench history bench.ndjson --operations 'request/encrypt/*' --json

Each run with --history adds a line a result. Results of the same operation, backend, processor \
and profile are a series; it changed where hardly any shuffle of it would be cut as well \
(E-divisive).

How well that works, on 500 made series of each kind with noise of 2 % and an outlier in 33 \
results: 50 results without a change showed one in 1.4 % of the series. A step in the middle was \
found within three results of it in 72 % (3 %), 97 % (5 %) and 99 % (10 %) of series of 50 \
results, and in 24 %, 60 % and 88 % of series of 12.

Exit codes: 0 fine, 2 bad usage or input.")]
pub(super) struct Arguments {
    /// A file of `bench run --history`
    file: PathBuf,
    /// Operations by name, with * for any text [default: all]
    #[arg(long, value_name = "PATTERN,…", value_delimiter = ',')]
    operations: Vec<String>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let path = &arguments.file;
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let all = history(&text, &arguments.operations);
    let all = all.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    match arguments.json {
        true => terminal::print_json(&all)?,
        false => terminal::print(&told(&all))?,
    }
    Ok(Exit::Fine)
}

/// Adds a run to a history, in one write.
pub(super) fn append(path: &Path, saved: &Saved) -> Result<(), Failure> {
    let lines = lines(saved).map_err(Failure::usage)?;
    let opened = OpenOptions::new().append(true).create(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(lines.as_bytes()));
    written.map_err(|error| Failure::file("write", path, &error))
}

fn told(all: &[Series]) -> String {
    let mut rows =
        vec![["operation", "backend", "results", "a call", "changes"].map(str::to_owned)];
    rows.extend(all.iter().map(|series| {
        let changes = series.changes.iter().map(|change| {
            format!("{:+.1} % in {}..{}", (change.ratio - 1.0) * 100.0, change.after, change.commit)
        });
        let changes: Vec<String> = changes.collect();
        [
            series.operation.clone(),
            series.backend.clone(),
            format!("{:>7}", series.results),
            format!("{:>10}", time(series.last_nanos)),
            if changes.is_empty() { "none".to_owned() } else { changes.join(", ") },
        ]
    }));
    table(&rows)
}
