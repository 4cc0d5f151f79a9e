//! The file of a shard's results: a line a run, written when the run is over and never again.
//!
//! A campaign that is broken off is taken up by the same command: what stands in the file is done. A
//! line that a crash tore is run again.

use super::record::Record;
use crate::exit::Failure;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// An open file of results.
pub(crate) struct Results {
    path: PathBuf,
    file: File,
    /// What is done.
    pub(crate) done: Vec<Record>,
}

impl Results {
    /// Opens the file, making it if it is missing, with what an earlier campaign left in it.
    pub(crate) fn open(path: &Path) -> Result<Results, Failure> {
        let failed = |error: std::io::Error| Failure::file("open", path, &error);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        let (done, whole) = read(&file).map_err(failed)?;
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        Ok(Results { path: path.to_owned(), file, done })
    }

    /// What is done, by scenario and seed.
    pub(crate) fn names(&self) -> BTreeSet<(String, u64)> {
        self.done.iter().map(|record| (record.scenario.clone(), record.seed)).collect()
    }

    /// Writes a record, whole, before anything else happens.
    pub(crate) fn add(&mut self, record: Record) -> Result<(), Failure> {
        let mut line = serde_json::to_string(&record).map_err(Failure::usage)?;
        line.push('\n');
        let written = self.file.write_all(line.as_bytes());
        written.map_err(|error| Failure::file("write", &self.path, &error))?;
        self.done.push(record);
        Ok(())
    }
}

/// The records of a file that somebody else writes or has written.
pub(crate) fn records(path: &Path) -> Result<Vec<Record>, Failure> {
    let read = File::open(path).and_then(|file| read(&file));
    Ok(read.map_err(|error| Failure::file("read", path, &error))?.0)
}

/// The records up to the first line that is none, and the length of what they take.
fn read(file: &File) -> std::io::Result<(Vec<Record>, u64)> {
    let mut reader = BufReader::new(file);
    let (mut records, mut length) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        let size = reader.read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(record) if line.ends_with('\n') => records.push(record),
            _ => return Ok((records, length)),
        }
        length += size as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seed: u64) -> Record {
        let line = format!(r#"{{"scenario":"x","seed":{seed},"verdict":"pass","replay":"r"}}"#);
        Record::of_line(&line).unwrap()
    }

    #[test]
    fn a_campaign_is_taken_up_where_its_file_ends() {
        let path = std::env::temp_dir().join(format!("results-{}.ndjson", std::process::id()));
        let mut results = Results::open(&path).unwrap();
        results.add(record(1)).unwrap();
        results.add(record(2)).unwrap();
        drop(results);
        // A machine that went down in the middle of a line.
        let torn = OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"scen");
        torn.unwrap();
        let mut results = Results::open(&path).unwrap();
        assert_eq!(results.done, [record(1), record(2)]);
        results.add(record(3)).unwrap();
        assert_eq!(records(&path).unwrap(), [record(1), record(2), record(3)]);
        std::fs::remove_file(&path).unwrap();
    }
}
