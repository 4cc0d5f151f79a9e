//! `--step` and `--find-max`: loads at several rates.

use super::job::Job;
use super::keep::write_json;
use super::print::time;
use crate::exit::{Exit, Failure};
use crate::sim::interrupted;
use crate::terminal;
use loadgen::{Bracket, Goal, Search, Steps, Trial, Trials, unmet};
use scenarios::Rate;

/// Loads at rising rates, until the service falls behind.
pub(super) fn step(job: &Job<'_>, steps: &Steps) -> Result<Exit, Failure> {
    let mut trials = Trials::new(None);
    let (low, high) = steps.ends();
    let mut search = Search::between(low, high);
    for rate in steps.rates() {
        let Some(held) = attempt(job, &mut trials, rate, None)? else { break };
        search.tried(rate, held);
        if !held {
            break;
        }
    }
    trials.bracket = search.bracket();
    end(job, &trials)
}

/// Loads at whatever rates bracket the highest one that holds a goal and that the service keeps up with.
pub(super) fn find(job: &Job<'_>, goal: &Goal, (low, high): (f64, f64)) -> Result<Exit, Failure> {
    let mut trials = Trials::new(Some(goal.to_string()));
    let mut search = Search::between(low, high);
    while let Some(rate) = search.next() {
        let Some(held) = attempt(job, &mut trials, rate, Some(goal))? else { break };
        search.tried(rate, held);
    }
    trials.bracket = search.bracket();
    end(job, &trials)
}

/// Drives a load at a rate; whether it held, or nothing when it was broken off.
fn attempt(
    job: &Job<'_>,
    trials: &mut Trials,
    rate: f64,
    goal: Option<&Goal>,
) -> Result<Option<bool>, Failure> {
    let arguments = job.arguments;
    if interrupted() {
        trials.interrupted = true;
        return Ok(None);
    }
    let folder = arguments.out.as_ref().map(|out| out.join(format!("rate-{rate:.0}")));
    let per_second = Rate::of(rate).ok_or_else(|| Failure::usage("no such rate"))?;
    let outcome = job.load(Some(per_second), folder.as_deref())?;
    if interrupted() {
        trials.interrupted = true;
        return Ok(None);
    }
    let unmet = unmet(goal, &outcome);
    let trial = Trial { rate, held: unmet.is_empty(), unmet, outcome };
    if !arguments.json {
        if trials.trials.is_empty() {
            terminal::print(&row(&HEAD.map(str::to_owned)))?;
        }
        terminal::print(&row(&cells(&trial)))?;
    }
    trials.trials.push(trial);
    Ok(trials.trials.last().map(|trial| trial.held))
}

fn end(job: &Job<'_>, trials: &Trials) -> Result<Exit, Failure> {
    let arguments = job.arguments;
    if let Some(folder) = &arguments.out {
        write_json(folder, trials)?;
    }
    match arguments.json {
        true => terminal::print_json(trials)?,
        false => terminal::print(&conclusion(trials))?,
    }
    let nothing_held = trials.goal.is_some() && trials.bracket.held.is_none();
    Ok(match trials.interrupted {
        true => Exit::Interrupted,
        false if nothing_held => Exit::Found,
        false => Exit::Fine,
    })
}

const HEAD: [&str; 9] =
    ["offered/s", "answered/s", "late", "throttled", "failed", "p50", "p99", "p99.9", ""];

/// A row of the table, which grows while loads run.
fn row(cells: &[String; 9]) -> String {
    let widths = [10, 10, 8, 9, 8, 9, 9, 9, 0];
    let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
    format!("{}\n", padded.collect::<Vec<_>>().join("  ").trim_end())
}

fn cells(trial: &Trial) -> [String; 9] {
    let outcome = &trial.outcome;
    let share = |count: u64| match outcome.share(count) {
        0.0 => "0".to_owned(),
        share if share < 1e-3 => format!("{share:.0e}"),
        share => format!("{:.1} %", 100.0 * share),
    };
    let counts = &outcome.counts;
    let verdict = if trial.held { "held".to_owned() } else { trial.unmet.join("; ") };
    [
        format!("{:.0}", trial.rate),
        format!("{:.0}", outcome.achieved_per_second),
        share(counts.late + counts.dropped),
        share(counts.throttled),
        share(counts.failed.values().sum()),
        time(outcome.response.p50),
        time(outcome.response.p99),
        time(outcome.response.p99_9),
        verdict,
    ]
}

fn conclusion(trials: &Trials) -> String {
    let Trials { goal, bracket, .. } = trials;
    let what = goal.as_ref().map_or_else(|| "keeps up".to_owned(), |goal| format!("holds {goal}"));
    let mut text = match (bracket.held, bracket.failed) {
        (Some(held), Some(failed)) => {
            format!("{what} at {held:.0} calls a second, and not at {failed:.0}\n")
        }
        (Some(held), None) => format!("{what} up to {held:.0} calls a second, the highest tried\n"),
        (None, Some(failed)) => {
            format!("not even {failed:.0} calls a second: {what} at no rate tried\n")
        }
        (None, None) => String::new(),
    };
    if limited_by_client(trials, *bracket) {
        text += "CLIENT-BOUND: where it failed, the driver was late by itself, so the service may hold more.\n";
    }
    if trials.interrupted {
        text += "Broken off: this is what was measured until then.\n";
    }
    text
}

/// Whether the lowest rate that failed is one that the driver did not keep.
fn limited_by_client(trials: &Trials, bracket: Bracket) -> bool {
    let failed = trials.trials.iter().find(|trial| Some(trial.rate) == bracket.failed);
    failed.is_some_and(|trial| trial.outcome.client_bound)
}
