//! What readers share while one scenario is read: the words it may use and the problems so far.
//!
//! Reading never stops at a problem. It goes on with a stand-in value, and in the end the problem
//! that comes first in the file is reported, whatever order the tables were read in.

use crate::kind::{Complaint, RegionName};
use crate::listing::Listing;
use crate::schema::{Declared, Keys};
use crate::vocabulary::Vocabulary;

/// The most zones of a Region.
pub(crate) const MOST_ZONES: u32 = 6;

/// The shared state of one reading.
#[derive(Debug)]
pub(crate) struct Session {
    /// The words other crates own.
    pub(crate) vocabulary: Vocabulary,
    /// The Regions of the topology; readers of other tables check against them.
    pub(crate) regions: Vec<RegionName>,
    /// How many zones each Region has; when none is read, how many one can have.
    pub(crate) zones: u32,
    /// The keys that exist from the start.
    pub(crate) keys: Keys,
    /// What `[keys] from` declares.
    pub(crate) declared: Option<Declared>,
    /// How many accounts there are.
    pub(crate) accounts: u32,
    /// Names of keys that explicit operations create.
    pub(crate) created_keys: Vec<String>,
    /// Present when the schema is described rather than a file read.
    pub(crate) listing: Option<Listing>,
    /// The kind being described, whose inner tables are its own.
    pub(crate) described_kind: Option<&'static str>,
    problems: Vec<Complaint>,
}

impl Session {
    /// A session that reads a file.
    pub(crate) fn reading(vocabulary: Vocabulary) -> Self {
        Self {
            vocabulary,
            regions: Vec::new(),
            zones: MOST_ZONES,
            keys: Keys::default(),
            declared: None,
            accounts: 1,
            created_keys: Vec::new(),
            listing: None,
            described_kind: None,
            problems: Vec::new(),
        }
    }

    /// A session that notes what readers ask for.
    pub(crate) fn describing(vocabulary: Vocabulary) -> Self {
        Self { listing: Some(Listing::default()), ..Self::reading(vocabulary) }
    }

    /// Keeps a problem.
    pub(crate) fn complain(&mut self, complaint: Complaint) {
        self.problems.push(complaint);
    }

    /// Runs something whose problems are not the file's.
    pub(crate) fn silently<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.problems.len();
        let result = run(self);
        self.problems.truncate(before);
        result
    }

    /// The problem that comes first in the file.
    pub(crate) fn first_problem(&self) -> Option<&Complaint> {
        self.problems.iter().min_by_key(|complaint| complaint.place)
    }
}
