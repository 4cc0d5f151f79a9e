//! Whether what a client was told is true.

use super::expect::{Judge, Naming};
use super::imports;
use super::key::Key;
use super::states::is_dying;
use super::{Ask, Blob, Model};
use crate::history::{Digest, Got, Target, Wanted};
use crate::oracle::Context;
use kms_core::env::RequestId;
use kms_core::name::{KeyArn, KeyId, MaterialId};
use std::time::Duration;

/// An answer and the decisions that may have led to it.
pub(crate) struct Told<'a> {
    /// The attempt.
    pub(crate) request: RequestId,
    /// The answer.
    pub(crate) got: &'a Got,
    /// The log entry the attempt made.
    pub(crate) committed: Option<u64>,
    /// Every decision that came to an answer without an error; rarely more than one.
    pub(crate) asks: &'a [Ask<'a>],
}

/// The names that AWS keeps for keys of its services, of which every account is shown all.
const PREDEFINED_ALIASES: u64 = 12;

const GIVEN_TO_NOBODY: &str = "a ciphertext was opened that nobody was given";

pub(super) type Truth = Result<(), String>;

pub(super) fn holds(true_: bool, otherwise: impl FnOnce() -> String) -> Truth {
    true_.then_some(()).ok_or_else(otherwise)
}

impl Model {
    /// Learns from an answer, and says what is wrong with it.
    pub(crate) fn told(&mut self, told: &Told<'_>, context: &Context<'_>) -> Truth {
        let Some(ask) = told.asks.last() else { return Err("no host gave this answer".to_owned()) };
        match (told.got, &ask.facts.wanted) {
            (_, Wanted::Other { .. }) => Ok(()),
            (Got::Granted { grant }, _) => {
                let ledger = self.ledgers.entry(ask.region).or_default();
                ledger.name_grant(told.request, *grant, ask.facts).map_or(Ok(()), Err)
            }
            (Got::Sealed { key, blob, plaintext, .. }, _) => {
                self.told_as_any(told, context)?;
                self.keep_sealed(told, *key, *blob, *plaintext)
            }
            (Got::Opened { key, plaintext, material }, Wanted::Decrypt { blob, .. }) => {
                self.opened(*blob, *key, *plaintext, *material)
            }
            (Got::Resealed { source, key, blob, .. }, Wanted::ReEncrypt { blob: from, .. }) => {
                self.resealed(told, *from, *source, *key, *blob)
            }
            (Got::Policy { policy }, Wanted::GetKeyPolicy { key: Target::Key { id, .. } }) => {
                self.policy(told, *id, *policy)
            }
            (Got::ImportParameters { key, token, until }, _) => {
                self.told_as_any(told, context)?;
                self.keep_token(ask, key.id, *token, *until)
            }
            _ => {
                self.told_as_any(told, context)?;
                self.told_of_pair(told.got, &ask.facts.wanted)
            }
        }
    }

    fn told_as_any(&self, told: &Told<'_>, context: &Context<'_>) -> Truth {
        let mut truth = Ok(());
        for ask in told.asks {
            let Some(ledger) = self.ledgers.get(&ask.region) else { continue };
            let judge = Judge { model: self, ledger, ask, context };
            truth = judge.true_answer(told);
            if truth.is_ok() {
                break;
            }
        }
        truth
    }

    fn keep_sealed(
        &mut self,
        told: &Told<'_>,
        key: KeyArn,
        blob: Digest,
        plaintext: Option<Digest>,
    ) -> Truth {
        let Some(ask) = told.asks.last() else { return Ok(()) };
        let (plaintext, context) = match &ask.facts.wanted {
            Wanted::Encrypt { plaintext, context, .. } => (Some(*plaintext), *context),
            Wanted::GenerateDataKey { context, .. }
            | Wanted::GenerateDataKeyPair { context, .. } => (plaintext, *context),
            _ => return Err("nothing was to be sealed".to_owned()),
        };
        if let Some(plaintext) = plaintext {
            self.plaintexts.insert(blob, plaintext);
        }
        self.keep_blob(told, key.id, blob, context, blob)
    }

    fn keep_blob(
        &mut self,
        told: &Told<'_>,
        key: KeyId,
        blob: Digest,
        context: Digest,
        origin: Digest,
    ) -> Truth {
        let material = self.material_used(told, key);
        let made = Blob { key, material, context, origin };
        let before = self.blobs.insert(blob, made);
        holds(before.is_none(), || "the same ciphertext was made twice".to_owned())
    }

    fn material_used(&self, told: &Told<'_>, key: KeyId) -> Option<MaterialId> {
        let of =
            |ask: &Ask<'_>| self.ledgers.get(&ask.region)?.key(key, ask.position)?.shown_material();
        let material = told.asks.first().and_then(of);
        material.filter(|_| told.asks.iter().all(|ask| of(ask) == material))
    }

    fn opened(
        &mut self,
        blob: Digest,
        key: KeyArn,
        plaintext: Digest,
        material: Option<MaterialId>,
    ) -> Truth {
        let Some(made) = self.blobs.get(&blob) else {
            return holds(self.blobs.forgets(), || GIVEN_TO_NOBODY.to_owned());
        };
        holds(made.key == key.id, || format!("{} opened what {} made", key.id, made.key))?;
        holds(made.material.is_none() || made.material == material, || {
            "another material opened it than made it".to_owned()
        })?;
        let known = self.plaintexts.get(&made.origin).copied();
        if known.is_none() {
            self.plaintexts.insert(made.origin, plaintext);
        }
        holds(known.is_none_or(|known| known == plaintext), || {
            "it opened to another plaintext".to_owned()
        })
    }

    fn resealed(
        &mut self,
        told: &Told<'_>,
        from: Digest,
        source: KeyArn,
        key: KeyArn,
        blob: Digest,
    ) -> Truth {
        let Some(made) = self.blobs.get(&from) else {
            return holds(self.blobs.forgets(), || GIVEN_TO_NOBODY.to_owned());
        };
        let origin = made.origin;
        holds(made.key == source.id, || format!("{} opened what {} made", source.id, made.key))?;
        let Some(Wanted::ReEncrypt { context, .. }) = told.asks.last().map(|ask| &ask.facts.wanted)
        else {
            return Ok(());
        };
        self.keep_blob(told, key.id, blob, *context, origin)
    }

    /// The policy in the log; the default one of an account is learnt from the first answer.
    fn policy(&mut self, told: &Told<'_>, id: KeyId, policy: Digest) -> Truth {
        let found = told.asks.last().and_then(|ask| {
            let key = self.ledgers.get(&ask.region)?.key(id, ask.position)?;
            Some((key.account, key.policy.as_ref().map(|(put, _)| *put)))
        });
        let Some((account, put)) = found else { return Ok(()) };
        let right = match put {
            Some(put) => put,
            None => *self.default_policies.entry(account).or_insert(policy),
        };
        holds(right == policy, || "the key policy is another one".to_owned())
    }
}

impl Judge<'_> {
    /// Whether an answer is what this decision must have come to.
    fn true_answer(&self, told: &Told<'_>) -> Truth {
        self.changes_nothing(told)?;
        match (told.got, &self.ask.facts.wanted) {
            (Got::Created { key }, _) => self.created(told, *key),
            (
                Got::Described { key, state, material, deletion },
                Wanted::DescribeKey { key: named },
            ) => {
                let found = self.named(*key, named)?;
                let right = found.state_at(self.ask.now);
                holds(right == *state, || format!("the key is shown {state} and is {right}"))?;
                holds(found.shown_material() == *material, || {
                    "another material is current".to_owned()
                })?;
                holds(found.deletion() == *deletion, || "its deletion is another day".to_owned())
            }
            (Got::Scheduled { key, state, deletion }, Wanted::ScheduleKeyDeletion { days, .. }) => {
                let at = told.committed.unwrap_or(self.ask.position);
                let Some(found) = self.ledger.key(key.id, at) else { return Ok(()) };
                let date = self.ask.now.after(Duration::from_secs(86_400) * *days);
                let date = found.deletion().map(|_| date);
                holds(found.state() == *state, || format!("the key is {}", found.state()))?;
                holds(date == *deletion && date == found.deletion(), || {
                    format!("its deletion is {days} days after the decision, {date:?}")
                })
            }
            (Got::Proved { key, .. }, Wanted::Prove { key: named, .. })
            | (Got::Genuine { key }, Wanted::Check { key: named, .. })
            | (Got::PublicKey { key, .. }, Wanted::GetPublicKey { key: named })
            | (Got::Encapsulated { key, .. }, Wanted::Encapsulate { key: named })
            | (Got::SharedSecret { key, .. }, Wanted::Decapsulate { key: named, .. })
            | (Got::SharedSecret { key, .. }, Wanted::DeriveSharedSecret { key: named, .. }) => {
                self.named(*key, named).map(|_| ())
            }
            (Got::Sealed { key, .. }, Wanted::Encrypt { key: named, .. })
            | (Got::Sealed { key, .. }, Wanted::GenerateDataKey { key: named, .. })
            | (Got::Sealed { key, .. }, Wanted::GenerateDataKeyPair { key: named, .. }) => {
                self.named(*key, named).map(|_| ())
            }
            _ => self.true_rest(told),
        }
    }

    fn true_rest(&self, told: &Told<'_>) -> Truth {
        match (told.got, &self.ask.facts.wanted) {
            (
                Got::Rotation { enabled, days },
                Wanted::GetKeyRotationStatus { key: Target::Key { id, .. } },
            ) => {
                let Some(key) = self.ledger.key(*id, self.ask.position) else { return Ok(()) };
                let schedule = key.schedule.filter(|_| !is_dying(key.state()));
                let right = schedule.map(|schedule| schedule.days);
                holds(*enabled == right.is_some() && *days == right, || {
                    format!("the key rotates every {right:?} days")
                })
            }
            (
                Got::ImportParameters { key, until, .. },
                Wanted::GetParametersForImport { key: named, .. },
            ) => {
                self.named(*key, named)?;
                holds(*until == imports::token_end(self.ask.now), || {
                    format!("the import token is good until {until}")
                })
            }
            (
                Got::OfMaterial { key, material },
                Wanted::ImportKeyMaterial { key: named, .. }
                | Wanted::DeleteImportedKeyMaterial { key: named, .. },
            ) => {
                self.named(*key, named)?;
                self.told_material(key.id, told.committed, *material)
            }
            (Got::Replicated { replica }, Wanted::ReplicateKey { region, .. }) => {
                holds(Some(replica.region) == *region, || {
                    "the replica is in another Region".to_owned()
                })
            }
            (Got::Random { bytes }, Wanted::GenerateRandom { bytes: asked }) => {
                holds(bytes == asked, || format!("{bytes} random bytes came and not {asked}"))
            }
            (Got::Listed { items, complete }, _) => self.listed(u64::from(*items), *complete),
            _ => Ok(()),
        }
    }

    fn created(&self, told: &Told<'_>, key: KeyArn) -> Truth {
        let made = told.committed.and_then(|at| self.ledger.key(key.id, at));
        holds(made.is_some(), || format!("{} was never committed", key.id))?;
        holds(key.region == self.ask.region && key.account == self.ask.facts.account, || {
            format!("{key} is somewhere else")
        })
    }

    /// The key an answer is about, which must be one that the request named.
    fn named(&self, key: KeyArn, named: &Target) -> Result<&Key, String> {
        let candidates = self.resolve(named, Naming::Any);
        holds(candidates.contains(&Ok(key.id)), || format!("{key} is not what was named"))?;
        holds(key.region == self.ask.region, || format!("{key} is in another Region"))?;
        let found = self.ledger.key(key.id, self.ask.position);
        found.ok_or_else(|| format!("{key} did not exist"))
    }

    fn listed(&self, items: u64, complete: bool) -> Truth {
        let Some(all) = self.to_list() else { return Ok(()) };
        let right = if complete { items == all } else { items <= all };
        holds(right, || format!("{items} items are listed of {all}"))
    }

    /// How many items a list has, as far as that is known.
    fn to_list(&self) -> Option<u64> {
        let (ledger, position) = (self.ledger, self.ask.position);
        let account = self.ask.facts.account;
        let slot = |target: &Target| match target {
            Target::Key { id, .. } => ledger.keys.get(id),
            _ => None,
        };
        let count = match &self.ask.facts.wanted {
            Wanted::ListKeys => ledger.key_count.get(&account)?.at(position),
            Wanted::ListAliases { key: None } => {
                let own = ledger.alias_count.get(&account).and_then(|count| count.at(position));
                return Some(own.copied().unwrap_or(0) + PREDEFINED_ALIASES);
            }
            Wanted::ListAliases { key: Some(key) } => slot(key)?.alias_count.at(position),
            Wanted::ListGrants { key } => slot(key)?.grant_count.at(position),
            Wanted::ListKeyRotations { key: Target::Key { id, .. }, materials } => {
                return self.rotations(*id, *materials);
            }
            _ => return None,
        };
        Some(count.copied().unwrap_or(0))
    }

    /// How often a key got a new material. A new replica brings the past of its set with it.
    /// With its materials, the first one and a pending one count too.
    fn rotations(&self, id: KeyId, materials: bool) -> Option<u64> {
        let key = self.ledger.key(id, self.ask.position)?;
        if let Some(imports) = key.imports.as_deref() {
            return Some(Self::imported_rotations(imports, materials));
        }
        let lines = self.model.lines.get(&id)?;
        let place = lines.materials.iter().position(|material| Some(*material) == key.material);
        let more = if materials { 1 + u64::from(key.pending) } else { 0 };
        place.map(|place| place as u64 + more)
    }
}
