//! Work that falls due: rotation, deletion, synchronisation, re-encryption of key tokens.
//!
//! What is due follows from the state alone, so any worker that follows the log knows all of it. A
//! task is carried out like an operation, through decision and append; its id makes a second attempt
//! harmless. Nothing here happens as a side effect of a read.

use crate::env::Timestamp;
use crate::key::{Key, MultiRegion, Status, Transition};
use crate::key_store::{Connection, KeyStore, KeyStoreId};
use crate::name::{KeyId, RegionName};
use crate::state::DomainRecord;
use crate::token::DomainEpoch;
use std::fmt;
use std::time::Duration;

/// How long a domain key stays active (AWS KMS Cryptographic Details, Key hierarchy: daily).
pub const DOMAIN_KEY_LIFE: Duration = Duration::from_secs(86_400);

/// One piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// An automatic rotation.
    RotateKey(KeyId),
    /// The end of a waiting period.
    DeleteKey(KeyId),
    /// A replica in `Creating` makes itself known to its primary.
    FinishReplica(KeyId),
    /// A replica has not acknowledged what the keys of its set share.
    Synchronize(KeyId, RegionName),
    /// Every replica has a new material: it becomes current.
    PromoteMaterial(KeyId),
    /// A former primary tells its successor to take over.
    HandOver(KeyId),
    /// A new primary or a former one leaves `Updating`.
    FinishUpdate(KeyId),
    /// A deleted replica is reported to its primary.
    ReportDeparture(KeyId),
    /// An imported key material has reached its end.
    ExpireMaterial(KeyId),
    /// A replica tells its primary whether it holds the material that awaits rotation.
    ReportHolding(KeyId),
    /// The active domain key is a day old.
    RotateDomainKey,
    /// Key tokens are under an older domain key than the active one.
    ReencryptTokens(DomainEpoch),
    /// A custom key store is being connected.
    ConnectKeyStore(KeyStoreId),
    /// A custom key store is being disconnected.
    DisconnectKeyStore(KeyStoreId),
}

impl Task {
    /// The name in audit and history.
    pub fn name(&self) -> &'static str {
        match self {
            Task::RotateKey(_) | Task::PromoteMaterial(_) => "RotateKey",
            Task::DeleteKey(_) => "DeleteKey",
            Task::FinishReplica(_) => "FinishReplica",
            Task::Synchronize(..) => "SynchronizeMultiRegionKey",
            Task::HandOver(_) => "HandOverPrimary",
            Task::FinishUpdate(_) => "FinishPrimaryUpdate",
            Task::ReportDeparture(_) => "ReportDeparture",
            Task::ExpireMaterial(_) => "DeleteExpiredKeyMaterial",
            Task::ReportHolding(_) => "ReportHolding",
            Task::RotateDomainKey => "RotateDomainKey",
            Task::ReencryptTokens(_) => "ReencryptTokens",
            Task::ConnectKeyStore(_) => "FinishConnection",
            Task::DisconnectKeyStore(_) => "FinishDisconnection",
        }
    }

    /// The key the task is about, if it is about one.
    pub fn key(&self) -> Option<KeyId> {
        match self {
            Task::RotateKey(id)
            | Task::DeleteKey(id)
            | Task::FinishReplica(id)
            | Task::Synchronize(id, _)
            | Task::PromoteMaterial(id)
            | Task::HandOver(id)
            | Task::FinishUpdate(id)
            | Task::ReportDeparture(id)
            | Task::ExpireMaterial(id)
            | Task::ReportHolding(id) => Some(*id),
            Task::RotateDomainKey
            | Task::ReencryptTokens(_)
            | Task::ConnectKeyStore(_)
            | Task::DisconnectKeyStore(_) => None,
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key() {
            Some(key) => write!(f, "{} {key}", self.name()),
            None => f.write_str(self.name()),
        }
    }
}

/// A task and the earliest moment for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// Not before, by the clock of whoever carries it out.
    pub at: Timestamp,
    /// What.
    pub task: Task,
}

impl Due {
    /// A deleted replica's report to its primary.
    pub(crate) fn departure(id: KeyId, at: Timestamp) -> Due {
        Due { at, task: Task::ReportDeparture(id) }
    }

    pub(crate) fn is_departure_of(&self, id: KeyId) -> bool {
        self.task == Task::ReportDeparture(id)
    }

    pub(crate) fn concerns_key_store(&self, store: KeyStoreId) -> bool {
        [Task::ConnectKeyStore(store), Task::DisconnectKeyStore(store)].contains(&self.task)
    }

    pub(crate) fn concerns_domain(&self) -> bool {
        matches!(self.task, Task::RotateDomainKey | Task::ReencryptTokens(_))
    }
}

/// What a key's record makes due.
pub fn due_of_key(key: &Key) -> impl Iterator<Item = Due> {
    let id = key.id();
    let now = Timestamp::EPOCH;
    let deletion = match key.status {
        Status::PendingDeletion { erase, .. } => Some((erase, Task::DeleteKey(id))),
        _ => None,
    };
    let transition = match (key.transition, &key.multi_region) {
        (Some(Transition::Creating { until }), _) => Some((until, Task::FinishReplica(id))),
        (Some(Transition::Updating { until }), _) => {
            let successor = key.as_primary().and_then(|primary| primary.successor);
            let task = successor.map_or(Task::FinishUpdate(id), |_| Task::HandOver(id));
            Some((until, task))
        }
        (None, _) => None,
    };
    let expiry = key.next_expiry().map(|at| (at, Task::ExpireMaterial(id)));
    let report = match &key.multi_region {
        Some(MultiRegion::Replica { owes_report: true, .. }) => {
            Some((now, Task::ReportHolding(id)))
        }
        _ => None,
    };
    let rest = [rotation_due(key), deletion, transition, expiry, report].into_iter().flatten();
    let synchronisation = synchronisation_due(key).map(move |task| (now, task));
    rest.chain(synchronisation).map(|(at, task)| Due { at, task })
}

fn rotation_due(key: &Key) -> Option<(Timestamp, Task)> {
    let rotates = key.status == Status::Enabled
        && key.transition.is_none()
        && key.pending.is_none()
        && !key.is_replica();
    let schedule = key.rotation.filter(|_| rotates)?;
    Some((schedule.next, Task::RotateKey(key.id())))
}

fn synchronisation_due(key: &Key) -> impl Iterator<Item = Task> {
    let id = key.id();
    let primary = key.as_primary().filter(|primary| primary.successor.is_none());
    let behind = primary.into_iter().flat_map(move |primary| {
        let behind = primary.replicas.iter().filter(|(_, at)| at.version < primary.shared_version);
        behind.map(move |(region, _)| Task::Synchronize(id, region))
    });
    let promotable = primary.zip(key.pending.as_ref()).is_some_and(|(primary, pending)| {
        primary.replicas.iter().all(|(_, replica)| replica.version >= pending.needs)
    });
    behind.chain(promotable.then_some(Task::PromoteMaterial(id)))
}

/// What the domain's record makes due. A domain key is not rotated again before every key token is
/// under the active one, so that dropping the oldest never loses a key.
pub fn due_of_domain(record: &DomainRecord) -> Option<Due> {
    let active = record.token.active;
    if record.tokens_since < active {
        return Some(Due { at: record.rotated, task: Task::ReencryptTokens(active) });
    }
    Some(Due { at: record.rotated.after(DOMAIN_KEY_LIFE), task: Task::RotateDomainKey })
}

/// What a custom key store's record makes due: the end of connecting and of disconnecting.
pub fn due_of_key_store(store: &KeyStore) -> Option<Due> {
    match store.connection {
        Connection::Connecting { until } => {
            Some(Due { at: until, task: Task::ConnectKeyStore(store.id) })
        }
        Connection::Disconnecting { until } => {
            Some(Due { at: until, task: Task::DisconnectKeyStore(store.id) })
        }
        _ => None,
    }
}
