//! `keyquake sim merge`: the results of many shards as one.

use super::record::{Origin, Record};
use super::results;
use super::summary::Summary;
use crate::exit::{Exit, Failure};
use clap::Args;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Examples:
  keyquake sim merge shard-0 shard-1 shard-2
  keyquake sim merge results --json
  keyquake sim merge results --floor 1

A run that is there twice counts once; if its two digests differ, that is a finding. Shards of \
different builds, or of a scenario that changed between them, are not joined.

Exit codes: 0 fine, 1 a run failed, two digests differ or a probe is below the floor, 2 bad \
usage or input.";

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
    one_origin(&files, &records)?;
    let summary = Summary::of(records.iter().flatten());
    summary.tell(arguments.json, arguments.floor)
}

/// Shards are parts of one sweep: of one build, and each scenario as it was in every other shard.
fn one_origin(files: &[PathBuf], records: &[Vec<Record>]) -> Result<(), Failure> {
    let mut seen: BTreeMap<&str, (&Path, &Record)> = BTreeMap::new();
    let all = files.iter().zip(records);
    for (file, record) in all.flat_map(|(file, all)| all.iter().map(move |one| (file, one))) {
        // The seed draws each scenario of a swarm, so these are compared with each other.
        let drawn = record.origin.as_ref().is_some_and(Origin::is_drawn);
        let name = if drawn { "swarm" } else { record.scenario.as_str() };
        let (other, first) = *seen.entry(name).or_insert((file.as_path(), record));
        let why = Origin::difference(record.origin.as_ref(), first.origin.as_ref());
        if let Some(why) = why {
            let (one, two) = (other.display(), file.display());
            return Err(Failure::usage(format!(
                "{one} and {two} hold runs of {name} that are of different sweeps: {why}"
            )));
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seed: u64, scenario: &str, commit: &str) -> Record {
        let line = format!(r#"{{"scenario":"x","seed":{seed},"verdict":"pass","replay":"r"}}"#);
        let origin = Origin { scenario: scenario.into(), commit: commit.into() };
        Record { origin: Some(origin), ..Record::of_line(&line).unwrap() }
    }

    #[test]
    fn shards_of_different_sweeps_are_not_joined() {
        let files = ["a", "b"].map(PathBuf::from);
        let joined = |other| one_origin(&files, &[vec![record(1, "s", "c")], vec![other]]);
        assert!(joined(record(2, "s", "c")).is_ok());
        for (other, why) in [
            (record(2, "t", "c"), "overrides have changed"),
            (record(2, "s", "d"), "of commit"),
            (Record { origin: None, ..record(2, "s", "c") }, "do not say"),
        ] {
            let Err(Failure::Said { message, .. }) = joined(other) else { panic!("{why}") };
            assert!(message.starts_with("a and b hold runs of x"), "{message}");
            assert!(message.contains(why), "{message}");
        }
    }
}
