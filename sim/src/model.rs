//! The reference model: a small independent account of what the service must do.
//!
//! It shares words with the core (ids, error codes, states) and not one line of its logic. It follows
//! the log of every Region: a committed request is applied by the model's own rules, a commit that no
//! request explains must be a step the service may take by itself. Because it keeps every record at
//! every position, it can say what may come of a request whatever position a host had reached.

mod access;
mod answer;
mod effect;
mod expect;
mod imports;
mod internal;
mod key;
mod kind;
mod ledger;
mod outcome;
mod pairs;
mod special;
mod states;
pub(crate) mod versions;

pub(crate) use access::{Access, Ruling};
pub(crate) use answer::Told;
pub(crate) use expect::Ask;
pub(crate) use ledger::Commit;
pub(crate) use outcome::Outcomes;

use crate::history::Digest;
use crate::oracle::Context;
use crate::recent::Recent;
use kms_core::name::{AccountId, KeyId, MaterialId, RegionName};
use ledger::{Ledger, Lines};
use std::collections::BTreeMap;

/// A ciphertext that a client was given.
#[derive(Debug)]
struct Blob {
    key: KeyId,
    /// The material it was made with; unknown when several hosts answered one attempt.
    material: Option<MaterialId>,
    context: Digest,
    /// The ciphertext that was made of its plaintext first: itself, unless it was re-encrypted.
    origin: Digest,
}

/// How many ciphertexts are known. Nothing is held against a request with an older one.
const BLOBS: usize = 1 << 19;

/// What must be true, by Region and log position.
#[derive(Debug)]
pub(crate) struct Model {
    ledgers: BTreeMap<RegionName, Ledger>,
    lines: BTreeMap<KeyId, Lines>,
    blobs: Recent<Digest, Blob>,
    /// What is known of each plaintext, by its first ciphertext.
    plaintexts: Recent<Digest, Digest>,
    pairs: pairs::Pairs,
    /// The import tokens that clients were given.
    tokens: BTreeMap<Digest, imports::Token>,
    /// The text every key of an account has unless somebody put another one; learnt once.
    default_policies: BTreeMap<AccountId, Digest>,
}

impl Default for Model {
    fn default() -> Model {
        Model {
            ledgers: BTreeMap::new(),
            lines: BTreeMap::new(),
            blobs: Recent::new(BLOBS),
            plaintexts: Recent::new(BLOBS),
            pairs: pairs::Pairs::default(),
            tokens: BTreeMap::new(),
            default_policies: BTreeMap::new(),
        }
    }
}

impl Model {
    /// Takes over a log entry, and says what is wrong with it.
    pub(crate) fn commit(&mut self, commit: &Commit<'_>, context: &Context<'_>) -> Vec<String> {
        let ledger = self.ledgers.entry(commit.region).or_default();
        ledger.apply(commit, &mut self.lines, context)
    }

    /// How long a Region's log is.
    pub(crate) fn length(&self, region: RegionName) -> u64 {
        self.ledgers.get(&region).map_or(0, Ledger::position)
    }

    /// What may come of a request. Nothing, when the Region has no log.
    pub(crate) fn expected(&self, ask: &Ask<'_>, context: &Context<'_>) -> Outcomes {
        let Some(ledger) = self.ledgers.get(&ask.region) else { return Outcomes::NONE };
        let outcomes = expect::Judge { model: self, ledger, ask, context }.outcomes();
        if ask.facts.dry_run { outcomes.of_dry_run() } else { outcomes }
    }

    /// Whether the caller of a request may, if it can be said.
    pub(crate) fn ruling(&self, ask: &Ask<'_>, context: &Context<'_>) -> Option<Ruling> {
        let ledger = self.ledgers.get(&ask.region)?;
        expect::Judge { model: self, ledger, ask, context }.ruling()
    }

    /// Whether an account may ever have had as many keys in a Region as it can.
    fn ever_full(&self, region: RegionName, account: AccountId, context: &Context<'_>) -> bool {
        let count = self.ledgers.get(&region).and_then(|ledger| ledger.key_count.get(&account));
        let mut counts = count.into_iter().flat_map(versions::Versions::all);
        counts.any(|version| version.value >= context.rules.keys)
    }
}
