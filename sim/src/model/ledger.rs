//! What a Region's log makes of its records, at every position.

use super::imports;
use super::internal::{self, Lineage};
use super::key::{Key, Passage, Schedule, Shown, Wish};
use super::kind::Kind;
use super::states::{need, refusal};
use super::versions::Versions;
use crate::clock::SimTime;
use crate::history::{CallFacts, Changed, Digest, Grantee, Imports, SetRole, Target, Wanted};
use crate::oracle::Context;
use kms_core::env::{RequestId, Timestamp};
use kms_core::key::KeyState;
use kms_core::name::{AccountId, GrantId, KeyId, MaterialId, RegionName};
use kms_core::token::DomainEpoch;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How the names begin that AWS keeps for keys of its services. Every account has them, so those that
/// have a key count no more than those that have none.
const PREDEFINED: &str = "alias/aws/";

/// A grant, by the request that made it.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) key: KeyId,
    pub(super) facts: Arc<CallFacts>,
    /// Known once a client was told.
    pub(super) id: Option<GrantId>,
    pub(super) alive: Versions<bool>,
}

/// What is true of all keys of a set together, and of a single key too.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Every material that was current, oldest first.
    pub(super) materials: Vec<MaterialId>,
    /// Which material wrapped bytes were, by the import token they came with.
    pub(super) brought: BTreeMap<(Digest, Digest), MaterialId>,
    /// Whose keys they are.
    account: Option<AccountId>,
    /// What kind of key they are.
    pub(super) kind: Kind,
    schedule: Option<Schedule>,
    on_demand: u32,
}

/// A key in a Region and what hangs on it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Nothing once it is erased.
    pub(super) key: Versions<Option<Key>>,
    /// Indices into the Region's grants, by grantee.
    grants: BTreeMap<Arc<str>, Vec<usize>>,
    pub(super) grant_count: Versions<u64>,
    pub(super) alias_count: Versions<u64>,
}

/// A Region's records.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    position: u64,
    pub(super) keys: BTreeMap<KeyId, Slot>,
    pub(super) key_count: BTreeMap<AccountId, Versions<u64>>,
    pub(super) aliases: BTreeMap<AccountId, BTreeMap<Arc<str>, Versions<Option<KeyId>>>>,
    pub(super) alias_count: BTreeMap<AccountId, Versions<u64>>,
    pub(super) grants: Vec<Grant>,
    pub(super) grant_ids: BTreeMap<GrantId, usize>,
    by_request: BTreeMap<RequestId, usize>,
    domain_key: Versions<DomainEpoch>,
}

/// A log entry.
pub(crate) struct Commit<'c> {
    pub(crate) region: RegionName,
    pub(crate) position: u64,
    pub(crate) at: SimTime,
    pub(crate) id: RequestId,
    pub(crate) changes: &'c [Changed],
    /// When its request was sent and what it asked, if a client asked for it.
    pub(crate) asked: Option<(SimTime, &'c Arc<CallFacts>)>,
}

/// Counts up or down from a position on.
fn add(count: &mut Versions<u64>, commit: &Commit<'_>, by: i64) {
    let now = count.last().copied().unwrap_or(0).saturating_add_signed(by);
    count.put(commit.position, commit.at, now);
}

impl Slot {
    /// Every grant made on the key for a principal, in force or not.
    pub(super) fn grants_for(&self, principal: &str) -> &[usize] {
        self.grants.get(principal).map_or(&[], Vec::as_slice)
    }
}

impl Ledger {
    /// How long the log is.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The domain key that was active at a position. The first record has the first one.
    pub(super) fn domain_key(&self, position: u64) -> DomainEpoch {
        self.domain_key.at(position).copied().unwrap_or(DomainEpoch(1))
    }

    /// A key at a position.
    pub(super) fn key(&self, id: KeyId, position: u64) -> Option<&Key> {
        self.keys.get(&id)?.key.at(position)?.as_ref()
    }

    /// Takes over a log entry, and says what is wrong with it.
    pub(super) fn apply(
        &mut self,
        commit: &Commit<'_>,
        lines: &mut BTreeMap<KeyId, Lines>,
        context: &Context<'_>,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        if commit.position != self.position + 1 {
            problems.push(format!("entry {} follows entry {}", commit.position, self.position));
        }
        self.position = commit.position;
        if let Some((_, facts)) = commit.asked {
            if facts.dry_run {
                problems.push("a dry run changed something".to_owned());
            }
            problems.extend(self.apply_names(commit, facts));
        }
        for change in commit.changes {
            problems.extend(self.apply_change(change, commit, lines, context).err());
        }
        problems
    }

    fn apply_change(
        &mut self,
        change: &Changed,
        commit: &Commit<'_>,
        lines: &mut BTreeMap<KeyId, Lines>,
        context: &Context<'_>,
    ) -> Result<(), String> {
        match (change, Shown::of(change)) {
            (Changed::KeyErased(id), _) => self.erase(*id, commit, context),
            (Changed::Key { id, .. }, Some(shown)) => {
                let lines = lines.entry(*id).or_default();
                let before = self.keys.get(id).and_then(|slot| slot.key.last().cloned().flatten());
                let (key, problem) = match &before {
                    Some(key) => changed(key, &shown, commit, lines, context),
                    None => born(*id, &shown, commit, lines),
                };
                if let Some((_, facts)) = commit.asked {
                    if before.is_none() {
                        lines.kind = Kind::of(&facts.wanted);
                    }
                    imports::learn(lines, before.as_ref(), &key, &facts.wanted);
                }
                self.keep(*id, key, commit, lines);
                problem.map_or(Ok(()), |problem| Err(format!("{id}: {problem}")))
            }
            (Changed::Domain(active), _) => {
                self.domain_key.put(commit.position, commit.at, *active);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn keep(&mut self, id: KeyId, key: Key, commit: &Commit<'_>, lines: &mut Lines) {
        if !key.is_replica() {
            lines.schedule = key.schedule;
            lines.on_demand = key.on_demand;
            lines.account = Some(key.account);
        }
        if let Some(material) = key.material.filter(|material| !lines.materials.contains(material))
        {
            lines.materials.push(material);
        }
        let slot = self.keys.entry(id).or_default();
        if slot.key.last().is_none_or(Option::is_none) {
            add(self.key_count.entry(key.account).or_default(), commit, 1);
        }
        slot.key.put(commit.position, commit.at, Some(key));
    }

    fn erase(
        &mut self,
        id: KeyId,
        commit: &Commit<'_>,
        context: &Context<'_>,
    ) -> Result<(), String> {
        let Some(slot) = self.keys.get_mut(&id) else { return Err(format!("{id} never was")) };
        let Some(key) = slot.key.last().cloned().flatten() else {
            return Err(format!("{id} is erased twice"));
        };
        slot.key.put(commit.position, commit.at, None);
        slot.alias_count.put(commit.position, commit.at, 0);
        slot.grant_count.put(commit.position, commit.at, 0);
        for index in std::mem::take(&mut slot.grants).into_values().flatten() {
            self.grants[index].alive.put(commit.position, commit.at, false);
        }
        add(self.key_count.entry(key.account).or_default(), commit, -1);
        self.drop_aliases(id, key.account, commit);
        may_erase(&key, commit, context).map_err(|problem| format!("{id}: {problem}"))
    }

    fn drop_aliases(&mut self, id: KeyId, account: AccountId, commit: &Commit<'_>) {
        let Some(aliases) = self.aliases.get_mut(&account) else { return };
        for alias in aliases.values_mut() {
            if alias.last() == Some(&Some(id)) {
                alias.put(commit.position, commit.at, None);
                add(self.alias_count.entry(account).or_default(), commit, -1);
            }
        }
    }

    /// Aliases and grants, which the log shows as changes of something that is no key.
    fn apply_names(&mut self, commit: &Commit<'_>, facts: &Arc<CallFacts>) -> Option<String> {
        match &facts.wanted {
            Wanted::CreateAlias { alias, key } | Wanted::UpdateAlias { alias, key } => {
                let Target::Key { id, .. } = key else {
                    return Some("an alias stands for something that is no key".to_owned());
                };
                let creates = matches!(facts.wanted, Wanted::CreateAlias { .. });
                self.point(facts.account, alias, Some(*id), creates, commit)
            }
            Wanted::DeleteAlias { alias } => self.point(facts.account, alias, None, false, commit),
            Wanted::CreateGrant { key: Target::Key { id, .. }, grantee, .. } => {
                self.make_grant(*id, grantee, facts, commit);
                None
            }
            Wanted::RetireGrant { grant: Some(grant), .. }
            | Wanted::RevokeGrant { grant: Some(grant), .. } => self.end_grant(*grant, commit),
            _ => None,
        }
    }

    /// Points an alias somewhere or nowhere.
    fn point(
        &mut self,
        account: AccountId,
        alias: &Arc<str>,
        to: Option<KeyId>,
        creates: bool,
        commit: &Commit<'_>,
    ) -> Option<String> {
        let aliases = self.aliases.entry(account).or_default();
        let past = aliases.entry(alias.clone()).or_default();
        let from = past.last().copied().flatten();
        past.put(commit.position, commit.at, to);
        let moves = [(from, -1), (to, 1)];
        for (key, by) in moves.into_iter().filter_map(|(key, by)| Some((key?, by))) {
            if !alias.starts_with(PREDEFINED) {
                add(self.alias_count.entry(account).or_default(), commit, by);
            }
            if let Some(slot) = self.keys.get_mut(&key) {
                add(&mut slot.alias_count, commit, by);
            }
        }
        match (creates, from) {
            (true, Some(_)) => Some(format!("{alias} was created twice")),
            (false, None) => Some(format!("{alias} was changed and did not exist")),
            _ => None,
        }
    }

    fn make_grant(
        &mut self,
        key: KeyId,
        grantee: &Grantee,
        facts: &Arc<CallFacts>,
        commit: &Commit<'_>,
    ) {
        let mut alive = Versions::default();
        alive.put(commit.position, commit.at, true);
        self.by_request.insert(commit.id, self.grants.len());
        let slot = self.keys.entry(key).or_default();
        slot.grants.entry(grantee.clone()).or_default().push(self.grants.len());
        add(&mut slot.grant_count, commit, 1);
        self.grants.push(Grant { key, facts: facts.clone(), id: None, alive });
    }

    fn end_grant(&mut self, id: GrantId, commit: &Commit<'_>) -> Option<String> {
        let grant = self.grant_ids.get(&id).map(|index| &mut self.grants[*index]);
        let Some(grant) = grant.filter(|grant| grant.alive.last() == Some(&true)) else {
            return Some(format!("grant {id} ended and was not in force"));
        };
        grant.alive.put(commit.position, commit.at, false);
        if let Some(slot) = self.keys.get_mut(&grant.key) {
            add(&mut slot.grant_count, commit, -1);
        }
        None
    }

    /// A client was told the id of a grant: that of its own request, or of an earlier one with the same
    /// name. The problem, if it can be neither.
    pub(super) fn name_grant(
        &mut self,
        request: RequestId,
        id: GrantId,
        facts: &CallFacts,
    ) -> Option<String> {
        let known = self.grant_ids.get(&id).copied();
        let own = self.by_request.get(&request).copied();
        let Some(index) = own.or(known).or_else(|| self.unnamed_like(facts)) else {
            return Some(format!("grant {id} was never made"));
        };
        if known.is_some_and(|known| known != index) {
            return Some(format!("grant {id} is two grants"));
        }
        self.grants[index].id = Some(id);
        self.grant_ids.insert(id, index);
        None
    }

    /// A grant whose maker never heard its id.
    fn unnamed_like(&self, facts: &CallFacts) -> Option<usize> {
        let like = |grant: &Grant| grant.id.is_none() && grant.facts.wanted == facts.wanted;
        self.grants.iter().position(like)
    }
}

fn may_erase(key: &Key, commit: &Commit<'_>, context: &Context<'_>) -> Result<(), String> {
    if commit.asked.is_some() {
        return Err("a request erased it".to_owned());
    }
    let Wish::Gone(date) = key.wish else {
        return Err(format!("it was erased while {}", key.state()));
    };
    let latest = context.wall(commit.at).after(context.rules.clock_error);
    match date.is_some_and(|date| date.after(context.rules.deletion_grace) <= latest) {
        true => Ok(()),
        false => Err("it was erased before its date".to_owned()),
    }
}

fn born(id: KeyId, shown: &Shown<'_>, commit: &Commit<'_>, lines: &Lines) -> (Key, Option<String>) {
    let asked = commit.asked.map(|(_, facts)| facts);
    let account = asked.map(|facts| facts.account).or(lines.account);
    let account = account.unwrap_or(AccountId::new(0));
    let mut key = Key::new(account, shown.role.cloned(), shown.material);
    let problem = match asked.map(|facts| &facts.wanted) {
        Some(
            wanted @ (Wanted::CreateKey { .. }
            | Wanted::CreatePair { .. }
            | Wanted::CreateExternalKey
            | Wanted::CreateKeyToImport { .. }),
        ) => {
            key.external = *wanted == Wanted::CreateExternalKey;
            let to_import = matches!(wanted, Wanted::CreateKeyToImport { .. });
            if let Wanted::CreateKey { policy, .. } = wanted {
                key.policy.clone_from(policy);
            }
            key.imports = to_import.then(|| Arc::new(Imports::default()));
            let multi_region = matches!(
                wanted,
                Wanted::CreateKey { multi_region: true, .. }
                    | Wanted::CreatePair { multi_region: true }
                    | Wanted::CreateKeyToImport { multi_region: true }
            );
            let role = multi_region.then(|| SetRole::Primary(BTreeSet::new()));
            key.role = role.map(Arc::new);
            let reused = !lines.materials.is_empty();
            key.contradiction(shown).or(reused.then(|| "its id was used before".to_owned()))
        }
        Some(Wanted::Other { operation: "CreateKey" }) => {
            key.imports = shown.imports.cloned();
            None
        }
        Some(_) => Some("a request made a key that did not ask for one".to_owned()),
        None => {
            key.passage = Some(Passage::Creating);
            key.pending = shown.pending;
            key.imports = shown.imports.cloned();
            take_over_schedule(&mut key, shown, lines);
            internal::birth(shown, commit.region).err()
        }
    };
    let wrong_kind = id.is_multi_region() != shown.role.is_some();
    (key, problem.or(wrong_kind.then(|| "its id is of the other kind".to_owned())))
}

/// What a request or a step of the service's own makes of a key. Whatever is wrong with it, what the
/// log shows counts from here on.
fn changed(
    key: &Key,
    shown: &Shown<'_>,
    commit: &Commit<'_>,
    lines: &Lines,
    context: &Context<'_>,
) -> (Key, Option<String>) {
    let latest = context.wall(commit.at).after(context.rules.clock_error);
    match commit.asked {
        Some((sent, facts)) => {
            let decided = context.wall(commit.at);
            let next = key.after(&facts.wanted, shown, decided);
            let problem = next
                .contradiction(shown)
                .or_else(|| unlawful(key, &facts.wanted))
                .or_else(|| odd_date(&facts.wanted, shown, (sent, commit.at), context))
                .or_else(|| stale_material(&facts.wanted, &next, lines))
                .or_else(|| imports::oddity(key, &facts.wanted, &next, (lines, latest)));
            (forced(next, shown), problem)
        }
        None => {
            let lineage = Lineage { materials: &lines.materials, latest, region: commit.region };
            let (mut next, problem) = match internal::step(key, shown, &lineage) {
                Ok(next) => (next, None),
                Err(problem) => (key.clone(), Some(problem)),
            };
            if key.is_replica() {
                take_over_schedule(&mut next, shown, lines);
            }
            (forced(next, shown), problem)
        }
    }
}

fn take_over_schedule(key: &mut Key, shown: &Shown<'_>, lines: &Lines) {
    let next = lines.schedule.map_or(Timestamp::EPOCH, |schedule| schedule.next);
    key.schedule = shown.rotation_days.map(|days| Schedule { days, next });
    key.on_demand = lines.on_demand;
}

/// The key as the log shows it, so that one mistake is told once.
fn forced(mut key: Key, shown: &Shown<'_>) -> Key {
    key.role = shown.role.cloned().map(Arc::new);
    key.material = shown.material;
    key.pending = shown.pending;
    key.imports = shown.imports.cloned();
    if key.state() != shown.state {
        (key.wish, key.passage) = match shown.state {
            KeyState::PendingDeletion => (Wish::Gone(shown.deletion), key.passage),
            KeyState::PendingReplicaDeletion => (Wish::GoneAfterReplicas, key.passage),
            KeyState::Creating => (key.wish, Some(Passage::Creating)),
            KeyState::Updating => (key.wish, Some(Passage::Updating)),
            KeyState::Disabled if key.lacks_material() => (Wish::Saved, None),
            KeyState::Disabled => (Wish::Off, None),
            _ => (Wish::On, None),
        };
    }
    if let Wish::Gone(date) = &mut key.wish {
        *date = shown.deletion;
    }
    key
}

/// A request that the key's state forbids. A replica that exists must be known to its primary, whatever
/// became of that meanwhile.
fn unlawful(key: &Key, wanted: &Wanted) -> Option<String> {
    if matches!(wanted, Wanted::ReplicateKey { .. }) {
        return None;
    }
    let refused = refusal(need(wanted), key.state())?;
    Some(format!("it was changed while {}, which is {refused}", key.state()))
}

/// A date of deletion that no clock can have made.
fn odd_date(
    wanted: &Wanted,
    shown: &Shown<'_>,
    (sent, committed): (SimTime, SimTime),
    context: &Context<'_>,
) -> Option<String> {
    let (Wanted::ScheduleKeyDeletion { days, .. }, Some(date)) = (wanted, shown.deletion) else {
        return None;
    };
    if committed == SimTime::ZERO {
        return None;
    }
    let window = std::time::Duration::from_secs(86_400) * *days;
    let error = context.rules.clock_error;
    let earliest = context.wall(sent).after(window);
    let latest = context.wall(committed).after(window).after(error);
    let fits = date.after(error) >= earliest && date <= latest;
    (!fits).then(|| format!("its deletion is due on {date}, not after {days} days"))
}

fn stale_material(wanted: &Wanted, next: &Key, lines: &Lines) -> Option<String> {
    let rotated = matches!(wanted, Wanted::RotateKeyOnDemand { .. }) && !next.pending;
    let known = next.material.is_some_and(|material| lines.materials.contains(&material));
    (rotated && known).then(|| "a rotation made a material that was there before".to_owned())
}
