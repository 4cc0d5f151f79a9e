//! Multi-Region keys: what the Regions of a set say to each other.
//!
//! A primary knows its replicas and pushes what the set shares; a replica follows. Every command may
//! arrive twice, late, or at a host that has not heard of the key yet: taking it again changes
//! nothing, and whoever sent it keeps trying. Sources: AWS KMS Developer Guide, Multi-Region keys;
//! AWS KMS Cryptographic Details, Replicating keys.

mod message;
mod replicas;
mod shared;

pub use message::{RegionCommand, RegionReply, ReplicaSeed};
pub use replicas::{Replica, Replicas};
pub use shared::{Shared, SharedMaterial};

use crate::env::Timestamp;
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{self, Command, TransferOffer, TransferredKey};
use crate::key::{Holding, Key, KeyManager, MultiRegion, Primary, Status, Transition};
use crate::kms::{Checks, Described, Effects, OwnKey, internal};
use crate::name::{KeyArn, KeyId, MaterialId, RegionName, TokenId};
use crate::ops::Response;
use crate::ops::create_key::{self, limit_exceeded};
use crate::ops::schedule_key_deletion::pending_deletion;
use crate::policy::Action;
use crate::state::Change;
use crate::step::{Counter, Next, Precondition, RecordId, UniqueName};
use crate::token::{KeyToken, TokenChange};
use crate::wire::Description;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Decides a command of another Region.
pub(crate) fn serve(checks: Checks<'_, '_>, command: &RegionCommand) -> Result<Next> {
    match command {
        RegionCommand::OfferReplica(seed) => offer_replica(checks, seed),
        RegionCommand::AcceptReplica { seed, shared, offer, transferred } => {
            accept_replica(checks, seed, shared, offer, transferred)
        }
        RegionCommand::RegisterReplica { id, region, replica } => {
            register_replica(checks, *id, *region, *replica)
        }
        RegionCommand::ForgetReplica { id, region, created } => {
            forget_replica(checks, *id, *region, *created)
        }
        RegionCommand::OfferTransfer { id, materials } => offer_transfer(checks, *id, materials),
        RegionCommand::Synchronize { id, shared, transfer, promotion } => {
            synchronize(checks, *id, shared, transfer.as_ref(), promotion.as_ref())
        }
        RegionCommand::ReportHolding { id, region, told } => {
            hear_of_holding(checks, *id, *region, *told)
        }
        RegionCommand::CheckSuccessor { id } => check_successor(checks, *id),
    }
}

/// ReplicateKey costs two CreateKey requests in the replica's Region, one of them a dry run (AWS KMS
/// Developer Guide, Request quotas).
fn offer_replica(mut checks: Checks<'_, '_>, seed: &ReplicaSeed) -> Result<Next> {
    let tags = create_key::tags(&seed.tags)?;
    let mut context = checks.context(Action::CreateKey);
    seed.kind().describe(&mut context);
    context.bypass_lockout_check = seed.bypass;
    context.request_tags = Some(&tags);
    checks.account(context)?;
    checks.charge_again()?;
    if !tags.is_empty() {
        checks.permit_on_account(context.for_action(Action::TagResource))?;
    }
    check_room(&checks, seed)?;
    let effects = checks.pass(false)?;
    effects.ask_hsm(Command::OfferTransfer { key: seed.id }, |reply, effects| match reply {
        hsm::Reply::Offer(offer) => {
            effects.answer(RegionReply::Offer { offer: Some(offer), missing: Vec::new() })
        }
        _ => Err(internal()),
    })
}

fn check_room(checks: &Checks<'_, '_>, seed: &ReplicaSeed) -> Result<()> {
    if checks.state().key(seed.id).is_some() {
        return Err(already_exists(checks.region(), seed));
    }
    let keys = checks.state().count(Counter::Keys(seed.account));
    if keys >= checks.settings().limits.keys {
        return Err(limit_exceeded());
    }
    Ok(())
}

fn already_exists(region: RegionName, seed: &ReplicaSeed) -> Error {
    let arn = KeyArn { region, account: seed.account, id: seed.id };
    ErrorCode::AlreadyExists.says(format!("{arn} already exists."))
}

fn accept_replica(
    mut checks: Checks<'_, '_>,
    seed: &ReplicaSeed,
    shared: &Shared,
    offer: &TransferOffer,
    transferred: &[TransferredKey],
) -> Result<Next> {
    if let Some(replica) = checks.own_key(seed.id) {
        return match is_the_same_replica(&replica, shared) {
            true => checks.pass(false)?.answer(RegionReply::Accepted(replica.shared_record())),
            false => Err(already_exists(checks.region(), seed)),
        };
    }
    check_room(&checks, seed)?;
    let replica = unborn_replica(&checks, seed)?;
    let limits = checks.settings().limits;
    let mut effects = checks.pass(false)?;
    effects.require_absent(UniqueName::Key(seed.id));
    effects.require(Precondition::CountBelow(Counter::Keys(seed.account), limits.keys));
    let shared = shared.clone();
    let command = Command::ImportBackingKeys {
        key: seed.id,
        offer: offer.clone(),
        transferred: transferred.to_vec(),
    };
    effects.ask_hsm(command, move |reply, mut effects| {
        let tokens = imported(reply)?;
        let mut replica = replica;
        shared.impose_on(&mut replica, &by_material(&tokens))?;
        let replica = Arc::new(replica);
        effects.record(Change::PutKey(replica.clone()));
        keep(&mut effects, tokens);
        effects.answer(RegionReply::Accepted(replica))
    })
}

/// A replica that is still being created from the same materials is what an earlier copy of this very
/// command made.
fn is_the_same_replica(replica: &Key, shared: &Shared) -> bool {
    let materials = replica.materials.iter().map(|material| material.id);
    matches!(replica.transition, Some(Transition::Creating { .. }))
        && materials.eq(shared.materials.iter().map(|material| material.id))
}

fn unborn_replica(checks: &Checks<'_, '_>, seed: &ReplicaSeed) -> Result<Key> {
    let arn = KeyArn { region: checks.region(), account: seed.account, id: seed.id };
    let now = checks.call().now;
    let tags = create_key::tags(&seed.tags)?;
    let described = Described::unborn(arn, seed.kind(), &tags);
    let policy = create_key::policy(checks, seed.policy.as_ref(), &described, seed.bypass)?;
    Ok(Key {
        arn,
        created: now,
        description: seed.description.as_ref().map_or("", Description::as_str).into(),
        spec: seed.spec,
        usage: seed.usage,
        origin: seed.origin,
        manager: KeyManager::Customer,
        status: Status::Enabled,
        transition: Some(Transition::Creating {
            until: now.after(checks.settings().creating_time),
        }),
        multi_region: None,
        policy,
        tags: Arc::new(tags),
        materials: SmallVec::new(),
        pending: None,
        awaiting: None,
        rotation: None,
        on_demand_rotations: 0,
        stored_in: None,
    })
}

fn register_replica(
    mut checks: Checks<'_, '_>,
    id: KeyId,
    region: RegionName,
    replica: Replica,
) -> Result<Next> {
    let key = known_here(&mut checks, id)?;
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    let Some(primary) = record.leading() else { return not_primary(effects, &key) };
    let news = primary.register(region, replica);
    let at = primary.shared_version;
    if news {
        record.status = waiting_for_replicas(record.status, effects.call().now);
        effects.record(Change::PutKey(Arc::new(record)));
    }
    effects.answer(RegionReply::Registered(at))
}

/// A primary that was about to be deleted when it heard of one more replica waits for that one, too.
pub(crate) fn waiting_for_replicas(status: Status, now: Timestamp) -> Status {
    match status {
        Status::PendingDeletion { at, .. } => {
            let week = Duration::from_secs(7 * 86_400);
            Status::PendingReplicaDeletion { window: at.since(now).max(week) }
        }
        other => other,
    }
}

fn forget_replica(
    mut checks: Checks<'_, '_>,
    id: KeyId,
    region: RegionName,
    created: Timestamp,
) -> Result<Next> {
    let Some(key) = checks.own_key(id) else {
        return checks.pass(false)?.answer(RegionReply::Forgotten);
    };
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    let Some(primary) = record.leading() else { return not_primary(effects, &key) };
    if primary.forget(region, created) {
        if let (true, Status::PendingReplicaDeletion { window }) =
            (primary.replicas.is_empty(), record.status)
        {
            record.status = pending_deletion(effects.call().now, window, effects.settings());
        }
        effects.record(Change::PutKey(Arc::new(record)));
    }
    effects.answer(RegionReply::Forgotten)
}

fn hear_of_holding(
    mut checks: Checks<'_, '_>,
    id: KeyId,
    region: RegionName,
    told: Holding,
) -> Result<Next> {
    let key = known_here(&mut checks, id)?;
    let mut effects = checks.pass(false)?;
    let mut record = key.to_record();
    if record.leading().is_none() {
        return not_primary(effects, &key);
    }
    if record.hear_of(region, told) {
        effects.record(Change::PutKey(Arc::new(record)));
    }
    effects.answer(RegionReply::Heard)
}

fn offer_transfer(mut checks: Checks<'_, '_>, id: KeyId, materials: &[MaterialId]) -> Result<Next> {
    let key = known_here(&mut checks, id)?;
    let held = |id: &&MaterialId| key.all_materials().any(|material| material.id == **id);
    let missing: Vec<_> = materials.iter().filter(|id| !held(id)).copied().collect();
    let effects = checks.pass(false)?;
    if missing.is_empty() {
        return effects.answer(RegionReply::Offer { offer: None, missing });
    }
    effects.ask_hsm(Command::OfferTransfer { key: id }, move |reply, effects| match reply {
        hsm::Reply::Offer(offer) => {
            effects.answer(RegionReply::Offer { offer: Some(offer), missing })
        }
        _ => Err(internal()),
    })
}

fn synchronize(
    mut checks: Checks<'_, '_>,
    id: KeyId,
    shared: &Shared,
    transfer: Option<&(TransferOffer, Vec<TransferredKey>)>,
    promotion: Option<&Replicas>,
) -> Result<Next> {
    let key = known_here(&mut checks, id)?;
    let effects = checks.pass(false)?;
    if let Some(at) = needs_nothing(&key, shared, promotion.is_some()) {
        return effects.answer(RegionReply::Synchronized(at));
    }
    if promotion.is_some() && key.status != Status::Enabled {
        return effects.answer(RegionReply::Declined);
    }
    let (shared, promotion) = (shared.clone(), promotion.cloned());
    let Some((offer, transferred)) = transfer else {
        return take_over(effects, &key, &shared, promotion, Vec::new());
    };
    let command = Command::ImportBackingKeys {
        key: id,
        offer: offer.clone(),
        transferred: transferred.clone(),
    };
    effects.ask_hsm(command, move |reply, effects| {
        take_over(effects, &key, &shared, promotion, imported(reply)?)
    })
}

/// The shared version the key is at, when it has nothing to learn. A primary learns only from the
/// Region it has handed its role to. What is older than what the key knows teaches nobody anything,
/// and a promotion that comes so late does not promote: the role has moved on since.
fn needs_nothing(key: &Key, shared: &Shared, promoted: bool) -> Option<u64> {
    match &key.multi_region {
        Some(MultiRegion::Replica { shared_version, .. }) => {
            let known = *shared_version >= shared.version;
            let outdated = *shared_version > shared.version;
            (outdated || known && !promoted).then_some(*shared_version)
        }
        Some(MultiRegion::Primary(primary)) => {
            let handed_over = primary.successor == Some(shared.primary);
            let learns = handed_over && shared.version >= primary.shared_version;
            (!learns).then_some(primary.shared_version)
        }
        None => Some(0),
    }
}

fn take_over(
    mut effects: Effects<'_, '_>,
    key: &OwnKey,
    shared: &Shared,
    promotion: Option<Replicas>,
    tokens: Vec<Arc<KeyToken>>,
) -> Result<Next> {
    let mut record = key.to_record();
    shared.impose_on(&mut record, &by_material(&tokens))?;
    let kept: Vec<_> = record.tokens().collect();
    for dropped in key.tokens().filter(|token| !kept.contains(token)) {
        effects.record_token(TokenChange::Erase(dropped));
    }
    if let Some(replicas) = promotion {
        promote(&mut record, shared, replicas, &effects);
    }
    effects.record(Change::PutKey(Arc::new(record)));
    keep(&mut effects, tokens);
    effects.answer(RegionReply::Synchronized(shared.version))
}

/// The new primary. Where the primary is, is shared too, so every replica has something to learn.
fn promote(record: &mut Key, shared: &Shared, replicas: Replicas, effects: &Effects<'_, '_>) {
    let shared_version = shared.version + 1;
    if let Some(pending) = &mut record.pending {
        pending.needs = shared_version;
    }
    record.multi_region = Some(MultiRegion::Primary(Primary {
        shared_version,
        replicas,
        awaiting_since: shared_version,
        ..Primary::default()
    }));
    let until = effects.call().now.after(effects.settings().updating_time);
    record.transition = Some(Transition::Updating { until });
}

fn check_successor(mut checks: Checks<'_, '_>, id: KeyId) -> Result<Next> {
    let mut context = checks.context(Action::UpdatePrimaryRegion);
    let region = checks.region();
    context.primary_region = Some(region.as_str());
    let key = checks.key_by_id(id, context, &[])?;
    if !key.is_replica() || key.state() != crate::key::KeyState::Enabled {
        return Err(
            ErrorCode::KmsInvalidState.says(format!("{} is not an enabled replica.", key.arn))
        );
    }
    checks.pass(false)?.answer(RegionReply::MayBePrimary)
}

fn known_here(checks: &mut Checks<'_, '_>, id: KeyId) -> Result<OwnKey> {
    checks.own_key(id).ok_or_else(|| ErrorCode::NotFound.says(format!("Key '{id}' does not exist")))
}

fn not_primary(effects: Effects<'_, '_>, key: &Key) -> Result<Next> {
    match &key.multi_region {
        Some(MultiRegion::Replica { primary, .. })
        | Some(MultiRegion::Primary(Primary { successor: Some(primary), .. })) => {
            effects.answer(RegionReply::NotPrimary(*primary))
        }
        _ => Err(internal()),
    }
}

fn imported(reply: hsm::Reply) -> Result<Vec<Arc<KeyToken>>> {
    match reply {
        hsm::Reply::Tokens { tokens } => Ok(tokens),
        _ => Err(internal()),
    }
}

fn by_material(tokens: &[Arc<KeyToken>]) -> BTreeMap<MaterialId, TokenId> {
    tokens.iter().map(|token| (token.material, token.id)).collect()
}

fn keep(effects: &mut Effects<'_, '_>, tokens: Vec<Arc<KeyToken>>) {
    for token in tokens {
        effects.record_token(TokenChange::Put(token));
    }
}

impl Key {
    /// What this key knows of its set, if it is its primary and goes on being it. One that hands its
    /// role over hears of nothing more: its successor has been told what it knew.
    fn leading(&mut self) -> Option<&mut Primary> {
        match &mut self.multi_region {
            Some(MultiRegion::Primary(primary)) if primary.successor.is_none() => Some(primary),
            _ => None,
        }
    }
}

impl Effects<'_, '_> {
    fn answer(self, reply: RegionReply) -> Result<Next> {
        self.done(Response::Region(reply))
    }

    /// The newest record of a key, instead of the one the checks saw; the append then depends on that
    /// one. For what is right whatever happened to the key in between.
    pub(crate) fn newest(&mut self, id: KeyId) -> Option<Key> {
        let (key, version) = self.state().key(id)?;
        self.require_only_the_domain();
        self.require(Precondition::VersionIs(RecordId::Key(id), version));
        Some(Key::clone(key))
    }
}
