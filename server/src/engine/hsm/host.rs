//! This process, as the HSMs of a Region know it: the operator key of the service host, and the session
//! that it has with all of them.

use super::lock;
use crate::random::random;
use kms_core::Timestamp;
use kms_core::hsm::{DomainToken, Fault, HsmDevice, OperatorKey, Session};
use std::sync::Mutex;

/// The host.
pub(super) struct Host {
    key: OperatorKey,
    session: Mutex<Option<Session>>,
}

impl Host {
    /// A host that has no session.
    pub(super) fn new(key: OperatorKey) -> Host {
        Host { key, session: Mutex::default() }
    }

    /// What it orders HSMs with: to join, and to make fresh domain keys.
    pub(super) fn key(&self) -> &OperatorKey {
        &self.key
    }

    /// The session, unless it is time for another one.
    pub(super) fn session(&self, now: Timestamp) -> Option<Session> {
        lock(&self.session).clone().filter(|session| !session.is_due(now))
    }

    /// Begins a session with one HSM, which the others know as well. Two threads that begin one at once
    /// have two, either of which is good; the later one is kept.
    pub(super) fn begin(
        &self,
        hsm: &mut HsmDevice,
        domain: &DomainToken,
        now: Timestamp,
    ) -> Result<Session, Fault> {
        let session = Session::with(hsm, domain, &self.key, now, &mut random())?;
        *lock(&self.session) = Some(session.clone());
        Ok(session)
    }
}
