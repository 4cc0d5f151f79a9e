//! From a scenario that fails to a small one that fails the same way.
//!
//! [`Shrink`] proposes smaller scenarios and hears which of them still fail; it runs nothing itself, so
//! whoever runs them may do so on as many cores as there are. What it works on is the scenario as a
//! file: every proposal is one, and so is the result. (Zeller and Hildebrandt, "Simplifying and
//! Isolating Failure-Inducing Input", 2002.)

mod step;

use crate::history::Record;
use crate::random::Seed;
use crate::run::run_taped;
use crate::vocabulary::vocabulary;
use kms_core::crypto::RustCrypto;
use scenarios::{Document, Tape, duration_text};
use std::sync::Arc;
use std::time::Duration;
use step::{Step, steps};
use toml::Value;

/// A scenario on its way to being small.
#[derive(Clone, Debug)]
pub struct Shrink {
    best: Document,
    steps: Vec<Step>,
    cursor: usize,
    progressed: bool,
}

/// How large a scenario is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Explicit operations.
    pub operations: usize,
    /// Loads.
    pub workloads: usize,
    /// Faults.
    pub faults: usize,
    /// Lines of the file.
    pub lines: usize,
}

impl Shrink {
    /// Begins with a scenario that fails.
    pub fn new(document: Document) -> Shrink {
        let steps = steps(&document);
        Shrink { best: document, steps, cursor: 0, progressed: false }
    }

    /// The smallest scenario so far that fails.
    pub fn best(&self) -> &Document {
        &self.best
    }

    /// The next proposals, at most so many. None: nothing smaller is left to try.
    pub fn propose(&mut self, at_most: usize) -> Vec<Document> {
        if self.cursor >= self.steps.len() && self.progressed {
            (self.cursor, self.progressed) = (0, false);
        }
        let left = self.steps.iter().skip(self.cursor);
        left.take(at_most).map(|step| step.applied(&self.best)).collect()
    }

    /// Hears which of the proposals is the first that fails, if any does.
    pub fn hear(&mut self, proposals: Vec<Document>, fails: Option<usize>) {
        let tried = proposals.len();
        let Some(index) = fails else {
            self.cursor += tried;
            return;
        };
        self.best = proposals.into_iter().nth(index).unwrap_or_else(|| self.best.clone());
        self.steps = steps(&self.best);
        // What came before this step did not help a moment ago, so that it waits for the next round.
        self.cursor = (self.cursor + index).min(self.steps.len());
        self.progressed = true;
    }
}

/// A scenario that expects this oracle to object, and nothing else that a run could miss.
pub fn expecting(mut document: Document, oracle: &str) -> Document {
    let expect = [("verdict", "violation"), ("oracle", oracle)];
    let expect = expect.map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())));
    document.0.insert("expect".to_owned(), Value::Table(expect.into_iter().collect()));
    document
}

/// The scenario in which every call of the loads is written out, as the run with this seed makes it.
///
/// # Errors
/// What the document does not say, or the driver cannot run.
pub fn explicit(document: &Document, seed: Seed) -> Result<Document, String> {
    let scenario = document.scenario("explicit", &vocabulary()).map_err(|why| why.to_string())?;
    let tape = Tape::default();
    let run = run_taped(&tape, &scenario, seed, Arc::new(RustCrypto));
    let run = run.map_err(|why| why.to_string())?;
    let mut explicit = document.clone();
    name_moments(&mut explicit, run.history.records());
    // Explicit calls that are there already were taped like the others.
    explicit.0.insert("operation".to_owned(), Value::Array(tape.operations()));
    let phases = explicit.0.get_mut("phase").and_then(Value::as_array_mut);
    for phase in phases.into_iter().flatten().filter_map(Value::as_table_mut) {
        phase.remove("workload");
    }
    Ok(explicit)
}

/// Planted bugs strike at the moments at which they struck, and no more by chance.
fn name_moments(document: &mut Document, records: &[Record]) {
    let bugs = document.0.get_mut("sabotage").and_then(Value::as_array_mut).into_iter().flatten();
    for bug in bugs.filter_map(Value::as_table_mut).filter(|bug| !bug.contains_key("at")) {
        let kind = bug.get("kind").and_then(Value::as_str).unwrap_or_default();
        let moments = records.iter().filter(|record| record.event.is_sabotage(kind));
        let moment = |record: &Record| duration_text(Duration::from_nanos(record.at.nanos()));
        let mut moments: Vec<Value> = moments.map(|record| moment(record).into()).collect();
        moments.dedup();
        if !moments.is_empty() {
            bug.remove("rate");
            bug.insert("at".to_owned(), Value::Array(moments));
        }
    }
}

impl Size {
    /// The size of a scenario.
    pub fn of(document: &Document) -> Size {
        let elements = |value: Option<&Value>| value.and_then(Value::as_array).map_or(0, Vec::len);
        let phases = document.0.get("phase").and_then(Value::as_array);
        let in_phases = |what: &str| -> usize {
            phases.into_iter().flatten().map(|phase| elements(phase.get(what))).sum()
        };
        Size {
            operations: elements(document.0.get("operation")),
            workloads: in_phases("workload"),
            faults: in_phases("fault"),
            lines: document.text().lines().count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm;

    /// Shrinks as if whatever `fails` says were a failure.
    fn shrunk(document: Document, fails: impl Fn(&Document) -> bool) -> (Document, usize) {
        let (mut shrink, mut tried) = (Shrink::new(document), 0);
        loop {
            let proposals = shrink.propose(4);
            if proposals.is_empty() {
                return (shrink.best, tried);
            }
            tried += proposals.len();
            let first = proposals.iter().position(&fails);
            shrink.hear(proposals, first);
        }
    }

    fn is_scenario(document: &Document) -> bool {
        document.scenario("x", &vocabulary()).is_ok()
    }

    #[test]
    fn what_the_failure_does_not_need_goes() {
        let seed = (0..200).find(|seed| {
            let text = swarm::draw(Seed(*seed)).document.text();
            text.contains("hsm-loss") && text.contains("deletion-race")
        });
        let document = swarm::draw(Seed(seed.unwrap())).document;
        let before = Size::of(&document);
        let needs = |document: &Document| {
            let text = document.text();
            is_scenario(document) && text.contains("hsm-loss") && text.contains("deletion-race")
        };
        let (small, tried) = shrunk(document, needs);
        let after = Size::of(&small);
        assert_eq!((after.workloads, after.faults), (1, 1), "{}", small.text());
        assert!(after.lines < before.lines && tried < 1_000, "{after:?} after {tried} tries");
        assert!(!small.0.contains_key("parameters") && !small.0.contains_key("quota"));
        assert!(small.text().contains("clients = 1\n"));
    }

    /// A scenario of nothing but so many calls, a second apart, each by a client of its own.
    fn calls(count: usize, more: &str) -> Document {
        let operation = |number: usize| {
            format!("[[operation]]\nat = \"{number}s\"\ncall = \"ListKeys\"\nclient = {number}\n")
        };
        let all: String = (0..count).map(operation).collect();
        let text = format!(
            "schema = 1\ndescription = \"x\"\n[[phase]]\nname = \"x\"\nduration = \"10m\"\n{all}{more}"
        );
        Document(text.parse().unwrap())
    }

    #[test]
    fn operations_go_in_chunks() {
        let needed = ["client = 17\n", "client = 200\n"];
        let needs = |document: &Document| {
            let text = document.text();
            is_scenario(document) && needed.iter().all(|one| text.contains(one))
        };
        let (small, tried) = shrunk(calls(256, ""), needs);
        assert_eq!(Size::of(&small).operations, 2);
        assert!(tried < 300, "{tried} tries");
    }

    #[test]
    fn few_operations_go_two_at_a_time() {
        let both_or_none = |text: &str, two: [&str; 2]| {
            text.contains(two[0]) == text.contains(two[1]) && text.contains("client = 3\n")
        };
        let needs = |document: &Document| {
            is_scenario(document)
                && both_or_none(&document.text(), ["client = 1\n", "client = 5\n"])
        };
        let (small, _) = shrunk(calls(7, ""), needs);
        assert_eq!(Size::of(&small).operations, 1, "{}", small.text());
    }

    #[test]
    fn of_two_planted_bugs_the_one_that_is_not_needed_goes() {
        let bugs = "[[sabotage]]\nkind = \"change-lost\"\n[[sabotage]]\nkind = \"wrong-error\"\n";
        let needs = |document: &Document| {
            is_scenario(document)
                && document.text().contains("wrong-error")
                && document.text().contains("client = 1\n")
        };
        let (small, _) = shrunk(calls(2, bugs), needs);
        assert!(!small.text().contains("change-lost"), "{}", small.text());
        let (bare, _) = shrunk(calls(2, bugs), is_scenario);
        assert!(!bare.text().contains("sabotage"), "{}", bare.text());
    }

    #[test]
    fn a_planted_bug_strikes_from_the_moment_of_a_call_on() {
        let bug = "[[sabotage]]\nkind = \"change-lost\"\nat = [\"9s\"]\n";
        // Nothing may go while the bug strikes at nine seconds, but it may as well strike at four.
        let needs = |document: &Document| {
            let text = document.text();
            let all = Size::of(document).operations == 7;
            let sooner = text.contains("at = [\"4s\"]");
            is_scenario(document)
                && text.contains("client = 6\n")
                && (sooner || all && text.contains("at = [\"9s\"]"))
        };
        let (small, _) = shrunk(calls(7, bug), needs);
        assert_eq!(Size::of(&small).operations, 1, "{}", small.text());
    }
}
