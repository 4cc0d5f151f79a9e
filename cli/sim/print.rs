//! Results on standard output: for people, or a line of JSON a run for programs.

use super::job::{Finished, Job};
use crate::exit::Failure;
use crate::terminal;
use ::sim::driver::RunError;
use anstyle::{AnsiColor, Style};
use reports::data::{Counts, EXPECTATION, OracleVerdict};
use reports::text::{self, Colour};
use reports::{RunReport, Verdict};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// What a run looks like on standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Printer {
    /// A line of JSON.
    Json,
    /// Everything worth knowing, for a run that is alone.
    Whole,
    /// A line, and everything only where something was found.
    Lines,
}

impl Printer {
    /// For so many runs.
    pub(crate) fn new(json: bool, runs: usize) -> Printer {
        match (json, runs) {
            (true, _) => Printer::Json,
            (false, 1) => Printer::Whole,
            (false, _) => Printer::Lines,
        }
    }

    /// A run ended.
    pub(crate) fn finished(self, finished: &Finished) -> Result<(), Failure> {
        let found = finished.report.verdict == Verdict::Violations;
        match self {
            Printer::Json => terminal::print_json(&Line::of(finished)),
            Printer::Lines if !found => terminal::print(&short(&finished.report)),
            Printer::Lines | Printer::Whole => terminal::print(&whole(finished)),
        }
    }

    /// A run broke.
    pub(crate) fn broken(self, job: &Job, error: &RunError, replay: &str) -> Result<(), Failure> {
        let (name, seed) = (&job.input.scenario.name, job.seed);
        terminal::complain(&format!("{name}, seed {seed}: {error}; replay: {replay}"));
        match self {
            Printer::Json => {
                let error = error.to_string();
                terminal::print_json(&Broken {
                    scenario: name,
                    seed,
                    verdict: "broken",
                    error,
                    replay,
                })
            }
            Printer::Lines | Printer::Whole => Ok(()),
        }
    }

    /// All runs are over.
    pub(crate) fn end(self, reports: &[RunReport], index: Option<&Path>) -> Result<(), Failure> {
        match self {
            Printer::Lines => terminal::print(&tally(reports, index)),
            Printer::Json | Printer::Whole => Ok(()),
        }
    }
}

fn whole(finished: &Finished) -> String {
    let page = finished.page().map(|page| page.display().to_string());
    let mut text = text::summary(&finished.report, page.as_deref(), Colour::Ansi);
    if let Some(first) = &finished.first {
        text.push_str(&format!("\n  first violating event\n    {first}\n"));
    }
    text
}

fn short(report: &RunReport) -> String {
    let (style, word) = verdict(report.verdict);
    let (name, seed, requests) = (&report.scenario.name, report.seed, report.counts.requests);
    let digest: String = report.digest.chars().take(16).collect();
    format!("{style}{word}{style:#}  {name}, seed {seed}: {requests} requests, digest {digest}…\n")
}

fn verdict(verdict: Verdict) -> (Style, &'static str) {
    match verdict {
        Verdict::Pass => (AnsiColor::Green.on_default(), "pass"),
        Verdict::ExpectedViolation => (AnsiColor::Yellow.on_default(), "violation as expected"),
        Verdict::Violations => (AnsiColor::Red.on_default(), "violation"),
    }
}

fn tally(reports: &[RunReport], index: Option<&Path>) -> String {
    let of = |verdict| reports.iter().filter(|report| report.verdict == verdict).count();
    let (passed, found) = (of(Verdict::Pass), of(Verdict::Violations));
    let expected = of(Verdict::ExpectedViolation);
    let total = reports.len();
    let mut text = format!(
        "\n{total} runs: {passed} passed, {found} with violations, {expected} with the violation \
         they expect\n"
    );
    if let Some(index) = index {
        text.push_str(&format!("report  {}\n", index.display()));
    }
    text
}

/// A run for programs.
#[derive(Serialize)]
struct Line<'a> {
    scenario: &'a str,
    seed: u64,
    verdict: Verdict,
    digest: &'a str,
    counts: &'a Counts,
    oracles: Oracles<'a>,
    simulated_micros: u64,
    wall_seconds: f64,
    violations: Vec<Violated<'a>>,
    first_violating_event: Option<&'a str>,
    probes: &'a BTreeMap<String, u64>,
    replay: &'a str,
    folder: Option<String>,
    report: Option<String>,
}

/// What became of the oracles, by name; those that could not judge come with the reason.
#[derive(Default, Serialize)]
struct Oracles<'a> {
    passed: Vec<&'a str>,
    violated: Vec<&'a str>,
    could_not_judge: BTreeMap<&'a str, &'a str>,
}

impl<'a> Oracles<'a> {
    fn of(report: &'a RunReport) -> Oracles<'a> {
        let mut all = Oracles::default();
        for oracle in report.oracles.iter().filter(|oracle| oracle.name != EXPECTATION) {
            let name = oracle.name.as_str();
            match &oracle.verdict {
                OracleVerdict::Passed => all.passed.push(name),
                OracleVerdict::Violated => all.violated.push(name),
                OracleVerdict::CannotJudge { reason } => {
                    all.could_not_judge.insert(name, reason);
                }
            }
        }
        all
    }
}

#[derive(Serialize)]
struct Violated<'a> {
    oracle: &'a str,
    at_micros: u64,
    node: &'a str,
    message: &'a str,
}

impl<'a> Line<'a> {
    fn of(finished: &'a Finished) -> Line<'a> {
        let report = &finished.report;
        let violations = report.violations.iter().map(|violation| Violated {
            oracle: &violation.oracle,
            at_micros: violation.at.0,
            node: &violation.node,
            message: &violation.message,
        });
        Line {
            scenario: &report.scenario.name,
            seed: report.seed,
            verdict: report.verdict,
            digest: &report.digest,
            counts: &report.counts,
            oracles: Oracles::of(report),
            simulated_micros: report.simulated.0,
            wall_seconds: report.wall_seconds,
            violations: violations.collect(),
            first_violating_event: finished.first.as_deref(),
            probes: &report.probes,
            replay: &report.replay,
            folder: finished.folder.as_ref().map(|folder| folder.display().to_string()),
            report: finished.page().map(|page| page.display().to_string()),
        }
    }
}

/// A run that broke, for programs.
#[derive(Serialize)]
struct Broken<'a> {
    scenario: &'a str,
    seed: u64,
    verdict: &'static str,
    error: String,
    replay: &'a str,
}
