//! Bugs planted on purpose, at the seams between the core and the world.
//!
//! The product has no switch for them: a sabotage changes what goes into the journal, comes out of an
//! HSM, or is shown to a decision, in at most one of a hundred eligible events. Oracles that do not
//! notice are no oracles.
//!
//! To add one: one file with `INFO` and the sabotage, one `mod` line, one line in [`SABOTAGES`].

mod skipped_version_check;

use crate::random::{Name, Seed, Site, Stream};
use kms_core::env::RequestId;
use kms_core::step::Append;
use scenarios::Scenario;
use std::sync::Arc;

/// What a sabotage is called and does.
#[derive(Clone, Copy)]
pub struct SabotageInfo {
    /// The word scenarios use.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// Makes it.
    pub new: fn() -> Arc<dyn Sabotage>,
}

/// Every sabotage there is, by name.
pub const SABOTAGES: &[SabotageInfo] = &[skipped_version_check::INFO];

/// A planted bug. Each hook is a seam; most bugs use one.
pub trait Sabotage: Send + Sync {
    /// Spoils what a host or worker is about to append.
    fn append(&self, append: &mut Append) {
        let _ = append;
    }
}

/// The sabotages of a run, and how often each strikes.
#[derive(Clone, Default)]
pub struct Sabotages {
    planted: Arc<[(f64, Arc<dyn Sabotage>)]>,
    seed: u64,
}

const SITE: Site = Site::new("sabotage");

impl Sabotages {
    /// Those a scenario plants.
    pub fn of(scenario: &Scenario, seed: Seed) -> Sabotages {
        let planted = scenario.sabotages.iter().filter_map(|sabotage| {
            let info = SABOTAGES.iter().find(|info| info.name == sabotage.kind)?;
            Some((sabotage.rate.get(), (info.new)()))
        });
        Sabotages { planted: planted.collect(), seed: seed.0 }
    }

    /// Passes an append through the planted bugs.
    pub fn append(&self, id: RequestId, append: &mut Append) {
        for (index, (rate, sabotage)) in self.planted.iter().enumerate() {
            if self.strikes(id, index, *rate) {
                sabotage.append(append);
            }
        }
    }

    fn strikes(&self, id: RequestId, index: usize, rate: f64) -> bool {
        #[expect(clippy::cast_possible_truncation, reason = "both halves are absorbed")]
        let (high, low) = ((id.0 >> 64) as u64, id.0 as u64);
        let name = Name::new(Seed(self.seed), SITE).request(high).request(low);
        Stream::named(name.ordinal(index as u64)).chance(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_alphabetical_and_says_something() {
        assert!(SABOTAGES.is_sorted_by_key(|info| info.name));
        assert!(SABOTAGES.iter().all(|info| info.doc.len() > 20 && info.doc.ends_with('.')));
    }
}
