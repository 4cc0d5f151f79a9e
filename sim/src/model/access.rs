//! Who may do what: key policies as far as a judge reads them, administrators of the owner's account,
//! and grants. What eventual visibility and unread policies leave open stays open here, too.

use super::expect::{Judge, Naming};
use super::key::Key;
use super::ledger::Grant;
use super::states::{Need, need};
use crate::history::{PolicyWords, Target, Wanted};
use kms_core::name::KeyId;

/// Whether somebody may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Yes,
    No,
    /// Either, for all that can be known.
    Open,
}

/// Whether somebody may, by each of the ways to a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ruling {
    /// By the key policy, and the policies of the caller where that leaves it to them.
    pub(crate) policy: Access,
    /// By a grant.
    pub(crate) grants: Access,
    /// Whether the caller ever had a grant on the key.
    pub(crate) has_grants: bool,
}

impl Ruling {
    /// One way is enough.
    fn access(self) -> Access {
        match (self.policy, self.grants) {
            (Access::Yes, _) | (_, Access::Yes) => Access::Yes,
            (Access::No, Access::No) => Access::No,
            _ => Access::Open,
        }
    }
}

impl Judge<'_> {
    /// Whether the caller may do this to the key. `bound` says that an encryption context is at stake,
    /// which a grant may be constrained to.
    pub(super) fn access(&self, id: KeyId, key: &Key, action: &str, bound: bool) -> Access {
        match self.by_policy(id, key, action) {
            Access::Yes => Access::Yes,
            policy => {
                let grants = self.by_grant(id, action, bound);
                Ruling { policy, grants, has_grants: true }.access()
            }
        }
    }

    /// What is to be said of an attempt that names one key. Of others there is nothing to say: what
    /// several permissions, or those of another Region, have a part in.
    pub(super) fn ruling(&self) -> Option<Ruling> {
        let wanted = &self.ask.facts.wanted;
        let target = match wanted {
            Wanted::ReEncrypt { .. }
            | Wanted::ReplicateKey { .. }
            | Wanted::UpdatePrimaryRegion { .. }
            | Wanted::CreateAlias { .. }
            | Wanted::UpdateAlias { .. }
            | Wanted::ListAliases { .. } => return None,
            Wanted::Decrypt { blob, key: None, .. } => {
                let id = self.model.blobs.get(blob)?.key;
                &Target::Key { region: None, id }
            }
            other => other.key()?,
        };
        let [Ok(id)] = self.resolve(target, Naming::Any)[..] else { return None };
        let key = self.ledger.key(id, self.ask.position)?;
        let (action, bound) = (wanted.operation(), need(wanted) == Need::Working);
        let grants = self.by_grant(id, action, bound);
        let slot = self.ledger.keys.get(&id)?;
        let has_grants = !slot.grants_for(&self.ask.facts.principal).is_empty();
        Some(Ruling { policy: self.by_policy(id, key, action), grants, has_grants })
    }

    fn by_policy(&self, id: KeyId, key: &Key, action: &str) -> Access {
        let facts = self.ask.facts;
        let Some(slot) = self.ledger.keys.get(&id) else { return Access::No };
        let delay = self.context.rules.policy_delay;
        let seen = slot.key.visible(self.ask.position, |at| self.has_spread(at, delay));
        let own = facts.administrator && facts.account == key.account;
        let mut may = (false, false);
        for version in seen {
            let put = version.and_then(|key| key.as_ref()?.policy.as_ref());
            // The default policy leaves everything to the policies of the account, and of those only
            // administrators have one.
            let access = put.map_or(Some(own), |(_, words)| self.by_words(words, own, action));
            may.0 |= access != Some(false);
            may.1 |= access != Some(true);
        }
        match may {
            (true, false) => Access::Yes,
            (false, _) => Access::No,
            (true, true) => Access::Open,
        }
    }

    fn by_words(&self, words: &PolicyWords, own: bool, action: &str) -> Option<bool> {
        match (own && words.trusts, words.allow(&self.ask.facts.principal, action)) {
            (true, _) | (_, Some(true)) => Some(true),
            // Whether it leaves it to the policies of the account is not read.
            (false, Some(false)) if own => None,
            (false, allowed) => allowed,
        }
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
