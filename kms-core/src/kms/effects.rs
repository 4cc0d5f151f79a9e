//! The second half of an operation: what it draws, asks and changes, once every check has passed.

use super::checks::would_have_succeeded;
use super::{Scope, Settings, internal};
use crate::env::{Call, Site, draw};
use crate::error::{Error, ErrorCode, Result};
use crate::hsm::{Command, Fault};
use crate::imported::{incorrect, invalid_import_token};
use crate::key_store::{self, KeyStoreId};
use crate::multi_region::{RegionCommand, RegionReply};
use crate::name::RegionName;
use crate::ops::Response;
use crate::state::{Change, State};
use crate::step::{Ask, Next, Precondition, RecordId, Reply, UniqueName};
use crate::token::TokenChange;
use std::sync::Arc;

/// The second half of an operation: what it does.
pub struct Effects<'s, 'a> {
    pub(super) scope: &'s mut Scope<'a>,
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
        self.scope.plan.append().changes.push(change);
    }

    /// Records a change of a key token.
    pub fn record_token(&mut self, change: TokenChange) {
        self.scope.plan.append().tokens.push(change);
    }

    /// Makes the append depend on one more thing.
    pub fn require(&mut self, precondition: Precondition) {
        self.scope.plan.append().preconditions.push(precondition);
    }

    /// Forgets what the checks relied on, but for the domain that new key tokens are under: for a
    /// change that holds whatever else happened.
    pub(crate) fn require_only_the_domain(&mut self) {
        let domain =
            |one: &mut Precondition| matches!(one, Precondition::VersionIs(RecordId::Domain, _));
        self.scope.plan.append().preconditions.retain(domain);
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
        mut self,
        command: Command,
        then: impl FnOnce(crate::hsm::Reply, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        self.hold_the_domain_to(&command);
        let store = &self.scope.kms.tokens;
        let (mut tokens, mut missing) = (Vec::with_capacity(1), false);
        command.each_token(&mut |key, id| match store.get(key, id) {
            Some(token) => tokens.push(token.clone()),
            None => missing = true,
        });
        if missing {
            return Err(internal());
        }
        let command = Arc::new(command);
        self.ask(Ask::Hsm { command, tokens }, move |reply, effects| match reply {
            Reply::Hsm(reply) => then(reply, effects),
            Reply::HsmFault(fault) => Err(hsm_error(fault)),
            Reply::TimedOut => Err(timed_out()),
            Reply::Region(_) | Reply::KeyStore(_) => Err(internal()),
        })
    }

    /// A key token is good only as long as its domain key is: what one rotation of the domain key did
    /// not find is not asked about by the next. So no token is committed across a rotation.
    fn hold_the_domain_to(&mut self, command: &Command) {
        let domain = self.state().domain().filter(|_| command.makes_tokens());
        if let Some((_, version)) = domain {
            self.require(Precondition::VersionIs(RecordId::Domain, version));
        }
    }

    /// Asks an HSM about what only a custom key store can have spoilt: a ciphertext that does not open
    /// after the store has opened its part is not the caller's.
    pub(crate) fn ask_hsm_inside(
        self,
        command: Command,
        then: impl FnOnce(crate::hsm::Reply, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        let Next::Ask(ask, resume) = self.ask_hsm(command, then)? else { return Err(internal()) };
        let resume = move |reply: Reply, effects: Effects<'_, '_>| match reply {
            Reply::HsmFault(Fault::BadCiphertext) => Err(ErrorCode::KmsInvalidState
                .says("What the custom key store decrypted is no ciphertext of the KMS key.")),
            reply => resume(reply, effects),
        };
        Ok(Next::Ask(ask, Box::new(resume)))
    }

    /// Asks another Region and goes on with its answer.
    pub(crate) fn ask_region(
        self,
        region: RegionName,
        command: RegionCommand,
        then: impl FnOnce(RegionReply, Effects<'_, '_>) -> Result<Next> + Send + 'static,
    ) -> Result<Next> {
        let command = Arc::new(command);
        self.ask(Ask::Region { region, command }, move |reply, effects| match reply {
            Reply::Region(reply) => then(reply?, effects),
            Reply::TimedOut => Err(timed_out()),
            Reply::Hsm(_) | Reply::HsmFault(_) | Reply::KeyStore(_) => Err(internal()),
        })
    }

    /// Asks what is behind a custom key store and goes on with whatever comes of it: what a failure
    /// means depends on the operation.
    pub(crate) fn ask_key_store(
        self,
        store: KeyStoreId,
        command: key_store::Command,
        then: impl FnOnce(
            std::result::Result<key_store::Reply, key_store::Fault>,
            Effects<'_, '_>,
        ) -> Result<Next>
        + Send
        + 'static,
    ) -> Result<Next> {
        let command = Arc::new(command);
        self.ask(Ask::KeyStore { store, command }, move |reply, effects| match reply {
            Reply::KeyStore(answer) => then(answer, effects),
            Reply::TimedOut => then(Err(key_store::Fault::TimedOut), effects),
            Reply::Hsm(_) | Reply::HsmFault(_) | Reply::Region(_) => Err(internal()),
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

    /// Ends the operation with an answer, which a dry run does not give.
    ///
    /// # Errors
    /// `DryRunOperation` of a dry run.
    pub(crate) fn done(self, response: impl Into<Response>) -> Result<Next> {
        match self.scope.plan.dry_run {
            true => Err(would_have_succeeded()),
            false => Ok(Next::Done(response.into())),
        }
    }
}

/// What an HSM's refusal means to the caller. What the caller sent and does not open, verify or fit
/// is the caller's; the rest is the service's.
fn hsm_error(fault: Fault) -> Error {
    match fault {
        Fault::BadCiphertext => ErrorCode::InvalidCiphertext.silent(),
        Fault::BadSignature => ErrorCode::KmsInvalidSignature.silent(),
        Fault::BadMac => ErrorCode::KmsInvalidMac.silent(),
        Fault::BadPublicKey => ErrorCode::Validation
            .says("The public key is not a valid one on the curve of the KMS key."),
        Fault::TooLong => ErrorCode::Validation
            .says("The plaintext is longer than the destination key can encrypt."),
        Fault::BadImportToken => invalid_import_token(),
        Fault::BadMaterial => incorrect("is not valid for the key spec of the KMS key"),
        Fault::NotJoined | Fault::UnknownDomainKey | Fault::NoSession => {
            ErrorCode::KeyUnavailable.says("The key is not available at the moment. Try again.")
        }
        Fault::Busy => ErrorCode::KmsInternal.says("The service is busy. Try again."),
        Fault::BadToken | Fault::Refused | Fault::NoQuorum => internal(),
    }
}

fn timed_out() -> Error {
    ErrorCode::DependencyTimeout.says("The request timed out. Try again.")
}
