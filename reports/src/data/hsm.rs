//! What one HSM of the fleet had to do in a run, and what the hosts that asked it thought of it.

use super::Micros;
use serde::{Deserialize, Serialize};

/// An HSM in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HsmUse {
    /// Its name, such as `us-east-1/hsm-0`.
    pub name: String,
    /// How many commands it can carry out at once.
    pub lanes: u32,
    /// Commands it took.
    pub commands: u64,
    /// Commands it refused because too many waited.
    pub refused: u64,
    /// How long it worked, all lanes together.
    pub busy: Micros,
    /// How long commands waited before it began with them, all together.
    pub waited: Micros,
    /// How many commands waited or were carried out at most.
    pub deepest: u64,
    /// How often it was asked beside another one that was late.
    pub hedges: u64,
    /// How often it was asked after another one had failed.
    pub retries: u64,
    /// How often it did not answer in time.
    pub timeouts: u64,
    /// How often a host left it alone for a while.
    pub quarantines: u64,
    /// Answers that were dropped: late, a second copy, or not to what was asked.
    pub discarded: u64,
    /// Answers that could not be the answer.
    pub distrusted: u64,
    /// Sessions that hosts began with it.
    #[serde(default)]
    pub sessions: u64,
    /// Commands that came in a session it did not know.
    #[serde(default)]
    pub unknown_sessions: u64,
}

impl HsmUse {
    /// The share of what it could have done in a run of this length, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    pub fn utilisation(&self, run: Micros) -> f64 {
        let could = run.0.saturating_mul(u64::from(self.lanes)).max(1);
        self.busy.0 as f64 / could as f64
    }

    /// How long a command waited on average before the HSM began with it.
    #[must_use]
    pub fn mean_wait(&self) -> Micros {
        Micros(self.waited.0 / self.commands.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_means_are_of_what_there_was() {
        let hsm = HsmUse {
            lanes: 4,
            commands: 10,
            busy: Micros::seconds(20),
            waited: Micros::millis(50),
            ..HsmUse::default()
        };
        assert!((hsm.utilisation(Micros::seconds(10)) - 0.5).abs() < 1e-9);
        assert_eq!(hsm.mean_wait(), Micros::millis(5));
        assert_eq!(HsmUse::default().mean_wait(), Micros(0));
        assert!(HsmUse::default().utilisation(Micros(0)).abs() < 1e-9);
    }
}
