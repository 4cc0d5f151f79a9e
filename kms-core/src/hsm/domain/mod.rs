//! The domain of a Region: who belongs to it, who commands it, and which keys wrap its key tokens.
//!
//! Outside an HSM a domain exists only as a domain token, in which its keys are encrypted to each
//! member's agreement key. Inside it exists only in volatile memory. One domain key is active, some
//! older ones still open what they sealed, the oldest is dropped at each rotation. HSMs never talk to
//! each other: a command with a quorum makes one of them export a new token and change nothing of its
//! own, and a second one installs that token everywhere (AWS KMS Cryptographic Details, Domains).

mod agreement;
mod canon;
mod charter;
mod custody;
#[cfg(test)]
mod double;
#[cfg(test)]
mod exploration;
mod identity;
mod order;
mod quorum;
mod record;
#[cfg(test)]
mod rules_machine;
mod signing;
mod token;

pub(super) use agreement::{Scalar, new_pair, wrapping_key};
pub(super) use canon::Canon;
pub use charter::{Charter, DomainChange};
pub use custody::Custody;
pub(super) use identity::AgreementCache;
pub use identity::{HsmIdentity, Member, Standing};
pub use order::{Mandate, OperatorKey, OrderSignature};
pub(super) use order::{OrderAt, check_quorum};
pub use quorum::{Operator, OperatorRole, OrderKind, Rule, Rules, Threshold};
pub use signing::{SigningKey, VerifyingKey};
pub use token::DomainToken;

use crate::crypto::{P384_POINT, SecretKey};
use crate::env::{Random, Site, draw};
use crate::hsm::Fault;
use crate::token::DomainEpoch;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many domain keys a domain keeps, the active one among them. Rotation is daily, so this is how
/// many days a re-encryption of key tokens may take.
const KEPT_DOMAIN_KEYS: usize = 4;

/// The public agreement key an HSM is a member by.
pub type MemberKey = [u8; P384_POINT];

const WRAP_LABEL: &[u8] = b"keyquake domain token v1";

/// A domain key in memory.
#[derive(Clone)]
pub(super) struct DomainKey {
    pub(super) epoch: DomainEpoch,
    pub(super) key: SecretKey,
}

impl DomainKey {
    fn draw(epoch: DomainEpoch, random: &mut dyn Random) -> DomainKey {
        DomainKey { epoch, key: SecretKey::new(draw(random, Site::DomainKey)) }
    }
}

/// The domain in an HSM's memory.
#[derive(Clone)]
pub(super) struct Domain {
    pub(super) charter: Arc<Charter>,
    serial: u64,
    /// Oldest first; the last one is active.
    keys: VecDeque<DomainKey>,
    /// Signs what goes to other Regions.
    pub(super) replication: SigningKey,
    /// What the HSM is to the domain whose memory this is.
    pub(super) standing: Standing,
}

impl Domain {
    /// Which state of which domain this is.
    pub(super) fn position(&self) -> OrderAt {
        OrderAt { region: self.charter.region, serial: self.serial }
    }

    /// Which state of the domain this is.
    pub(super) fn serial(&self) -> u64 {
        self.serial
    }

    /// The active domain key.
    pub(super) fn active(&self) -> Option<&DomainKey> {
        self.keys.back()
    }

    /// The domain key of that epoch, if it is still there.
    pub(super) fn key(&self, epoch: DomainEpoch) -> Option<&DomainKey> {
        self.keys.iter().rev().find(|key| key.epoch == epoch)
    }

    /// The same domain with a new active key, and without the oldest if there are enough.
    pub(super) fn rotated(&self, random: &mut dyn Random) -> Domain {
        let mut next = self.clone();
        let epoch = self.active().map_or(0, |key| key.epoch.0);
        next.serial += 1;
        next.keys.push_back(DomainKey::draw(DomainEpoch(epoch + 1), random));
        while next.keys.len() > KEPT_DOMAIN_KEYS {
            next.keys.pop_front();
        }
        next
    }

    /// The same domain with one change of its charter.
    pub(super) fn changed(&self, change: &DomainChange) -> Result<Domain, Fault> {
        let charter = Arc::new(self.charter.changed(change)?);
        Ok(Domain { charter, serial: self.serial + 1, ..self.clone() })
    }
}
