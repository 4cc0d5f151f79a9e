//! One request after another, for what comes before and after a load.

use super::answer::Answer;
use super::connection::{Connection, Letterhead};
use super::endpoint::Endpoint;
use super::sign::Date;
use super::signers::Signers;
use kms_core::Result;
use kms_core::name::{AccountId, RegionName};
use kms_core::ops::{Request, Response};
use kms_core::wire::encode_request;
use scenarios::Who;

/// A connection in a runtime of its own.
pub(super) struct Client<'e> {
    runtime: tokio::runtime::Runtime,
    connection: Connection<'e>,
    letterhead: Letterhead,
    signers: Signers,
}

impl<'e> Client<'e> {
    /// A client that is not connected yet.
    ///
    /// # Errors
    /// Without a runtime, and when the endpoint's name cannot be a header.
    pub(super) fn new(endpoint: &'e Endpoint) -> std::result::Result<Client<'e>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
        let letterhead = Letterhead::new(endpoint)?;
        let signers = Signers::new(endpoint.credentials.clone());
        Ok(Client { runtime, connection: Connection::new(endpoint), letterhead, signers })
    }

    /// Connects.
    ///
    /// # Errors
    /// When the endpoint cannot be reached.
    pub(super) fn reach(&mut self) -> std::result::Result<(), String> {
        let opened = self.runtime.block_on(self.connection.open());
        opened.map_err(|why| why.said().to_owned())
    }

    /// Asks as the administrator of an account.
    ///
    /// # Errors
    /// What the service answers, or why it does not.
    pub(super) fn ask(
        &mut self,
        region: RegionName,
        account: AccountId,
        request: &Request,
    ) -> Result<Response> {
        let operation = request.operation();
        let signer = self.signers.of(account, Who::Admin);
        let body = encode_request(request);
        let sent = self.letterhead.request(signer, &Date::now(), (region, operation), body);
        let reply = self.runtime.block_on(self.connection.send(sent));
        Answer::of(operation, reply).said()
    }
}
