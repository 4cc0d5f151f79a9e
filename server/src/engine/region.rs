//! One Region: its state, its HSMs, its journal, and the one way its state changes.

use super::hsm::{self, Hsms};
use super::{Work, lock};
use crate::random::random;
use crate::store::{Founding, Journal, Loaded, StoreError, Write};
use kms_core::Kms;
use kms_core::audit::AuditRecord;
use kms_core::crypto::{CryptoBackend, Production};
use kms_core::env::{Call, RequestId, Timestamp};
use kms_core::error::ErrorCode;
use kms_core::hsm::{Command, Custody, DomainToken};
use kms_core::kms::Settings;
use kms_core::name::RegionName;
use kms_core::quota::Meter;
use kms_core::state::{Change, DomainRecord, LogEntry};
use kms_core::step::{Append, Conflict, Outcome, Reply, Step, Then};
use kms_core::task::Task;
use kms_core::token::{DomainEpoch, KeyToken, TokenChange};
use kms_core::usage::UseRecorder;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

/// A Region.
pub(super) struct Region {
    pub(super) name: RegionName,
    kms: RwLock<Kms>,
    hsms: Hsms,
    uses: Mutex<UseRecorder>,
    /// Where changes are kept, if they are.
    journal: Option<Arc<Journal>>,
    /// What the journal called the last change.
    ticket: AtomicU64,
}

impl Region {
    /// A Region as it was left.
    pub(super) fn restore(
        loaded: Loaded,
        backend: &Arc<dyn CryptoBackend>,
        journal: Option<Arc<Journal>>,
        session_validity: Duration,
    ) -> Region {
        let Loaded { founding, kms } = loaded;
        let Custody { hsms, .. } = &founding.custody;
        let host = founding.custody.host().expect("a ceremony makes a service host's key");
        Region {
            name: founding.region,
            kms: RwLock::new(kms),
            hsms: Hsms::new(hsms, host, backend, hsm::parameters(), session_validity),
            uses: Mutex::default(),
            journal,
            ticket: AtomicU64::new(0),
        }
    }

    fn kms(&self) -> RwLockReadGuard<'_, Kms> {
        self.kms.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The domain key that is active by now.
    pub(super) fn active_domain_key(&self) -> DomainEpoch {
        self.kms().state().active_domain_key()
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

    /// Asks an HSM at `now`, with the domain as the log has it.
    pub(super) fn ask_hsm(
        &self,
        command: &Arc<Command>,
        tokens: &[Arc<KeyToken>],
        now: Timestamp,
    ) -> Reply {
        let domain = self.kms().state().domain().map(|(record, _)| record.token.clone());
        let Some(domain) = domain else { return Reply::TimedOut };
        self.hsms.ask(command, tokens, &domain, now)
    }

    /// Appends, if every precondition holds, and applies: nobody sees the one without the other. It
    /// is kept once [`Region::settle`] says so.
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
        let entry = (!append.changes.is_empty()).then(|| {
            let position = kms.state().position() + 1;
            let changes = append.changes.clone();
            LogEntry { position, id: id.0, committed: now, changes }
        });
        if let Some(entry) = &entry {
            kms.apply(entry);
        }
        if let Some(journal) = &self.journal {
            let tokens = append.tokens.clone();
            let ticket = journal.submit(Write { region: self.name, entry, tokens });
            self.ticket.store(ticket, Ordering::Release);
        }
        Ok(())
    }

    /// Waits until everything that anybody can have seen here is durable, so that no answer tells of
    /// what a crash may undo.
    pub(super) fn settle(&self) -> Result<(), StoreError> {
        let ticket = self.ticket.load(Ordering::Acquire);
        self.journal.as_ref().map_or(Ok(()), |journal| journal.wait(ticket))
    }

    /// A fingerprint of everything durable: two Regions with the same one hold the same.
    pub(super) fn fingerprint(&self) -> [u8; 32] {
        let kms = self.kms();
        let tokens = kms.tokens().iter().flat_map(|token| [token.aad(), token.sealed.to_vec()]);
        let tokens: Vec<Vec<u8>> = tokens.collect();
        let parts: Vec<&[u8]> = tokens.iter().map(Vec::as_slice).collect();
        let state = kms.state().digest();
        Production::default().sha256(&[&[&state[..]], &parts[..]].concat())
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

/// A Region at the beginning of its log, and its first entry: the domain that its HSMs have founded.
pub(super) fn begin(
    founding: Founding,
    token: Arc<DomainToken>,
    settings: &Settings,
) -> (Loaded, LogEntry) {
    let settings = Settings {
        uses_tracked_since: founding.began,
        grant_token_key: founding.grant_token_key.clone(),
        ..settings.clone()
    };
    let mut kms = Kms::new(founding.region, settings);
    let committed = founding.began;
    let record = DomainRecord { tokens_since: token.active, token, rotated: committed };
    let changes = vec![Change::PutDomain(record)];
    let entry = LogEntry { position: 1, id: 0, committed, changes };
    kms.apply(&entry);
    (Loaded { founding, kms }, entry)
}
