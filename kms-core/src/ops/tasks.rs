//! What the tasks do that fall due: the operations without a caller.
//!
//! A task checks for itself that it is still due, because two workers may carry it out, and the state
//! may have changed since. One that has nothing left to do is done.

mod imported;
mod key_stores;

use crate::env::Timestamp;
use crate::error::Result;
use crate::hsm::{self, BackingKeyRef, Command, TransferOffer, TransferredKey};
use crate::key::{Key, MultiRegion, RotationType, Status, Transition};
use crate::kms::{Checks, Effects, OwnKey, internal};
use crate::multi_region::{RegionCommand, RegionReply, Replica, Replicas, Shared};
use crate::name::{KeyId, RegionName};
use crate::ops::Response;
use crate::rotation;
use crate::state::{Change, Departure, DomainRecord};
use crate::step::Next;
use crate::task::{DOMAIN_KEY_LIFE, Task, due_of_key};
use crate::token::{DomainEpoch, TokenChange};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many key tokens one command re-encrypts.
const TOKENS_AT_ONCE: usize = 64;

/// Decides a task.
pub(crate) fn task(checks: Checks<'_, '_>, task: &Task) -> Result<Next> {
    match task {
        Task::RotateKey(id) => rotate_key(checks, *id),
        Task::DeleteKey(id) => delete_key(checks, *id),
        Task::FinishReplica(id) => finish_replica(checks, *id),
        Task::Synchronize(id, region) => synchronize(checks, *id, *region),
        Task::PromoteMaterial(id) => change_key(checks, task, *id, |record, now| {
            rotation::promote(record, now);
        }),
        Task::HandOver(id) => hand_over(checks, *id),
        Task::FinishUpdate(id) => {
            change_key(checks, task, *id, |record, _| record.transition = None)
        }
        Task::ReportDeparture(id) => report_departure(checks, *id),
        Task::ExpireMaterial(id) => imported::expire_material(checks, *id),
        Task::ReportHolding(id) => imported::report_holding(checks, *id),
        Task::RotateDomainKey => rotate_domain_key(checks, Turn::Due),
        Task::ReencryptTokens(epoch) => reencrypt_tokens(checks, *epoch),
        Task::ConnectKeyStore(id) => key_stores::connect(checks, *id),
        Task::DisconnectKeyStore(id) => key_stores::disconnect(checks, *id),
    }
}

fn rotate_key(mut checks: Checks<'_, '_>, id: KeyId) -> Result<Next> {
    let now = checks.call().now;
    let due = |key: &OwnKey| {
        key.status == Status::Enabled
            && key.pending.is_none()
            && !key.is_replica()
            && key.rotation.is_some_and(|schedule| schedule.next <= now)
    };
    let Some(key) = checks.own_key(id).filter(due) else { return done(checks) };
    let effects = checks.pass(false)?;
    let command = Command::GenerateBackingKey { key: id, spec: key.spec };
    effects.ask_hsm(command, move |reply, mut effects| {
        let hsm::Reply::BackingKey { token, .. } = reply else { return Err(internal()) };
        let mut record = key.to_record();
        record.rotation = record.rotation.map(|schedule| schedule.after_rotation(now));
        rotation::take_material(&mut record, &token, RotationType::Automatic, now);
        effects.record(Change::PutKey(Arc::new(record)));
        effects.record_token(TokenChange::Put(token));
        effects.done(Response::TaskDone)
    })
}

/// The end of a key: its record, its aliases and grants, and its key tokens, which no log keeps.
fn delete_key(mut checks: Checks<'_, '_>, id: KeyId) -> Result<Next> {
    let now = checks.call().now;
    let due = |key: &OwnKey| match key.status {
        Status::PendingDeletion { erase, .. } => erase <= now,
        _ => false,
    };
    let Some(key) = checks.own_key(id).filter(due) else { return done(checks) };
    key_stores::destroy(checks.pass(false)?, &key.clone(), move |effects| erase(effects, &key))
}

fn erase(mut effects: Effects<'_, '_>, key: &OwnKey) -> Result<Next> {
    let id = key.id();
    effects.record(Change::EraseKey(id));
    if let Some(MultiRegion::Replica { primary, .. }) = &key.multi_region {
        effects.record(Change::PutDeparture(
            id,
            Departure { primary: *primary, created: key.created },
        ));
    }
    for token in key.tokens() {
        effects.record_token(TokenChange::Erase(token));
    }
    effects.done(Response::TaskDone)
}

fn finish_replica(mut checks: Checks<'_, '_>, id: KeyId) -> Result<Next> {
    let Some(key) = checks.own_key(id) else { return done(checks) };
    let region = checks.region();
    let (
        Some(Transition::Creating { .. }),
        Some(MultiRegion::Replica { primary, shared_version, .. }),
    ) = (key.transition, &key.multi_region)
    else {
        return done(checks);
    };
    let (primary, version) = (*primary, *shared_version);
    let replica = Replica { created: key.created, version };
    let command = RegionCommand::RegisterReplica { id, region, replica };
    checks.pass(false)?.ask_region(primary, command, move |reply, mut effects| {
        let Some(mut record) = effects.newest(id) else {
            return effects.done(Response::TaskDone);
        };
        let Some(MultiRegion::Replica { shared_version, .. }) = &record.multi_region else {
            return effects.done(Response::TaskDone);
        };
        match reply {
            // Enabled only once it has everything the primary has; the primary will send it.
            RegionReply::Registered(at) if at > *shared_version => {
                return effects.done(Response::TaskDone);
            }
            RegionReply::Registered(_) => record.transition = None,
            RegionReply::NotPrimary(region) if record.follow(region) => {}
            RegionReply::NotPrimary(_) => return effects.done(Response::TaskDone),
            _ => return Err(internal()),
        }
        effects.record(Change::PutKey(Arc::new(record)));
        effects.done(Response::TaskDone)
    })
}

fn synchronize(mut checks: Checks<'_, '_>, id: KeyId, region: RegionName) -> Result<Next> {
    let Some(key) = checks.own_key(id) else { return done(checks) };
    let behind = key.as_primary().and_then(|primary| {
        let replica = primary.replicas.get(region)?;
        (replica.version < primary.shared_version).then_some((primary, replica))
    });
    let Some((primary, replica)) = behind else { return done(checks) };
    let shared = Shared::of(&key, primary);
    push(checks.pass(false)?, key, region, shared, None, move |reply, mut effects| {
        let RegionReply::Synchronized(version) = reply else { return Err(internal()) };
        if let Some(mut record) = effects.newest(id)
            && let Some(MultiRegion::Primary(primary)) = &mut record.multi_region
            && primary.replicas.acknowledge(region, Replica { version, ..replica })
        {
            effects.record(Change::PutKey(Arc::new(record)));
        }
        effects.done(Response::TaskDone)
    })
}

fn hand_over(mut checks: Checks<'_, '_>, id: KeyId) -> Result<Next> {
    let Some(key) = checks.own_key(id) else { return done(checks) };
    let here = checks.region();
    let handing = key.as_primary().and_then(|primary| Some((primary, primary.successor?)));
    let Some((primary, successor)) = handing else { return done(checks) };
    let shared = Shared::of(&key, primary);
    let version = shared.version;
    let myself = Replica { created: key.created, version };
    let handed_over = primary.replicas.handed_over(successor, here, myself);
    let replicas: BTreeSet<_> = handed_over.regions().collect();
    let promotion = Some(handed_over);
    push(checks.pass(false)?, key, successor, shared, promotion, move |reply, mut effects| {
        let Some(mut record) = effects.newest(id) else {
            return effects.done(Response::TaskDone);
        };
        let Some(MultiRegion::Primary(primary)) = &mut record.multi_region else {
            return effects.done(Response::TaskDone);
        };
        match reply {
            RegionReply::Synchronized(_) => {
                record.multi_region = Some(MultiRegion::Replica {
                    primary: successor,
                    shared_version: version,
                    owes_report: record.awaiting.is_some(),
                    replicas,
                });
                let until = effects.call().now.after(effects.settings().updating_time);
                record.transition = Some(Transition::Updating { until });
            }
            RegionReply::Declined => {
                primary.successor = None;
                record.transition = None;
            }
            _ => return Err(internal()),
        }
        effects.record(Change::PutKey(Arc::new(record)));
        effects.done(Response::TaskDone)
    })
}

/// Sends a replica what it lacks: an offer from there, a wrapping here, and the whole of it there.
fn push(
    effects: Effects<'_, '_>,
    key: OwnKey,
    region: RegionName,
    shared: Shared,
    promotion: Option<Replicas>,
    then: impl FnOnce(RegionReply, Effects<'_, '_>) -> Result<Next> + Send + 'static,
) -> Result<Next> {
    let id = key.id();
    let command = RegionCommand::OfferTransfer { id, materials: key.materials_to_send() };
    effects.ask_region(region, command, move |reply, effects| {
        let send = move |transfer, effects: Effects<'_, '_>| {
            let command = RegionCommand::Synchronize { id, shared, transfer, promotion };
            effects.ask_region(region, command, then)
        };
        match reply {
            RegionReply::Offer { offer: None, .. } => send(None, effects),
            RegionReply::Offer { offer: Some(offer), missing } => {
                let keys = missing.iter().map(|id| key.to_move(*id).ok_or_else(internal));
                let keys = keys.collect::<Result<_>>()?;
                export(effects, keys, offer, move |transfer, effects| send(Some(transfer), effects))
            }
            _ => Err(internal()),
        }
    })
}

/// Wraps materials for another Region's offer.
pub(super) fn export(
    effects: Effects<'_, '_>,
    keys: Vec<BackingKeyRef>,
    offer: TransferOffer,
    then: impl FnOnce((TransferOffer, Vec<TransferredKey>), Effects<'_, '_>) -> Result<Next>
    + Send
    + 'static,
) -> Result<Next> {
    let command = Command::ExportBackingKeys { keys, offer: Box::new(offer.clone()) };
    effects.ask_hsm(command, move |reply, effects| match reply {
        hsm::Reply::Transferred(transferred) => then((offer, transferred), effects),
        _ => Err(internal()),
    })
}

fn report_departure(checks: Checks<'_, '_>, id: KeyId) -> Result<Next> {
    let Some(departure) = checks.state().departure(id) else { return done(checks) };
    let created = departure.created;
    let command = RegionCommand::ForgetReplica { id, region: checks.region(), created };
    let effects = checks.pass(false)?;
    effects.ask_region(departure.primary, command, move |reply, mut effects| {
        match reply {
            RegionReply::Forgotten => effects.record(Change::RemoveDeparture(id)),
            RegionReply::NotPrimary(primary) => {
                effects.record(Change::PutDeparture(id, Departure { primary, created }));
            }
            _ => return Err(internal()),
        }
        effects.done(Response::TaskDone)
    })
}

/// Decides an operator's order to rotate the domain key.
pub(crate) fn order_domain_key_rotation(checks: Checks<'_, '_>) -> Result<Next> {
    rotate_domain_key(checks, Turn::Ordered)
}

/// Why the domain key is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It is its time.
    Due,
    /// An operator says so.
    Ordered,
}

/// Rotates the domain key. Whoever wants it, it has to wait until no key token is under an older one:
/// each rotation drops the oldest domain key, and with it would go what is still under that.
fn rotate_domain_key(mut checks: Checks<'_, '_>, turn: Turn) -> Result<Next> {
    let now = checks.call().now;
    let due = |domain: &DomainRecord| {
        let time = turn == Turn::Ordered || domain.rotated.after(DOMAIN_KEY_LIFE) <= now;
        time && domain.tokens_since == domain.token.active
    };
    let Some(domain) = checks.read_domain().filter(due) else { return done(checks) };
    let from = domain.token.active;
    checks.pass(false)?.ask_hsm(Command::RotateDomainKey { from }, move |reply, mut effects| {
        let hsm::Reply::Domain { token } = reply else { return Err(internal()) };
        effects.record(Change::PutDomain(DomainRecord { token, rotated: now, ..domain }));
        effects.done(Response::TaskDone)
    })
}

/// Re-encrypts some key tokens; when none is left, says so in the domain's record. No new token can be
/// missed: none is committed that was made before the rotation.
fn reencrypt_tokens(mut checks: Checks<'_, '_>, epoch: DomainEpoch) -> Result<Next> {
    let due = |domain: &DomainRecord| domain.token.active == epoch && domain.tokens_since < epoch;
    let Some(domain) = checks.read_domain().filter(due) else { return done(checks) };
    let tokens = checks.tokens().older_than(epoch, TOKENS_AT_ONCE);
    let mut effects = checks.pass(false)?;
    if tokens.is_empty() {
        effects.record(Change::PutDomain(DomainRecord { tokens_since: epoch, ..domain }));
        return effects.done(Response::TaskDone);
    }
    let command = Command::ReencryptTokens { tokens, under: epoch };
    effects.ask_hsm(command, |reply, mut effects| {
        let hsm::Reply::Tokens { tokens } = reply else { return Err(internal()) };
        for token in tokens {
            effects.record_token(TokenChange::Reencrypt(token));
        }
        effects.done(Response::TaskDone)
    })
}

fn change_key(
    mut checks: Checks<'_, '_>,
    task: &Task,
    id: KeyId,
    change: impl FnOnce(&mut Key, Timestamp),
) -> Result<Next> {
    let now = checks.call().now;
    let due = |key: &OwnKey| due_of_key(key).any(|due| due.task == *task && due.at <= now);
    let Some(key) = checks.own_key(id).filter(due) else { return done(checks) };
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    change(&mut record, effects.call().now);
    effects.record(Change::PutKey(Arc::new(record)));
    effects.done(Response::TaskDone)
}

fn done(checks: Checks<'_, '_>) -> Result<Next> {
    checks.pass(false)?.done(Response::TaskDone)
}
