//! One Region of the smallest shell: its KMS, its journal and its one HSM, which is never behind.

use super::SeededRandom;
use super::trouble::Appended;
use crate::crypto::CryptoBackend;
use crate::env::{Random, RequestId, Timestamp};
use crate::hsm::{self, Founded, HsmDevice, HsmIdentity, Mandate, Session, Within};
use crate::journal::Journal;
use crate::kms::{Kms, Settings};
use crate::name::RegionName;
use crate::quota::Meter;
use crate::state::{Change, DomainRecord};
use crate::step::Append;
use crate::token::{KeyToken, TokenChange};
use crate::usage::UseRecorder;
use std::sync::Arc;

/// The seed of what sessions draw; no other stream of random bytes has it.
const SESSION_SEED: u64 = u64::from_be_bytes(*b"sessions");

/// One Region.
pub(super) struct Region {
    pub(super) kms: Kms,
    pub(super) journal: Journal,
    pub(super) hsm: HsmDevice,
    pub(super) domain: Founded,
    session: Option<Session>,
    /// What sessions draw from, so that nothing else is drawn differently for them.
    session_random: SeededRandom,
    pub(super) meter: Meter,
    pub(super) uses: UseRecorder,
}

impl Region {
    pub(super) fn new(
        name: RegionName,
        first: &HsmIdentity,
        domain: Founded,
        settings: &Settings,
        backend: &Arc<dyn CryptoBackend>,
        now: Timestamp,
    ) -> Region {
        let token = domain.token.clone();
        let mut region = Region {
            kms: Kms::new(name, settings.clone()),
            journal: Journal::new(name),
            hsm: HsmDevice::new(first.clone(), backend.clone()),
            domain,
            session: None,
            session_random: SeededRandom::new(SESSION_SEED),
            meter: Meter::off(),
            uses: UseRecorder::default(),
        };
        let tokens_since = token.active;
        let record = DomainRecord { token, rotated: now, tokens_since };
        let append = Append { changes: vec![Change::PutDomain(record)], ..Append::default() };
        region.append(RequestId(0), &append, now).expect("nothing to conflict with");
        region
    }

    /// Appends, and takes the entry over at once: this host is never behind.
    pub(super) fn append(&mut self, id: RequestId, append: &Append, now: Timestamp) -> Appended {
        self.journal.append(id.0, append, now)?;
        for entry in self.journal.entries_after(self.kms.state().position()) {
            self.kms.apply(entry);
        }
        for change in &append.tokens {
            self.kms.apply_token(change);
            if let TokenChange::Erase(token) = change {
                self.hsm.forget(*token);
            }
        }
        self.follow_domain();
        Ok(())
    }

    /// Has the HSM execute a command: an order with the service host's consent, anything else in a
    /// session.
    pub(super) fn execute(
        &mut self,
        command: &hsm::Command,
        tokens: &[Arc<KeyToken>],
        now: Timestamp,
        random: &mut dyn Random,
    ) -> std::result::Result<hsm::Reply, hsm::Fault> {
        if command.is_order()
            && let Some((record, _)) = self.kms.state().domain()
        {
            let token = record.token.clone();
            return self.order(command, &token, random);
        }
        let open = self.session.take().filter(|session| !session.is_due(now));
        let session = open.map_or_else(|| self.new_session(now), Ok)?;
        match self.execute_in(&session, command, tokens, now, random) {
            Err(hsm::Fault::NoSession) => {
                let session = self.new_session(now)?;
                let result = self.execute_in(&session, command, tokens, now, random);
                self.session = Some(session);
                result
            }
            result => {
                self.session = Some(session);
                result
            }
        }
    }

    fn execute_in(
        &mut self,
        session: &Session,
        command: &hsm::Command,
        tokens: &[Arc<KeyToken>],
        now: Timestamp,
        random: &mut dyn Random,
    ) -> std::result::Result<hsm::Reply, hsm::Fault> {
        let within = Within { session: Some(session.credential()), now };
        self.hsm.execute(command, tokens, within, random)
    }

    fn new_session(&mut self, now: Timestamp) -> std::result::Result<Session, hsm::Fault> {
        let token = match self.kms.state().domain() {
            Some((record, _)) => record.token.clone(),
            None => self.domain.token.clone(),
        };
        let random = &mut self.session_random;
        Session::with(&mut self.hsm, &token, self.domain.host(), now, random)
    }

    fn order(
        &mut self,
        order: &hsm::Command,
        domain: &hsm::DomainToken,
        random: &mut dyn Random,
    ) -> std::result::Result<hsm::Reply, hsm::Fault> {
        let mandate = Mandate::new(order, domain, [self.domain.host()], random);
        self.hsm.manage(order, &mandate, random)
    }

    /// Gives the HSM the domain of the log, if it has an older one.
    pub(super) fn follow_domain(&mut self) {
        if let Some((record, _)) = self.kms.state().domain()
            && self.hsm.epoch() < Some(record.token.active)
        {
            let token = record.token.clone();
            let join = hsm::Command::Join { token: token.clone() };
            let joined = self.order(&join, &token, &mut SeededRandom::new(0));
            debug_assert!(joined.is_ok(), "the HSM is a member of its own domain");
        }
    }
}
