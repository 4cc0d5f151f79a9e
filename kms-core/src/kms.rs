//! The heart: how a request becomes a step.
//!
//! The order of security is a matter of types. An operation starts with [`Checks`]. `Checks::key`
//! resolves the key, authorizes the caller, checks the key's state and charges the quota, and is the
//! only maker of a [`UsableKey`]; only a `UsableKey` names key material. `Checks::pass` ends the
//! checks and gives [`Effects`], which alone can ask a peer or record a change. What a decision read
//! is noted on the way and becomes the preconditions of the append.

use crate::audit::AuditRecord;
use crate::env::{Call, Caller, Random, Site, draw};
use crate::error::{Error, ErrorCode, Result};
use crate::grant_token;
use crate::history::{Propagation, Visibility};
use crate::hsm::{BackingKeyRef, Command};
use crate::key::Key;
use crate::key_state;
use crate::multi_region::{self, RegionCommand};
use crate::name::{
    AccountId, AliasArn, AliasName, GrantId, KeyArn, KeyId, KeyIdentifier, MaterialId, RegionName,
};
use crate::ops::{self, Operation, Request, Response};
use crate::policy::evaluate::KeyManager;
use crate::policy::{
    Action, Allowed, Decision, Grant, Policy, Question, RequestContext, Resource, evaluate,
};
use crate::quota::{Charge, Limits, Meter, PoolId};
use crate::state::{Change, LogEntry, State};
use crate::step::{
    Append, Ask, Counter, MOST_ASKS, Next, Outcome, Precondition, RecordId, Reply, Step, Then,
    UniqueName,
};
use crate::task::{Due, Task};
use crate::token::{TokenChange, TokenStore};
use crate::wire::{GrantToken, KeyRef};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

/// What can be set about a Region's KMS and is not documented by AWS as one figure.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Resource quotas.
    pub limits: Limits,
    /// How late this host sees policies, grants, aliases and tags.
    pub propagation: Propagation,
    /// How long after the waiting period a key is erased: more than clocks may differ, at most the
    /// day AWS allows itself.
    pub deletion_grace: Duration,
    /// How long a new replica stays in `Creating` at least.
    pub creating_time: Duration,
    /// How long both keys stay in `Updating` at least.
    pub updating_time: Duration,
    /// The Regions a key may be replicated to.
    pub regions: Vec<RegionName>,
    /// The key that grant tokens of this Region are recognised by.
    pub grant_token_key: [u8; 32],
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            limits: Limits::default(),
            propagation: Propagation::default(),
            deletion_grace: Duration::from_secs(3600),
            creating_time: Duration::from_secs(1),
            updating_time: Duration::from_secs(1),
            regions: Vec::new(),
            grant_token_key: [0; 32],
        }
    }
}

/// The KMS of a Region, as one host knows it.
#[derive(Debug)]
pub struct Kms {
    state: State,
    tokens: TokenStore,
    settings: Settings,
}

impl Kms {
    /// A host at the beginning of its Region's log.
    pub fn new(region: RegionName, settings: Settings) -> Kms {
        Kms { state: State::new(region), tokens: TokenStore::default(), settings }
    }

    /// The state at the position this host has reached.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The key tokens this host has.
    pub fn tokens(&self) -> &TokenStore {
        &self.tokens
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings, to change them between two decisions.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Decides a request of the public API.
    pub fn decide(
        &self,
        call: &Call,
        request: &Request,
        meter: &mut Meter,
        random: &mut dyn Random,
    ) -> Step {
        let operation = request.operation();
        self.run(call, operation.name(), Some(operation), meter, random, |checks| {
            ops::decide(checks, request)
        })
    }

    /// Decides a command of another Region's KMS.
    pub fn serve(
        &self,
        call: &Call,
        command: &RegionCommand,
        meter: &mut Meter,
        random: &mut dyn Random,
    ) -> Step {
        let operation = command.operation();
        self.run(call, command.name(), operation, meter, random, |checks| {
            multi_region::serve(checks, command)
        })
    }

    /// Decides a task that is due.
    pub fn carry_out(&self, call: &Call, task: &Task, random: &mut dyn Random) -> Step {
        let meter = &mut Meter::off();
        self.run(call, task.name(), None, meter, random, |checks| crate::ops::task(checks, task))
    }

    /// The work that is due at `now`, soonest first.
    pub fn advance(&self, now: crate::env::Timestamp) -> Vec<Task> {
        let due = self.state.due().take_while(|due| due.at <= now);
        due.map(|due| due.task).collect()
    }

    /// When the next work falls due, which may be in the past.
    pub fn next_due(&self) -> Option<&Due> {
        self.state.due().next()
    }

    /// Takes over the next log entry.
    pub fn apply(&mut self, entry: &LogEntry) {
        self.state.apply(entry);
    }

    /// Takes over a change of the key tokens.
    pub fn apply_token(&mut self, change: &TokenChange) {
        self.tokens.apply(change);
    }

    fn run(
        &self,
        call: &Call,
        name: &'static str,
        operation: Option<Operation>,
        meter: &mut Meter,
        random: &mut dyn Random,
        decide: impl FnOnce(Checks<'_, '_>) -> Result<Next>,
    ) -> Step {
        let plan = Plan::new(call, name, operation);
        let mut scope = Scope { kms: self, call, meter, random, plan };
        let next = decide(Checks { scope: &mut scope });
        scope.plan.into_step(next)
    }
}

/// Goes on with an operation that had to ask.
pub(crate) fn resume(
    then: Then,
    reply: Reply,
    kms: &Kms,
    call: &Call,
    random: &mut dyn Random,
) -> Step {
    let Then { continuation, plan } = then;
    let meter = &mut Meter::off();
    let mut scope = Scope { kms, call, meter, random, plan };
    let next = continuation(reply, Effects { scope: &mut scope });
    scope.plan.into_step(next)
}

/// What an operation has gathered so far.
pub(crate) struct Plan {
    append: Append,
    pub(crate) audit: AuditRecord,
    operation: Option<Operation>,
    charged: Vec<PoolId>,
    asks: u8,
    /// The request proves that this host has not applied all of the log.
    behind: bool,
}

impl Plan {
    fn new(call: &Call, name: &'static str, operation: Option<Operation>) -> Plan {
        Plan {
            append: Append::default(),
            audit: AuditRecord::begin(call, name),
            operation,
            charged: Vec::new(),
            asks: 0,
            behind: false,
        }
    }

    fn into_step(mut self, next: Result<Next>) -> Step {
        if self.behind {
            return Step::CatchUp;
        }
        let result = match next {
            Ok(Next::Ask(_, _)) if self.asks > MOST_ASKS => {
                Err(ErrorCode::KmsInternal.says("The operation asked too many questions."))
            }
            Ok(Next::Ask(ask, continuation)) => {
                return Step::Ask(ask, Then { continuation, plan: self });
            }
            Ok(Next::Done(response)) => Ok(response),
            Err(error) => Err(error),
        };
        self.audit.error = result.as_ref().err().map(|error| error.code);
        let append = (result.is_ok() && !self.append.is_empty()).then_some(self.append);
        Step::Done(Outcome { result, append, audit: self.audit })
    }
}

pub(crate) struct Scope<'a> {
    kms: &'a Kms,
    call: &'a Call,
    meter: &'a mut Meter,
    random: &'a mut dyn Random,
    plan: Plan,
}

/// A key that exists, that the caller may use, whose state allows it, and that is paid for. Nothing
/// but [`Checks`] makes one.
#[derive(Clone, Debug)]
pub struct UsableKey {
    key: Arc<Key>,
}

impl UsableKey {
    /// The current key material.
    ///
    /// # Errors
    /// `KMSInvalidState` when the key has none.
    pub fn current(&self) -> Result<BackingKeyRef> {
        BackingKeyRef::current(&self.key).ok_or_else(|| {
            ErrorCode::KmsInvalidState.says(format!("{} has no key material.", self.arn))
        })
    }

    /// The key material that made a ciphertext.
    pub fn of_material(&self, id: MaterialId) -> Option<BackingKeyRef> {
        self.material(id).and_then(|material| self.held_material(material.id))
    }

    /// A key material, which may still be pending.
    pub(crate) fn held_material(&self, id: MaterialId) -> Option<BackingKeyRef> {
        BackingKeyRef::of_material(&self.key, id)
    }

    /// The record itself.
    pub(crate) fn shared_record(&self) -> Arc<Key> {
        self.key.clone()
    }

    /// A copy of the record, to be changed and recorded.
    pub fn to_record(&self) -> Key {
        Key::clone(&self.key)
    }
}

impl Deref for UsableKey {
    type Target = Key;

    fn deref(&self) -> &Key {
        &self.key
    }
}

/// The first half of an operation: everything that may refuse it.
pub struct Checks<'s, 'a> {
    scope: &'s mut Scope<'a>,
}

impl<'s, 'a> Checks<'s, 'a> {
    /// The call.
    pub fn call(&self) -> &'a Call {
        self.scope.call
    }

    /// The Region this is.
    pub fn region(&self) -> RegionName {
        self.scope.kms.state.region()
    }

    /// The settings.
    pub fn settings(&self) -> &'a Settings {
        &self.scope.kms.settings
    }

    /// The state, to look at what is no key: lists, aliases, grants.
    pub fn state(&self) -> &'a State {
        &self.scope.kms.state
    }

    /// The key tokens of the Region; only their ids and domain keys can be seen in them.
    pub fn tokens(&self) -> &'a TokenStore {
        &self.scope.kms.tokens
    }

    /// What this host sees of changes that propagate slowly.
    pub fn sees(&self) -> Visibility {
        Visibility { now: self.scope.call.now, delays: self.scope.kms.settings.propagation }
    }

    /// A context for authorization, to which the operation adds what it knows.
    pub fn context(&self, action: Action) -> RequestContext<'a> {
        RequestContext::new(self.scope.call, action)
    }

    /// The key that a request names, checked for the permission of `context`.
    ///
    /// # Errors
    /// What does not resolve, is not permitted, is in the wrong state or exceeds a quota.
    pub fn key(
        &mut self,
        named: &KeyRef,
        context: RequestContext<'_>,
        tokens: &[GrantToken],
    ) -> Result<UsableKey> {
        let identifier = named.parse()?;
        let mut context = context;
        let alias = match &identifier {
            KeyIdentifier::Alias(name) => Some(name),
            KeyIdentifier::AliasArn(arn) => Some(&arn.name),
            _ => None,
        };
        context.request_alias = alias;
        let id = self.resolve(&identifier)?;
        self.key_by_id(id, context, tokens)
    }

    /// The key of an operation that takes ids and ARNs only, and no grant tokens.
    ///
    /// # Errors
    /// As [`Checks::key`]; an alias is no key here.
    pub fn key_by_name(
        &mut self,
        named: &KeyRef,
        context: RequestContext<'_>,
    ) -> Result<UsableKey> {
        self.key_by_name_and_tokens(named, context, &[])
    }

    /// The key of an operation that takes ids, ARNs and grant tokens, but no aliases.
    ///
    /// # Errors
    /// As [`Checks::key_by_name`].
    pub fn key_by_name_and_tokens(
        &mut self,
        named: &KeyRef,
        context: RequestContext<'_>,
        tokens: &[GrantToken],
    ) -> Result<UsableKey> {
        let id = self.resolve_name(named)?;
        self.key_by_id(id, context, tokens)
    }

    /// The id of a key that may be named by id and ARN only; the key need not exist.
    ///
    /// # Errors
    /// As [`Checks::resolve`]; an alias is no key here.
    pub fn resolve_name(&mut self, named: &KeyRef) -> Result<KeyId> {
        match named.parse()? {
            KeyIdentifier::AliasArn(arn) => {
                Err(ErrorCode::InvalidArn.says(format!("Invalid arn {arn}")))
            }
            KeyIdentifier::Alias(name) => {
                Err(ErrorCode::NotFound.says(format!("Invalid keyId '{name}'")))
            }
            identifier => self.resolve(&identifier),
        }
    }

    /// The key of that id, checked like [`Checks::key`].
    ///
    /// # Errors
    /// As [`Checks::key`].
    pub fn key_by_id(
        &mut self,
        id: KeyId,
        context: RequestContext<'_>,
        tokens: &[GrantToken],
    ) -> Result<UsableKey> {
        let presented = self.presented_grants(tokens)?;
        let key = self.read_key(id).ok_or_else(|| self.no_such_key(id))?;
        self.authorize(&key, context, &presented)?;
        if let Some(operation) = self.scope.plan.operation {
            key_state::check(operation, &key)?;
        }
        self.charge(Some(&key))?;
        Ok(UsableKey { key })
    }

    /// A grant on a key, checked for the permission to retire it: by who the caller is to the grant
    /// and by IAM, never by the key policy. Every state of the key allows it.
    ///
    /// # Errors
    /// `NotFound`, `InvalidGrantId`, `AccessDenied`, `Throttling`.
    pub fn grant_to_retire(&mut self, key: KeyId, grant: GrantId) -> Result<Arc<Grant>> {
        let key = self.read_key(key).ok_or_else(|| self.no_such_key(key))?;
        let grant = self.grant_on(key.id(), grant)?;
        let context = self.context(Action::RetireGrant);
        self.judge(&key, context, &mut std::iter::once(grant.as_ref()))?;
        self.charge(Some(&key))?;
        Ok(grant)
    }

    /// A grant on a key; that it was read becomes a precondition.
    ///
    /// # Errors
    /// `InvalidGrantId` when the key has no such grant.
    pub fn grant_on(&mut self, key: KeyId, id: GrantId) -> Result<Arc<Grant>> {
        let grant = self.read_grant(id).filter(|grant| grant.key == key);
        grant.ok_or_else(|| {
            ErrorCode::InvalidGrantId.says(format!("Grant '{id}' does not exist on key '{key}'"))
        })
    }

    /// That one more of something fits its resource quota: checked now, and required of the append.
    ///
    /// # Errors
    /// `LimitExceeded`.
    pub fn room(&self, counter: Counter, limit: u64) -> Result<Precondition> {
        if self.state().count(counter) >= limit {
            return Err(ops::create_key::limit_exceeded());
        }
        Ok(Precondition::CountBelow(counter, limit))
    }

    /// A key for a task or another Region's command, which no caller has to be authorized for.
    pub(crate) fn own_key(&mut self, id: KeyId) -> Option<UsableKey> {
        self.read_key(id).map(|key| UsableKey { key })
    }

    /// Checks a permission that is about no key: IAM alone decides.
    ///
    /// # Errors
    /// `AccessDenied`, `Throttling`.
    pub fn account(&mut self, context: RequestContext<'_>) -> Result<()> {
        self.permit(context, Resource::AnyKmsResource)?;
        self.charge(None)
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

    fn permit(&mut self, mut context: RequestContext<'_>, resource: Resource<'_>) -> Result<()> {
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

    fn authorize(
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
    fn judge<'g>(
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
        let resource =
            Resource::Key { arn: key.arn, policy: key_policy, manager: KeyManager::Customer };
        let question = Question { caller, action, resource };
        let decision = evaluate(&question, &context, grants);
        note(&mut self.scope.plan.audit, &decision);
        match decision {
            Decision::Allow(_) => Ok(()),
            Decision::Deny(_) => Err(self.denied(action, &key.arn)),
        }
    }

    fn denied(&self, action: Action, resource: &dyn std::fmt::Display) -> Error {
        let principal = &self.scope.call.caller.principal;
        ErrorCode::AccessDenied.says(format!(
            "User: {principal} is not authorized to perform: {action} on resource: {resource}"
        ))
    }

    /// Whether the caller could still change the policy of a key, were `policy` its policy.
    pub fn keeps_control(&self, policy: &Policy, key: KeyArn) -> bool {
        let mut context = self.context(Action::PutKeyPolicy);
        context.policy_name = Some("default");
        crate::policy::lockout_check(policy, &self.scope.call.caller, key, &context)
    }

    /// The id of the key a request names; aliases as this host sees them.
    ///
    /// # Errors
    /// `NotFound` for what is not here.
    pub fn resolve(&mut self, identifier: &KeyIdentifier) -> Result<KeyId> {
        let region = self.region();
        let account = self.scope.call.caller.account();
        let here = |named: RegionName| {
            (named == region)
                .then_some(())
                .ok_or_else(|| ErrorCode::NotFound.says(format!("Invalid arn {named}")))
        };
        match identifier {
            KeyIdentifier::Id(id) => Ok(*id),
            KeyIdentifier::Arn(arn) => here(arn.region).map(|()| arn.id),
            KeyIdentifier::Alias(name) => self.alias_target(account, name),
            KeyIdentifier::AliasArn(arn) => {
                here(arn.region)?;
                self.alias_target(arn.account, &arn.name)
            }
        }
    }

    fn alias_target(&mut self, account: AccountId, name: &AliasName) -> Result<KeyId> {
        let alias = self.state().seen_alias(account, name, &self.sees()).ok_or_else(|| {
            let arn = AliasArn { region: self.region(), account, name: name.clone() };
            ErrorCode::NotFound.says(format!("Alias {arn} is not found."))
        })?;
        self.read_alias(account, name);
        Ok(alias.target)
    }

    /// An alias in the log; that it was read becomes a precondition.
    pub fn read_alias(&mut self, account: AccountId, name: &AliasName) -> Option<KeyId> {
        let found = self.state().alias(account, name);
        let version = found.map_or(0, |(_, version)| version);
        self.rely_on(Precondition::VersionIs(RecordId::Alias(account, name.clone()), version));
        found.map(|(alias, _)| alias.target)
    }

    /// A grant in the log; that it was read becomes a precondition.
    pub fn read_grant(&mut self, id: GrantId) -> Option<Arc<Grant>> {
        let (grant, version) = self.state().grant(id)?;
        self.rely_on(Precondition::VersionIs(RecordId::Grant(id), version));
        Some(grant.clone())
    }

    /// The domain in the log; that it was read becomes a precondition.
    pub(crate) fn read_domain(&mut self) -> Option<crate::state::DomainRecord> {
        let (record, version) = self.state().domain()?;
        self.rely_on(Precondition::VersionIs(RecordId::Domain, version));
        Some(record.clone())
    }

    fn read_key(&mut self, id: KeyId) -> Option<Arc<Key>> {
        let (key, version) = self.state().key(id)?;
        self.rely_on(Precondition::VersionIs(RecordId::Key(id), version));
        if !self.scope.plan.audit.keys.contains(&key.arn) {
            self.scope.plan.audit.keys.push(key.arn);
        }
        Some(key.clone())
    }

    fn rely_on(&mut self, precondition: Precondition) {
        let preconditions = &mut self.scope.plan.append.preconditions;
        if !preconditions.contains(&precondition) {
            preconditions.push(precondition);
        }
    }

    pub(crate) fn no_such_key(&self, id: KeyId) -> Error {
        let account = self.scope.call.caller.account();
        let arn = KeyArn { region: self.region(), account, id };
        ErrorCode::NotFound.says(format!("Key '{arn}' does not exist"))
    }

    fn presented_grants(&mut self, tokens: &[GrantToken]) -> Result<Vec<Arc<Grant>>> {
        let grants = tokens.iter().map(|token| self.grant_by_token(token));
        grants.filter_map(Result::transpose).collect()
    }

    /// The grant that a token stands for, if it is in force. A genuine token of a grant this host has
    /// not heard of proves that the host is behind; after catching up, the grant is gone for good.
    ///
    /// # Errors
    /// `InvalidGrantToken` for what was not made here.
    pub fn grant_by_token(&mut self, token: &GrantToken) -> Result<Option<Arc<Grant>>> {
        let id = self.grant_of_token(token)?;
        let grant = self.state().grant(id).map(|(grant, _)| grant.clone());
        if grant.is_none() && !self.call().caught_up {
            self.scope.plan.behind = true;
            return Err(internal());
        }
        Ok(grant)
    }

    /// The id of the grant a token stands for.
    ///
    /// # Errors
    /// `InvalidGrantToken` for what was not made here.
    pub fn grant_of_token(&self, token: &GrantToken) -> Result<GrantId> {
        grant_token::open(token.as_str(), &self.settings().grant_token_key)
            .ok_or_else(|| ErrorCode::InvalidGrantToken.says("The grant token is not valid."))
    }

    /// Charges the request to the caller's quota, once for each pool it draws from.
    fn charge(&mut self, key: Option<&Key>) -> Result<()> {
        let (Some(operation), 0) = (self.scope.plan.operation, self.scope.call.decision) else {
            return Ok(());
        };
        let charge = Charge {
            account: self.scope.call.caller.account(),
            operation,
            key_spec: key.map(|key| key.spec),
        };
        let Some(pool) = self.scope.meter.pool(&charge) else { return Ok(()) };
        if self.scope.plan.charged.contains(&pool) {
            return Ok(());
        }
        self.scope.plan.charged.push(pool);
        match self.scope.meter.admit(&charge, pool, self.scope.call.monotonic) {
            true => Ok(()),
            false => Err(ErrorCode::Throttling.says(THROTTLED)),
        }
    }

    /// Charges the request once more: some cost two.
    ///
    /// # Errors
    /// `Throttling`.
    pub(crate) fn charge_again(&mut self) -> Result<()> {
        self.scope.plan.charged.clear();
        self.charge(None)
    }

    /// Ends the checks. A dry run ends here, too.
    ///
    /// # Errors
    /// `DryRunOperation`, when everything so far would have let the request through.
    pub fn pass(self, dry_run: bool) -> Result<Effects<'s, 'a>> {
        if dry_run {
            return Err(ErrorCode::DryRunOperation
                .says("The request would have succeeded, but the DryRun option is set."));
        }
        Ok(Effects { scope: self.scope })
    }
}

/// Keeps the reason of a decision for the audit.
fn note(audit: &mut AuditRecord, decision: &Decision<'_>) {
    match decision {
        Decision::Allow(Allowed::Grant(id)) => audit.granted_by = Some(*id),
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

/// The message of a throttled request (AWS KMS Developer Guide, Throttling).
pub const THROTTLED: &str =
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";

/// The second half of an operation: what it does.
pub struct Effects<'s, 'a> {
    scope: &'s mut Scope<'a>,
}

impl<'a> Effects<'_, 'a> {
    /// The call.
    pub fn call(&self) -> &'a Call {
        self.scope.call
    }

    /// The settings.
    pub fn settings(&self) -> &'a Settings {
        &self.scope.kms.settings
    }

    /// The state as it is now, which may be newer than what the checks saw.
    pub fn state(&self) -> &'a State {
        &self.scope.kms.state
    }

    /// Random bytes for this operation.
    pub fn draw<const N: usize>(&mut self, site: Site) -> [u8; N] {
        draw(self.scope.random, site)
    }

    /// Records a change.
    pub fn record(&mut self, change: Change) {
        self.scope.plan.append.changes.push(change);
    }

    /// Records a change of a key token.
    pub fn record_token(&mut self, change: TokenChange) {
        self.scope.plan.append.tokens.push(change);
    }

    /// Makes the append depend on one more thing.
    pub fn require(&mut self, precondition: Precondition) {
        self.scope.plan.append.preconditions.push(precondition);
    }

    /// Forgets what the checks relied on: for a change that holds whatever else happened.
    pub(crate) fn require_nothing(&mut self) {
        self.scope.plan.append.preconditions.clear();
    }

    /// Makes the append depend on a name being free.
    pub fn require_absent(&mut self, name: UniqueName) {
        self.require(Precondition::Absent(name));
    }

    /// Asks an HSM and goes on with its answer.
    ///
    /// # Errors
    /// `KMSInternal` when a key token is missing here.
    pub(crate) fn ask_hsm(
        self,
        command: Command,
        then: impl FnOnce(crate::hsm::Reply, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        let store = &self.scope.kms.tokens;
        let tokens = command.tokens().into_iter().map(|id| store.get(id).cloned());
        let tokens = tokens.collect::<Option<Vec<_>>>().ok_or_else(internal)?;
        self.ask(Ask::Hsm { command, tokens }, move |reply, effects| match reply {
            Reply::Hsm(reply) => then(reply, effects),
            Reply::HsmFault(fault) => Err(hsm_error(fault)),
            Reply::TimedOut => Err(timed_out()),
            Reply::Region(_) => Err(internal()),
        })
    }

    /// Asks another Region and goes on with its answer.
    pub(crate) fn ask_region(
        self,
        region: RegionName,
        command: RegionCommand,
        then: impl FnOnce(multi_region::RegionReply, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        self.ask(Ask::Region { region, command }, move |reply, effects| match reply {
            Reply::Region(reply) => then(reply?, effects),
            Reply::TimedOut => Err(timed_out()),
            Reply::Hsm(_) | Reply::HsmFault(_) => Err(internal()),
        })
    }

    fn ask(
        self,
        ask: Ask,
        then: impl FnOnce(Reply, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        self.scope.plan.asks += 1;
        Ok(Next::Ask(ask, Box::new(then)))
    }

    /// Ends the operation with an answer.
    pub(crate) fn done(self, response: impl Into<Response>) -> Result<Next> {
        Ok(Next::Done(response.into()))
    }
}

/// What an HSM's refusal means to the caller. A ciphertext that does not open is the caller's; the
/// rest is the service's.
fn hsm_error(fault: crate::hsm::Fault) -> Error {
    match fault {
        crate::hsm::Fault::BadCiphertext => ErrorCode::InvalidCiphertext.silent(),
        crate::hsm::Fault::NotJoined | crate::hsm::Fault::UnknownDomainKey => {
            ErrorCode::KeyUnavailable.says("The key is not available at the moment. Try again.")
        }
        crate::hsm::Fault::BadToken | crate::hsm::Fault::Refused => internal(),
    }
}

/// An answer of a kind the question does not have, or a record that must be there and is not.
pub(crate) fn internal() -> Error {
    ErrorCode::KmsInternal.says("The request failed because of an internal error. Try again.")
}

fn timed_out() -> Error {
    ErrorCode::DependencyTimeout.says("The request timed out. Try again.")
}
