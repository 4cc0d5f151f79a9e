//! What is particular to some operations, beyond name, permission and state.

use super::Blob;
use super::expect::{Judge, Naming, in_turn, only, then, unless};
use super::key::Key;
use super::outcome::Outcomes;
use super::states::{Need, refusal};
use crate::history::{Digest, SetRole, Target, Wanted};
use kms_core::error::ErrorCode;
use kms_core::name::{GrantId, KeyId, MaterialId, RegionName};
use std::time::Duration;

/// How near to an automatic rotation one on demand is refused (AWS KMS API, RotateKeyOnDemand).
const NEAR: Duration = Duration::from_secs(20 * 60);

/// Rotation.
impl Judge<'_> {
    pub(super) fn rotate(&self, key: &Key) -> Outcomes {
        let spent = key.on_demand >= self.context.rules.on_demand_rotations;
        let limit = unless(spent, ErrorCode::LimitExceeded);
        in_turn([
            unless(key.follows(), ErrorCode::UnsupportedOperation),
            unless(key.pending, ErrorCode::Conflict),
            self.near_rotation(key),
            limit,
            self.awaits(key),
        ])
    }

    /// The next automatic rotation is known as well as clocks agree.
    fn near_rotation(&self, key: &Key) -> Outcomes {
        let Some(schedule) = key.schedule else { return Outcomes::SUCCESS };
        let slack = self.context.rules.clock_error * 2 + self.context.rules.attempt_timeout;
        let near = self.ask.now.after(NEAR);
        let conflict = only(ErrorCode::Conflict);
        match (schedule.next <= near.after(slack), schedule.next.after(slack) <= near) {
            (false, _) => Outcomes::SUCCESS,
            (true, true) => conflict,
            (true, false) => conflict.or(Outcomes::SUCCESS),
        }
    }
}

/// Grants.
impl Judge<'_> {
    pub(super) fn create_grant(&self, key: KeyId) -> Outcomes {
        let slot = self.ledger.keys.get(&key);
        let count = slot.and_then(|slot| slot.grant_count.at(self.ask.position)).copied();
        let full = count.unwrap_or(0) >= self.context.rules.grants_per_key;
        match &self.ask.facts.wanted {
            // A named grant that is there already is answered again, however many there are.
            Wanted::CreateGrant { name: Some(_), .. } if full => {
                Outcomes::SUCCESS.or(only(ErrorCode::LimitExceeded))
            }
            _ => unless(full, ErrorCode::LimitExceeded),
        }
    }

    pub(super) fn revoke(&self, key: KeyId, grant: Option<GrantId>) -> Outcomes {
        let found = grant.and_then(|id| self.grant_alive(id)) == Some(key);
        unless(!found, ErrorCode::InvalidGrantId)
    }

    /// The key of a grant, if the grant is in force at the position.
    fn grant_alive(&self, id: GrantId) -> Option<KeyId> {
        let grant = &self.ledger.grants[*self.ledger.grant_ids.get(&id)?];
        (grant.alive.at(self.ask.position) == Some(&true)).then_some(grant.key)
    }

    pub(super) fn retire(&self, id: Option<GrantId>, by_token: bool) -> Outcomes {
        let Some(id) = id else {
            return match by_token {
                true => only(ErrorCode::InvalidGrantToken),
                false => Outcomes::errors(&[
                    ErrorCode::InvalidGrantId,
                    ErrorCode::Validation,
                    ErrorCode::NotFound,
                    ErrorCode::InvalidArn,
                ]),
            };
        };
        if self.grant_alive(id).is_none() {
            return match by_token {
                true => only(ErrorCode::NotFound),
                // The key beside the grant, which the history does not show, may be named by an alias.
                false => Outcomes::errors(&[
                    ErrorCode::InvalidGrantId,
                    ErrorCode::NotFound,
                    ErrorCode::InvalidArn,
                ]),
            };
        }
        self.may_retire(id)
    }

    fn may_retire(&self, id: GrantId) -> Outcomes {
        let (grant, facts) = (self.ledger.grant_ids.get(&id), self.ask.facts);
        let Some(grant) = grant.map(|index| &self.ledger.grants[*index]) else {
            return only(ErrorCode::InvalidGrantId);
        };
        if facts.administrator && facts.account == grant.facts.account {
            return Outcomes::SUCCESS;
        }
        let Wanted::CreateGrant { grantee, operations, .. } = &grant.facts.wanted else {
            return Outcomes::NONE;
        };
        match **grantee == *facts.principal && operations.contains("RetireGrant") {
            true => Outcomes::SUCCESS,
            // It may be the retiring principal, which the history does not show.
            false => Outcomes::SUCCESS.or(only(ErrorCode::AccessDenied)),
        }
    }
}

/// Aliases.
impl Judge<'_> {
    pub(super) fn alias(&self) -> Outcomes {
        let (text, creates) = match &self.ask.facts.wanted {
            Wanted::CreateAlias { alias, .. } => (alias, true),
            Wanted::UpdateAlias { alias, .. } | Wanted::DeleteAlias { alias } => (alias, false),
            _ => return Outcomes::NONE,
        };
        let reserved = creates && text.starts_with("alias/aws/");
        in_turn([
            unless(!is_alias(text), ErrorCode::Validation),
            unless(reserved, ErrorCode::InvalidAliasName),
            self.administrators_only(),
            self.alias_change(text),
        ])
    }

    fn alias_change(&self, text: &str) -> Outcomes {
        let standing = self.standing_alias(text);
        match (&self.ask.facts.wanted, standing) {
            (Wanted::CreateAlias { key, .. }, _) => {
                self.on_key(key, Naming::IdOnly, "CreateAlias", |id, _| {
                    let taken = unless(standing.is_some(), ErrorCode::AlreadyExists);
                    in_turn([taken, self.room_for_alias(id)])
                })
            }
            (_, None) => only(ErrorCode::NotFound),
            (Wanted::UpdateAlias { key, .. }, Some(from)) => {
                let leave =
                    self.on_found(from, "UpdateAlias", Need::Anything, &|_, _| Outcomes::SUCCESS);
                let arrive =
                    self.on_key_in(key, Naming::IdOnly, "UpdateAlias", Need::Living, |id, _| {
                        if id == from { Outcomes::SUCCESS } else { self.room_for_alias(id) }
                    });
                then(leave, arrive)
            }
            (_, Some(from)) => {
                self.on_found(from, "DeleteAlias", Need::Anything, &|_, _| Outcomes::SUCCESS)
            }
        }
    }

    /// What an alias stands for in the log, however far that has spread.
    fn standing_alias(&self, text: &str) -> Option<KeyId> {
        let aliases = self.ledger.aliases.get(&self.ask.facts.account)?;
        *aliases.get(text)?.at(self.ask.position)?
    }

    fn room_for_alias(&self, key: KeyId) -> Outcomes {
        let slot = self.ledger.keys.get(&key);
        let count = slot.and_then(|slot| slot.alias_count.at(self.ask.position)).copied();
        unless(count.unwrap_or(0) >= self.context.rules.aliases_per_key, ErrorCode::LimitExceeded)
    }

    pub(super) fn list_aliases(&self, key: Option<&Target>) -> Outcomes {
        let found = match key {
            None => Outcomes::SUCCESS,
            Some(Target::Key { region, id }) => {
                let here = region.is_none_or(|region| region == self.ask.region);
                let key = self.ledger.key(*id, self.ask.position);
                let own = key.is_some_and(|key| key.account == self.ask.facts.account);
                unless(!(here && own), ErrorCode::NotFound)
            }
            Some(_) => Outcomes::errors(&[
                ErrorCode::NotFound,
                ErrorCode::InvalidArn,
                ErrorCode::Validation,
            ]),
        };
        in_turn([self.administrators_only(), found])
    }
}

fn is_alias(text: &str) -> bool {
    let name = text.strip_prefix("alias/").unwrap_or_default();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":/_-".contains(&byte);
    (1..=250).contains(&name.len()) && name.bytes().all(allowed)
}

/// Sets of multi-Region keys. What the other Region knew when it was asked is not in the history, so
/// whatever was ever true there is possible.
impl Judge<'_> {
    pub(super) fn replicate(&self, id: KeyId, key: &Key, region: Option<RegionName>) -> Outcomes {
        let Some(SetRole::Primary(replicas)) = key.role.as_deref() else {
            return only(ErrorCode::UnsupportedOperation);
        };
        let possible = |region: &RegionName| {
            *region != self.ask.region && self.context.regions.contains(region)
        };
        let Some(region) = region.filter(possible) else { return only(ErrorCode::Validation) };
        if !self.ask.facts.administrator {
            return only(ErrorCode::AccessDenied);
        }
        if replicas.contains(&region) {
            let decided_again = self.ask.again;
            let exists = only(ErrorCode::AlreadyExists);
            return if decided_again { exists.or(Outcomes::SUCCESS) } else { exists };
        }
        let there = self.model.ledgers.get(&region);
        let ever = there.is_some_and(|there| there.keys.contains_key(&id));
        let full = self.model.ever_full(region, key.account, self.context);
        let mut outcomes = Outcomes::SUCCESS;
        if ever {
            outcomes = outcomes.or(only(ErrorCode::AlreadyExists));
        }
        if full { outcomes.or(only(ErrorCode::LimitExceeded)) } else { outcomes }
    }

    pub(super) fn update_primary(&self, key: &Target, region: Option<RegionName>) -> Outcomes {
        // The permission and what every use needs come first, then whether it is a primary at all.
        self.on_key_in(key, Naming::IdOnly, "UpdatePrimaryRegion", Need::Working, |id, found| {
            let Some(SetRole::Primary(replicas)) = found.role.as_deref() else {
                return only(ErrorCode::UnsupportedOperation);
            };
            if let Some(code) = refusal(Need::Steady, found.state()) {
                return only(code);
            }
            match region.filter(|region| replicas.contains(region)) {
                Some(region) => self.successor(id, region),
                None => only(ErrorCode::NotFound),
            }
        })
    }

    fn successor(&self, id: KeyId, region: RegionName) -> Outcomes {
        let slot = self.model.ledgers.get(&region).and_then(|there| there.keys.get(&id));
        let Some(slot) = slot else { return only(ErrorCode::NotFound) };
        // Its host may not have heard of the replica yet, or heard that it is gone.
        let ever = slot.key.all().iter().map(|version| match &version.value {
            None => only(ErrorCode::NotFound),
            Some(key) => match refusal(Need::Steady, key.state()) {
                Some(code) => only(code),
                None => unless(!key.is_replica(), ErrorCode::KmsInvalidState),
            },
        });
        ever.fold(only(ErrorCode::NotFound), Outcomes::or)
    }
}

/// Ciphertexts.
impl Judge<'_> {
    pub(super) fn opening(&self) -> Outcomes {
        match &self.ask.facts.wanted {
            Wanted::Decrypt { blob, key, context } => {
                let made = self.model.blobs.get(blob);
                then(self.source(made, key.as_ref(), "Decrypt"), self.opens(made, *context))
            }
            Wanted::ReEncrypt { blob, source, source_context, key, .. } => {
                let made = self.model.blobs.get(blob);
                let from = self.source(made, source.as_ref(), "ReEncryptFrom");
                let to = self.on_key(key, Naming::Any, "ReEncryptTo", |_, _| Outcomes::SUCCESS);
                then(from, then(to, self.opens(made, *source_context)))
            }
            _ => Outcomes::NONE,
        }
    }

    /// The key that a ciphertext is opened with.
    fn source(&self, made: Option<&Blob>, named: Option<&Target>, action: &str) -> Outcomes {
        let invalid = only(ErrorCode::InvalidCiphertext);
        if made.is_none() && self.model.blobs.forgets() {
            return Outcomes::ALL;
        }
        let fits = |id: KeyId, key: &Key| match made {
            None => invalid,
            Some(made) if made.key != id => only(ErrorCode::IncorrectKey),
            Some(made) => {
                unless(!self.holds(key, made.key, made.material), ErrorCode::InvalidCiphertext)
            }
        };
        match (named, made) {
            // Beside a ciphertext of it, a bare id may be that of another account's key.
            (Some(Target::Key { region: None, id }), Some(made)) if made.key == *id => {
                self.on_found(*id, action, Need::Working, &fits)
            }
            (Some(named), _) => self.on_key(named, Naming::Any, action, fits),
            (None, None) => invalid,
            (None, Some(made)) if self.ledger.key(made.key, self.ask.position).is_none() => invalid,
            (None, Some(made)) => self.on_found(made.key, action, Need::Working, &fits),
        }
    }

    /// Whether a key has a material: an older one, the current one, or the one that waits here while
    /// the primary uses it already.
    fn holds(&self, key: &Key, id: KeyId, material: Option<MaterialId>) -> bool {
        if let (Some(imports), Some(material)) = (key.imports.as_deref(), material) {
            return imports.belonging.iter().any(|held| held.here && held.material == material);
        }
        let (Some(lines), Some(material)) = (self.model.lines.get(&id), material) else {
            return true;
        };
        let place = |material| lines.materials.iter().position(|known| *known == material);
        let current = key.material.and_then(place);
        let ahead = usize::from(key.pending);
        place(material).zip(current).is_some_and(|(wanted, current)| wanted <= current + ahead)
    }

    /// Whether the context is the one that a ciphertext is bound to. Under an external key it is the
    /// proxy that finds out, and whatever a proxy refuses is told as the state of the key.
    fn opens(&self, made: Option<&Blob>, context: Digest) -> Outcomes {
        let key = made.and_then(|made| self.ledger.key(made.key, self.ask.position));
        let refused = match key.is_some_and(|key| key.external) {
            true => ErrorCode::KmsInvalidState,
            false => ErrorCode::InvalidCiphertext,
        };
        match made {
            Some(made) => unless(made.context != context, refused),
            None => unless(!self.model.blobs.forgets(), refused),
        }
    }
}
