//! `keyquake sim why`: what a failure depends on, by running it again with one thing another.

use super::failing::{self, Subject, objecting};
use super::pool;
use super::run::{interrupted, obey_interrupts};
use crate::exit::{Exit, Failure};
use crate::terminal;
use ::sim::random::Seed;
use ::sim::shrink;
use ::sim::why::{self, Answer, Dependence, Question};
use clap::Args;
use scenarios::Document;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  keyquake sim why bug.toml --seed 119
  keyquake sim why --swarm --seed 4 --sabotage grant-end-lost --calls
  keyquake sim why scenarios/regressions/token-lost.toml --seed 1 --json

Each fault, load, operation and planted bug is left out in turn; faults and operations are also tried 50 ms, 1 s and 20 s
later. What the failure needs comes first. A shrunk scenario answers best: in a large one many things
are one of several ways to the same failure.

Exit codes: 0 nobody objects to the scenario, 1 it fails and this is why, 2 bad usage or input, 130
interrupted, with what was tried until then.";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// The seed that it fails with
    #[arg(long)]
    seed: u64,
    /// Write the calls of the loads out first, and ask about each
    #[arg(long)]
    calls: bool,
    /// How many runs at a time
    #[arg(long, value_name = "N", default_value = "2")]
    jobs: NonZeroUsize,
    /// Be content with what is known after this long, as in 10m
    #[arg(long, value_name = "TIME", value_parser = scenarios::parse_duration)]
    budget: Option<Duration>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What came of it, for programs.
#[derive(Serialize)]
struct Told<'a> {
    oracle: &'a str,
    seed: u64,
    runs: usize,
    questions: usize,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    part: String,
    says: String,
    /// What became of the failure without it.
    removed: Option<&'static str>,
    /// The shortest delay that ends the failure, in seconds.
    vanishes_after_seconds: Option<f64>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    obey_interrupts()?;
    let (document, oracle) = match failing(arguments)? {
        Some(failing) => failing,
        None if interrupted() => return Ok(Exit::Interrupted),
        None => {
            terminal::say("No oracle objects to this run: there is nothing to explain.");
            return Ok(Exit::Fine);
        }
    };
    let questions = why::questions(&document);
    let answers = ask(arguments, &questions, &oracle);
    let parts = why::parts(&document);
    let ranked = why::rank(parts.len(), &answers);
    let ranked: Vec<(String, Dependence)> =
        ranked.into_iter().map(|one| (parts[one.part].clone(), one)).collect();
    tell(arguments, &oracle, &ranked, (answers.len(), questions.len()))?;
    Ok(if interrupted() { Exit::Interrupted } else { Exit::Found })
}

/// The scenario, with its calls written out where that is wanted, and who objects to it.
fn failing(arguments: &Arguments) -> Result<Option<(Document, String)>, Failure> {
    let given = failing::given(&arguments.subject, arguments.seed)?;
    let Some(oracle) = objecting(&given, arguments.seed) else { return Ok(None) };
    if !arguments.calls {
        return Ok(Some((given, oracle)));
    }
    let explicit = shrink::explicit(&given, Seed(arguments.seed)).map_err(Failure::usage)?;
    if objecting(&explicit, arguments.seed).as_deref() == Some(&oracle) {
        return Ok(Some((explicit, oracle)));
    }
    terminal::say("The same calls written out do not fail so: the loads stay.");
    Ok(Some((given, oracle)))
}

fn ask(
    arguments: &Arguments,
    questions: &[Question],
    oracle: &str,
) -> Vec<(usize, why::Twist, Answer)> {
    let began = Instant::now();
    let over = || arguments.budget.is_some_and(|most| began.elapsed() > most) || interrupted();
    let work = |index: usize| {
        let question = &questions[index];
        if over() {
            return None;
        }
        let answer = match objecting(&question.document, arguments.seed) {
            _ if interrupted() => return None,
            Some(found) if found == oracle => Answer::Fails,
            Some(_) => Answer::FailsOtherwise,
            None => Answer::Passes,
        };
        Some((question.part, question.twist, answer))
    };
    let (mut answers, mut said) = (Vec::new(), Instant::now());
    pool::ordered(questions.len(), arguments.jobs.get(), work, |answer| {
        answers.extend(answer);
        if said.elapsed() > Duration::from_secs(2) {
            said = Instant::now();
            terminal::say(&format!("{} of {} runs", answers.len(), questions.len()));
        }
        if over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    answers
}

fn tell(
    arguments: &Arguments,
    oracle: &str,
    ranked: &[(String, Dependence)],
    (runs, questions): (usize, usize),
) -> Result<(), Failure> {
    if arguments.json {
        let parts = ranked.iter().map(|(part, dependence)| Part {
            part: part.clone(),
            says: dependence.words(),
            removed: dependence.removed.map(word),
            vanishes_after_seconds: dependence.vanishes_later.map(|delay| delay.as_secs_f64()),
        });
        let parts = parts.collect();
        return terminal::print_json(&Told {
            oracle,
            seed: arguments.seed,
            runs,
            questions,
            parts,
        });
    }
    let rows = ranked.iter().map(|(part, one)| [one.words(), part.clone()]);
    terminal::print(&format!("{oracle} objects. What that depends on, by {runs} runs:\n\n"))?;
    terminal::print(&terminal::table(&rows.collect::<Vec<_>>()))?;
    if runs < questions {
        terminal::say(&format!("Broken off: {runs} of {questions} runs were made."));
    }
    Ok(())
}

fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Fails => "fails",
        Answer::FailsOtherwise => "fails-otherwise",
        Answer::Passes => "passes",
    }
}
