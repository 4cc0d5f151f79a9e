//! Judges of a history: each says in one sentence what must never be seen, and finds where it was.
//!
//! Oracles see nothing but the records of a run, never the state of a node, so the same judges work on
//! the history of a real service. One that lacks a source cannot judge and says so; that is never
//! counted as passed. A judge reads the history once, in order, and borrows from it.

mod attempts;
mod ciphertext_durability;
mod context;
mod convergence;
mod deletion;
mod key_log;
mod quota;
mod reference_model;
#[cfg(test)]
mod scene;

pub use context::{Context, PoolFacts, Rules};

use crate::clock::SimTime;
use crate::history::{Record, Source};
use crate::place::NodeId;
use std::collections::BTreeSet;

/// What an oracle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OracleInfo {
    /// The name in verdicts and scenario files.
    pub name: &'static str,
    /// What it holds a run to, in one sentence.
    pub doc: &'static str,
    /// Who must be heard for it to judge.
    pub needs: &'static [Source],
}

/// A record and its index in the history.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'h> {
    /// The index.
    pub index: usize,
    /// The record.
    pub record: &'h Record,
}

impl Seen<'_> {
    /// A violation that this record shows.
    pub fn violates(&self, oracle: &'static str, message: String) -> Violation {
        let (at, node) = (self.record.at, self.record.node);
        Violation { oracle, at, node, index: self.index, message }
    }
}

/// A judge of one history.
pub trait Oracle<'h> {
    /// What it is.
    fn info(&self) -> OracleInfo;

    /// Takes note of the next record.
    fn record(&mut self, seen: Seen<'h>, context: &Context<'h>);

    /// Says what it found. No record follows.
    fn finish(&mut self, context: &Context<'h>) -> Finding;
}

/// What an oracle found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// How many things it judged.
    pub judged: u64,
    /// More about these, for people: how many had exactly one allowed outcome, and the like.
    pub detail: Vec<(&'static str, u64)>,
    /// What must not have happened, in the order it was seen.
    pub violations: Vec<Violation>,
}

/// Something that must not have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The oracle that saw it.
    pub oracle: &'static str,
    /// When.
    pub at: SimTime,
    /// The node that said what shows it.
    pub node: NodeId,
    /// The index of the record that shows it.
    pub index: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// What became of an oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong.
    Passed,
    /// Something is.
    Violated,
    /// Nobody of this kind was heard, so nothing can be said.
    CannotJudge {
        /// The first source that is missing.
        missing: Source,
    },
}

/// An oracle's judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The oracle.
    pub info: OracleInfo,
    /// What became of it.
    pub verdict: Verdict,
    /// What it found.
    pub finding: Finding,
}

/// A line of the table of oracles.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What it is.
    pub info: OracleInfo,
    /// Makes a judge for a history, which it may borrow from.
    pub new: for<'h> fn(&'h [Record]) -> Box<dyn Oracle<'h> + 'h>,
}

/// Every oracle, by name.
pub const ORACLES: &[Entry] = &[
    ciphertext_durability::ENTRY,
    convergence::ENTRY,
    deletion::ENTRY,
    quota::ENTRY,
    reference_model::ENTRY,
];

/// Lets every oracle judge a history.
pub fn judge<'h>(history: &'h [Record], context: &Context<'h>) -> Vec<Judged> {
    let heard: BTreeSet<Source> = history.iter().map(|record| record.event.source()).collect();
    ORACLES.iter().map(|entry| judge_one(entry, history, &heard, context)).collect()
}

fn judge_one<'h>(
    entry: &Entry,
    history: &'h [Record],
    heard: &BTreeSet<Source>,
    context: &Context<'h>,
) -> Judged {
    let info = entry.info;
    if let Some(missing) = info.needs.iter().find(|source| !heard.contains(source)) {
        let verdict = Verdict::CannotJudge { missing: *missing };
        return Judged { info, verdict, finding: Finding::default() };
    }
    let mut oracle = (entry.new)(history);
    for (index, record) in history.iter().enumerate() {
        oracle.record(Seen { index, record }, context);
    }
    let finding = oracle.finish(context);
    let verdict = match finding.violations.is_empty() {
        true => Verdict::Passed,
        false => Verdict::Violated,
    };
    Judged { info, verdict, finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_alphabetical_and_says_something() {
        assert!(ORACLES.windows(2).all(|pair| pair[0].info.name < pair[1].info.name));
        for entry in ORACLES {
            let info = entry.info;
            assert_eq!((entry.new)(&[]).info(), info);
            assert!(info.doc.len() > 20 && info.doc.ends_with('.'), "{}", info.name);
            assert!(!info.needs.is_empty(), "{}", info.name);
        }
    }

    #[test]
    fn who_hears_nobody_cannot_judge() {
        let scene = scene::Scene::new();
        for judged in judge(&[], &scene.context()) {
            let missing = judged.info.needs[0];
            assert_eq!(judged.verdict, Verdict::CannotJudge { missing });
        }
    }
}
