//! Where runs are kept: made and probed before anything runs, filled afterwards.

use super::job::Job;
use crate::exit::{Failure, reason};
use ::sim::history::{fingerprint, line};
use ::sim::run::Run;
use reports::RunReport;
use reports::page;
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// The page of a run, in its folder.
pub(crate) const PAGE: &str = "report.html";
/// The data of a run, in its folder.
pub(crate) const DATA: &str = "run.json";
/// The records of a run, in its folder.
pub(crate) const HISTORY: &str = "history.ndjson";
/// The page over all runs of a folder.
pub(crate) const INDEX: &str = "index.html";

/// A folder that can be written to.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder if it is missing, and writes to it to see that this works.
    pub(crate) fn open(path: &Path) -> Result<Folder, Failure> {
        probe(path).map_err(|error| {
            let (path, reason) = (path.display(), reason(&error));
            Failure::usage(format!("cannot write to {path}: {reason}; choose a folder with -o"))
        })?;
        Ok(Folder(path.to_owned()))
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of one run, made and probed.
    pub(crate) fn of_run(&self, name: &str) -> Result<Folder, Failure> {
        Folder::open(&self.0.join(name))
    }

    /// Removes the folder if nothing was kept in it; what an earlier run kept stays.
    pub(crate) fn discard(&self) {
        let _ = fs::remove_dir(&self.0);
    }

    /// Keeps the page and the data of a run.
    pub(crate) fn keep(&self, job: &Job, report: &RunReport) -> Result<(), Failure> {
        let kept = Kept { report, configuration: Configuration::of(job) };
        let data = serde_json::to_string_pretty(&kept).map_err(Failure::usage)?;
        self.write(DATA, &(data + "\n"))?;
        self.write(PAGE, &page::page(report))
    }

    /// Keeps the history of a run, a record a line.
    pub(crate) fn keep_history(&self, run: &Run) -> Result<(), Failure> {
        let path = self.0.join(HISTORY);
        records(&path, run).map_err(|error| Failure::file("write", &path, &error))
    }

    /// Writes a text file.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(|error| Failure::file("write", &path, &error))
    }
}

fn probe(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    let probe = path.join(format!(".keyquake-{}", std::process::id()));
    fs::write(&probe, "")?;
    fs::remove_file(&probe)
}

/// `run.json`: the report, and how to get it again.
#[derive(Serialize)]
struct Kept<'a> {
    #[serde(flatten)]
    report: &'a RunReport,
    configuration: Configuration<'a>,
}

#[derive(Serialize)]
struct Configuration<'a> {
    scenario: String,
    seed: u64,
    overrides: &'a [String],
    backend: &'static str,
}

impl<'a> Configuration<'a> {
    fn of(job: &'a Job) -> Self {
        Configuration {
            scenario: job.input.label(),
            seed: job.seed,
            overrides: &job.overrides,
            backend: job.backend.name(),
        }
    }
}

/// A line of the history. `check` covers what the text leaves out.
#[derive(Serialize)]
struct Line {
    nanos: u64,
    node: String,
    text: String,
    check: String,
}

fn records(path: &Path, run: &Run) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for record in run.history.records() {
        let line = Line {
            nanos: record.at.nanos(),
            node: run.scene.topology.name(record.node),
            text: line(&record.event),
            check: format!("{:016x}", fingerprint(record)),
        };
        serde_json::to_writer(&mut file, &line)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}
