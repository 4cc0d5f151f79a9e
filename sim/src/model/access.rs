//! Who may do what: the default key policy, administrators of the owner's account, and grants.
//!
//! The history shows a policy only as a digest, so the model knows what the default policy permits and
//! of another one only whether it never shuts out the administrators of its account. What eventual
//! visibility leaves open stays open here, too.

use super::expect::Judge;
use super::key::Key;
use super::ledger::Grant;
use crate::history::{Digest, Wanted};
use kms_core::name::KeyId;

/// Whether somebody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Yes,
    No,
    /// Either, for all that can be known.
    Open,
}

impl Judge<'_> {
    /// Whether the caller may do this to the key. `bound` says that an encryption context is at stake,
    /// which a grant may be constrained to.
    pub(super) fn access(&self, id: KeyId, key: &Key, action: &str, bound: bool) -> Access {
        let facts = self.ask.facts;
        if facts.administrator && facts.account == key.account {
            return if self.may_be_shut_out(id) { Access::Open } else { Access::Yes };
        }
        match self.by_grant(id, action, bound) {
            Access::No if self.may_see_other_policy(id, key) => Access::Open,
            access => access,
        }
    }

    /// Whether the host may act on a policy that does not trust the account with everything.
    fn may_be_shut_out(&self, id: KeyId) -> bool {
        self.may_see_policy(id, |_, trusts| !trusts)
    }

    fn may_see_other_policy(&self, id: KeyId, key: &Key) -> bool {
        let default = self.model.default_policies.get(&key.account);
        self.may_see_policy(id, |policy, _| default != Some(&policy))
    }

    fn may_see_policy(&self, id: KeyId, is_one: impl Fn(Digest, bool) -> bool) -> bool {
        let Some(slot) = self.ledger.keys.get(&id) else { return false };
        let delay = self.context.rules.policy_delay;
        let mut seen = slot.key.visible(self.ask.position, |at| self.has_spread(at, delay));
        seen.any(|version| {
            let policy = version.and_then(|key| key.as_ref()?.policy);
            policy.is_some_and(|(policy, trusts)| is_one(policy, trusts))
        })
    }

    fn by_grant(&self, id: KeyId, action: &str, bound: bool) -> Access {
        let Some(slot) = self.ledger.keys.get(&id) else { return Access::No };
        let mut best = Access::No;
        for index in slot.grants_for(&self.ask.facts.principal).iter().rev() {
            let grant = &self.ledger.grants[*index];
            match self.grant_gives(grant, action, bound) {
                Access::Yes => return Access::Yes,
                Access::Open => best = Access::Open,
                Access::No => {}
            }
        }
        best
    }

    fn grant_gives(&self, grant: &Grant, action: &str, bound: bool) -> Access {
        let Wanted::CreateGrant { operations, constrained, .. } = &grant.facts.wanted else {
            return Access::No;
        };
        if !operations.contains(action) {
            return Access::No;
        }
        let delay = self.context.rules.grant_delay;
        let alive = grant.alive.visible(self.ask.position, |at| self.has_spread(at, delay));
        let alive: Vec<bool> = alive.map(|alive| alive.copied().unwrap_or(false)).collect();
        let certain = !(*constrained && bound);
        match (alive.contains(&true), alive.contains(&false)) {
            (false, _) => Access::No,
            (true, false) if certain => Access::Yes,
            (true, _) => Access::Open,
        }
    }
}
