//! `keyquake sim why`: what a failure depends on, by running it again with one thing another.

use super::charge::{Charge, Finding};
use super::failing::{self, Deadline, Effort, Failing, First, Subject, nobody_objects};
use super::pool;
use super::run::interrupted;
use crate::exit::{Exit, Failure};
use crate::terminal;
use ::sim::random::Seed;
use ::sim::shrink;
use ::sim::why::{self, Answer, Dependence, Question};
use clap::Args;
use scenarios::Document;
use serde::Serialize;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Examples:
  keyquake sim why bug.toml
  keyquake sim why scenarios/regressions/token-lost.toml --seed 1 --json

bug.toml is what `keyquake sim shrink` left. `keyquake sim detect` names seeds that show a \
planted bug, for --swarm --seed N --sabotage NAME, and --calls writes the calls of their loads \
out first.

Each fault, load, operation and planted bug is left out in turn. Faults and operations are also \
tried later, by each of --delays that leaves an operation within the storm and a fault within \
its phase: what is gone when something comes a little later needs that very moment. What the \
failure needs comes first. A shrunk scenario answers best: in a large one many things are one of \
several ways to the same failure.

Exit codes: 0 nobody objects to the scenario, 1 it fails and this is why, or only an expectation \
of it is not met, 2 bad usage or input, 130 interrupted, with what was tried until then.";

/// What is said where nobody objects.
const NOTHING: &str = "there is nothing to explain";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    subject: Subject,
    /// Write the calls of the loads out first, and ask about each
    #[arg(long)]
    calls: bool,
    /// How much later faults and operations are also tried
    #[arg(long, value_name = "TIME,...", value_delimiter = ',', default_value = "50ms,1s,20s",
        value_parser = delay)]
    delays: Vec<Duration>,
    #[command(flatten)]
    effort: Effort,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// What came of it, for programs.
#[derive(Serialize)]
struct Told<'a> {
    /// Who objects; nobody when the run passes.
    oracle: Option<&'a str>,
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
    let found = match failing::run(&arguments.subject, &arguments.effort)? {
        First::Fails(found) => found,
        First::Interrupted => return Ok(Exit::Interrupted),
        First::Passes(unmet) => {
            if !unmet.is_empty() {
                return Err(Failure::found(nobody_objects(&unmet, NOTHING)));
            }
            terminal::say(&nobody_objects(&[], NOTHING));
            if arguments.json {
                let seed = failing::seed(&arguments.subject)?;
                let parts = Vec::new();
                terminal::print_json(&Told { oracle: None, seed, runs: 1, questions: 0, parts })?;
            }
            return Ok(Exit::Fine);
        }
    };
    let charge = Charge::of(&found, None)?;
    let Failing { document: given, seed, deadline, .. } = found;
    let document = match arguments.calls {
        true => written_out(given, seed, &charge)?,
        false => given,
    };
    let questions = why::questions(&document, &arguments.delays);
    let jobs = arguments.effort.jobs.get();
    let answers = ask((&document, seed), &questions, &charge, (jobs, deadline));
    let parts = why::parts(&document);
    let ranked = why::rank(parts.len(), &answers);
    let ranked: Vec<(String, Dependence)> =
        ranked.into_iter().map(|one| (parts[one.part].clone(), one)).collect();
    let told = (charge.oracle.as_str(), seed, answers.len(), questions.len());
    tell(arguments, told, &ranked)?;
    Ok(if interrupted() { Exit::Interrupted } else { Exit::Found })
}

/// A delay of no time would ask for the same run again.
fn delay(text: &str) -> Result<Duration, String> {
    let delay = scenarios::parse_duration(text)?;
    (!delay.is_zero()).then_some(delay).ok_or_else(|| "nothing is later by no time".to_owned())
}

/// The scenario with its calls written out, if it fails so too.
fn written_out(given: Document, seed: u64, charge: &Charge) -> Result<Document, Failure> {
    let explicit = shrink::explicit(&given, Seed(seed)).map_err(Failure::usage)?;
    if charge.holds(&explicit, seed) {
        return Ok(explicit);
    }
    terminal::say("The same calls written out do not fail so: the loads stay.");
    Ok(given)
}

fn ask(
    (document, seed): (&Document, u64),
    questions: &[Question],
    charge: &Charge,
    (jobs, deadline): (usize, Deadline),
) -> Vec<(usize, why::Twist, Answer)> {
    let work = |index: usize| {
        let question = &questions[index];
        if deadline.is_over() {
            return None;
        }
        let answer = match charge.judge(&question.of(document), seed) {
            Finding::Stopped => return None,
            Finding::Same => Answer::Fails,
            Finding::Other => Answer::FailsOtherwise,
            Finding::Nothing => Answer::Passes,
            Finding::Impossible => Answer::Impossible,
        };
        Some((question.part, question.twist, answer))
    };
    let (mut answers, mut said) = (Vec::new(), Instant::now());
    pool::ordered(questions.len(), jobs, work, |answer| {
        answers.extend(answer);
        if said.elapsed() > Duration::from_secs(2) {
            said = Instant::now();
            terminal::say(&format!("{} of {} runs", answers.len(), questions.len()));
        }
        if deadline.is_over() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    answers
}

fn tell(
    arguments: &Arguments,
    (oracle, seed, runs, questions): (&str, u64, usize, usize),
    ranked: &[(String, Dependence)],
) -> Result<(), Failure> {
    if arguments.json {
        let parts = ranked.iter().map(|(part, dependence)| Part {
            part: part.clone(),
            says: dependence.words(),
            removed: dependence.removed.map(word),
            vanishes_after_seconds: dependence.vanishes_later.map(|delay| delay.as_secs_f64()),
        });
        let parts = parts.collect();
        let oracle = Some(oracle);
        return terminal::print_json(&Told { oracle, seed, runs, questions, parts });
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
        Answer::Impossible => "impossible",
    }
}
