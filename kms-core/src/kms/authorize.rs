//! Whether the caller may: the question put to the policies, and what the decision relied on.

use super::Checks;
use crate::audit::AuditRecord;
use crate::env::Caller;
use crate::error::{Error, ErrorCode, Result};
use crate::key::Key;
use crate::name::{AliasArn, KeyArn};
use crate::policy::evaluate::KeyManager;
use crate::policy::{
    Action, Allowed, Decision, Grant, Policy, Question, RequestContext, Resource, evaluate,
};
use crate::usage;
use std::fmt;
use std::sync::Arc;

impl<'a> Checks<'_, 'a> {
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

    /// Whether the caller could still change the policy of a key, were `policy` its policy.
    pub fn keeps_control(&self, policy: &Policy, key: KeyArn) -> bool {
        let mut context = self.context(Action::PutKeyPolicy);
        context.policy_name = Some("default");
        crate::policy::lockout_check(policy, &self.scope.call.caller, key, &context)
    }

    pub(super) fn permit(
        &mut self,
        mut context: RequestContext<'_>,
        resource: Resource<'_>,
    ) -> Result<()> {
        context.region = Some(self.region());
        let action = context.action();
        let caller: &Caller = &self.scope.call.caller;
        let question = Question { caller, action, resource };
        let decision = evaluate(&question, &context, &mut std::iter::empty());
        note(&mut self.scope.plan.audit, &decision);
        match decision {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(_) => Err(self.denied(action, &"*")),
        }
    }

    pub(super) fn authorize(
        &mut self,
        key: &Arc<Key>,
        context: RequestContext<'_>,
        presented: &[Arc<Grant>],
    ) -> Result<()> {
        let principal = &self.call().caller.principal;
        let seen = self.state().seen_grants(key.id(), principal, self.sees());
        let presented = presented.iter().filter(|grant| grant.key == key.id());
        self.judge(key, context, &mut seen.chain(presented).map(AsRef::as_ref))
    }

    /// Authorizes by the policies and by these grants.
    pub(super) fn judge<'g>(
        &mut self,
        key: &'g Arc<Key>,
        context: RequestContext<'_>,
        grants: &mut dyn Iterator<Item = &'g Grant>,
    ) -> Result<()>
    where
        'a: 'g,
    {
        let mut context = context;
        let sees = self.sees();
        let state = self.state();
        let caller: &Caller = &self.call().caller;
        let key_policy = state.policy(key.id(), &sees).unwrap_or(&key.policy);
        describe(&mut context, key);
        context.resource_aliases = state.aliases_of(key.id());
        context.resource_tags = state.tags(key.id(), &sees).map(AsRef::as_ref);
        let action = context.action();
        if matches!(action, Action::DisableKey | Action::ScheduleKeyDeletion) {
            let last = state.last_use(key.id());
            let days = usage::trailing_days(key, last, self.settings(), self.call().now);
            context.trailing_days = Some(days);
        }
        let resource =
            Resource::Key { arn: key.arn, policy: key_policy, manager: KeyManager::Customer };
        let question = Question { caller, action, resource };
        let decision = evaluate(&question, &context, grants);
        note(&mut self.scope.plan.audit, &decision);
        match decision {
            Decision::Allow(Allowed::Grant(grant) | Allowed::Retires(grant)) => {
                self.rely_on_grant(grant);
                Ok(())
            }
            Decision::Allow(_) => Ok(()),
            Decision::Deny(_) => Err(self.denied(action, &key.arn)),
        }
    }

    pub(super) fn denied(&self, action: Action, resource: &dyn fmt::Display) -> Error {
        let principal = &self.scope.call.caller.principal;
        ErrorCode::AccessDenied.says(format!(
            "User: {principal} is not authorized to perform: {action} on resource: {resource}"
        ))
    }
}

/// Keeps the reason of a decision for the audit.
fn note(audit: &mut AuditRecord, decision: &Decision<'_>) {
    match decision {
        Decision::Allow(Allowed::Grant(id) | Allowed::Retires(id)) => audit.granted_by = Some(*id),
        Decision::Allow(_) => {}
        Decision::Deny(reason) => audit.denied_because = Some(reason.to_string()),
    }
}

/// Tells a context what a condition may ask about the key.
fn describe<'a>(context: &mut RequestContext<'a>, key: &'a Key) {
    context.key = Some(key.arn);
    context.key_spec = Some(key.spec.as_str());
    context.key_usage = Some(key.usage.as_str());
    context.key_origin = Some(key.origin.as_str());
    context.multi_region = Some(key.multi_region.is_some());
    context.multi_region_key_type =
        key.multi_region.as_ref().map(|_| if key.is_replica() { "REPLICA" } else { "PRIMARY" });
}
