//! The journal of a Region in its simplest form: state, log and key tokens in memory.
//!
//! It shows what a journal must do, and the simulator, the tests and the load generator use it as it
//! is: check preconditions against the newest state, give out gap-free positions, recognise a repeated
//! append by its id, and change key tokens together with the log. A database behind a server does the
//! same in a transaction.

use crate::env::Timestamp;
use crate::name::RegionName;
use crate::state::{LogEntry, State};
use crate::step::{Append, Conflict, Precondition, UniqueName};
use crate::token::TokenStore;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A journal.
#[derive(Debug)]
pub struct Journal {
    state: State,
    /// How many entries at the beginning are forgotten.
    forgotten: u64,
    log: Vec<Arc<LogEntry>>,
    tokens: TokenStore,
    positions: BTreeMap<u128, u64>,
}

impl Journal {
    /// The journal of a new Region.
    pub fn new(region: RegionName) -> Journal {
        Journal {
            state: State::new(region),
            forgotten: 0,
            log: Vec::new(),
            tokens: TokenStore::default(),
            positions: BTreeMap::new(),
        }
    }

    /// A journal with this log, and the key tokens that belong to its end.
    pub fn restore(region: RegionName, log: Vec<Arc<LogEntry>>, tokens: TokenStore) -> Journal {
        let mut journal = Journal { tokens, ..Journal::new(region) };
        for entry in log {
            journal.state.apply(&entry);
            journal.positions.insert(entry.id, entry.position);
            journal.log.push(entry);
        }
        journal
    }

    /// The newest state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Keeps superseded values no longer than this; see [`State::remember`].
    pub fn remember(&mut self, superseded: Duration) {
        self.state.remember(superseded);
    }

    /// The key tokens.
    pub fn tokens(&self) -> &TokenStore {
        &self.tokens
    }

    /// The position of the last entry.
    pub fn head(&self) -> u64 {
        self.state.position()
    }

    /// Forgets the entries up to a position, and their ids. Nobody who has not applied them can follow
    /// this journal any more.
    pub fn forget(&mut self, position: u64) {
        let count = usize::try_from(position.saturating_sub(self.forgotten)).unwrap_or(usize::MAX);
        for entry in self.log.drain(..count.min(self.log.len())) {
            self.positions.remove(&entry.id);
            self.forgotten += 1;
        }
    }

    /// The entries behind a position that are not forgotten.
    pub fn entries_after(&self, position: u64) -> &[Arc<LogEntry>] {
        let from = position.saturating_sub(self.forgotten);
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(self.log.len());
        &self.log[from..]
    }

    /// The same append again is in the log already. Another one under the same id is a second decision
    /// of a request that has taken effect: its answer would be about something that never happened.
    fn repeated(&self, id: u128, position: u64, append: &Append) -> Result<u64, Conflict> {
        let entry = self.entries_after(position - 1).first();
        match entry.is_some_and(|entry| entry.changes == append.changes) {
            true => Ok(position),
            false => {
                let broken = Precondition::Absent(UniqueName::Append(id));
                Err(Conflict { broken, head: self.head() })
            }
        }
    }

    /// Appends, if every precondition holds; an id that is already in the log is not appended again.
    /// An append of tokens alone needs no entry and returns the head.
    ///
    /// # Errors
    /// The precondition that does not hold, and where the log is.
    pub fn append(&mut self, id: u128, append: &Append, now: Timestamp) -> Result<u64, Conflict> {
        if let Some(position) = self.positions.get(&id) {
            return self.repeated(id, *position, append);
        }
        self.state.check(&append.preconditions)?;
        for change in &append.tokens {
            self.tokens.apply(change);
        }
        if append.changes.is_empty() {
            return Ok(self.head());
        }
        let position = self.head() + 1;
        let entry = LogEntry { position, id, committed: now, changes: append.changes.clone() };
        self.state.apply(&entry);
        self.positions.insert(id, position);
        self.log.push(Arc::new(entry));
        Ok(position)
    }
}
