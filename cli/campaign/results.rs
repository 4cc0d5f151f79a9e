//! The file of a shard's results: a line a run, written when the run is over and never again.
//!
//! A campaign that is broken off is taken up by the same command: what stands in the file is done. A
//! last line that a crash tore is run again; any other line that is no result is somebody's mistake,
//! and nothing behind it is lost for it.

use super::record::{Record, Verdict};
use crate::exit::Failure;
use crate::terminal;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// An open file of results.
pub(crate) struct Results {
    path: PathBuf,
    file: File,
    /// What is done.
    pub(crate) done: Vec<Record>,
}

impl Results {
    /// Opens the file, making it if it is missing, with what an earlier campaign left in it. Nobody else
    /// may write to it meanwhile.
    pub(crate) fn open(path: &Path) -> Result<Results, Failure> {
        let failed = |error: std::io::Error| Failure::file("open", path, &error);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            // A file system without locks has to do without.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::WouldBlock) => {
                let path = path.display();
                return Err(Failure::usage(format!("another sweep writes to {path} just now")));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let (done, whole) = read(path, &file)?;
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        Ok(Results { path: path.to_owned(), file, done })
    }

    /// What is done, by scenario and seed. A run that was lost is not: what killed its process may
    /// have been the machine.
    pub(crate) fn names(&self) -> BTreeSet<(String, u64)> {
        let done = self.done.iter().filter(|record| record.verdict != Verdict::Lost);
        done.map(|record| (record.scenario.clone(), record.seed)).collect()
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
    let file = File::open(path).map_err(|error| Failure::file("read", path, &error))?;
    Ok(read(path, &file)?.0)
}

/// The records of a file and the length of what they take, which is all of it but a torn last line.
fn read(path: &Path, file: &File) -> Result<(Vec<Record>, u64), Failure> {
    let mut reader = BufReader::new(file);
    let (mut records, mut length) = (Vec::new(), 0);
    for number in 1_u64.. {
        let mut line = Vec::new();
        let size = reader
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::file("read", path, &error))?;
        if size == 0 {
            break;
        }
        if !line.ends_with(b"\n") {
            let path = path.display();
            terminal::say(&format!("{path}:{number}: the last line is torn and does not count"));
            break;
        }
        records.push(serde_json::from_slice(&line).map_err(|error| {
            let path = path.display();
            Failure::usage(format!("{path}:{number}: not a result: {error}"))
        })?);
        length += size as u64;
    }
    Ok((records, length))
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

    fn said<T>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Said { message, .. }) => message,
            _ => panic!("it is taken"),
        }
    }

    /// Everything behind a line that could not be read was left out, and cut off by the next sweep.
    #[test]
    fn a_line_that_is_no_result_is_named_and_nothing_behind_it_is_lost() {
        let name = format!("results-bad-{}.ndjson", std::process::id());
        let path = std::env::temp_dir().join(name);
        let line = |seed| serde_json::to_string(&record(seed)).unwrap().into_bytes();
        for bad in [b"{\"scen".as_slice(), b"", b"\xff\xfe"] {
            let text = [line(1), bad.to_vec(), line(3), Vec::new()].join(b"\n".as_slice());
            std::fs::write(&path, &text).unwrap();
            let expected = format!("{}:2: not a result: ", path.display());
            for said in [said(records(&path)), said(Results::open(&path))] {
                assert!(said.starts_with(&expected), "{said}");
            }
            assert_eq!(std::fs::read(&path).unwrap(), text);
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn two_sweeps_do_not_write_to_one_file() {
        let name = format!("results-locked-{}.ndjson", std::process::id());
        let path = std::env::temp_dir().join(name);
        let first = Results::open(&path).unwrap();
        assert!(said(Results::open(&path)).starts_with("another sweep writes to "));
        drop(first);
        assert!(Results::open(&path).is_ok());
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn a_lost_run_is_not_done() {
        let name = format!("results-lost-{}.ndjson", std::process::id());
        let path = std::env::temp_dir().join(name);
        let mut results = Results::open(&path).unwrap();
        results.add(record(1)).unwrap();
        results.add(Record::lost("x", 2, "killed", "r".to_owned())).unwrap();
        assert_eq!(results.names(), [("x".to_owned(), 1)].into());
        std::fs::remove_file(&path).unwrap();
    }
}
