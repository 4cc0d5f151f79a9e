//! Whoever is told that something has changed finds the change in the log.

use super::answer::{Told, Truth, holds};
use super::expect::Judge;
use super::key::Wish;
use crate::history::{Target, Wanted};

impl Judge<'_> {
    /// An answer without an error to a request that no log entry is for: nothing was to be changed.
    pub(super) fn changes_nothing(&self, told: &Told<'_>) -> Truth {
        holds(told.committed.is_some() || !self.changes_something(), || {
            "what it changes is not in the log".to_owned()
        })
    }

    /// Whether the request, decided where it was, must make a log entry. What would leave everything
    /// as it is need not.
    fn changes_something(&self) -> bool {
        use Wanted as W;
        match &self.ask.facts.wanted {
            W::CreateKey { .. }
            | W::CreatePair { .. }
            | W::CreateExternalKey
            | W::CreateKeyToImport { .. }
            | W::ImportKeyMaterial { .. }
            | W::DeleteImportedKeyMaterial { .. }
            | W::CreateAlias { .. }
            | W::DeleteAlias { .. }
            | W::ScheduleKeyDeletion { .. }
            | W::CancelKeyDeletion { .. }
            | W::RotateKeyOnDemand { .. }
            | W::RetireGrant { .. }
            | W::RevokeGrant { .. }
            | W::CreateGrant { name: None, .. } => true,
            other => self.changes_key(other),
        }
    }

    fn changes_key(&self, wanted: &Wanted) -> bool {
        let Some(Target::Key { id, .. }) = wanted.key() else { return false };
        let Some(key) = self.ledger.key(*id, self.ask.position) else { return false };
        match wanted {
            Wanted::EnableKey { .. } => key.wish != Wish::On,
            Wanted::DisableKey { .. } => !matches!(key.wish, Wish::Off | Wish::Saved),
            Wanted::EnableKeyRotation { days, .. } => {
                key.schedule.is_none_or(|schedule| schedule.days != *days)
            }
            Wanted::DisableKeyRotation { .. } => key.schedule.is_some(),
            Wanted::PutKeyPolicy { policy, words, .. } => match &key.policy {
                Some((put, _)) => put != policy,
                None => !words.is_like_default(),
            },
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::history::Got;
    use crate::history::{Changed, Digest, PolicyWords, Target, Wanted};
    use crate::oracle::scene::{Scene, arn, key_id, key_in};
    use kms_core::key::KeyState;
    use std::sync::Arc;

    /// What the reference model says of a change that answers well, with and without a log entry.
    fn told(wanted: &Wanted, got: &Got, changes: &[Changed]) -> [usize; 2] {
        [true, false].map(|committed| {
            let mut scene = Scene::new();
            scene.at(1).created(1);
            scene.call(2, wanted.clone());
            if committed {
                scene.commit(2, changes.to_vec());
            }
            scene.answer_at(2, 1, None);
            scene.returned(2, got.clone());
            scene.complaints("reference-model")
        })
    }

    #[test]
    fn what_answers_well_is_in_the_log() {
        let key = || Target::Key { region: None, id: key_id() };
        let words = |principals: &[&str]| {
            let allows = principals.iter().map(|arn| ((*arn).into(), ["Encrypt"].into()));
            Arc::new(PolicyWords { trusts: true, allows: Some(allows.collect()) })
        };
        let put = |words| Wanted::PutKeyPolicy { key: key(), policy: Digest(9), words };
        let disable = Wanted::DisableKey { key: key() };
        let disabled = key_in(KeyState::Disabled);
        assert_eq!(told(&disable, &Got::Done, &[disabled]), [0, 1]);
        let enabled = || [key_in(KeyState::Enabled)];
        let enable = Wanted::EnableKey { key: key() };
        assert_eq!(told(&enable, &Got::Done, &enabled()), [0, 0], "it is enabled as it is");
        let root = "arn:aws:iam::111122220000:root";
        assert_eq!(told(&put(words(&[root])), &Got::Done, &enabled()), [0, 0]);
        assert_eq!(told(&put(words(&[root, "arn:x"])), &Got::Done, &enabled()), [0, 1]);
        let rotate = Wanted::RotateKeyOnDemand { key: key() };
        assert_eq!(told(&rotate, &Got::Done, &[])[1], 1, "{}", arn());
    }
}
