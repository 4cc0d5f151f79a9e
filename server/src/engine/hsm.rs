//! The HSMs of a Region in this process: some identities of one domain, each with as many commands at once
//! as there are cores.
//!
//! Which one is asked is the core's decision, as in the simulator, and so are the hedge, the time-out and
//! the retries. A command waits in a queue of its HSM for a thread, and waiting is no fault: time counts
//! only while the HSM shows no life, by the real clock. The first good answer wins, even one that comes
//! after its time.

mod crew;
mod host;
mod machine;
mod question;
mod stage;
#[cfg(test)]
mod tests;

use super::lock;
use host::Host;
use kms_core::Timestamp;
use kms_core::crypto::CryptoBackend;
use kms_core::hsm::{Command, DomainToken, Fleet, FleetParameters, HsmIdentity, OperatorKey};
use kms_core::name::TokenId;
use kms_core::step::Reply;
use kms_core::token::KeyToken;
use machine::{Hsm, Width};
use question::{Order, Question};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The HSMs, and what is known of them.
pub(super) struct Hsms {
    hsms: Vec<Arc<Hsm>>,
    fleet: Mutex<Fleet>,
    began: Instant,
    asked: AtomicU64,
}

/// How a host deals with HSMs that are threads beside it. They share its cores, so a command that takes
/// long tells of a busy machine, and another try would only make it busier.
pub(super) fn parameters() -> FleetParameters {
    FleetParameters {
        timeout: Duration::from_secs(30),
        pair_timeout: Duration::from_secs(300),
        hedge_after: Duration::from_secs(5),
        outstanding: 4096,
        ..FleetParameters::default()
    }
}

impl Hsms {
    /// HSMs that have joined no domain, listen to a host, and have sessions with it that are good for so
    /// long.
    pub(super) fn new(
        identities: &[HsmIdentity],
        host: &OperatorKey,
        backend: &Arc<dyn CryptoBackend>,
        parameters: FleetParameters,
        session_validity: Duration,
    ) -> Hsms {
        let (host, began) = (Arc::new(Host::new(host.clone())), Instant::now());
        let hsm = |identity| {
            Arc::new(Hsm::new(
                identity,
                &host,
                backend,
                session_validity,
                Width::of_machine(),
                began,
            ))
        };
        Hsms {
            hsms: identities.iter().map(hsm).collect(),
            fleet: Mutex::new(Fleet::new(identities.len(), parameters)),
            began,
            asked: AtomicU64::new(0),
        }
    }

    /// Has a command carried out at `now` in the domain of this token, by one HSM after another until one does
    /// it, says that it cannot be done, or there is none left to ask.
    pub(super) fn ask(
        &self,
        command: &Arc<Command>,
        tokens: &[Arc<KeyToken>],
        domain: &Arc<DomainToken>,
        now: Timestamp,
    ) -> Reply {
        let (command, domain) = (command.clone(), domain.clone());
        Question::new(self, Order { command, tokens: tokens.into(), domain, now }).answer()
    }

    /// The time since the beginning, which the fleet counts by.
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Wipes what is in memory of a backing key whose token is erased.
    pub(super) fn forget(&self, erased: TokenId) {
        self.hsms.iter().for_each(|hsm| hsm.forget(erased));
    }

    /// Whether an HSM is left alone at the moment.
    #[cfg(test)]
    fn is_quarantined(&self, hsm: kms_core::hsm::HsmIndex) -> bool {
        lock(&self.fleet).is_quarantined(self.now(), hsm)
    }
}
