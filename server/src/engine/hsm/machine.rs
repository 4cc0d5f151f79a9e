//! One HSM of this process: as many commands at once as there are cores.

use super::lock;
use crate::random::random;
use kms_core::crypto::CryptoBackend;
use kms_core::hsm::{
    Command, DomainToken, Fault, HsmDevice, HsmIdentity, Mandate, OperatorKey, Reply,
};
use kms_core::name::TokenId;
use kms_core::token::KeyToken;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The sessions of one HSM.
pub(super) struct Hsm {
    sessions: Vec<Mutex<HsmDevice>>,
    next: AtomicUsize,
    /// What this host orders the HSM with: to join, and to make fresh domain keys.
    host: OperatorKey,
}

impl Hsm {
    /// An HSM that has joined no domain, and listens to a host.
    pub(super) fn new(
        identity: &HsmIdentity,
        host: OperatorKey,
        backend: &Arc<dyn CryptoBackend>,
    ) -> Hsm {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let session = |_| Mutex::new(HsmDevice::new(identity.clone(), backend.clone()));
        Hsm { sessions: (0..cores).map(session).collect(), next: AtomicUsize::new(0), host }
    }

    /// A session that is in an older state of the domain, or in none, joins first.
    pub(super) fn execute(
        &self,
        command: &Command,
        tokens: &[Arc<KeyToken>],
        domain: &Arc<DomainToken>,
    ) -> Result<Reply, Fault> {
        let mut session = self.session();
        if session.serial() < Some(domain.serial) {
            let join = Command::Join { token: domain.clone() };
            self.order(&mut session, &join, domain).map_err(|_| Fault::NotJoined)?;
        }
        match command.is_order() {
            true => self.order(&mut session, command, domain),
            false => session.serve(command, tokens, domain.active, &mut random()),
        }
    }

    fn order(
        &self,
        session: &mut HsmDevice,
        order: &Command,
        domain: &DomainToken,
    ) -> Result<Reply, Fault> {
        let mandate = Mandate::new(order, domain, [&self.host], &mut random());
        session.manage(order, &mandate, &mut random())
    }

    /// A session that is free, or else the next one in turn.
    fn session(&self) -> MutexGuard<'_, HsmDevice> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let turn = |turn: usize| &self.sessions[(first + turn) % self.sessions.len()];
        let free = (0..self.sessions.len()).find_map(|number| turn(number).try_lock().ok());
        free.unwrap_or_else(|| lock(turn(0)))
    }

    /// Wipes what is in memory of a backing key whose token is erased.
    pub(super) fn forget(&self, erased: TokenId) {
        self.sessions.iter().for_each(|session| lock(session).forget(erased));
    }

    /// Every session, held, so that the HSM hangs.
    #[cfg(test)]
    pub(super) fn hold(&self) -> Vec<MutexGuard<'_, HsmDevice>> {
        self.sessions.iter().map(lock).collect()
    }
}
