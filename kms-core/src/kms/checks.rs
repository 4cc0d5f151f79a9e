//! The first half of an operation: everything that may refuse it, and the key it comes out with.

use super::read::no_such_key;
use super::{Effects, Scope, Settings};
use crate::env::Call;
use crate::error::{Error, ErrorCode, Result};
use crate::history::Visibility;
use crate::hsm::{BackingKeyRef, PublicKey};
use crate::key::{Key, KeySpec, KeyState};
use crate::key_state;
use crate::key_store::KeyStore;
use crate::name::{GrantId, KeyArn, KeyId, KeyIdentifier, MaterialId, RegionName};
use crate::ops;
use crate::policy::{Action, Fit, Grant, Party, RequestContext, Resource};
use crate::price::Class;
use crate::quota::Charge;
use crate::state::State;
use crate::step::{Counter, Precondition};
use crate::token::TokenStore;
use crate::wire::{GrantToken, KeyRef};
use std::ops::Deref;
use std::sync::Arc;

/// A key that exists, that the caller may use, whose state allows it, and that is paid for. Nothing
/// but [`Checks`] makes one.
#[derive(Clone, Debug)]
pub struct UsableKey {
    key: Arc<Key>,
    /// The custom key store it is in, if it is in one.
    store: Option<Arc<KeyStore>>,
}

impl UsableKey {
    /// The current key material.
    ///
    /// # Errors
    /// `KMSInvalidState` when the key has none.
    pub fn current(&self) -> Result<BackingKeyRef> {
        BackingKeyRef::current(&self.key).ok_or_else(|| self.without_material())
    }

    /// The public half of the current key material.
    ///
    /// # Errors
    /// `KMSInvalidState` when the key has none.
    pub fn public_key(&self) -> Result<PublicKey> {
        PublicKey::current(&self.key).ok_or_else(|| self.without_material())
    }

    fn without_material(&self) -> Error {
        ErrorCode::KmsInvalidState.says(format!("{} has no key material.", self.arn))
    }

    /// The key material that made a ciphertext. A replica may hold it as pending still, when the
    /// primary encrypts with it already: everybody having it is what the primary waited for.
    pub fn of_material(&self, id: MaterialId) -> Option<BackingKeyRef> {
        BackingKeyRef::of_material(&self.key, id)
    }

    /// The custom key store that the key is in, if it is in one.
    pub fn key_store(&self) -> Option<&KeyStore> {
        self.store.as_deref()
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
    pub(super) scope: &'s mut Scope<'a>,
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
        let arn = self.resolve(&identifier)?;
        self.key_at(arn, &mut context, tokens)
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
        let (arn, mut context) = (self.resolve_name(named)?, context);
        self.key_at(arn, &mut context, tokens)
    }

    /// The key of that ARN, checked like [`Checks::key`].
    fn key_at<'c>(
        &mut self,
        arn: KeyArn,
        context: &mut RequestContext<'c>,
        tokens: &[GrantToken],
    ) -> Result<UsableKey>
    where
        'a: 'c,
    {
        let presented = self.presented_grants(tokens)?;
        let id = self.existing(arn)?;
        self.usable(id, context, &presented)
    }

    /// The key of that id, whoever owns it, checked like [`Checks::key`]: for a key that the request
    /// does not name, or names beside its ciphertext.
    ///
    /// # Errors
    /// As [`Checks::key`].
    pub fn key_by_id(
        &mut self,
        id: KeyId,
        context: RequestContext<'_>,
        tokens: &[GrantToken],
    ) -> Result<UsableKey> {
        let (presented, mut context) = (self.presented_grants(tokens)?, context);
        self.usable(id, &mut context, &presented)
    }

    fn usable<'c>(
        &mut self,
        id: KeyId,
        context: &mut RequestContext<'c>,
        presented: &[Arc<Grant>],
    ) -> Result<UsableKey>
    where
        'a: 'c,
    {
        let key = self.read_key(id).ok_or_else(|| no_such_key(self.own_arn(id)))?;
        let store = self.read_key_store_of(&key);
        self.authorize(&key, context, presented)?;
        if let Some(operation) = self.scope.plan.operation {
            key_state::check(operation, &key, self.state_of(&key))?;
        }
        self.charge(Some(&key))?;
        if let Some(store) = &store {
            self.charge_key_store(store)?;
        }
        Ok(UsableKey { key, store })
    }

    /// The state of a key as the caller is shown it now.
    pub fn state_of(&self, key: &Key) -> KeyState {
        self.state().state_of(key, self.call().now)
    }

    /// A grant on a key, checked for the permission to retire it: by who the caller is to the grant
    /// and by IAM, never by the key policy. Every state of the key allows it.
    ///
    /// # Errors
    /// `NotFound`, `InvalidGrantId`, `AccessDenied`, `Throttling`.
    pub fn grant_to_retire(&mut self, key: KeyId, grant: GrantId) -> Result<Arc<Grant>> {
        let key = self.read_key(key).ok_or_else(|| no_such_key(self.own_arn(key)))?;
        let grant = self.grant_on(key.id(), grant)?;
        let context = &mut self.context(Action::RetireGrant);
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

    /// Checks a permission that is about no key: IAM alone decides.
    ///
    /// # Errors
    /// `AccessDenied`, `Throttling`.
    pub fn account(&mut self, context: RequestContext<'_>) -> Result<()> {
        self.permit(context, Resource::AnyKmsResource)?;
        self.charge(None)
    }

    /// Checks the permission to list the grants that a party may retire: a principal by IAM and within
    /// the caller's account, a service for itself.
    ///
    /// # Errors
    /// `AccessDenied`, `Throttling`.
    pub fn retiring_party(&mut self, party: &Party) -> Result<()> {
        let caller = &self.call().caller.principal;
        match party {
            Party::Principal(arn) if arn.account() == caller.account() => {
                let context = self.context(Action::ListRetirableGrants);
                self.permit(context, Resource::Principal(arn))?;
            }
            Party::Service(_) if party.fit(caller) == Some(Fit::Itself) => {}
            _ => {
                return Err(ErrorCode::AccessDenied.says(format!(
                    "User: {caller} is not authorized to perform: {} on resource: {party}",
                    Action::ListRetirableGrants
                )));
            }
        }
        self.charge(None)
    }

    /// Charges the request to the caller's quota, once for each pool it draws from.
    fn charge(&mut self, key: Option<&Key>) -> Result<()> {
        let Some(operation) = self.scope.plan.operation else { return Ok(()) };
        let charge = Charge {
            account: self.scope.call.caller.account(),
            operation,
            key_spec: self.scope.plan.charged_spec.or(key.map(|key| key.spec)),
        };
        let class = Class::of(operation, charge.key_spec);
        self.scope.plan.outcome.audit.billed = Some((charge.account, class));
        if self.scope.call.decision > 0 {
            return Ok(());
        }
        let Some(pool) = self.scope.meter.pool(&charge) else { return Ok(()) };
        if self.scope.plan.charged.contains(&pool) {
            return Ok(());
        }
        self.scope.plan.charged.push(pool);
        match self.scope.meter.admit(&charge, pool, self.scope.call.monotonic) {
            true => Ok(()),
            false => Err(self.throttled()),
        }
    }

    /// What a quota refuses, nobody pays for.
    pub(super) fn throttled(&mut self) -> Error {
        self.scope.plan.outcome.audit.billed = None;
        ErrorCode::Throttling.says(THROTTLED)
    }

    /// Makes the request count as one for this spec, whatever key it names: a data key pair has the
    /// quota of the pair.
    pub fn charge_as(&mut self, spec: KeySpec) {
        self.scope.plan.charged_spec = Some(spec);
    }

    /// Charges the request once more: some cost two.
    ///
    /// # Errors
    /// `Throttling`.
    pub(crate) fn charge_again(&mut self) -> Result<()> {
        self.scope.plan.charged.clear();
        self.charge(None)
    }

    /// Ends the checks of an operation that an HSM carries out whatever the caller sent. A dry run
    /// ends here, too.
    ///
    /// # Errors
    /// `DryRunOperation`, when everything so far would have let the request through.
    pub fn pass(self, dry_run: bool) -> Result<Effects<'s, 'a>> {
        match dry_run {
            true => Err(would_have_succeeded()),
            false => Ok(Effects { scope: self.scope }),
        }
    }

    /// Ends the checks of an operation whose HSM judges what the caller sent: a ciphertext, a
    /// signature, a public key. A dry run asks it like any other request and ends in
    /// [`Effects::done`].
    pub fn pass_to_judge(self, dry_run: bool) -> Effects<'s, 'a> {
        self.scope.plan.dry_run = dry_run;
        Effects { scope: self.scope }
    }
}

/// The success of a dry run.
pub(super) fn would_have_succeeded() -> Error {
    ErrorCode::DryRunOperation
        .says("The request would have succeeded, but the DryRun option is set.")
}

/// The message of a throttled request (AWS KMS Developer Guide, Throttling).
pub const THROTTLED: &str =
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.";
