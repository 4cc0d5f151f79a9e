//! Imported key material: what an import needs, what it makes of its key, and how a material ends.
//!
//! Sources: AWS KMS Developer Guide, Importing key material; AWS KMS API, ImportKeyMaterial,
//! DeleteImportedKeyMaterial, RotateKeyOnDemand (2026).

use super::Ask;
use super::answer::{Truth, holds};
use super::expect::{Judge, in_turn, only, unless};
use super::key::{Key, Shown, Wish};
use super::ledger::Lines;
use super::outcome::Outcomes;
use crate::history::{Digest, Held, Imports, Wanted};
use kms_core::env::Timestamp;
use kms_core::error::ErrorCode;
use kms_core::key::KeyState;
use kms_core::name::{KeyId, MaterialId, RegionName};
use kms_core::token::DomainEpoch;
use std::sync::Arc;
use std::time::Duration;

/// How long an import token is good for.
const TOKEN_LIFE: Duration = Duration::from_secs(86_400);
/// How far ahead a material may expire.
const LONGEST_LIFE: Duration = Duration::from_secs(365 * 86_400);

/// How many imports of a key are known by their bytes. Nothing is held against others.
const MOST_BROUGHT: usize = 256;

/// How many domain keys an HSM keeps: the active one and those before it.
const KEPT_DOMAIN_KEYS: u32 = 4;

/// An import token that a client was given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    key: KeyId,
    region: RegionName,
    until: Timestamp,
    /// The domain key that was active when it was asked for: the wrapping key is under that one or a
    /// later one.
    domain_key: DomainEpoch,
}

impl Token {
    /// Whether the domain key may be gone that its wrapping key is under, where this one is known to be
    /// active: HSMs have the next one before the Region's log has it.
    fn may_be_lost(&self, active: DomainEpoch) -> bool {
        active.0 + 1 >= self.domain_key.0 + KEPT_DOMAIN_KEYS
    }
}

impl Imports {
    fn all(&self) -> impl Iterator<Item = &Held> {
        self.belonging.iter().chain(&self.awaiting)
    }

    fn find(&self, material: MaterialId) -> Option<&Held> {
        self.all().find(|held| held.material == material)
    }

    fn current(&self) -> Option<MaterialId> {
        self.belonging.last().map(|held| held.material)
    }

    fn lack(&self) -> bool {
        self.belonging.is_empty() || self.belonging.iter().any(|held| !held.here)
    }

    /// These after a material was deleted or expired. One that only awaits its rotation is forgotten.
    fn without(&self, gone: MaterialId) -> Imports {
        let lose = |held: &Held| match held.material == gone {
            true => Held { here: false, expires: None, ..*held },
            false => *held,
        };
        Imports {
            belonging: self.belonging.iter().map(lose).collect(),
            awaiting: self.awaiting.filter(|held| held.material != gone),
        }
    }

    /// These without those that may have expired and are not the same in `new`.
    fn expired(&self, new: &Imports, latest: Timestamp) -> Imports {
        let over = |held: &Held| held.expires.is_some_and(|at| at <= latest);
        let ended = self.all().filter(|held| over(held) && new.find(held.material) != Some(*held));
        ended.fold(self.clone(), |left, held| left.without(held.material))
    }
}

impl Key {
    /// Whether a material that belongs to it is not here.
    pub(super) fn lacks_material(&self) -> bool {
        self.imports.as_deref().is_some_and(Imports::lack)
    }

    /// The state that callers are shown at a moment: what has expired is missing from then on.
    pub(super) fn state_at(&self, now: Timestamp) -> KeyState {
        let imports = self.imports.as_deref();
        let over = |held: &Held| held.expires.is_some_and(|at| at <= now);
        match self.state() {
            KeyState::Enabled | KeyState::Disabled
                if imports.is_some_and(|imports| imports.belonging.iter().any(over)) =>
            {
                KeyState::PendingImport
            }
            state => state,
        }
    }

    /// Takes over what a request made of the imported materials. Bringing the last one that was missing
    /// switches the key on.
    pub(super) fn take_imports(&mut self, shown: &Shown<'_>) {
        let lacked = self.lacks_material();
        self.hold(shown.imports.cloned());
        self.material = self.imports.as_deref().and_then(Imports::current);
        if lacked && !self.lacks_material() && matches!(self.wish, Wish::Off | Wish::Saved) {
            self.wish = Wish::On;
        }
    }

    /// Takes over what is here of the imported materials. A key that was saved from deletion waits for
    /// one that it loses afterwards like any other key.
    pub(super) fn hold(&mut self, imports: Option<Arc<Imports>>) {
        let before = std::mem::replace(&mut self.imports, imports);
        let here = |id| {
            let found = self.imports.as_deref().and_then(|imports| imports.find(id));
            found.is_some_and(|held| held.here)
        };
        let lost = before.as_deref().is_some_and(|before| {
            before.belonging.iter().any(|held| held.here && !here(held.material))
        });
        if lost && self.wish == Wish::Saved {
            self.wish = Wish::Off;
        }
    }
}

/// What is wrong with what a request made of a key's imported materials by a moment.
pub(super) fn oddity(
    before: &Key,
    wanted: &Wanted,
    after: &Key,
    (lines, latest): (&Lines, Timestamp),
) -> Option<String> {
    let (Some(old), Some(new)) = (before.imports.as_deref(), after.imports.as_deref()) else {
        return None;
    };
    let right = match wanted {
        Wanted::ImportKeyMaterial { .. } => return odd_import(old, new, wanted, lines),
        Wanted::DeleteImportedKeyMaterial { material, .. } => {
            let gone = material.or(old.current());
            let left = gone.map_or(old.clone(), |gone| old.without(gone));
            // A replica goes on waiting for the material that its primary names.
            *new == left || before.is_replica()
        }
        Wanted::RotateKeyOnDemand { .. } => {
            let belonging = old.all().copied().collect();
            *new == Imports { belonging, awaiting: None } && old.awaiting.is_some()
        }
        // What expired while the key was dying is gone before it is saved.
        Wanted::CancelKeyDeletion { .. } => *new == old.expired(new, latest) || before.is_replica(),
        _ => new == old,
    };
    (!right).then(|| format!("its imported materials are {new:?} after {old:?}"))
}

/// An import brings one material, which is the one that the same bytes brought before.
fn odd_import(old: &Imports, new: &Imports, wanted: &Wanted, lines: &Lines) -> Option<String> {
    let Wanted::ImportKeyMaterial { token, wrapped, expires, new: is_new, .. } = wanted else {
        return None;
    };
    let brought = match new.all().find(|held| old.find(held.material) != Some(held)) {
        Some(brought) => brought.material,
        None => return (*is_new == Some(true)).then(|| "an import brought nothing".to_owned()),
    };
    let known = old.find(brought).is_some();
    let held = Held { material: brought, here: true, expires: *expires };
    let put = |one: &Held| if one.material == brought { held } else { *one };
    let mut right = Imports {
        belonging: old.belonging.iter().map(put).collect(),
        awaiting: old.awaiting.as_ref().map(put),
    };
    match (known, old.belonging.is_empty()) {
        (true, _) => {}
        (false, true) => right.belonging.push(held),
        (false, false) => right.awaiting = Some(held),
    }
    let meant = is_new.unwrap_or(old.belonging.is_empty());
    if *new != right || meant == known {
        return Some(format!("an import made {new:?} of {old:?}"));
    }
    let before = lines.brought.get(&(*token, *wrapped));
    let other = before.is_some_and(|before| *before != brought);
    other.then(|| "the same bytes were another material before".to_owned())
}

/// The materials after a step that nobody asked for: one has expired.
pub(super) fn step(
    key: &Key,
    shown: &Shown<'_>,
    latest: Timestamp,
) -> Result<Option<Arc<Imports>>, String> {
    let (Some(old), Some(new)) = (key.imports.as_deref(), shown.imports.map(AsRef::as_ref)) else {
        return match key.imports.as_ref() == shown.imports {
            true => Ok(shown.imports.cloned()),
            false => Err("a key changed where its material comes from".to_owned()),
        };
    };
    // Which materials a set has is the primary's to say; what is here, nobody else's.
    let follows = key.role.is_some();
    let right = old.expired(new, latest);
    let appeared = new.all().any(|held| held.here && old.find(held.material).is_none());
    match *new == right || follows && !appeared {
        true => Ok(shown.imports.cloned()),
        false => Err(format!("nobody asked for it, and its materials are {new:?} after {old:?}")),
    }
}

/// The outcomes of requests about imported material.
impl Judge<'_> {
    pub(super) fn import(&self, id: KeyId, key: &Key) -> Outcomes {
        let Wanted::ImportKeyMaterial { stays, expires, new, material, .. } =
            &self.ask.facts.wanted
        else {
            return Outcomes::NONE;
        };
        let Some(imports) = key.imports.as_deref() else { return Outcomes::NONE };
        let now = self.ask.now;
        let fits = match (stays, expires) {
            (true, date) => date.is_none(),
            (false, None) => false,
            (false, Some(date)) => *date > now && *date <= now.after(LONGEST_LIFE),
        };
        let is_new = new.unwrap_or(imports.belonging.is_empty() && !key.follows());
        in_turn([
            unless(!fits, ErrorCode::Validation),
            unless(is_new && key.follows(), ErrorCode::UnsupportedOperation),
            unless(is_new && material.is_some(), ErrorCode::Validation),
            unless(is_new && imports.awaiting.is_some(), ErrorCode::KmsInvalidState),
            self.import_token(id),
            self.import_of(id, imports, is_new),
        ])
    }

    fn import_token(&self, id: KeyId) -> Outcomes {
        let Wanted::ImportKeyMaterial { token, .. } = &self.ask.facts.wanted else {
            return Outcomes::NONE;
        };
        match self.model.tokens.get(token) {
            Some(token) if (token.key, token.region) == (id, self.ask.region) => {
                let over = unless(token.until <= self.ask.now, ErrorCode::ExpiredImportToken);
                let active = self.ledger.domain_key(self.ledger.position());
                match token.may_be_lost(active) {
                    true => over.or(only(ErrorCode::InvalidImportToken)),
                    false => over,
                }
            }
            Some(_) => only(ErrorCode::InvalidImportToken),
            // It may have been forgotten.
            None => {
                Outcomes::errors(&[ErrorCode::InvalidImportToken, ErrorCode::ExpiredImportToken])
            }
        }
    }

    /// Bytes that were imported before are known; of others it cannot be said what they are.
    fn import_of(&self, id: KeyId, imports: &Imports, is_new: bool) -> Outcomes {
        let Wanted::ImportKeyMaterial { token, wrapped, material: named, .. } =
            &self.ask.facts.wanted
        else {
            return Outcomes::NONE;
        };
        let lines = self.model.lines.get(&id);
        let incorrect = only(ErrorCode::IncorrectKeyMaterial);
        match lines.and_then(|lines| lines.brought.get(&(*token, *wrapped))) {
            Some(material) => {
                let known = imports.find(*material).is_some();
                let right = known != is_new && named.is_none_or(|named| named == *material);
                if right { Outcomes::SUCCESS } else { incorrect }
            }
            None => Outcomes::SUCCESS.or(incorrect).or(only(ErrorCode::InvalidCiphertext)),
        }
    }

    pub(super) fn delete_import(&self, key: &Key) -> Outcomes {
        let Wanted::DeleteImportedKeyMaterial { material, .. } = &self.ask.facts.wanted else {
            return Outcomes::NONE;
        };
        let known =
            |id: &MaterialId| key.imports.as_ref().is_some_and(|all| all.find(*id).is_some());
        unless(!material.as_ref().is_none_or(known), ErrorCode::NotFound)
    }

    /// Whether an imported material is ready to be rotated to. What the replicas have of it, which a
    /// primary has to hear, is not in the history.
    pub(super) fn awaits(&self, key: &Key) -> Outcomes {
        let Some(imports) = key.imports.as_deref() else { return Outcomes::SUCCESS };
        let refused = only(ErrorCode::KmsInvalidState);
        match imports.awaiting {
            Some(held) if held.here && key.replicas().is_none_or(|count| count == 0) => {
                Outcomes::SUCCESS
            }
            Some(_) => Outcomes::SUCCESS.or(refused),
            None => refused,
        }
    }

    /// How many materials a list of the rotations of a key shows.
    pub(super) fn imported_rotations(imports: &Imports, all: bool) -> u64 {
        let belonging = imports.belonging.len() as u64;
        let awaiting = u64::from(imports.awaiting.is_some());
        if all { belonging + awaiting } else { belonging.saturating_sub(1) }
    }

    pub(super) fn told_material(
        &self,
        id: KeyId,
        committed: Option<u64>,
        told: Option<MaterialId>,
    ) -> Truth {
        let imports = |position| self.ledger.key(id, position)?.imports.as_deref();
        match &self.ask.facts.wanted {
            Wanted::DeleteImportedKeyMaterial { material, .. } => {
                let current = || imports(self.ask.position)?.current();
                let right = material.or_else(current);
                holds(right == told, || "another material was deleted".to_owned())
            }
            Wanted::ImportKeyMaterial { .. } => {
                let found = committed.and_then(imports).zip(told);
                let here =
                    found.is_some_and(|(all, told)| all.find(told).is_some_and(|held| held.here));
                holds(here, || "the material that was imported is not here".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl super::Model {
    /// A client was given an import token.
    pub(super) fn keep_token(
        &mut self,
        ask: &Ask<'_>,
        key: KeyId,
        given: Digest,
        until: Timestamp,
    ) -> Truth {
        let ledger = self.ledgers.entry(ask.region).or_default();
        let domain_key = ledger.domain_key(ask.position);
        // One that nothing can come of any more need not be remembered.
        self.tokens.retain(|_, token| until <= token.until.after(TOKEN_LIFE));
        let before =
            self.tokens.insert(given, Token { key, region: ask.region, until, domain_key });
        holds(before.is_none(), || "the same import token was made twice".to_owned())
    }
}

/// When a token ends that is made now.
pub(super) fn token_end(now: Timestamp) -> Timestamp {
    now.after(TOKEN_LIFE)
}

/// What an import that is in the log has brought.
pub(super) fn learn(lines: &mut Lines, before: Option<&Key>, after: &Key, wanted: &Wanted) {
    let Wanted::ImportKeyMaterial { token, wrapped, .. } = wanted else { return };
    let old = before.and_then(|key| key.imports.as_deref());
    let Some(new) = after.imports.as_deref() else { return };
    let changed = |held: &&Held| old.is_none_or(|old| old.find(held.material) != Some(*held));
    if let Some(brought) = new.all().find(changed) {
        if lines.brought.len() == MOST_BROUGHT {
            lines.brought.pop_first();
        }
        lines.brought.entry((*token, *wrapped)).or_insert(brought.material);
    }
}

#[cfg(test)]
mod tests;
