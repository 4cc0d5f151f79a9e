//! The durable state of a Region, and the one function that changes it.
//!
//! Every host, the worker and the journal hold a `State` and apply the same log entries in the same
//! order, so that state is a function of the log position. A record's version is the position of the
//! entry that last touched it. Records are shared behind `Arc`, which makes a dozen copies of a
//! Region's state cost little more than one.

use crate::env::Timestamp;
use crate::grant_index;
use crate::history::{History, LONGEST_PROPAGATION, Visibility};
use crate::hsm::DomainToken;
use crate::key::Key;
use crate::name::{AccountId, AliasName, GrantId, KeyId, PrincipalArn, RegionName};
use crate::policy::{Grant, Policy};
use crate::step::{Conflict, Counter, Precondition, RecordId, UniqueName};
use crate::table::Table;
use crate::task::{self, Due};
use crate::token::DomainEpoch;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// The domain of a Region, as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainRecord {
    /// The exported domain token, the trust anchor every HSM joins by.
    pub token: Arc<DomainToken>,
    /// When the active domain key became active.
    pub rotated: Timestamp,
    /// No key token is under an older domain key than this.
    pub tokens_since: DomainEpoch,
}

/// A replica that is deleted here and that its primary has not been told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Where the primary was.
    pub primary: RegionName,
}

/// One change of one record. Records are replaced whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A key is created or changed.
    PutKey(Arc<Key>),
    /// A key is deleted, with its aliases and grants.
    EraseKey(KeyId),
    /// An alias is made or pointed elsewhere.
    PutAlias(AccountId, AliasName, KeyId, Timestamp),
    /// An alias is deleted.
    RemoveAlias(AccountId, AliasName),
    /// A grant is made.
    PutGrant(Arc<Grant>),
    /// A grant is retired or revoked.
    RemoveGrant(GrantId),
    /// The domain has a new key, or its tokens caught up with it.
    PutDomain(DomainRecord),
    /// A replica is gone and its primary must hear of it.
    PutDeparture(KeyId, Departure),
    /// The primary has heard.
    RemoveDeparture(KeyId),
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    /// Gap-free, from 1.
    pub position: u64,
    /// The append that made it; a repeated append with the same id makes no second entry.
    pub id: u128,
    /// The journal's clock at the commit.
    pub committed: Timestamp,
    /// What changes.
    pub changes: Vec<Change>,
}

/// An alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The key it stands for.
    pub target: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last pointed elsewhere.
    pub updated: Timestamp,
}

struct AliasSlot {
    alias: History<Option<Alias>>,
    version: u64,
}

impl AliasSlot {
    /// Whether no host sees the alias any more. One that was made anew and deleted again is still
    /// seen, whatever the first deletion had in store for it.
    fn is_gone(&self, now: Timestamp) -> bool {
        self.alias.current().is_none() && self.alias.is_settled(now)
    }
}

struct GrantSlot {
    grant: Arc<Grant>,
    /// Whether the grant is in force; it is kept for a while after its end.
    alive: History<bool>,
    version: u64,
}

struct KeySlot {
    key: Arc<Key>,
    version: u64,
    policy: History<Arc<Policy>>,
    tags: History<Arc<BTreeMap<String, String>>>,
    /// Sorted; at most fifty, unless the quota was raised.
    aliases: Vec<AliasName>,
    grants: BTreeSet<GrantId>,
    by_grantee: BTreeMap<Arc<str>, BTreeSet<GrantId>>,
    due: BTreeSet<Due>,
}

/// A Region's state at a position of its log.
pub struct State {
    region: RegionName,
    position: u64,
    keys: Table<KeyId, KeySlot>,
    keys_per_account: BTreeMap<AccountId, u64>,
    aliases: BTreeMap<(AccountId, AliasName), AliasSlot>,
    grants: Table<GrantId, GrantSlot>,
    named_grants: BTreeMap<(KeyId, [u8; 16]), GrantId>,
    domain: Option<(DomainRecord, u64)>,
    departures: BTreeMap<KeyId, Departure>,
    due: BTreeSet<Due>,
    /// Records that are gone but still seen by some hosts, oldest first.
    fading: VecDeque<(Timestamp, Fading)>,
}

enum Fading {
    Alias(AccountId, AliasName),
    Grant(GrantId),
}

impl State {
    /// The state before the first log entry.
    pub fn new(region: RegionName) -> State {
        State {
            region,
            position: 0,
            keys: Table::new(),
            keys_per_account: BTreeMap::new(),
            aliases: BTreeMap::new(),
            grants: Table::new(),
            named_grants: BTreeMap::new(),
            domain: None,
            departures: BTreeMap::new(),
            due: BTreeSet::new(),
            fading: VecDeque::new(),
        }
    }

    /// The Region.
    pub fn region(&self) -> RegionName {
        self.region
    }

    /// How many log entries have been applied.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// A key and its version.
    pub fn key(&self, id: KeyId) -> Option<(&Arc<Key>, u64)> {
        self.keys.get(&id).map(|slot| (&slot.key, slot.version))
    }

    /// The keys behind `after`, by id.
    pub fn keys_after(&self, after: Option<&KeyId>) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.range_after(after).map(|(_, slot)| &slot.key)
    }

    /// The key policy a host sees.
    pub fn policy(&self, id: KeyId, sees: &Visibility) -> Option<&Arc<Policy>> {
        Some(self.keys.get(&id)?.policy.seen(sees.now, sees.delays.policy))
    }

    /// The tags a host sees.
    pub fn tags(&self, id: KeyId, sees: &Visibility) -> Option<&Arc<BTreeMap<String, String>>> {
        Some(self.keys.get(&id)?.tags.seen(sees.now, sees.delays.tag))
    }

    /// The aliases of a key, by name.
    pub fn aliases_of(&self, id: KeyId) -> &[AliasName] {
        self.keys.get(&id).map_or(&[], |slot| &slot.aliases)
    }

    /// The alias in the log, and its version.
    pub fn alias(&self, account: AccountId, name: &AliasName) -> Option<(Alias, u64)> {
        let slot = self.aliases.get(&(account, name.clone()))?;
        Some(((*slot.alias.current())?, slot.version))
    }

    /// The alias a host sees.
    pub fn seen_alias(
        &self,
        account: AccountId,
        name: &AliasName,
        sees: &Visibility,
    ) -> Option<Alias> {
        let slot = self.aliases.get(&(account, name.clone()))?;
        *slot.alias.seen(sees.now, sees.delays.alias)
    }

    /// The aliases of an account behind `after`, by name.
    pub fn aliases_after(
        &self,
        account: AccountId,
        after: Option<&AliasName>,
    ) -> impl Iterator<Item = (&AliasName, Alias)> {
        let from = after.map_or(std::ops::Bound::Unbounded, |name| {
            std::ops::Bound::Excluded((account, name.clone()))
        });
        let of_account = self.aliases.range((from, std::ops::Bound::Unbounded));
        of_account
            .skip_while(move |((owner, _), _)| *owner < account)
            .take_while(move |((owner, _), _)| *owner == account)
            .filter_map(|((_, name), slot)| Some((name, (*slot.alias.current())?)))
    }

    /// A grant in the log, and its version.
    pub fn grant(&self, id: GrantId) -> Option<(&Arc<Grant>, u64)> {
        let slot = self.grants.get(&id).filter(|slot| *slot.alive.current())?;
        Some((&slot.grant, slot.version))
    }

    /// The grants in force on a key behind `after`, by id.
    pub fn grants_after(
        &self,
        key: KeyId,
        after: Option<&GrantId>,
    ) -> impl Iterator<Item = &Arc<Grant>> {
        let from = after.map_or(std::ops::Bound::Unbounded, |id| std::ops::Bound::Excluded(*id));
        let ids = self.keys.get(&key).into_iter();
        ids.flat_map(move |slot| slot.grants.range((from, std::ops::Bound::Unbounded)))
            .filter_map(|id| self.grant(*id))
            .map(|(grant, _)| grant)
    }

    /// The grants on a key that a host sees and that may concern a principal.
    pub fn seen_grants(
        &self,
        key: KeyId,
        principal: &PrincipalArn,
        sees: Visibility,
    ) -> impl Iterator<Item = &Arc<Grant>> {
        let slot = self.keys.get(&key).filter(|slot| !slot.by_grantee.is_empty());
        let names = slot.map(|_| grant_index::of_caller(principal)).unwrap_or_default();
        names.into_iter().flat_map(move |name| {
            let ids = slot.and_then(|slot| slot.by_grantee.get(&name)).into_iter().flatten();
            ids.filter_map(move |id| {
                let slot = self.grants.get(id)?;
                slot.alive.seen(sees.now, sees.delays.grant).then_some(&slot.grant)
            })
        })
    }

    /// The grant of that name and these parameters, if there is one.
    pub fn named_grant(&self, key: KeyId, fingerprint: [u8; 16]) -> Option<GrantId> {
        self.named_grants.get(&(key, fingerprint)).copied()
    }

    /// The domain and its version.
    pub fn domain(&self) -> Option<(&DomainRecord, u64)> {
        self.domain.as_ref().map(|(record, version)| (record, *version))
    }

    /// A replica that is gone and whose primary does not know.
    pub fn departure(&self, key: KeyId) -> Option<Departure> {
        self.departures.get(&key).copied()
    }

    /// How many there are.
    pub fn count(&self, counter: Counter) -> u64 {
        let length = match counter {
            Counter::Keys(account) => return *self.keys_per_account.get(&account).unwrap_or(&0),
            Counter::Aliases(key) => self.keys.get(&key).map_or(0, |slot| slot.aliases.len()),
            Counter::Grants(key) => self.keys.get(&key).map_or(0, |slot| slot.grants.len()),
        };
        length as u64
    }

    /// What falls due, soonest first.
    pub fn due(&self) -> impl Iterator<Item = &Due> {
        self.due.iter()
    }

    /// Whether every precondition still holds.
    ///
    /// # Errors
    /// The first one that does not.
    pub fn check(&self, preconditions: &[Precondition]) -> Result<(), Conflict> {
        match preconditions.iter().find(|precondition| !self.holds(precondition)) {
            Some(broken) => Err(Conflict { broken: broken.clone(), head: self.position }),
            None => Ok(()),
        }
    }

    fn holds(&self, precondition: &Precondition) -> bool {
        match precondition {
            Precondition::VersionIs(record, version) => self.version(record) == *version,
            Precondition::Absent(UniqueName::Key(id)) => self.keys.get(id).is_none(),
            Precondition::Absent(UniqueName::Alias(account, name)) => {
                self.alias(*account, name).is_none()
            }
            Precondition::Absent(UniqueName::Grant(key, fingerprint)) => {
                self.named_grant(*key, *fingerprint).is_none()
            }
            Precondition::CountBelow(counter, limit) => self.count(*counter) < *limit,
        }
    }

    fn version(&self, record: &RecordId) -> u64 {
        let version = match record {
            RecordId::Key(id) => self.keys.get(id).map(|slot| slot.version),
            RecordId::Alias(account, name) => {
                self.alias(*account, name).map(|(_, version)| version)
            }
            RecordId::Grant(id) => self.grant(*id).map(|(_, version)| version),
            RecordId::Domain => self.domain.as_ref().map(|(_, version)| *version),
        };
        version.unwrap_or(0)
    }

    /// Applies the next log entry: the only way durable state changes.
    ///
    /// # Panics
    /// When the entry is not the next one; a host that skipped one must not go on.
    pub fn apply(&mut self, entry: &LogEntry) {
        assert_eq!(entry.position, self.position + 1, "a log is applied without gaps");
        self.position = entry.position;
        self.let_fade(entry.committed);
        for change in &entry.changes {
            self.apply_change(change, entry);
        }
    }

    fn apply_change(&mut self, change: &Change, entry: &LogEntry) {
        match change {
            Change::PutKey(key) => self.put_key(key, entry),
            Change::EraseKey(id) => self.erase_key(*id),
            Change::PutAlias(account, name, target, created) => {
                let alias = Alias { target: *target, created: *created, updated: entry.committed };
                self.put_alias((*account, name.clone()), alias, entry);
            }
            Change::RemoveAlias(account, name) => {
                self.remove_alias((*account, name.clone()), entry);
            }
            Change::PutGrant(grant) => self.put_grant(grant, entry),
            Change::RemoveGrant(id) => self.remove_grant(*id, entry),
            Change::PutDomain(record) => {
                let due = task::due_of_domain(record);
                self.due.retain(|due| !due.concerns_domain());
                self.due.extend(due);
                self.domain = Some((record.clone(), entry.position));
            }
            Change::PutDeparture(id, departure) => {
                self.departures.insert(*id, *departure);
                self.due.insert(Due::departure(*id, entry.committed));
            }
            Change::RemoveDeparture(id) => {
                self.departures.remove(id);
                self.due.retain(|due| !due.is_departure_of(*id));
            }
        }
    }

    fn put_key(&mut self, key: &Arc<Key>, entry: &LogEntry) {
        let due: BTreeSet<Due> = task::due_of_key(key).collect();
        match self.keys.get_mut(&key.id()) {
            Some(slot) => {
                for gone in slot.due.difference(&due) {
                    self.due.remove(gone);
                }
                slot.policy.set(key.policy.clone(), entry.committed);
                slot.tags.set(key.tags.clone(), entry.committed);
                slot.key = key.clone();
                slot.version = entry.position;
                slot.due.clone_from(&due);
            }
            None => {
                *self.keys_per_account.entry(key.account()).or_default() += 1;
                self.keys.insert(key.id(), KeySlot::new(key, entry.position, due.clone()));
            }
        }
        self.due.extend(due);
    }

    fn erase_key(&mut self, id: KeyId) {
        let Some(slot) = self.keys.remove(&id) else { return };
        let account = slot.key.account();
        if let Some(count) = self.keys_per_account.get_mut(&account) {
            *count -= 1;
        }
        for due in &slot.due {
            self.due.remove(due);
        }
        for name in slot.aliases {
            self.aliases.remove(&(account, name));
        }
        for grant in slot.by_grantee.into_values().flatten() {
            self.grants.remove(&grant);
        }
        let named = self.named_grants.range((id, [0; 16])..=(id, [255; 16]));
        for name in named.map(|(name, _)| *name).collect::<Vec<_>>() {
            self.named_grants.remove(&name);
        }
    }

    fn put_alias(&mut self, at: (AccountId, AliasName), alias: Alias, entry: &LogEntry) {
        let (_, name) = &at;
        let before = self.aliases.get(&at).and_then(|slot| *slot.alias.current());
        if let Some(slot) = before.and_then(|before| self.keys.get_mut(&before.target)) {
            slot.aliases.retain(|other| other != name);
        }
        if let Some(slot) = self.keys.get_mut(&alias.target) {
            let at = slot.aliases.partition_point(|other| other < name);
            slot.aliases.insert(at, name.clone());
        }
        let slot = self
            .aliases
            .entry(at)
            .or_insert_with(|| AliasSlot { alias: History::new(None), version: entry.position });
        slot.alias.set(Some(alias), entry.committed);
        slot.version = entry.position;
    }

    fn remove_alias(&mut self, at: (AccountId, AliasName), entry: &LogEntry) {
        let Some(slot) = self.aliases.get_mut(&at) else { return };
        let before = *slot.alias.current();
        slot.alias.set(None, entry.committed);
        slot.version = entry.position;
        if let Some(slot) = before.and_then(|before| self.keys.get_mut(&before.target)) {
            slot.aliases.retain(|other| *other != at.1);
        }
        self.fading.push_back((entry.committed, Fading::Alias(at.0, at.1)));
    }

    fn put_grant(&mut self, grant: &Arc<Grant>, entry: &LogEntry) {
        let Some(slot) = self.keys.get_mut(&grant.key) else { return };
        slot.grants.insert(grant.id);
        slot.by_grantee.entry(grant_index::of_grant(grant)).or_default().insert(grant.id);
        if let Some(fingerprint) = grant_index::fingerprint(grant) {
            self.named_grants.insert((grant.key, fingerprint), grant.id);
        }
        let mut alive = History::new(false);
        alive.set(true, entry.committed);
        let slot = GrantSlot { grant: grant.clone(), alive, version: entry.position };
        self.grants.insert(grant.id, slot);
    }

    fn remove_grant(&mut self, id: GrantId, entry: &LogEntry) {
        let in_force = self.grants.get_mut(&id).filter(|slot| *slot.alive.current());
        let Some(slot) = in_force else { return };
        slot.alive.set(false, entry.committed);
        slot.version = entry.position;
        let grant = slot.grant.clone();
        if let Some(fingerprint) = grant_index::fingerprint(&grant) {
            self.named_grants.remove(&(grant.key, fingerprint));
        }
        if let Some(key) = self.keys.get_mut(&grant.key) {
            key.grants.remove(&id);
        }
        self.fading.push_back((entry.committed, Fading::Grant(id)));
    }

    /// Drops what is gone for every host by now.
    fn let_fade(&mut self, now: Timestamp) {
        while let Some((since, _)) = self.fading.front()
            && since.after(LONGEST_PROPAGATION) <= now
        {
            match self.fading.pop_front() {
                Some((_, Fading::Grant(id))) => self.drop_grant(id),
                Some((_, Fading::Alias(account, name))) => {
                    let at = (account, name);
                    if self.aliases.get(&at).is_some_and(|slot| slot.is_gone(now)) {
                        self.aliases.remove(&at);
                    }
                }
                None => break,
            }
        }
    }

    fn drop_grant(&mut self, id: GrantId) {
        let Some(slot) = self.grants.remove(&id) else { return };
        let index = grant_index::of_grant(&slot.grant);
        if let Some(key) = self.keys.get_mut(&slot.grant.key)
            && let Some(grants) = key.by_grantee.get_mut(&index)
        {
            grants.remove(&id);
            if grants.is_empty() {
                key.by_grantee.remove(&index);
            }
        }
    }

    /// A fingerprint of everything durable, the same on every host at the same position.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.position.to_be_bytes());
        for (id, slot) in self.keys.iter() {
            hash.update(id.to_bytes());
            hash.update(slot.version.to_be_bytes());
            hash.update(format!("{:?}{:?}{:?}", slot.key, slot.key.status, slot.aliases));
        }
        for ((account, name), slot) in &self.aliases {
            hash.update(format!("{account}{name}{}", slot.version));
        }
        for (id, slot) in self.grants.iter() {
            hash.update(id.0);
            hash.update(slot.version.to_be_bytes());
        }
        hash.finalize().into()
    }
}

impl KeySlot {
    fn new(key: &Arc<Key>, version: u64, due: BTreeSet<Due>) -> KeySlot {
        KeySlot {
            key: key.clone(),
            version,
            policy: History::new(key.policy.clone()),
            tags: History::new(key.tags.clone()),
            aliases: Vec::new(),
            grants: BTreeSet::new(),
            by_grantee: BTreeMap::new(),
            due,
        }
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} at {}, {} keys)", self.region, self.position, self.keys.len())
    }
}
