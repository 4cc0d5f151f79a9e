//! Judges of a history: each says in one sentence what must never be seen, and finds where it was.
//!
//! Oracles see nothing but the records of a run, never the state of a node, so the same judges work on
//! the history of a real service. One that lacks a source cannot judge and says so, one that met nothing
//! it judges says that, and one that gave up on something says on how much: none of them is counted as
//! passed, and none fails a run. A judge hears every record once, in order, while the run goes on, and keeps what it
//! may still need: requests for as long as something may come of them, ciphertexts up to a bound, and what
//! keys, grants and aliases have been. So its memory grows with what changes, and not with what is asked.

mod attempts;
mod audit;
mod authorization;
mod ciphertext_durability;
mod context;
mod convergence;
mod deletion;
mod grants;
mod key_log;
mod key_tokens;
mod known;
mod linearizability;
mod liveness;
mod nonce;
mod price;
mod quota;
mod reference_model;
#[cfg(test)]
pub(crate) mod scene;
mod secrecy;
mod single_primary;

pub use context::{Context, FaultFacts, PoolFacts, Rules};
pub(crate) use known::Known;

use crate::clock::SimTime;
use crate::history::{Record, Source};
use crate::place::NodeId;
use crate::probe::Probes;
use std::collections::{BTreeMap, BTreeSet};

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

/// A record, its index in the history, and what is known by then.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'r> {
    /// The index.
    pub index: usize,
    /// The record.
    pub record: &'r Record,
    /// What follows from the records up to and including this one, for all oracles.
    pub(crate) known: &'r Known,
}

/// Where and when a record was, for whoever may complain of it later.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// When.
    pub at: SimTime,
    /// The node that said it.
    pub node: NodeId,
    /// Its index in the history.
    pub index: usize,
}

impl Mark {
    /// A violation that the record shows.
    pub fn violates(&self, oracle: &'static str, message: String) -> Violation {
        let Mark { at, node, index } = *self;
        Violation { oracle, at, node, index, message }
    }
}

impl Seen<'_> {
    /// Where and when it was.
    pub fn mark(&self) -> Mark {
        Mark { at: self.record.at, node: self.record.node, index: self.index }
    }

    /// A violation that this record shows.
    pub fn violates(&self, oracle: &'static str, message: String) -> Violation {
        self.mark().violates(oracle, message)
    }
}

/// A judge of one history.
pub trait Oracle: Send {
    /// What it is.
    fn info(&self) -> OracleInfo;

    /// Takes note of the next record.
    fn record(&mut self, seen: Seen<'_>, context: &Context<'_>);

    /// How many things it gave up on by the end, so that nobody knows whether they are right.
    fn undecided(&self) -> u64 {
        0
    }

    /// Says what it found. No record follows.
    fn finish(&mut self, context: &Context<'_>) -> Finding;
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
    /// It judged something, all that it met, and nothing is wrong.
    Passed,
    /// Something is.
    Violated,
    /// Nothing happened that it judges.
    Idle,
    /// It gave up on something, and nothing else is wrong.
    Undecided {
        /// On how many things.
        left: u64,
        /// How many it judged beside them.
        judged: u64,
    },
    /// Nobody of this kind was heard, so nothing can be said.
    CannotJudge {
        /// The first source that is missing.
        missing: Source,
    },
}

impl Verdict {
    fn of(finding: &Finding, undecided: u64) -> Verdict {
        match (finding.violations.is_empty(), undecided, finding.judged) {
            (false, ..) => Verdict::Violated,
            (true, 0, 0) => Verdict::Idle,
            (true, 0, _) => Verdict::Passed,
            (true, left, judged) => Verdict::Undecided { left, judged },
        }
    }

    /// Why nothing can be said, or not everything; nothing when all was judged.
    pub fn doubt(self) -> Option<String> {
        match self {
            Verdict::Passed | Verdict::Violated => None,
            Verdict::Idle => Some("nothing happened that it judges".to_owned()),
            Verdict::Undecided { left, judged: 0 } => Some(format!("{left} undecided")),
            Verdict::Undecided { left, judged } => {
                Some(format!("{left} undecided beside {judged} judged"))
            }
            Verdict::CannotJudge { missing } => Some(format!("no record from {missing}")),
        }
    }
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
    /// Makes a judge.
    pub new: fn() -> Box<dyn Oracle>,
}

/// Every oracle, by name.
pub const ORACLES: &[Entry] = &[
    audit::ENTRY,
    authorization::ENTRY,
    ciphertext_durability::ENTRY,
    convergence::ENTRY,
    deletion::ENTRY,
    grants::ENTRY,
    key_tokens::ENTRY,
    linearizability::ENTRY,
    liveness::ENTRY,
    nonce::ENTRY,
    price::ENTRY,
    quota::ENTRY,
    reference_model::ENTRY,
    secrecy::ENTRY,
    single_primary::ENTRY,
];

/// Every oracle, at work on one history, and the probes that the same history meets.
pub struct Judges {
    oracles: Vec<Box<dyn Oracle>>,
    known: Known,
    probes: Probes,
    heard: BTreeSet<Source>,
    next: usize,
}

impl Judges {
    /// Judges who have heard nothing yet.
    pub fn new(context: &Context<'_>) -> Judges {
        Judges {
            oracles: ORACLES.iter().map(|entry| (entry.new)()).collect(),
            known: Known::new(context),
            probes: Probes::default(),
            heard: context.rules.knows_keys.then_some(Source::Witness).into_iter().collect(),
            next: 0,
        }
    }

    /// What really happened so far, by probe, and how often.
    pub fn probes(&self) -> BTreeMap<String, u64> {
        self.probes.hits()
    }

    /// The next record of the history.
    pub fn record(&mut self, record: &Record, context: &Context<'_>) {
        let Judges { oracles, known, probes, heard, next } = self;
        heard.insert(record.event.source());
        known.before(record, context);
        for oracle in oracles {
            oracle.record(Seen { index: *next, record, known }, context);
        }
        probes.note(record, known, context);
        known.after(record);
        *next += 1;
    }

    /// What they have found. One that lacks a source has found nothing.
    pub fn finish(self, context: &Context<'_>) -> Vec<Judged> {
        let heard = self.heard;
        let judged = self.oracles.into_iter().map(|mut oracle| {
            let info = oracle.info();
            if let Some(missing) = info.needs.iter().find(|source| !heard.contains(source)) {
                let verdict = Verdict::CannotJudge { missing: *missing };
                return Judged { info, verdict, finding: Finding::default() };
            }
            let finding = oracle.finish(context);
            let verdict = Verdict::of(&finding, oracle.undecided());
            Judged { info, verdict, finding }
        });
        judged.collect()
    }
}

/// Lets every oracle judge a history.
pub fn judge(history: &[Record], context: &Context<'_>) -> Vec<Judged> {
    let mut judges = Judges::new(context);
    history.iter().for_each(|record| judges.record(record, context));
    judges.finish(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_alphabetical_and_says_something() {
        assert!(ORACLES.windows(2).all(|pair| pair[0].info.name < pair[1].info.name));
        for entry in ORACLES {
            let info = entry.info;
            assert_eq!((entry.new)().info(), info);
            assert!(info.doc.len() > 20 && info.doc.ends_with('.'), "{}", info.name);
            assert!(!info.needs.is_empty(), "{}", info.name);
        }
    }

    #[test]
    fn what_was_not_judged_is_not_passed() {
        let finding = |judged| Finding { judged, ..Finding::default() };
        assert_eq!(Verdict::of(&finding(3), 0), Verdict::Passed);
        assert_eq!(Verdict::of(&finding(3), 0).doubt(), None);
        let doubt = |judged, undecided| Verdict::of(&finding(judged), undecided).doubt().unwrap();
        assert_eq!(doubt(0, 0), "nothing happened that it judges");
        assert_eq!(doubt(0, 2), "2 undecided");
        assert_eq!(doubt(3, 2), "2 undecided beside 3 judged");
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
