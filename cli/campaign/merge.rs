//! `keyquake sim merge`: the results of many shards as one.

use super::record::Record;
use super::results;
use super::summary::Summary;
use crate::exit::{Exit, Failure};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  keyquake sim merge shard-0 shard-1 shard-2
  keyquake sim merge results --json
  keyquake sim merge results --floor 1

A run that is there twice counts once; if its two digests differ, that is a finding.

Exit codes: 0 fine, 1 a run failed, two digests differ or a probe is below the floor, 2 bad usage or input.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Folders of `sim sweep`, searched with everything below them
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// The least hits of every probe over all runs; fewer fail the sweep
    #[arg(long, value_name = "N", default_value_t = 0)]
    floor: u64,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let mut files = Vec::new();
    for folder in &arguments.folders {
        find(folder, &mut files)?;
    }
    if files.is_empty() {
        return Err(Failure::usage("no results-*.ndjson is in these folders"));
    }
    files.sort();
    files.dedup();
    let records: Vec<Vec<Record>> =
        files.iter().map(|file| results::records(file)).collect::<Result<_, _>>()?;
    let summary = Summary::of(records.iter().flatten());
    summary.tell(arguments.json, arguments.floor)
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file("read", folder, &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            find(&path, files)?;
        } else if name.starts_with("results-") && name.ends_with(".ndjson") {
            files.push(path);
        }
    }
    Ok(())
}
