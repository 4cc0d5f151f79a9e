//! Whether the caller may: the question put to the policies, and what the decision relied on.

use super::{Checks, Described, Kms, Settings, internal};
use crate::audit::AuditRecord;
use crate::env::{Call, Caller};
use crate::error::{Error, ErrorCode, Result};
use crate::grant_index::GrantQuery;
use crate::history::Visibility;
use crate::key::{Key, KeyManager};
use crate::name::{AliasArn, KeyArn, KeyId};
use crate::policy::{
    Action, Allowed, Decision, Denied, Grant, Pairs, Policy, Question, RequestContext, Resource,
    evaluate, refusal,
};
use crate::state::SeenKey;
use crate::usage;
use std::sync::Arc;

impl<'a> Checks<'_, 'a> {
    /// Keeps for the audit what is attested of the recipient of the answer.
    pub(crate) fn note_recipient(&mut self, recorded: Arc<Pairs>) {
        self.scope.plan.outcome.audit.recipient = Some(recorded);
    }

    /// Checks one more permission of IAM's, without another charge.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub fn permit_on_account(&mut self, context: RequestContext<'_>) -> Result<()> {
        self.permit(context, Resource::AnyKmsResource)
    }

    /// Checks a permission on an alias, which is IAM's matter too.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub fn alias(&mut self, action: Action, alias: &AliasArn) -> Result<()> {
        self.permit(self.context(action), Resource::Alias(alias))
    }

    /// Whether the caller could still change the policy of a key, were `policy` its policy: by a
    /// PutKeyPolicy like this one that does not ask for the bypass.
    pub(crate) fn keeps_control(&self, policy: &Policy, key: &Described<'_>) -> bool {
        let mut context = self.context(Action::PutKeyPolicy);
        context.policy_name = Some("default");
        key.describe(&mut context);
        crate::policy::lockout_check(policy, &self.scope.call.caller, key.arn, &context)
    }

    /// Checks the permission of `context` on an AWS managed key that is to be made with this policy. A
    /// refusal names the alias that was asked for, as there is no key.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(crate) fn permit_by(
        &mut self,
        policy: &Policy,
        arn: KeyArn,
        alias: &AliasArn,
        mut context: RequestContext<'_>,
    ) -> Result<()> {
        context.key = Some(arn);
        let resource = Resource::Key { arn, policy, manager: KeyManager::Aws };
        self.permit_as(context, resource, Resource::Alias(alias))
    }

    pub(super) fn permit(
        &mut self,
        context: RequestContext<'_>,
        resource: Resource<'_>,
    ) -> Result<()> {
        self.permit_as(context, resource, resource)
    }

    /// Checks a permission on a resource; a refusal names `told` instead.
    fn permit_as(
        &mut self,
        mut context: RequestContext<'_>,
        resource: Resource<'_>,
        told: Resource<'_>,
    ) -> Result<()> {
        context.region = Some(self.region());
        let action = context.action();
        let caller: &Caller = &self.scope.call.caller;
        let question = Question { caller, action, resource };
        let decision = evaluate(&question, &context, &mut std::iter::empty());
        note(&mut self.scope.plan.outcome.audit, action, &decision);
        match decision {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(reason) => {
                Err(denied(&Question { resource: told, ..question }, &reason))
            }
        }
    }

    pub(super) fn authorize<'c>(
        &mut self,
        key: &Arc<Key>,
        context: &mut RequestContext<'c>,
        presented: &[Arc<Grant>],
    ) -> Result<()>
    where
        'a: 'c,
    {
        let query = GrantQuery::new(&self.call().caller.principal, context);
        let seen = self.state().seen_grants(key.id(), &query, self.sees());
        let presented = presented.iter().filter(|grant| grant.key == key.id());
        self.judge(key, context, &mut seen.chain(presented).map(AsRef::as_ref))
    }

    /// Authorizes by the policies and by these grants.
    pub(super) fn judge<'c, 'g>(
        &mut self,
        key: &Key,
        context: &mut RequestContext<'c>,
        grants: &mut dyn Iterator<Item = &'g Grant>,
    ) -> Result<()>
    where
        'a: 'c + 'g,
    {
        let sees = self.sees();
        let seen = self.state().seen_key(key.id(), &sees).ok_or_else(internal)?;
        let decision = rule(seen, self.settings(), context, self.call(), grants);
        note(&mut self.scope.plan.outcome.audit, context.action(), &decision);
        match decision {
            Decision::Allow(Allowed::Grant(grant) | Allowed::Retires(grant)) => {
                self.rely_on_grant(grant);
                Ok(())
            }
            Decision::Allow(_) => Ok(()),
            Decision::Deny(reason) => {
                let question = question(self.call(), context.action(), seen);
                Err(denied(&question, &reason))
            }
        }
    }
}

/// The refusal that the caller reads.
fn denied(question: &Question<'_>, reason: &Denied<'_>) -> Error {
    ErrorCode::AccessDenied.says(refusal::message(question, reason))
}

impl Kms {
    /// What this host would decide about a request of `context` on a key, by what it sees of policies,
    /// grants, aliases and tags at the moment of the call; nothing when there is no such key.
    pub fn decision<'a>(
        &'a self,
        key: KeyId,
        mut context: RequestContext<'a>,
    ) -> Option<Decision<'a>> {
        let call = context.call();
        let sees = Visibility { now: call.now, delays: self.settings.propagation };
        let seen = self.state.seen_key(key, &sees)?;
        let query = GrantQuery::new(&call.caller.principal, &context);
        let grants = &mut self.state.seen_grants(key, &query, sees).map(AsRef::as_ref);
        Some(rule(seen, &self.settings, &mut context, call, grants))
    }
}

/// The decision about a request on a key, by these grants.
fn rule<'g, 's: 'g + 'c, 'c>(
    seen: SeenKey<'s>,
    settings: &Settings,
    context: &mut RequestContext<'c>,
    call: &'s Call,
    grants: &mut dyn Iterator<Item = &'g Grant>,
) -> Decision<'g> {
    let SeenKey { key, last_use, .. } = seen;
    Described::from(&seen).describe(context);
    if let Action::DisableKey | Action::ScheduleKeyDeletion = context.action() {
        context.trailing_days = Some(usage::trailing_days(key, last_use, settings, call.now));
    }
    evaluate(&question(call, context.action(), seen), context, grants)
}

fn question<'s>(call: &'s Call, action: Action, seen: SeenKey<'s>) -> Question<'s> {
    let SeenKey { key, policy, .. } = seen;
    let resource = Resource::Key { arn: key.arn, policy, manager: key.manager };
    Question { caller: &call.caller, action, resource }
}

/// Keeps the reason of a decision for the audit.
fn note(audit: &mut AuditRecord, action: Action, decision: &Decision<'_>) {
    match decision {
        Decision::Allow(reason) => {
            if let Allowed::Grant(id) | Allowed::Retires(id) = reason {
                audit.granted_by = Some(*id);
            }
            audit.allowed_because.push((action, reason.unnamed()));
        }
        Decision::Deny(reason) => audit.denied_because = Some(reason.to_string()),
    }
}
