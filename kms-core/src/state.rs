//! The durable state of a Region, and the one function that changes it.
//!
//! Every host, the worker and the journal hold a `State` and apply the same log entries in the same
//! order, so that state is a function of the log position. A record's version is the position of the
//! entry that last touched it. Records are shared behind `Arc`, which makes a dozen copies of a
//! Region's state cost little more than one.

mod apply;
mod digest;

use crate::env::Timestamp;
use crate::grant_index::{GrantIndex, GrantQuery};
use crate::history::{History, LONGEST_PROPAGATION, Visibility};
use crate::hsm::DomainToken;
use crate::key::{Key, KeyState};
use crate::key_store::{KeyStore, KeyStoreId, KeyStores, StoredIn};
use crate::name::{AccountId, AliasName, GrantId, KeyId, RegionName};
use crate::policy::{Grant, Party, Policy};
use crate::step::{Conflict, Counter, Precondition, RecordId, UniqueName};
use crate::table::Table;
use crate::task::Due;
use crate::token::DomainEpoch;
use crate::usage::LastUse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

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
    /// When the replica was created.
    pub created: Timestamp,
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
    /// Keys were used. The keys themselves stay as they are: no decision goes stale by this.
    PutLastUses(Arc<[LastUse]>),
    /// A custom key store is created or changed.
    PutKeyStore(Arc<KeyStore>),
    /// A custom key store is deleted.
    RemoveKeyStore(KeyStoreId),
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
    fn is_gone(&self, now: Timestamp, remembered: Duration) -> bool {
        self.alias.current().is_none() && self.alias.is_settled(now, remembered)
    }
}

struct GrantSlot {
    grant: Arc<Grant>,
    /// Whether the grant is in force; it is kept for a while after its end.
    alive: History<bool>,
    version: u64,
}

/// What every request asks of a key comes first and lies together; see [`Key`].
#[repr(C)]
struct KeySlot {
    key: Arc<Key>,
    version: u64,
    policy: History<Arc<Policy>>,
    tags: History<Arc<BTreeMap<String, String>>>,
    /// Sorted; at most fifty, unless the quota was raised.
    aliases: History<Arc<[AliasName]>>,
    grant_index: GrantIndex,
    grants: BTreeSet<GrantId>,
    due: BTreeSet<Due>,
    last_use: Option<LastUse>,
}

/// A Region's state at a position of its log.
pub struct State {
    region: RegionName,
    position: u64,
    keys: Table<KeyId, KeySlot>,
    keys_per_account: BTreeMap<AccountId, u64>,
    /// One copy for all keys of an account that have it, which is most of them.
    default_policies: BTreeMap<AccountId, Arc<Policy>>,
    aliases: BTreeMap<(AccountId, AliasName), AliasSlot>,
    grants: Table<GrantId, GrantSlot>,
    named_grants: BTreeMap<(KeyId, [u8; 16]), GrantId>,
    retirable: BTreeSet<(Party, GrantId)>,
    domain: Option<(DomainRecord, u64)>,
    departures: BTreeMap<KeyId, Departure>,
    key_stores: KeyStores,
    due: BTreeSet<Due>,
    /// Records that are gone but still seen by some hosts, oldest first.
    fading: VecDeque<(Timestamp, Fading)>,
    /// How long a value that was superseded is kept for hosts that still see it.
    remembered: Duration,
}

/// A key as a host sees it.
#[derive(Clone, Copy)]
pub(crate) struct SeenKey<'s> {
    pub(crate) key: &'s Key,
    pub(crate) policy: &'s Policy,
    pub(crate) tags: &'s BTreeMap<String, String>,
    pub(crate) aliases: &'s [AliasName],
    pub(crate) last_use: Option<&'s LastUse>,
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
            default_policies: BTreeMap::new(),
            aliases: BTreeMap::new(),
            grants: Table::new(),
            named_grants: BTreeMap::new(),
            retirable: BTreeSet::new(),
            domain: None,
            departures: BTreeMap::new(),
            key_stores: KeyStores::default(),
            due: BTreeSet::new(),
            fading: VecDeque::new(),
            remembered: LONGEST_PROPAGATION,
        }
    }

    /// Keeps superseded values for so long from now on: as long as the slowest host of the Region may
    /// see them, which is all that depends on it.
    pub fn remember(&mut self, superseded: Duration) {
        self.remembered = superseded.min(LONGEST_PROPAGATION);
    }

    /// How many grants and aliases are gone and still kept for hosts that may see them.
    pub fn superseded(&self) -> usize {
        self.fading.len()
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

    /// The default key policy of an account: the one copy of it, if a key of the account has it.
    pub(crate) fn default_policy(&self, account: AccountId) -> Arc<Policy> {
        let kept = self.default_policies.get(&account).cloned();
        kept.unwrap_or_else(|| Arc::new(Policy::default_for(account, self.region.partition())))
    }

    /// The keys behind `after`, by id.
    pub fn keys_after(&self, after: Option<&KeyId>) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.range_after(after).map(|(_, slot)| &slot.key)
    }

    /// The aliases of a key, by name.
    pub fn aliases_of(&self, id: KeyId) -> &[AliasName] {
        self.keys.get(&id).map_or(&[], |slot| slot.aliases.current())
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
        let from = after.map_or(Bound::Unbounded, |name| Bound::Excluded((account, name.clone())));
        let of_account = self.aliases.range((from, Bound::Unbounded));
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

    /// A grant that the log has ended and whose end a host does not see yet.
    pub(crate) fn ending_grant(&self, id: GrantId, sees: Visibility) -> Option<&Arc<Grant>> {
        let GrantSlot { grant, alive, .. } = self.grants.get(&id)?;
        let arrived = alive.has_arrived(sees.now, sees.delays.grant);
        (!alive.current() && !arrived).then_some(grant)
    }

    /// The grants in force on a key behind `after`, by id.
    pub fn grants_after(
        &self,
        key: KeyId,
        after: Option<&GrantId>,
    ) -> impl Iterator<Item = &Arc<Grant>> {
        let from = after.map_or(Bound::Unbounded, |id| Bound::Excluded(*id));
        let ids = self.keys.get(&key).into_iter();
        ids.flat_map(move |slot| slot.grants.range((from, Bound::Unbounded)))
            .filter_map(|id| self.grant(*id))
            .map(|(grant, _)| grant)
    }

    /// The grants in force behind `after` that name a party as the retiring one, by id.
    pub fn retirable_after(
        &self,
        party: &Party,
        after: Option<&GrantId>,
    ) -> impl Iterator<Item = &Arc<Grant>> {
        let from = match after {
            Some(id) => Bound::Excluded((party.clone(), *id)),
            None => Bound::Included((party.clone(), GrantId([0; 32]))),
        };
        let of_party = self.retirable.range((from, Bound::Unbounded));
        of_party
            .take_while(move |(retiring, _)| retiring == party)
            .filter_map(|(_, id)| self.grant(*id))
            .map(|(grant, _)| grant)
    }

    /// The last use of a key that was written down.
    pub fn last_use(&self, id: KeyId) -> Option<&LastUse> {
        self.keys.get(&id)?.last_use.as_ref()
    }

    /// The grants on a key that a host sees and that may permit the request, at a cost that does not
    /// depend on how many there are.
    pub(crate) fn seen_grants<'s: 'q, 'q>(
        &'s self,
        key: KeyId,
        wanted: &'q GrantQuery<'q>,
        sees: Visibility,
    ) -> impl Iterator<Item = &'s Arc<Grant>> + use<'s, 'q> {
        let seen = move |id| {
            let slot = self.grants.get(&id)?;
            slot.alive.seen(sees.now, sees.delays.grant).then_some(&slot.grant)
        };
        let index = std::iter::once_with(move || self.keys.get(&key).map(|key| &key.grant_index));
        index.flatten().filter(|index| !index.is_empty()).flat_map(move |index| {
            let nearest = std::iter::once_with(move || index.nearest(wanted).find_map(seen));
            index.candidates(wanted).filter_map(seen).chain(nearest.flatten())
        })
    }

    /// A key, and what a host sees of its policy, tags and aliases: all that authorization asks for.
    pub(crate) fn seen_key(&self, id: KeyId, sees: &Visibility) -> Option<SeenKey<'_>> {
        let slot = self.keys.get(&id)?;
        let Visibility { now, delays } = *sees;
        Some(SeenKey {
            key: &slot.key,
            policy: slot.policy.seen(now, delays.policy),
            tags: slot.tags.seen(now, delays.tag),
            aliases: slot.aliases.seen(now, delays.tag),
            last_use: slot.last_use.as_ref(),
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

    /// The domain key that is active.
    pub fn active_domain_key(&self) -> DomainEpoch {
        self.domain.as_ref().map(|(record, _)| record.token.active).unwrap_or_default()
    }

    /// A replica that is gone and whose primary does not know.
    pub fn departure(&self, key: KeyId) -> Option<Departure> {
        self.departures.get(&key).copied()
    }

    /// A custom key store and its version.
    pub fn key_store(&self, id: KeyStoreId) -> Option<(&Arc<KeyStore>, u64)> {
        self.key_stores.get(id)
    }

    /// The custom key stores behind `after`, by id.
    pub fn key_stores_after(
        &self,
        after: Option<&KeyStoreId>,
    ) -> impl Iterator<Item = &Arc<KeyStore>> {
        self.key_stores.after(after)
    }

    /// The state of a key as it is shown: that of a key in a custom key store depends on the store.
    /// One that waits for its deletion stays visibly so, and what its owner wants of an unavailable
    /// key shows when the store is connected again (AWS KMS Developer Guide, Key states). A material
    /// that has expired is missing from then on, however late it is erased.
    pub fn state_of(&self, key: &Key, now: Timestamp) -> KeyState {
        let store = key.stored_in.as_ref().map(StoredIn::store);
        let connected = |id| self.key_store(id).is_some_and(|(store, _)| store.is_connected());
        match key.state() {
            KeyState::Enabled | KeyState::Disabled if !store.is_none_or(connected) => {
                KeyState::Unavailable
            }
            KeyState::Enabled | KeyState::Disabled if key.has_expired(now) => {
                KeyState::PendingImport
            }
            state => state,
        }
    }

    /// How many there are.
    pub fn count(&self, counter: Counter) -> u64 {
        let length = match counter {
            Counter::Keys(account) => return *self.keys_per_account.get(&account).unwrap_or(&0),
            Counter::Aliases(key) => self.aliases_of(key).len(),
            Counter::Grants(key) => self.keys.get(&key).map_or(0, |slot| slot.grants.len()),
            Counter::KeyStores(account) => self.key_stores.of_account(account),
            Counter::KeysInStore(store) => self.key_stores.keys_in(store),
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
            Precondition::Absent(UniqueName::Append(_)) => true,
            Precondition::Absent(UniqueName::Grant(key, fingerprint)) => {
                self.named_grant(*key, *fingerprint).is_none()
            }
            Precondition::Absent(UniqueName::KeyStore(unique)) => {
                self.key_stores.holder(unique).is_none()
            }
            Precondition::Absent(UniqueName::XksKey(store, key)) => {
                self.key_stores.xks_key(*store, key).is_none()
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
            RecordId::KeyStore(id) => self.key_store(*id).map(|(_, version)| version),
        };
        version.unwrap_or(0)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "State({} at {}, {} keys)", self.region, self.position, self.keys.len())
    }
}
