//! What may come of a request, given the log position a host decided it on.
//!
//! The order of checks is the documented one: the name, the permission, the key's state, and then
//! what is particular to the operation. Where the answer depends on what the history cannot tell, how
//! far a change had spread or what another Region knew, every possible outcome is in the set.

use super::Model;
use super::access::Access;
use super::key::Key;
use super::ledger::Ledger;
use super::outcome::Outcomes;
use super::states::{Need, need, refusal};
use crate::clock::SimTime;
use crate::history::{CallFacts, PolicyWords, Target, Wanted};
use crate::oracle::{Context, FaultFacts};
use kms_core::env::Timestamp;
use kms_core::error::ErrorCode;
use kms_core::key::KeyState;
use kms_core::name::{KeyId, RegionName};
use std::time::Duration;

/// How long a host asks a proxy, both times together, and more.
const AFTERMATH: Duration = Duration::from_secs(2);

/// A request as a host decided it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    /// What was asked.
    pub(crate) facts: &'a CallFacts,
    /// Where.
    pub(crate) region: RegionName,
    /// The log position of the decision.
    pub(crate) position: u64,
    /// The host's clock then.
    pub(crate) now: Timestamp,
    /// How long it was, in truth, from when it was sent until the host had its answer.
    pub(crate) took: Duration,
    /// Whether the host had decided before, on another state.
    pub(crate) again: bool,
}

/// Where a request is judged.
pub(super) struct Judge<'m> {
    pub(super) model: &'m Model,
    pub(super) ledger: &'m Ledger,
    pub(super) ask: &'m Ask<'m>,
    pub(super) context: &'m Context<'m>,
}

pub(super) const fn only(code: ErrorCode) -> Outcomes {
    Outcomes::error(code)
}

/// Success, unless something stands against it.
pub(super) fn unless(refused: bool, code: ErrorCode) -> Outcomes {
    if refused { only(code) } else { Outcomes::SUCCESS }
}

/// What may come of two checks in a row.
pub(super) fn then(one: Outcomes, two: Outcomes) -> Outcomes {
    match one.allow(None) {
        true => one.without_success().or(two),
        false => one,
    }
}

/// What may come of checks in a row.
pub(super) fn in_turn(checks: impl IntoIterator<Item = Outcomes>) -> Outcomes {
    checks.into_iter().fold(Outcomes::SUCCESS, then)
}

impl Judge<'_> {
    /// Every allowed outcome.
    pub(super) fn outcomes(&self) -> Outcomes {
        use Wanted as W;
        match &self.ask.facts.wanted {
            W::Other { .. } => Outcomes::ALL,
            W::CreateKey { policy, .. } => {
                let locks_out =
                    policy.as_ref().map_or(Outcomes::NONE, |(_, words)| locks_out(words));
                in_turn([
                    self.administrators_only(),
                    self.room_for_key(),
                    locks_out.or(Outcomes::SUCCESS),
                ])
            }
            W::CreateExternalKey | W::CreateKeyToImport { .. } => {
                in_turn([self.administrators_only(), self.room_for_key()])
            }
            // Which kinds of key pairs are for what is not in the history.
            W::CreatePair { .. } => in_turn([self.administrators_only(), self.room_for_key()])
                .or(only(ErrorCode::Validation)),
            W::ListKeys => self.administrators_only(),
            W::GenerateRandom { bytes } => {
                in_turn([in_range(*bytes, 1..=1024), self.administrators_only()])
            }
            W::CreateAlias { .. } | W::UpdateAlias { .. } | W::DeleteAlias { .. } => self.alias(),
            W::ListAliases { key } => self.list_aliases(key.as_ref()),
            W::RetireGrant { grant, by_token } => self.retire(*grant, *by_token),
            W::Decrypt { .. } | W::ReEncrypt { .. } => self.opening(),
            W::DescribeKey { key } => self.simple(key, Naming::Any, "DescribeKey"),
            W::Encrypt { key, .. } => self.simple(key, Naming::Any, "Encrypt"),
            W::GenerateDataKey { key, bytes, plaintext, .. } => {
                let action = match plaintext {
                    true => "GenerateDataKey",
                    false => "GenerateDataKeyWithoutPlaintext",
                };
                let size = in_range(*bytes, 1..=1024);
                self.on_key(key, Naming::Any, action, |_, _| size)
            }
            W::GenerateDataKeyPair { key, .. } => {
                self.simple(key, Naming::Any, self.ask.facts.wanted.operation())
            }
            W::Prove { .. }
            | W::Check { .. }
            | W::GetPublicKey { .. }
            | W::Encapsulate { .. }
            | W::Decapsulate { .. }
            | W::DeriveSharedSecret { .. } => self.of_pair(),
            _ => self.about_one_key(),
        }
    }

    fn about_one_key(&self) -> Outcomes {
        use Wanted as W;
        let strict = Naming::IdOnly;
        match &self.ask.facts.wanted {
            W::ScheduleKeyDeletion { key, days } => {
                let fits = in_range(*days, 7..=30);
                self.on_key(key, strict, "ScheduleKeyDeletion", |_, _| fits)
            }
            W::EnableKeyRotation { key, days } => {
                let fits = in_range(*days, 90..=2560);
                self.on_key(key, strict, "EnableKeyRotation", |_, found| {
                    in_turn([own_to_rotate(found), fits])
                })
            }
            W::DisableKeyRotation { key } => {
                self.on_key(key, strict, "DisableKeyRotation", |_, found| own_to_rotate(found))
            }
            W::RotateKeyOnDemand { key } => {
                self.on_key(key, strict, "RotateKeyOnDemand", |_, found| self.rotate(found))
            }
            W::GetParametersForImport { key, fits } => {
                let fits = unless(!fits, ErrorCode::UnsupportedOperation);
                self.on_key(key, strict, "GetParametersForImport", |_, _| fits)
            }
            W::ImportKeyMaterial { key, .. } => {
                self.on_key(key, strict, "ImportKeyMaterial", |id, found| self.import(id, found))
            }
            W::DeleteImportedKeyMaterial { key, .. } => {
                self.on_key(key, strict, "DeleteImportedKeyMaterial", |_, found| {
                    self.delete_import(found)
                })
            }
            W::CreateGrant { key, .. } => {
                self.on_key(key, strict, "CreateGrant", |id, _| self.create_grant(id))
            }
            W::RevokeGrant { key, grant } => {
                self.on_key(key, strict, "RevokeGrant", |id, _| self.revoke(id, *grant))
            }
            W::ReplicateKey { key, region } => {
                self.on_key(key, strict, "ReplicateKey", |id, found| {
                    self.replicate(id, found, *region)
                })
            }
            W::UpdatePrimaryRegion { key, region } => self.update_primary(key, *region),
            W::EnableKey { key } => self.simple(key, strict, "EnableKey"),
            W::DisableKey { key } => self.simple(key, strict, "DisableKey"),
            W::CancelKeyDeletion { key } => self.simple(key, strict, "CancelKeyDeletion"),
            W::GetKeyRotationStatus { key } => self.simple(key, strict, "GetKeyRotationStatus"),
            W::ListKeyRotations { key, .. } => self.simple(key, strict, "ListKeyRotations"),
            W::ListGrants { key } => self.simple(key, strict, "ListGrants"),
            W::GetKeyPolicy { key } => self.simple(key, strict, "GetKeyPolicy"),
            W::PutKeyPolicy { key, words, .. } => {
                let rest = Outcomes::SUCCESS.or(locks_out(words));
                self.on_key(key, strict, "PutKeyPolicy", |_, _| rest)
            }
            W::Plain { operation, key } => {
                // Which tags there are is not in the history.
                let tags = match *operation {
                    "TagResource" => Outcomes::errors(&[ErrorCode::Tag, ErrorCode::LimitExceeded]),
                    _ => Outcomes::NONE,
                };
                let rest = Outcomes::SUCCESS.or(tags);
                self.on_key(key, strict, operation, |_, _| rest)
            }
            _ => Outcomes::NONE,
        }
    }

    pub(super) fn simple(&self, target: &Target, naming: Naming, action: &str) -> Outcomes {
        self.on_key(target, naming, action, |_, _| Outcomes::SUCCESS)
    }

    /// The outcomes of an operation on a key: whatever the name may stand for, if the caller may, if
    /// the key's state lets it, and then as `rest` says.
    pub(super) fn on_key(
        &self,
        target: &Target,
        naming: Naming,
        action: &str,
        rest: impl Fn(KeyId, &Key) -> Outcomes,
    ) -> Outcomes {
        let needs = need(&self.ask.facts.wanted);
        self.on_key_in(target, naming, action, needs, rest)
    }

    pub(super) fn on_key_in(
        &self,
        target: &Target,
        naming: Naming,
        action: &str,
        needs: Need,
        rest: impl Fn(KeyId, &Key) -> Outcomes,
    ) -> Outcomes {
        let each = self.resolve(target, naming).into_iter().map(|found| match found {
            Ok(id) => self.on_found(id, action, needs, &rest),
            Err(refused) => refused,
        });
        each.fold(Outcomes::NONE, Outcomes::or)
    }

    pub(super) fn on_found(
        &self,
        id: KeyId,
        action: &str,
        needs: Need,
        rest: &dyn Fn(KeyId, &Key) -> Outcomes,
    ) -> Outcomes {
        let Some(key) = self.ledger.key(id, self.ask.position) else {
            return only(ErrorCode::NotFound);
        };
        let kind = self.model.lines.get(&id).map(|lines| lines.kind);
        if kind.unwrap_or_default().is_strange_to(&self.ask.facts.wanted) {
            return Outcomes::ALL;
        }
        let bound = needs == Need::Working;
        let state = key.state_at(self.ask.now);
        let misfit = is_misfit(&self.ask.facts.wanted, key, state)
            .then_some(ErrorCode::UnsupportedOperation);
        let granted = match misfit.or_else(|| refusal(needs, state)) {
            Some(code) => only(code),
            None => rest(id, key).or(self.outage(key)),
        };
        match self.access(id, key, action, bound) {
            Access::Yes => granted,
            Access::Open => granted.or(only(ErrorCode::AccessDenied)),
            Access::No => only(ErrorCode::AccessDenied),
        }
    }

    /// What a key in an external key store may come to while something is wrong somewhere: its proxy
    /// may be what is hit, and then whatever needs it fails for the state of the key. Shortly after, a
    /// request that was sent meanwhile may still fail so. And where a host asks a proxy only once, the
    /// network alone may lose what they say, which takes the host as long as it waits.
    fn outage(&self, key: &Key) -> Outcomes {
        use Wanted as W;
        let needs_proxy = matches!(
            self.ask.facts.wanted,
            W::Encrypt { .. } | W::Decrypt { .. } | W::ReEncrypt { .. } | W::GenerateDataKey { .. }
        );
        let error = self.context.rules.clock_error;
        let hit = |FaultFacts { info, window, .. }: &FaultFacts| {
            let (from, until) = (self.context.wall(window.from), self.context.wall(window.until));
            let lasts = until.after(error).after(AFTERMATH);
            info.hinders
                && from <= self.ask.now.after(error).after(AFTERMATH)
                && self.ask.now <= lasts
        };
        let alone = self.context.rules.lone_try.is_some_and(|wait| wait <= self.ask.took);
        match key.external && needs_proxy && (alone || self.context.faults.iter().any(hit)) {
            true => only(ErrorCode::KmsInvalidState),
            false => Outcomes::NONE,
        }
    }

    /// What a name may stand for, as far as this host may have heard.
    pub(super) fn resolve(&self, target: &Target, naming: Naming) -> Vec<Result<KeyId, Outcomes>> {
        match (target, naming) {
            (Target::Key { region: Some(region), .. }, _) if *region != self.ask.region => {
                vec![Err(only(ErrorCode::NotFound))]
            }
            // A bare id is that of a key of the caller's account.
            (Target::Key { region: None, id }, _) if self.is_foreign(*id) => {
                vec![Err(only(ErrorCode::NotFound))]
            }
            (Target::Key { id, .. }, _) => vec![Ok(*id)],
            (Target::Alias(_), Naming::IdOnly) => {
                vec![Err(Outcomes::errors(&[ErrorCode::NotFound, ErrorCode::InvalidArn]))]
            }
            (Target::Alias(name), Naming::Any) => self.alias_targets(name.as_str()),
            (Target::Nothing, _) => vec![Err(Outcomes::errors(&[
                ErrorCode::NotFound,
                ErrorCode::InvalidArn,
                ErrorCode::Validation,
            ]))],
        }
    }

    fn is_foreign(&self, id: KeyId) -> bool {
        let key = self.ledger.key(id, self.ask.position);
        key.is_some_and(|key| key.account != self.ask.facts.account)
    }

    fn alias_targets(&self, name: &str) -> Vec<Result<KeyId, Outcomes>> {
        let missing = Err(only(ErrorCode::NotFound));
        let aliases = self.ledger.aliases.get(&self.ask.facts.account);
        let Some(past) = aliases.and_then(|aliases| aliases.get(name)) else {
            return vec![missing];
        };
        let delay = self.context.rules.alias_delay;
        let seen = past.visible(self.ask.position, |at| self.has_spread(at, delay));
        seen.map(|version| version.copied().flatten().ok_or(only(ErrorCode::NotFound))).collect()
    }

    /// Whether every host must know by now what was committed then.
    pub(super) fn has_spread(&self, committed: SimTime, delay: Duration) -> bool {
        let error = self.context.rules.clock_error;
        let certain = self.context.wall(committed).after(delay).after(error).after(error);
        delay.is_zero() || certain <= self.ask.now
    }

    /// Operations that IAM alone decides.
    pub(super) fn administrators_only(&self) -> Outcomes {
        unless(!self.ask.facts.administrator, ErrorCode::AccessDenied)
    }

    fn room_for_key(&self) -> Outcomes {
        let count = self.ledger.key_count.get(&self.ask.facts.account);
        let count = count.and_then(|count| count.at(self.ask.position)).copied().unwrap_or(0);
        unless(count >= self.context.rules.keys, ErrorCode::LimitExceeded)
    }
}

/// What is refused for where the material of a key comes from, whatever else is the matter with it.
/// Without its imported material a key does not even say whether it rotates by itself.
fn is_misfit(wanted: &Wanted, key: &Key, state: KeyState) -> bool {
    use Wanted as W;
    let is_about_imports = matches!(
        wanted,
        W::GetParametersForImport { .. }
            | W::ImportKeyMaterial { .. }
            | W::DeleteImportedKeyMaterial { .. }
    );
    let by_itself = matches!(
        wanted,
        W::EnableKeyRotation { .. } | W::DisableKeyRotation { .. } | W::GetKeyRotationStatus { .. }
    );
    let is_pair = matches!(wanted, W::GenerateDataKeyPair { .. });
    is_about_imports && key.imports.is_none()
        || by_itself && state == KeyState::PendingImport
        || key.external && (is_pair || is_about_rotation(wanted))
}

/// Whether a key's automatic rotation is its own to change: a replica follows its primary, and nobody
/// else can make the next material of one that is imported.
fn own_to_rotate(key: &Key) -> Outcomes {
    unless(key.follows() || key.imports.is_some(), ErrorCode::UnsupportedOperation)
}

/// Nothing rotates the key material of an external key store but its owner (AWS KMS Developer Guide,
/// External key stores).
fn is_about_rotation(wanted: &Wanted) -> bool {
    matches!(
        wanted,
        Wanted::EnableKeyRotation { .. }
            | Wanted::DisableKeyRotation { .. }
            | Wanted::RotateKeyOnDemand { .. }
            | Wanted::GetKeyRotationStatus { .. }
            | Wanted::ListKeyRotations { .. }
    )
}

/// Whoever would lock out everybody is refused, unless that is wanted.
fn locks_out(policy: &PolicyWords) -> Outcomes {
    match policy.trusts {
        true => Outcomes::NONE,
        false => only(ErrorCode::MalformedPolicyDocument),
    }
}

/// What an operation accepts as the name of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// Ids, ARNs and aliases.
    Any,
    /// Ids and ARNs.
    IdOnly,
}

fn in_range(value: u32, range: std::ops::RangeInclusive<u32>) -> Outcomes {
    unless(!range.contains(&value), ErrorCode::Validation)
}
