//! What checks read: keys, aliases, grants and the domain, each noted as a precondition of the append.

use super::{Checks, internal};
use crate::error::{Error, ErrorCode, Result};
use crate::grant_token;
use crate::hsm::ImportToken;
use crate::imported::invalid_import_token;
use crate::key::Key;
use crate::name::{
    AccountId, AliasArn, AliasName, GrantId, KeyArn, KeyId, KeyIdentifier, RegionName,
};
use crate::policy::Grant;
use crate::state::DomainRecord;
use crate::step::{Precondition, RecordId};
use crate::wire::{GrantToken, KeyRef};
use std::sync::Arc;

impl<'a> Checks<'_, 'a> {
    /// Where a key is looked for that may be named by id and ARN only; it need not be there.
    ///
    /// # Errors
    /// As [`Checks::resolve`]; an alias is no key here.
    pub fn resolve_name(&mut self, named: &KeyRef) -> Result<KeyArn> {
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

    /// Where the key is looked for that a request names, aliases being as this host sees them. A bare
    /// id or alias name means the caller's account (AWS KMS API, `KeyId`: "to specify a KMS key in a
    /// different AWS account, you must use the key ARN or alias ARN").
    ///
    /// # Errors
    /// `NotFound` for an alias that is not here, and for another Region.
    pub fn resolve(&mut self, identifier: &KeyIdentifier) -> Result<KeyArn> {
        let account = self.call().caller.account();
        match identifier {
            KeyIdentifier::Id(id) => Ok(self.own_arn(*id)),
            KeyIdentifier::Arn(arn) => self.must_be_here(arn.region).map(|()| *arn),
            KeyIdentifier::Alias(name) => self.alias_target(account, name),
            KeyIdentifier::AliasArn(arn) => {
                self.must_be_here(arn.region)?;
                self.alias_target(arn.account, &arn.name)
            }
        }
    }

    /// The key of that ARN. A key of another account than the ARN says is no more there than one
    /// that does not exist, and nobody learns the difference.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn existing(&self, arn: KeyArn) -> Result<KeyId> {
        let found = self.look_up(arn.id).filter(|(key, _)| key.account() == arn.account);
        found.map(|_| arn.id).ok_or_else(|| no_such_key(arn))
    }

    /// A key in the log, whose token will be asked for if the request gets so far.
    fn look_up(&self, id: KeyId) -> Option<(&'a Arc<Key>, u64)> {
        self.tokens().expect(id);
        self.state().key(id).inspect(|(key, _)| key.expect())
    }

    /// The key of that id, as an ARN in the caller's account.
    pub(crate) fn own_arn(&self, id: KeyId) -> KeyArn {
        KeyArn { region: self.region(), account: self.call().caller.account(), id }
    }

    fn must_be_here(&self, region: RegionName) -> Result<()> {
        let here = region == self.region();
        here.then_some(()).ok_or_else(|| ErrorCode::NotFound.says(format!("Invalid arn {region}")))
    }

    fn alias_target(&mut self, account: AccountId, name: &AliasName) -> Result<KeyArn> {
        let region = self.region();
        let alias = self.state().seen_alias(account, name, &self.sees()).ok_or_else(|| {
            let arn = AliasArn { region, account, name: name.clone() };
            ErrorCode::NotFound.says(format!("Alias {arn} is not found."))
        })?;
        self.read_alias(account, name);
        Ok(KeyArn { region, account, id: alias.target })
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
    pub(crate) fn read_domain(&mut self) -> Option<DomainRecord> {
        let (record, version) = self.state().domain()?;
        self.rely_on(Precondition::VersionIs(RecordId::Domain, version));
        Some(record.clone())
    }

    pub(super) fn read_key(&mut self, id: KeyId) -> Option<Arc<Key>> {
        let (key, version) = self.look_up(id)?;
        self.rely_on(Precondition::VersionIs(RecordId::Key(id), version));
        if !self.scope.plan.outcome.audit.keys.contains(&key.arn) {
            self.scope.plan.outcome.audit.keys.push(key.arn);
        }
        Some(key.clone())
    }

    /// Makes the append depend on a grant that permits the request. This host may still see a grant
    /// that the log has ended; then the append depends on its having ended.
    pub(super) fn rely_on_grant(&mut self, id: GrantId) {
        let version = self.state().grant(id).map_or(0, |(_, version)| version);
        self.rely_on(Precondition::VersionIs(RecordId::Grant(id), version));
    }

    pub(super) fn rely_on(&mut self, precondition: Precondition) {
        let preconditions = &mut self.scope.plan.append().preconditions;
        if !preconditions.contains(&precondition) {
            preconditions.push(precondition);
        }
    }

    /// The grants that count for their tokens: those in force, and those whose end has not arrived here.
    pub(super) fn presented_grants(&mut self, tokens: &[GrantToken]) -> Result<Vec<Arc<Grant>>> {
        let sees = self.sees();
        let mut presented = Vec::new();
        for token in tokens {
            let ending = self.state().ending_grant(self.grant_of_token(token)?, sees).cloned();
            presented.extend(match ending {
                Some(grant) => Some(grant),
                None => self.grant_by_token(token)?,
            });
        }
        Ok(presented)
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

    /// What an import token says of itself, if it is for that key and in time. A token under a domain
    /// key that this host has not heard of proves, if it is genuine, that the host is behind.
    ///
    /// # Errors
    /// `InvalidImportToken`, `ExpiredImportToken`.
    pub(crate) fn import_token(&mut self, key: KeyId, bytes: &[u8]) -> Result<ImportToken> {
        let token = ImportToken::parse(bytes).filter(|token| token.terms.key == key);
        let token = token.ok_or_else(invalid_import_token)?;
        if token.terms.valid_to <= self.call().now {
            return Err(ErrorCode::ExpiredImportToken.says("The import token has expired."));
        }
        let active = self.state().domain().map(|(domain, _)| domain.token.active);
        match Some(token.epoch) > active {
            false => Ok(token),
            true if self.call().caught_up => Err(invalid_import_token()),
            true => {
                self.scope.plan.behind = true;
                Err(internal())
            }
        }
    }

    /// The id of the grant a token stands for.
    ///
    /// # Errors
    /// `InvalidGrantToken` for what was not made here.
    pub fn grant_of_token(&self, token: &GrantToken) -> Result<GrantId> {
        grant_token::open(token.as_str(), self.settings().grant_token_key.as_bytes())
            .ok_or_else(|| ErrorCode::InvalidGrantToken.says("The grant token is not valid."))
    }
}

/// What a key is answered with that does not exist, or not for this caller.
pub(crate) fn no_such_key(arn: KeyArn) -> Error {
    ErrorCode::NotFound.says(format!("Key '{arn}' does not exist"))
}
