//! One HSM of this process: as many commands at once as there are cores.

use super::host::Host;
use super::lock;
use crate::random::random;
use kms_core::Timestamp;
use kms_core::crypto::CryptoBackend;
use kms_core::hsm::{
    Command, DomainToken, Fault, HsmDevice, HsmIdentity, Mandate, Reply, Session, Within,
};
use kms_core::name::TokenId;
use kms_core::token::KeyToken;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

#[cfg(test)]
use kms_core::hsm::Credential;

/// One HSM: each lane has a memory of its own.
pub(super) struct Hsm {
    lanes: Vec<Mutex<HsmDevice>>,
    next: AtomicUsize,
    host: Arc<Host>,
}

impl Hsm {
    /// An HSM that has joined no domain, and listens to a host.
    pub(super) fn new(
        identity: &HsmIdentity,
        host: &Arc<Host>,
        backend: &Arc<dyn CryptoBackend>,
        session_validity: Duration,
    ) -> Hsm {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let lane = |_| {
            let device = HsmDevice::new(identity.clone(), backend.clone());
            Mutex::new(device.with_session_validity(session_validity))
        };
        let lanes = (0..cores).map(lane).collect();
        Hsm { lanes, next: AtomicUsize::new(0), host: host.clone() }
    }

    /// A lane that is in an older state of the domain, or in none, joins first.
    pub(super) fn execute(
        &self,
        command: &Command,
        tokens: &[Arc<KeyToken>],
        domain: &Arc<DomainToken>,
        now: Timestamp,
    ) -> Result<Reply, Fault> {
        let mut lane = self.lane();
        if lane.serial() < Some(domain.serial) {
            let join = Command::Join { token: domain.clone() };
            self.order(&mut lane, &join, domain).map_err(|_| Fault::NotJoined)?;
        }
        match command.is_order() {
            true => self.order(&mut lane, command, domain),
            false => self.serve(&mut lane, (command, tokens), domain, now),
        }
    }

    /// In the session of the host, or a new one where this HSM does not know it.
    fn serve(
        &self,
        lane: &mut HsmDevice,
        (command, tokens): (&Command, &[Arc<KeyToken>]),
        domain: &DomainToken,
        now: Timestamp,
    ) -> Result<Reply, Fault> {
        let serve = |lane: &mut HsmDevice, session: &Session| {
            let within = Within { session: Some(session.credential()), now };
            lane.serve(command, tokens, within, domain.active, &mut random())
        };
        let known = self.host.session(now).map(|session| serve(lane, &session));
        match known {
            None | Some(Err(Fault::NoSession)) => {
                let session = self.host.begin(lane, domain, now)?;
                serve(lane, &session)
            }
            Some(result) => result,
        }
    }

    fn order(
        &self,
        lane: &mut HsmDevice,
        order: &Command,
        domain: &DomainToken,
    ) -> Result<Reply, Fault> {
        let mandate = Mandate::new(order, domain, [self.host.key()], &mut random());
        lane.manage(order, &mandate, &mut random())
    }

    /// A lane that is free, or else the next one in turn.
    fn lane(&self) -> MutexGuard<'_, HsmDevice> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let turn = |turn: usize| &self.lanes[(first + turn) % self.lanes.len()];
        let free = (0..self.lanes.len()).find_map(|number| turn(number).try_lock().ok());
        free.unwrap_or_else(|| lock(turn(0)))
    }

    /// Wipes what is in memory of a backing key whose token is erased.
    pub(super) fn forget(&self, erased: TokenId) {
        self.lanes.iter().for_each(|lane| lock(lane).forget(erased));
    }

    /// What the host's session is known by, if it is not due.
    #[cfg(test)]
    pub(super) fn session(&self, now: Timestamp) -> Option<Arc<Credential>> {
        self.host.session(now).map(|session| session.credential().clone())
    }

    /// Every lane, held, so that the HSM hangs.
    #[cfg(test)]
    pub(super) fn hold(&self) -> Vec<MutexGuard<'_, HsmDevice>> {
        self.lanes.iter().map(lock).collect()
    }
}
