//! How a log entry changes the state: records, and every index and counter that follows from them.

use super::{Alias, AliasSlot, Change, Fading, GrantSlot, KeySlot, LogEntry, State};
use crate::env::Timestamp;
use crate::grant_index::{self, GrantIndex};
use crate::history::History;
use crate::key::{Key, KeyManager};
use crate::name::{AccountId, AliasName, GrantId, KeyId};
use crate::policy::{Grant, Policy};
use crate::task::{self, Due};
use crate::usage::LastUse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

impl State {
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
            Change::PutLastUses(uses) => uses.iter().for_each(|one| self.put_last_use(one)),
            Change::PutKeyStore(store) => {
                self.due.retain(|due| !due.concerns_key_store(store.id));
                self.due.extend(task::due_of_key_store(store));
                self.key_stores.put(store.clone(), entry.position);
            }
            Change::RemoveKeyStore(id) => {
                self.due.retain(|due| !due.concerns_key_store(*id));
                self.key_stores.remove(*id);
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
                slot.policy.set(key.policy.clone(), entry.committed, self.remembered);
                slot.tags.set(key.tags.clone(), entry.committed, self.remembered);
                slot.key = key.clone();
                slot.version = entry.position;
                slot.due.clone_from(&due);
            }
            None => {
                if key.manager == KeyManager::Customer {
                    *self.keys_per_account.entry(key.account()).or_default() += 1;
                }
                self.key_stores.put_key(key);
                let policy = self.shared_policy(key);
                let slot = KeySlot::new(key, policy, entry.position, due.clone());
                self.keys.insert(key.id(), slot);
            }
        }
        self.due.extend(due);
    }

    /// The policy of a new key: the one copy of the account's default policy, if it is that. To
    /// decide about a key that was not in use of late is mostly waiting for memory, and a policy is
    /// many small pieces of it.
    fn shared_policy(&mut self, key: &Key) -> Arc<Policy> {
        let account = key.account();
        match self.default_policies.get(&account) {
            Some(kept) if *kept == key.policy => kept.clone(),
            None if key.policy.is_default_of(account, self.region.partition()) => {
                self.default_policies.insert(account, key.policy.clone());
                key.policy.clone()
            }
            _ => key.policy.clone(),
        }
    }

    /// Hosts write their uses down each on its own; the latest one stays, in whichever order they come.
    fn put_last_use(&mut self, one: &LastUse) {
        if let Some(slot) = self.keys.get_mut(&one.key)
            && slot.last_use.is_none_or(|known| known.at <= one.at)
        {
            slot.last_use = Some(*one);
        }
    }

    fn erase_key(&mut self, id: KeyId) {
        let Some(slot) = self.keys.remove(&id) else { return };
        let account = slot.key.account();
        if slot.key.manager == KeyManager::Customer
            && let Some(count) = self.keys_per_account.get_mut(&account)
        {
            *count -= 1;
        }
        self.key_stores.remove_key(&slot.key);
        for due in &slot.due {
            self.due.remove(due);
        }
        for name in slot.aliases.current().iter() {
            self.aliases.remove(&(account, name.clone()));
        }
        for grant in slot.grant_index.ids() {
            if let Some(gone) = self.grants.remove(&grant) {
                self.unlist_retirable(&gone.grant);
            }
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
            slot.lose_alias(name, entry.committed, self.remembered);
        }
        if let Some(slot) = self.keys.get_mut(&alias.target) {
            slot.gain_alias(name, entry.committed, self.remembered);
        }
        let slot = self
            .aliases
            .entry(at)
            .or_insert_with(|| AliasSlot { alias: History::new(None), version: entry.position });
        slot.alias.set(Some(alias), entry.committed, self.remembered);
        slot.version = entry.position;
    }

    fn remove_alias(&mut self, at: (AccountId, AliasName), entry: &LogEntry) {
        let Some(slot) = self.aliases.get_mut(&at) else { return };
        let before = *slot.alias.current();
        slot.alias.set(None, entry.committed, self.remembered);
        slot.version = entry.position;
        if let Some(slot) = before.and_then(|before| self.keys.get_mut(&before.target)) {
            slot.lose_alias(&at.1, entry.committed, self.remembered);
        }
        self.fading.push_back((entry.committed, Fading::Alias(at.0, at.1)));
    }

    fn put_grant(&mut self, grant: &Arc<Grant>, entry: &LogEntry) {
        let Some(slot) = self.keys.get_mut(&grant.key) else { return };
        slot.grants.insert(grant.id);
        slot.grant_index.insert(grant);
        if let Some(fingerprint) = grant_index::fingerprint(grant) {
            self.named_grants.insert((grant.key, fingerprint), grant.id);
        }
        self.retirable.extend(grant.retiring.clone().map(|party| (party, grant.id)));
        let mut alive = History::new(false);
        alive.set(true, entry.committed, self.remembered);
        let slot = GrantSlot { grant: grant.clone(), alive, version: entry.position };
        self.grants.insert(grant.id, slot);
    }

    fn remove_grant(&mut self, id: GrantId, entry: &LogEntry) {
        let in_force = self.grants.get_mut(&id).filter(|slot| *slot.alive.current());
        let Some(slot) = in_force else { return };
        slot.alive.set(false, entry.committed, self.remembered);
        slot.version = entry.position;
        let grant = slot.grant.clone();
        if let Some(fingerprint) = grant_index::fingerprint(&grant) {
            self.named_grants.remove(&(grant.key, fingerprint));
        }
        self.unlist_retirable(&grant);
        if let Some(key) = self.keys.get_mut(&grant.key) {
            key.grants.remove(&id);
        }
        self.fading.push_back((entry.committed, Fading::Grant(id)));
    }

    fn unlist_retirable(&mut self, grant: &Grant) {
        if let Some(party) = &grant.retiring {
            self.retirable.remove(&(party.clone(), grant.id));
        }
    }

    /// Drops what is gone for every host by now.
    fn let_fade(&mut self, now: Timestamp) {
        while let Some((since, _)) = self.fading.front()
            && since.after(self.remembered) <= now
        {
            match self.fading.pop_front() {
                Some((_, Fading::Grant(id))) => self.drop_grant(id),
                Some((_, Fading::Alias(account, name))) => {
                    let at = (account, name);
                    if self.aliases.get(&at).is_some_and(|slot| slot.is_gone(now, self.remembered))
                    {
                        self.aliases.remove(&at);
                    }
                }
                None => break,
            }
        }
    }

    fn drop_grant(&mut self, id: GrantId) {
        let Some(slot) = self.grants.remove(&id) else { return };
        if let Some(key) = self.keys.get_mut(&slot.grant.key) {
            key.grant_index.remove(&slot.grant);
        }
    }
}

impl KeySlot {
    fn new(key: &Arc<Key>, policy: Arc<Policy>, version: u64, due: BTreeSet<Due>) -> KeySlot {
        KeySlot {
            key: key.clone(),
            version,
            policy: History::new(policy),
            tags: History::new(key.tags.clone()),
            aliases: History::new(Arc::default()),
            grants: BTreeSet::new(),
            grant_index: GrantIndex::default(),
            due,
            last_use: None,
        }
    }

    fn gain_alias(&mut self, name: &AliasName, at: Timestamp, remembered: Duration) {
        let mut names = self.aliases.current().to_vec();
        names.insert(names.partition_point(|other| other < name), name.clone());
        self.aliases.set(names.into(), at, remembered);
    }

    fn lose_alias(&mut self, name: &AliasName, at: Timestamp, remembered: Duration) {
        let others = self.aliases.current().iter().filter(|other| *other != name);
        self.aliases.set(others.cloned().collect(), at, remembered);
    }
}
