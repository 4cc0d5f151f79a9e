//! What is kept of a load in a folder.

use crate::exit::Failure;
use loadgen::{IntervalLog, LogSerializer, Moment, Outcome, Ran};
use reports::chart::Chart;
use reports::page;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::SystemTime;

/// The interval log, which is written while a load runs.
const LOG: &str = "run.hlog";

/// What is written while a load runs; without a folder, nothing.
pub(super) struct Kept<'a> {
    log: Option<(&'a Path, IntervalLog<'a, BufWriter<File>>)>,
}

impl Kept<'_> {
    /// Runs something with a log beside it.
    pub(super) fn beside<T>(
        folder: Option<&Path>,
        run: impl FnOnce(&mut Kept<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(folder) = folder else { return run(&mut Kept { log: None }) };
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
        let path = folder.join(LOG);
        let wrong = |error| Failure::file("write", &path, &error);
        let mut file = BufWriter::new(File::create(&path).map_err(wrong)?);
        let mut serializer = LogSerializer::new();
        let ran = {
            let log = IntervalLog::begin(&mut file, &mut serializer, SystemTime::now());
            run(&mut Kept { log: Some((&path, log.map_err(wrong)?)) })?
        };
        file.flush().map_err(wrong)?;
        Ok(ran)
    }

    /// Adds a second.
    pub(super) fn second(&mut self, moment: &Moment<'_>) -> Result<(), Failure> {
        let Some((path, log)) = &mut self.log else { return Ok(()) };
        let written = log.second(moment.sample.second, moment.recorder);
        written.map_err(|error| Failure::file("write", path, &error))
    }
}

/// Writes what is known when a load is over.
pub(super) fn keep(folder: &Path, outcome: &Outcome, ran: &Ran) -> Result<(), Failure> {
    write_json(folder, outcome)?;
    write(folder, "samples.csv", loadgen::csv(&outcome.samples, &outcome.quotas).as_bytes())?;
    let whole = &ran.gathered.whole;
    let all = [("response", &whole.response), ("service", &whole.service), ("lag", &whole.lag)];
    for (name, histogram) in all {
        write(folder, &format!("{name}.hgrm"), loadgen::percentiles(histogram).as_bytes())?;
    }
    let report = outcome.report();
    write(folder, "report.html", page::load(&report).as_bytes())?;
    for (name, _, chart) in page::charts(&report) {
        let svg = chart.svg().map_err(Failure::usage)?;
        write(folder, &format!("{name}.svg"), svg.as_bytes())?;
    }
    Ok(())
}

/// Writes run.json.
pub(super) fn write_json(folder: &Path, document: &impl serde::Serialize) -> Result<(), Failure> {
    let data = serde_json::to_string_pretty(document).map_err(Failure::usage)?;
    write(folder, "run.json", (data + "\n").as_bytes())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = folder.join(name);
    std::fs::write(&path, bytes).map_err(|error| Failure::file("write", &path, &error))
}
