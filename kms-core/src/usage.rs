//! The last use of each key: gathered in memory by whoever answers requests, and written down each
//! minute, so that using a key costs the log nothing.
//!
//! A host that dies loses the uses of its last minute. That is less than the hour by which AWS lets
//! the record lag (AWS KMS Developer Guide, "Determine past usage of a KMS key"), and an earlier use
//! stays recorded: what is written down only ever moves forward.

use crate::audit::{AuditRecord, EventId};
use crate::env::{RequestId, Timestamp};
use crate::key::{DAY, Key};
use crate::kms::Settings;
use crate::name::KeyId;
use crate::ops::Operation;
use crate::state::Change;
use crate::step::{Append, Outcome};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often what was gathered is written down.
pub const FLUSH_INTERVAL: Duration = Duration::from_secs(60);

/// The most uses that one log entry writes down.
const MOST_IN_ENTRY: usize = 1000;

/// The operations whose success is a use of their key (AWS KMS API, `GetKeyLastUsage`).
pub const TRACKED: [&str; 14] = [
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// A use of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// The key.
    pub key: KeyId,
    /// What it was used for.
    pub operation: Operation,
    /// When, by the clock of the host that answered.
    pub at: Timestamp,
    /// The request.
    pub request: RequestId,
    /// The event in the audit of the key's owner.
    pub event: EventId,
}

/// The uses that an outcome is: one for each key of a cryptographic operation that succeeded.
pub fn of_outcome(outcome: &Outcome) -> impl Iterator<Item = LastUse> {
    let audit = &outcome.audit;
    let operation = tracked(audit).filter(|_| outcome.result.is_ok());
    operation.into_iter().flat_map(move |operation| {
        audit.keys.iter().map(move |key| LastUse {
            key: key.id,
            operation,
            at: audit.at,
            request: audit.request,
            event: audit.event_id(key.account),
        })
    })
}

fn tracked(audit: &AuditRecord) -> Option<Operation> {
    TRACKED.contains(&audit.operation).then(|| Operation::parse(audit.operation))?
}

/// Gathers uses between two flushes; only the latest of each key is kept.
#[derive(Clone, Debug, Default)]
pub struct UseRecorder {
    latest: BTreeMap<KeyId, LastUse>,
}

impl UseRecorder {
    /// Takes note of an outcome that was given out.
    pub fn note(&mut self, outcome: &Outcome) {
        for use_of_key in of_outcome(outcome) {
            let latest = self.latest.entry(use_of_key.key).or_insert(use_of_key);
            if latest.at <= use_of_key.at {
                *latest = use_of_key;
            }
        }
    }

    /// Whether there is nothing to write down.
    pub fn is_empty(&self) -> bool {
        self.latest.is_empty()
    }

    /// What is to be appended now, each under an id of its own. None of it can conflict: a key that is
    /// gone by then is passed over, and a later use that another host has written stays.
    pub fn flush(&mut self) -> Vec<Append> {
        let uses: Vec<LastUse> = std::mem::take(&mut self.latest).into_values().collect();
        let entries = uses.chunks(MOST_IN_ENTRY);
        let change = |uses: &[LastUse]| vec![Change::PutLastUses(uses.into())];
        entries.map(|uses| Append { changes: change(uses), ..Append::default() }).collect()
    }
}

/// Uses of a key before this moment are not known.
pub(crate) fn tracked_since(key: &Key, settings: &Settings) -> Timestamp {
    settings.uses_tracked_since.max(key.created)
}

/// `kms:TrailingDaysWithoutKeyUsage`: whole days since the last use, or since uses are known.
pub(crate) fn trailing_days(
    key: &Key,
    last: Option<&LastUse>,
    settings: &Settings,
    now: Timestamp,
) -> u32 {
    let since = last.map_or_else(|| tracked_since(key, settings), |last| last.at);
    u32::try_from(now.since(since).as_secs() / DAY.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Caller;
    use crate::local::Local;
    use crate::name::{KeyArn, PrincipalArn};
    use crate::ops::{Request, disable_key, encrypt};
    use crate::policy::{Policy, PolicyKind};
    use std::sync::Arc;

    fn encrypted(local: &mut Local, key: KeyArn) -> Outcome {
        let owner = local.owner();
        local.outcome(key.region, &owner, &Request::from(encrypt::Request::new(key, *b"x")))
    }

    #[test]
    fn the_latest_use_of_each_key_is_flushed_once() {
        let mut local = Local::single_region();
        let keys = [local.create_key(), local.create_key()];
        let mut recorder = UseRecorder::default();
        let early = encrypted(&mut local, keys[0]);
        local.advance(Duration::from_secs(1));
        let late = encrypted(&mut local, keys[0]);
        for outcome in [&late, &early, &encrypted(&mut local, keys[1])] {
            recorder.note(outcome);
        }
        let appends = recorder.flush();
        let [Append { changes, preconditions, .. }] = &appends[..] else { panic!("{appends:?}") };
        let [Change::PutLastUses(uses)] = &changes[..] else { panic!("{changes:?}") };
        let at = |key: KeyArn| uses.iter().find(|one| one.key == key.id).map(|one| one.at);
        assert_eq!((at(keys[0]), at(keys[1])), (Some(late.audit.at), Some(late.audit.at)));
        assert!(preconditions.is_empty() && recorder.flush().is_empty());
    }

    #[test]
    fn a_long_list_is_several_entries() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let mut outcome = encrypted(&mut local, key);
        outcome.audit.keys = (0..1001_u32)
            .map(|number| {
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&number.to_be_bytes());
                KeyArn { id: KeyId::single_region(bytes), ..key }
            })
            .collect();
        let mut recorder = UseRecorder::default();
        recorder.note(&outcome);
        assert_eq!(recorder.flush().len(), 2);
    }

    #[test]
    fn a_policy_may_forbid_to_disable_what_was_used_lately() {
        let mut local = Local::single_region();
        let key = local.create_key();
        let policy = r#"{"Statement": {"Effect": "Allow", "Action": "kms:DisableKey",
            "Resource": "*",
            "Condition": {"NumericGreaterThanEquals": {"kms:TrailingDaysWithoutKeyUsage": "90"}}}}"#;
        let policy = Policy::parse(policy, PolicyKind::Identity).unwrap();
        let user = PrincipalArn::parse("arn:aws:iam::111122223333:user/tidy").unwrap();
        let tidy = Arc::new(Caller::new(user).with_policy(Arc::new(policy)));
        let disable = |local: &mut Local| {
            local.call_as(&tidy, disable_key::Request { key_id: key.into() }).is_ok()
        };
        local.advance(80 * DAY);
        assert!(encrypted(&mut local, key).result.is_ok());
        let used = local.now();
        local.advance(Duration::from_secs(60));
        local.set_time(used.after(90 * DAY - Duration::from_secs(1)));
        assert!(!disable(&mut local), "89 days, rounded down");
        local.set_time(used.after(90 * DAY));
        assert!(disable(&mut local));
    }
}
