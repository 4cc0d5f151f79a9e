//! The decision: key policy, IAM policies, grants and restricting layers together.
//!
//! Order (AWS KMS Developer Guide, "Troubleshooting key access"): an explicit denial anywhere wins;
//! restricting layers have to allow; then the key policy, the key policy together with IAM, or a grant
//! allows; across accounts both sides have to. What nothing allows is denied.

use super::action::{Action, ActionSet};
use super::condition_key::ConditionKey;
use super::context::{Context, ContextValue, Pairs};
use super::document::{Findings, Found, Policy};
use super::grant::{Grant, GrantMiss, GrantTerms};
use super::kind::{PolicyKind, Restriction};
use super::principal::Fit;
use super::reason::{Allowed, Denied, Layer, StatementRef};
use super::resource::Target;
use super::retire;
use super::statement::Scene;
use crate::env::Caller;
use crate::key::KeyManager;
use crate::name::{AccountId, AliasArn, GrantId, KeyArn, PrincipalArn, PrincipalKind};
use std::fmt;

/// The permissions that reach keys of other accounts (AWS KMS Developer Guide, "Permissions").
pub const CROSS_ACCOUNT_ACTIONS: ActionSet = ActionSet::NONE
    .with(Action::CreateGrant)
    .with(Action::Decapsulate)
    .with(Action::Decrypt)
    .with(Action::DeriveSharedSecret)
    .with(Action::DescribeKey)
    .with(Action::Encapsulate)
    .with(Action::Encrypt)
    .with(Action::GenerateDataKey)
    .with(Action::GenerateDataKeyPair)
    .with(Action::GenerateDataKeyPairWithoutPlaintext)
    .with(Action::GenerateDataKeyWithoutPlaintext)
    .with(Action::GenerateMac)
    .with(Action::GetKeyRotationStatus)
    .with(Action::GetPublicKey)
    .with(Action::ListGrants)
    .with(Action::ReEncryptFrom)
    .with(Action::ReEncryptTo)
    .with(Action::RetireGrant)
    .with(Action::RevokeGrant)
    .with(Action::Sign)
    .with(Action::Verify)
    .with(Action::VerifyMac);

/// What a request is about.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// A key; its policy and grants count.
    Key {
        /// The key.
        arn: KeyArn,
        /// Its policy.
        policy: &'a Policy,
        /// Who manages it.
        manager: KeyManager,
    },
    /// An alias: IAM alone decides, and no condition key of AWS KMS is seen.
    Alias(&'a AliasArn),
    /// No one resource, `*`: IAM alone decides.
    AnyKmsResource,
    /// A retiring principal, for ListRetirableGrants: IAM alone decides.
    Principal(&'a PrincipalArn),
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// For which permission.
    pub action: Action,
    /// On what.
    pub resource: Resource<'a>,
}

/// The answer and its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision<'a> {
    /// The request may proceed.
    Allow(Allowed<'a>),
    /// The request is refused.
    Deny(Denied<'a>),
}

impl Decision<'_> {
    /// Whether the request may proceed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Decision::Allow(_))
    }
}

impl fmt::Display for Decision<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Decision::Allow(reason) => write!(f, "allowed: {reason}"),
            Decision::Deny(reason) => write!(f, "denied: {reason}"),
        }
    }
}

/// Decides one request. `grants` are the grants of the key that the deciding host can see, together
/// with those that valid grant tokens name; they are asked for only when no policy allows. For
/// RetireGrant, they are the grants to be retired.
pub fn evaluate<'a>(
    question: &Question<'a>,
    context: &dyn Context,
    grants: &mut dyn Iterator<Item = &'a Grant>,
) -> Decision<'a> {
    on_stage(question, context, |scene| match decide(question, scene, grants) {
        Ok(reason) => Decision::Allow(reason),
        Err(reason) => Decision::Deny(reason),
    })
}

/// Sets the request up as statements see it.
pub(super) fn on_stage<'a, T>(
    question: &Question<'a>,
    context: &dyn Context,
    then: impl FnOnce(&Scene<'a, '_>) -> T,
) -> T {
    let outside_kms = WithoutKmsKeys(context);
    let context = match question.resource {
        Resource::Alias(_) => &outside_kms,
        _ => context,
    };
    let target = Target::new(question.resource);
    let Question { caller, action, .. } = *question;
    then(&Scene { caller, action, target: &target, context })
}

/// Whether the caller could change the key's policy again once `policy` is in place: the lockout
/// safety check of CreateKey, ReplicateKey and PutKeyPolicy.
pub fn lockout_check(policy: &Policy, caller: &Caller, key: KeyArn, context: &dyn Context) -> bool {
    let resource = Resource::Key { arn: key, policy, manager: KeyManager::Customer };
    let question = Question { caller, action: Action::PutKeyPolicy, resource };
    evaluate(&question, context, &mut std::iter::empty()).is_allowed()
}

/// Whether the key policy of the caller's own account names the very user or session.
fn names_directly(question: &Question<'_>, key: &Findings<'_>) -> bool {
    let own = |arn: KeyArn| arn.account == question.caller.account();
    matches!(question.resource, Resource::Key { arn, .. } if own(arn)) && key.names.is_some()
}

type Ruling<'a> = Result<Allowed<'a>, Denied<'a>>;

fn decide<'a>(
    question: &Question<'a>,
    scene: &Scene<'a, '_>,
    grants: &mut dyn Iterator<Item = &'a Grant>,
) -> Ruling<'a> {
    let key = match question.resource {
        Resource::Key { policy, .. } => policy.findings(scene),
        _ => Findings::default(),
    };
    if let Some(found) = key.denies {
        return Err(Denied::ExplicitDeny(refer(Layer::KeyPolicy, 0, found)));
    }
    let identity = consult_identity(scene)?;
    consult_restrictions(scene, names_directly(question, &key))?;
    match question.resource {
        Resource::Key { .. } if question.action == Action::RetireGrant => {
            retire::decide(scene, identity, grants)
        }
        Resource::Key { arn, .. } => {
            Access { scene, account: arn.account, key, identity }.decide(grants)
        }
        Resource::Alias(alias) if alias.account != question.caller.account() => {
            Err(Denied::CrossAccountNotAllowed(question.action))
        }
        _ => by_identity(identity),
    }
}

/// What the caller's own account says.
#[derive(Clone, Copy)]
pub(super) enum Identity<'a> {
    /// A statement allows.
    Allows(StatementRef<'a>),
    /// The caller is the root principal: its account has nothing to ask.
    Root,
    /// Nothing allows.
    Silent,
}

impl Identity<'_> {
    pub(super) fn allows(self) -> bool {
        !matches!(self, Identity::Silent)
    }
}

fn consult_identity<'a>(scene: &Scene<'a, '_>) -> Result<Identity<'a>, Denied<'a>> {
    let caller: &'a Caller = scene.caller;
    let mut identity = match caller.principal.kind() {
        PrincipalKind::Root => Identity::Root,
        _ => Identity::Silent,
    };
    for (index, policy) in caller.identity_policies.iter().enumerate() {
        let findings = policy.findings(scene);
        let refer = |found| refer(Layer::IdentityPolicy, index, found);
        if let Some(found) = findings.denies {
            return Err(Denied::ExplicitDeny(refer(found)));
        }
        if let (false, Some(found)) = (identity.allows(), findings.itself()) {
            identity = Identity::Allows(refer(found));
        }
    }
    Ok(identity)
}

/// A layer that is present has to allow by one of its policies. Resource control policies only deny:
/// the one that allows everything is always attached to an organization. Every layer binds every
/// caller it is given with: whoever fills in the caller leaves out what does not apply to it. The
/// silence of a boundary or a session policy takes nothing from a caller that the key policy of its
/// own account names by its ARN; their denials count always.
fn consult_restrictions<'a>(scene: &Scene<'a, '_>, named_directly: bool) -> Result<(), Denied<'a>> {
    let caller: &'a Caller = scene.caller;
    let mut layers = [Presence::Absent; Restriction::ALL.len()];
    for (index, policy) in caller.restricting_policies.iter().enumerate() {
        let restriction = restriction_of(policy);
        if restriction == Restriction::ResourceControl && !is_customer_key(scene) {
            continue;
        }
        let findings = policy.findings(scene);
        if let Some(found) = findings.denies {
            return Err(Denied::ExplicitDeny(refer(Layer::Restricting(restriction), index, found)));
        }
        let allows = findings.itself().or(findings.delegates).is_some()
            || match restriction {
                Restriction::ResourceControl => true,
                Restriction::Boundary | Restriction::Session => named_directly,
                Restriction::ServiceControl | Restriction::Endpoint => false,
            };
        layers[restriction as usize].note(allows);
    }
    let silent = Restriction::ALL.into_iter().find(|layer| layers[*layer as usize].is_silent());
    silent.map_or(Ok(()), |layer| Err(Denied::RestrictedBy(layer)))
}

/// A policy of another kind that stands among the restrictions restricts as a boundary does.
fn restriction_of(policy: &Policy) -> Restriction {
    match policy.kind() {
        PolicyKind::Restricting(restriction) => restriction,
        _ => Restriction::Boundary,
    }
}

fn is_customer_key(scene: &Scene<'_, '_>) -> bool {
    matches!(scene.target.resource, Resource::Key { manager: KeyManager::Customer, .. })
}

#[derive(Clone, Copy, PartialEq)]
enum Presence {
    Absent,
    Silent,
    Allows,
}

impl Presence {
    fn note(&mut self, allows: bool) {
        if allows {
            *self = Presence::Allows;
        } else if *self == Presence::Absent {
            *self = Presence::Silent;
        }
    }

    fn is_silent(self) -> bool {
        self == Presence::Silent
    }
}

fn refer(layer: Layer, policy: usize, found: Found<'_>) -> StatementRef<'_> {
    StatementRef { layer, policy, statement: found.index, sid: found.sid }
}

fn by_identity(identity: Identity<'_>) -> Ruling<'_> {
    match identity {
        Identity::Allows(statement) => Ok(Allowed::IdentityPolicy(statement)),
        Identity::Root => Ok(Allowed::AccountRoot),
        Identity::Silent => Err(Denied::NothingAllows),
    }
}

/// Access to a key once nothing denies it.
struct Access<'a, 's, 'c> {
    scene: &'s Scene<'a, 'c>,
    account: AccountId,
    key: Findings<'a>,
    identity: Identity<'a>,
}

impl<'a> Access<'a, '_, '_> {
    fn decide(&self, grants: &mut dyn Iterator<Item = &'a Grant>) -> Ruling<'a> {
        if self.is_foreign() && !CROSS_ACCOUNT_ACTIONS.contains(self.scene.action) {
            return Err(Denied::CrossAccountNotAllowed(self.scene.action));
        }
        let missing = match self.by_policies() {
            Ok(reason) => return Ok(reason),
            Err(missing) => missing,
        };
        self.by_grants(grants, missing)
    }

    /// A service belongs to no account, so the key policy alone decides about it.
    fn is_foreign(&self) -> bool {
        let caller = &self.scene.caller.principal;
        caller.kind() != PrincipalKind::Service && caller.account() != self.account
    }

    fn by_policies(&self) -> Ruling<'a> {
        let refer = |found| refer(Layer::KeyPolicy, 0, found);
        let itself = self.key.itself();
        let trusts = itself.or(self.key.delegates).map(refer);
        match (itself.map(refer), trusts, self.identity) {
            (Some(key), _, _) if !self.is_foreign() => Ok(Allowed::KeyPolicy(key)),
            (_, Some(key), Identity::Allows(identity)) => Ok(Allowed::Delegated { key, identity }),
            (_, Some(key), Identity::Root) => Ok(Allowed::KeyPolicy(key)),
            (_, Some(_), Identity::Silent) if self.is_foreign() => {
                Err(Denied::CrossAccountNeedsIdentityPolicy)
            }
            (_, Some(_), Identity::Silent) => Err(Denied::NoIdentityPolicy),
            (_, None, _) if self.is_foreign() => Err(Denied::CrossAccountNeedsKeyPolicy),
            (_, None, Identity::Silent) => Err(Denied::NothingAllows),
            (_, None, _) => Err(Denied::NoKeyPolicyDelegation),
        }
    }

    /// A grant that names the caller and falls short explains more than the silence of the policies;
    /// of several, the first of those that came closest.
    fn by_grants(
        &self,
        grants: &mut dyn Iterator<Item = &'a Grant>,
        missing: Denied<'a>,
    ) -> Ruling<'a> {
        let mut closest: Option<(GrantMiss, GrantId)> = None;
        for grant in grants {
            match self.use_grant(grant) {
                Ok(()) => return Ok(Allowed::Grant(grant.id)),
                Err(GrantMiss::Grantee) => {}
                Err(miss) if closest.is_none_or(|(so_far, _)| so_far < miss) => {
                    closest = Some((miss, grant.id));
                }
                Err(_) => {}
            }
        }
        let short = |(miss, grant)| Denied::GrantFallsShort { grant, miss };
        Err(closest.map_or(missing, short))
    }

    fn use_grant(&self, grant: &Grant) -> Result<(), GrantMiss> {
        let scene = self.scene;
        match grant.permits(&scene.caller.principal, scene.action, scene.context)? {
            Fit::Account if !self.identity.allows() => Err(GrantMiss::IdentityPolicy),
            _ => Ok(()),
        }
    }
}

/// The permission on an alias takes no condition keys of AWS KMS.
struct WithoutKmsKeys<'c>(&'c dyn Context);

impl Context for WithoutKmsKeys<'_> {
    fn value(&self, key: &ConditionKey) -> Option<ContextValue<'_>> {
        if key.is_kms() { None } else { self.0.value(key) }
    }

    fn encryption_context(&self) -> Option<&Pairs> {
        self.0.encryption_context()
    }

    fn requested_grant(&self) -> Option<&GrantTerms> {
        self.0.requested_grant()
    }
}
