//! One Region: its state, its HSMs, and the one way its state changes.

use super::hsm::Hsms;
use super::{Work, lock};
use crate::random::random;
use kms_core::Kms;
use kms_core::audit::AuditRecord;
use kms_core::crypto::{CryptoBackend, SecretKey};
use kms_core::env::{Call, RequestId, Site, Timestamp, draw};
use kms_core::error::ErrorCode;
use kms_core::hsm::{Command, FleetParameters, Founded, HsmIdentity};
use kms_core::kms::Settings;
use kms_core::name::RegionName;
use kms_core::quota::Meter;
use kms_core::state::{Change, DomainRecord, LogEntry};
use kms_core::step::{Append, Conflict, Outcome, Reply, Step, Then};
use kms_core::task::Task;
use kms_core::token::{KeyToken, TokenChange};
use kms_core::usage::UseRecorder;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

/// A Region.
pub(super) struct Region {
    pub(super) name: RegionName,
    kms: RwLock<Kms>,
    hsms: Hsms,
    uses: Mutex<UseRecorder>,
}

impl Region {
    /// A new Region, with the domain that its HSMs have founded.
    pub(super) fn begin(
        name: RegionName,
        settings: Settings,
        identities: &[HsmIdentity],
        domain: &Founded,
        backend: &Arc<dyn CryptoBackend>,
        now: Timestamp,
    ) -> Region {
        let grant_token_key = SecretKey::new(draw(&mut random(), Site::BackingKey));
        let settings = Settings { uses_tracked_since: now, grant_token_key, ..settings };
        let region = Region {
            name,
            kms: RwLock::new(Kms::new(name, settings)),
            hsms: Hsms::new(identities, domain.host(), backend, FleetParameters::default()),
            uses: Mutex::default(),
        };
        let token = domain.token.clone();
        let record = DomainRecord { tokens_since: token.active, token, rotated: now };
        let append = Append { changes: vec![Change::PutDomain(record)], ..Append::default() };
        region.append(RequestId(0), &append, now).expect("nothing to conflict with");
        region
    }

    fn kms(&self) -> RwLockReadGuard<'_, Kms> {
        self.kms.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Decides work on the newest state. Request quotas are not in force.
    pub(super) fn first_step(&self, work: Work<'_>, call: &Call) -> Step {
        let (kms, meter) = (self.kms(), &mut Meter::off());
        match work {
            Work::Request(request) => kms.decide(call, request, meter, &mut random()),
            Work::Command(command) => kms.serve(call, command, meter, &mut random()),
            Work::Task(task) => kms.carry_out(call, task, &mut random()),
        }
    }

    /// Goes on with a peer's answer, on the state as it is by now.
    pub(super) fn next_step(&self, then: Then, reply: Reply, call: &Call) -> Step {
        then.resume(reply, &self.kms(), call, &mut random())
    }

    /// What a decision comes to that wants more of the log than there is.
    pub(super) fn behind(&self, call: &Call, work: Work<'_>) -> Outcome {
        let result = Err(ErrorCode::KmsInternal.says("The request names what there never was."));
        Outcome { result, append: None, audit: AuditRecord::begin(call, work.name()) }
    }

    /// Asks an HSM, with the domain as the log has it.
    pub(super) fn ask_hsm(&self, command: &Command, tokens: &[Arc<KeyToken>]) -> Reply {
        let domain = self.kms().state().domain().map(|(record, _)| record.token.clone());
        let Some(domain) = domain else { return Reply::TimedOut };
        self.hsms.ask(command, tokens, &domain)
    }

    /// Appends, if every precondition holds, and applies: nobody sees the one without the other.
    pub(super) fn append(
        &self,
        id: RequestId,
        append: &Append,
        now: Timestamp,
    ) -> Result<(), Conflict> {
        let mut kms = self.kms.write().unwrap_or_else(PoisonError::into_inner);
        kms.state().check(&append.preconditions)?;
        for change in &append.tokens {
            kms.apply_token(change);
            if let TokenChange::Erase(token) = change {
                self.hsms.forget(*token);
            }
        }
        if !append.changes.is_empty() {
            let position = kms.state().position() + 1;
            let changes = append.changes.clone();
            kms.apply(&LogEntry { position, id: id.0, committed: now, changes });
        }
        Ok(())
    }

    /// Takes note of keys that were used.
    pub(super) fn note_use(&self, outcome: &Outcome) {
        lock(&self.uses).note(outcome);
    }

    /// Writes down which keys were used.
    pub(super) fn flush_uses(&self, now: Timestamp) {
        let appends = lock(&self.uses).flush();
        for append in appends {
            self.append(crate::random::request_id(), &append, now).expect("no preconditions");
        }
    }

    /// What is due, soonest first.
    pub(super) fn due(&self, now: Timestamp) -> Vec<Task> {
        self.kms().advance(now)
    }

    /// When the next thing falls due that is not due at `now`.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        self.kms().state().due().map(|due| due.at).find(|at| *at > now)
    }
}
