//! `keyquake sim detect`: are the oracles worth anything?
//!
//! Every planted bug in turn is put into the runs of many seeds, until an oracle objects; and into none
//! of them, where no oracle may. What is printed is which oracle saw each bug first, after how many
//! seeds and seconds.

use super::job::Backend;
use super::pool;
use super::run::{interrupted, obey_interrupts};
use crate::exit::{Exit, Failure};
use crate::terminal;
use ::sim::detect::{self, Caught};
use ::sim::sabotage::SABOTAGES;
use clap::{Args, value_parser};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::Instant;

/// More seeds than this are not to be waited for.
const MOST: u64 = 1_000_000;

const EXAMPLES: &str = "\
Examples:
  keyquake sim detect
  keyquake sim detect --sabotage repeated-draw --trials 9 --canary 0

Exit codes: 0 every bug is found, every oracle finds one and every seed without a bug is green, \
1 not so, 2 bad usage or input, 130 interrupted, with what was found until then.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The most seeds until a planted bug must be found
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = value_parser!(u64).range(1..=MOST))]
    seeds: u64,
    /// How often each bug is hunted, each time with seeds of its own
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = value_parser!(u64).range(1..=1_000))]
    trials: u64,
    /// Only this planted bug; may be given several times
    #[arg(long, value_name = "NAME")]
    sabotage: Vec<String>,
    /// How many seeds must stay green without any bug
    #[arg(long, default_value_t = 500, value_name = "N", value_parser = value_parser!(u64).range(0..=MOST))]
    canary: u64,
    /// How many runs at a time; as many as there are processors by default
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// The crypto library
    #[arg(long, value_enum, default_value_t)]
    backend: Backend,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    /// Print the table as Markdown
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

/// What became of a planted bug.
#[derive(Debug, Serialize)]
struct Line {
    sabotage: &'static str,
    doc: &'static str,
    /// Who saw it first, and how often.
    oracles: BTreeMap<&'static str, u64>,
    /// Everybody who saw it in the run that first showed it.
    seen_by: BTreeSet<&'static str>,
    /// In how many of the trials it was found.
    found: u64,
    trials: u64,
    /// Over the trials; as many seeds as were allowed, where it was not found.
    median_seeds: u64,
    median_seconds: f64,
    /// A seed that shows it.
    seed: Option<u64>,
}

/// What came of everything.
#[derive(Debug, Serialize)]
struct Report {
    sabotages: Vec<Line>,
    /// Whether Ctrl-C ended it before everything was tried.
    interrupted: bool,
    /// Seeds without a bug, and what was wrong with those that were not green.
    canary: u64,
    canary_failures: Vec<String>,
    /// Oracles that saw no bug at all.
    idle_oracles: Vec<&'static str>,
}

/// A hunt after one bug with seeds of its own.
struct Trial {
    sabotage: usize,
    caught: Option<(u64, Caught)>,
    seeds: u64,
    seconds: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let chosen = chosen(&arguments.sabotage)?;
    obey_interrupts()?;
    let mut trials = Vec::new();
    hunt_all(arguments, &chosen, |trial| {
        terminal::say(&said(&trial));
        trials.push(trial);
    });
    let (canary, canary_failures) = canary(arguments);
    let interrupted = interrupted();
    let tried = |index: &&usize| !interrupted || trials.iter().any(|one| one.sabotage == **index);
    let sabotages: Vec<Line> =
        chosen.iter().filter(tried).map(|index| line(*index, &trials)).collect();
    // Of half a hunt nobody can say that an oracle sees nothing.
    let idle_oracles = if interrupted { Vec::new() } else { idle(&sabotages, chosen.len()) };
    let report = Report { sabotages, interrupted, canary, canary_failures, idle_oracles };
    print(arguments, &report)?;
    if interrupted {
        terminal::say("Broken off: what is shown is what was found until then.");
        return Ok(Exit::Interrupted);
    }
    let undetected = report.sabotages.iter().any(|line| line.found < line.trials);
    let good = !undetected && report.canary_failures.is_empty() && report.idle_oracles.is_empty();
    Ok(if good { Exit::Fine } else { Exit::Found })
}

fn chosen(names: &[String]) -> Result<Vec<usize>, Failure> {
    let index = |name: &String| {
        SABOTAGES.iter().position(|info| info.name == name).ok_or_else(|| {
            Failure::usage(format!(
                "no sabotage is called {name}; `keyquake sim list sabotages` names them"
            ))
        })
    };
    match names.is_empty() {
        true => Ok((0..SABOTAGES.len()).collect()),
        false => names.iter().map(index).collect::<Result<BTreeSet<_>, _>>().map(Vec::from_iter),
    }
}

fn jobs(arguments: &Arguments) -> usize {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.jobs.unwrap_or(all).max(1)
}

fn hunt_all(arguments: &Arguments, chosen: &[usize], mut take: impl FnMut(Trial)) {
    let trials = usize::try_from(arguments.trials).unwrap_or(1);
    let hunt = |index: usize| {
        let (sabotage, trial) = (chosen[index / trials], index % trials);
        hunt(arguments, sabotage, trial as u64)
    };
    pool::ordered(chosen.len() * trials, jobs(arguments), hunt, |trial| {
        trial.into_iter().for_each(&mut take);
        ControlFlow::Continue(())
    });
}

/// Each trial has seeds of its own, and every bug the same ones. Nothing when it was broken off before
/// it was over.
fn hunt(arguments: &Arguments, sabotage: usize, trial: u64) -> Option<Trial> {
    let began = Instant::now();
    let first = 1 + trial * arguments.seeds;
    let backend = || arguments.backend.library();
    let mut seeds = (first..first + arguments.seeds).take_while(|_| !interrupted());
    let caught = seeds.find_map(|seed| {
        let found = detect::hunt(&SABOTAGES[sabotage], seed, backend())?;
        Some((seed, found))
    });
    if caught.is_none() && interrupted() {
        return None;
    }
    let seeds = caught.as_ref().map_or(arguments.seeds, |(seed, _)| seed - first + 1);
    Some(Trial { sabotage, caught, seeds, seconds: began.elapsed().as_secs_f64() })
}

fn said(trial: &Trial) -> String {
    let name = SABOTAGES[trial.sabotage].name;
    let Trial { seeds, seconds, .. } = trial;
    match &trial.caught {
        Some((seed, caught)) => format!(
            "{name}: {} after {} and {seconds:.1} s, with seed {seed}",
            caught.first,
            seeds_text(*seeds)
        ),
        None => format!("{name}: undetected after {} and {seconds:.1} s", seeds_text(*seeds)),
    }
}

fn seeds_text(count: u64) -> String {
    format!("{count} {}", if count == 1 { "seed" } else { "seeds" })
}

/// How many seeds without a bug were run, and what was wrong with those that were not green.
fn canary(arguments: &Arguments) -> (u64, Vec<String>) {
    let count = usize::try_from(arguments.canary).unwrap_or(usize::MAX);
    let work = |index: usize| {
        let seed = index as u64 + 1;
        (!interrupted()).then(|| (seed, detect::canary(seed, arguments.backend.library())))
    };
    let (mut run, mut failures) = (0, Vec::new());
    pool::ordered(count, jobs(arguments), work, |ran| {
        let Some((seed, complaint)) = ran else { return ControlFlow::Break(()) };
        run += 1;
        if let Some(complaint) = complaint {
            terminal::say(&format!("canary: seed {seed}: {complaint}"));
            failures.push(format!("seed {seed}: {complaint}"));
        }
        if seed % 50 == 0 {
            terminal::say(&format!("canary: {seed} of {count} seeds"));
        }
        ControlFlow::Continue(())
    });
    (run, failures)
}

fn line(sabotage: usize, trials: &[Trial]) -> Line {
    let mine: Vec<&Trial> = trials.iter().filter(|trial| trial.sabotage == sabotage).collect();
    let mut oracles = BTreeMap::new();
    let mut seen_by = BTreeSet::new();
    for (_, caught) in mine.iter().filter_map(|trial| trial.caught.as_ref()) {
        *oracles.entry(caught.first).or_default() += 1;
        seen_by.extend(caught.all.iter().copied());
    }
    let info = &SABOTAGES[sabotage];
    let seconds = mine.iter().map(|trial| trial.seconds).collect();
    Line {
        sabotage: info.name,
        doc: info.doc,
        oracles,
        seen_by,
        found: mine.iter().filter(|trial| trial.caught.is_some()).count() as u64,
        trials: mine.len() as u64,
        median_seeds: median(mine.iter().map(|trial| trial.seeds).collect(), u64::cmp),
        median_seconds: median(seconds, f64::total_cmp),
        seed: mine.iter().find_map(|trial| Some(trial.caught.as_ref()?.0)),
    }
}

fn median<T: Copy + Default>(mut all: Vec<T>, by: fn(&T, &T) -> std::cmp::Ordering) -> T {
    all.sort_by(by);
    all.get(all.len() / 2).copied().unwrap_or_default()
}

/// Oracles that saw nothing, when every bug was hunted.
fn idle(lines: &[Line], hunted: usize) -> Vec<&'static str> {
    if hunted < SABOTAGES.len() {
        return Vec::new();
    }
    let busy: BTreeSet<&str> = lines.iter().flat_map(|line| line.seen_by.iter().copied()).collect();
    let all = ::sim::oracle::ORACLES.iter().map(|entry| entry.info.name);
    all.filter(|name| !busy.contains(name)).collect()
}

/// A median of a line; there is none where a bug was never found.
fn median_of(line: &Line, median: String) -> String {
    if line.found == 0 { "-".to_owned() } else { median }
}

fn print(arguments: &Arguments, report: &Report) -> Result<(), Failure> {
    if arguments.json {
        return terminal::print_json(report);
    }
    let header = ["sabotage", "caught by", "found", "median seeds", "median seconds"];
    let rows = report.sabotages.iter().map(|line| {
        let oracles: Vec<&str> = line.oracles.keys().copied().collect();
        [
            line.sabotage.to_owned(),
            if oracles.is_empty() { "nobody".to_owned() } else { oracles.join(", ") },
            format!("{} of {}", line.found, line.trials),
            median_of(line, line.median_seeds.to_string()),
            median_of(line, format!("{:.1}", line.median_seconds)),
        ]
    });
    let rows: Vec<[String; 5]> = std::iter::once(header.map(str::to_owned)).chain(rows).collect();
    match arguments.markdown {
        true => terminal::print(&markdown(&rows))?,
        false => terminal::print(&terminal::table(&rows))?,
    }
    terminal::print(&closing(report))
}

fn markdown(rows: &[[String; 5]]) -> String {
    let line = |row: &[String; 5]| format!("| {} |\n", row.join(" | "));
    let (header, rest) = rows.split_first().map_or((String::new(), rows), |(h, r)| (line(h), r));
    let rest: String = rest.iter().map(line).collect();
    format!("{header}|---|---|---|---|---|\n{rest}")
}

fn closing(report: &Report) -> String {
    let mut text = format!(
        "\nwithout a sabotage: {} of {} seeds are green\n",
        report.canary - report.canary_failures.len() as u64,
        report.canary
    );
    for failure in &report.canary_failures {
        text += &format!("  {failure}\n");
    }
    if !report.idle_oracles.is_empty() {
        text += &format!("oracles that saw no bug: {}\n", report.idle_oracles.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_becomes_markdown() {
        let row = |text: &str| [text, "b", "c", "d", "e"].map(str::to_owned);
        let text = markdown(&[row("head"), row("x")]);
        assert_eq!(
            text,
            "| head | b | c | d | e |\n|---|---|---|---|---|\n| x | b | c | d | e |\n"
        );
    }

    #[test]
    fn a_sabotage_is_known_by_its_name() {
        assert_eq!(chosen(&[]).unwrap().len(), SABOTAGES.len());
        assert_eq!(chosen(&[SABOTAGES[3].name.to_owned()]).unwrap(), [3]);
        assert!(chosen(&["no-such-bug".to_owned()]).is_err());
    }

    #[test]
    fn a_bug_that_was_never_found_has_no_median() {
        let missed = Trial { sabotage: 0, caught: None, seeds: 1, seconds: 0.5 };
        assert!(said(&missed).ends_with(": undetected after 1 seed and 0.5 s"));
        let line = line(0, &[missed]);
        assert_eq!(median_of(&line, line.median_seeds.to_string()), "-");
    }

    #[test]
    fn medians_take_the_middle() {
        assert_eq!(median(vec![9, 1, 4], u64::cmp), 4);
        assert_eq!(median(Vec::new(), u64::cmp), 0);
    }
}
