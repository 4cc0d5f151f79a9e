//! Key pairs and MAC keys: what a key signed verifies and nothing else does, a public key stays what it
//! is, and whoever shares a secret has the same one.

use super::Model;
use super::answer::{Truth, holds};
use super::expect::{Judge, Naming, unless};
use super::outcome::Outcomes;
use crate::history::{Digest, Got, Wanted};
use kms_core::error::ErrorCode;
use kms_core::name::KeyId;
use std::collections::{BTreeMap, BTreeSet};

/// What clients were told.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Which key signed or authenticated which message, and the proof of it.
    proofs: BTreeSet<(KeyId, Digest, Digest)>,
    public: BTreeMap<KeyId, Digest>,
    owners: BTreeMap<Digest, KeyId>,
    /// The secret in an encapsulation, tampered with or not.
    encapsulated: BTreeMap<(KeyId, Digest), Digest>,
    /// The secret that two keys agree on; the smaller id first.
    agreed: BTreeMap<(KeyId, KeyId), Digest>,
}

impl Judge<'_> {
    /// What may come of an operation with a key pair or a MAC key.
    pub(super) fn of_pair(&self) -> Outcomes {
        use Wanted as W;
        let wanted = &self.ask.facts.wanted;
        let action = wanted.operation();
        match wanted {
            W::Check { key, mac, message, proof } => {
                let refusal = match mac {
                    true => ErrorCode::KmsInvalidMac,
                    false => ErrorCode::KmsInvalidSignature,
                };
                self.on_key(key, Naming::Any, action, |id, _| {
                    let genuine = self.model.pairs.proofs.contains(&(id, *message, *proof));
                    unless(!genuine, refusal)
                })
            }
            W::Prove { key, .. }
            | W::GetPublicKey { key }
            | W::Encapsulate { key }
            | W::Decapsulate { key, .. }
            | W::DeriveSharedSecret { key, .. } => self.simple(key, Naming::Any, action),
            _ => Outcomes::NONE,
        }
    }
}

impl Model {
    /// Learns from the answer of a key pair or a MAC key, and says what is wrong with it.
    pub(super) fn told_of_pair(&mut self, got: &Got, wanted: &Wanted) -> Truth {
        let pairs = &mut self.pairs;
        match (got, wanted) {
            (Got::Proved { key, proof }, Wanted::Prove { message, .. }) => {
                pairs.proofs.insert((key.id, *message, *proof));
                Ok(())
            }
            (Got::PublicKey { key, public }, _) => {
                pairs.owners.insert(*public, key.id);
                let known = *pairs.public.entry(key.id).or_insert(*public);
                holds(known == *public, || format!("{} has another public key", key.id))
            }
            (Got::Encapsulated { key, secret, blob }, _) => {
                let before = pairs.encapsulated.insert((key.id, *blob), *secret);
                holds(before.is_none(), || "a secret was encapsulated twice".to_owned())
            }
            (Got::SharedSecret { key, secret }, Wanted::Decapsulate { blob, .. }) => {
                let known = *pairs.encapsulated.entry((key.id, *blob)).or_insert(*secret);
                holds(known == *secret, || "another secret was in the encapsulation".to_owned())
            }
            (Got::SharedSecret { key, secret }, Wanted::DeriveSharedSecret { peer, .. }) => {
                let Some(peer) = pairs.owners.get(peer) else { return Ok(()) };
                let both = (key.id.min(*peer), key.id.max(*peer));
                let known = *pairs.agreed.entry(both).or_insert(*secret);
                holds(known == *secret, || "the two sides agreed on two secrets".to_owned())
            }
            _ => Ok(()),
        }
    }
}
