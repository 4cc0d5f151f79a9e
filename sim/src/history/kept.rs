//! The history itself: what is kept of it in memory, and the digest of all there ever was.

use super::{Event, Record, encode};
use crate::clock::SimTime;
#[cfg(all(feature = "sim", madsim))]
use crate::fault::NodeAction;
use crate::place::NodeId;
use sha2::{Digest as _, Sha256};

/// How much of a history stays in memory. The digest covers all of it either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Everything: for reports and comparisons.
    #[default]
    All,
    /// At least so many of the last records: for runs of any length.
    Last(usize),
}

/// The history of a run.
#[derive(Default)]
pub struct History {
    records: Vec<Record>,
    keep: Keep,
    /// How many records are not there any more.
    dropped: usize,
    hash: Sha256,
    /// The bytes of the last records, on their way into the hash: it takes large pieces faster.
    unhashed: Vec<u8>,
}

/// How many bytes go into the hash at once.
const PIECE: usize = 16 << 10;

impl History {
    /// A history that keeps so much of itself.
    pub fn keeping(keep: Keep) -> History {
        History::default().keep(keep)
    }

    /// The same history, of which so much is kept from now on.
    pub fn keep(self, keep: Keep) -> History {
        History { keep, ..self }
    }

    /// The records that are kept, in order; every one, unless the history was told otherwise.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many records there have been.
    pub fn len(&self) -> usize {
        self.dropped + self.records.len()
    }

    /// Whether nothing has happened.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The record of this index, if it is kept.
    pub fn get(&self, index: usize) -> Option<&Record> {
        self.records.get(index.checked_sub(self.dropped)?)
    }

    /// Drops the older half when there are twice as many as are to be kept.
    fn shorten(&mut self) {
        if let Keep::Last(least) = self.keep
            && self.records.len() >= 2 * least.max(1)
        {
            self.dropped += self.records.len() - least;
            self.records.drain(..self.records.len() - least);
        }
    }

    /// The digest of everything so far, byte for byte.
    pub fn digest(&self) -> [u8; 32] {
        self.hash.clone().chain_update(&self.unhashed).finalize().into()
    }

    /// Adds a record, and shows it.
    pub fn push(&mut self, at: SimTime, node: NodeId, event: Event) -> &Record {
        let record = Record { at, node, event };
        encode::write(&record, &mut self.unhashed);
        if self.unhashed.len() >= PIECE {
            self.hash.update(&self.unhashed);
            self.unhashed.clear();
        }
        self.shorten();
        self.records.push_mut(record)
    }
}

#[cfg(all(feature = "sim", madsim))]
impl crate::driver::Recorder<Event> for History {
    fn record(&mut self, at: SimTime, from: NodeId, event: Event) {
        self.push(at, from, event);
    }

    fn acted(&mut self, at: SimTime, action: NodeAction) {
        self.push(at, action.node(), Event::Acted(action));
    }
}

#[cfg(all(feature = "sim", madsim))]
impl<M> crate::driver::Watcher<M> for History {}
