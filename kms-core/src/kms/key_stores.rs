//! How checks find custom key stores: by the id of a request, in the caller's account alone.

use super::Checks;
use crate::error::{Error, ErrorCode, Result};
use crate::key::Key;
use crate::key_store::connection::Deed;
use crate::key_store::{Backing, KeyStore, KeyStoreId, KeyStoreType, Share, StoredIn, Unique};
use crate::name::AccountId;
use crate::ops::Operation;
use crate::step::{Precondition, RecordId, UniqueName};
use crate::wire::CustomKeyStoreIdText;
use std::sync::Arc;

impl Checks<'_, '_> {
    /// The custom key store that a request names; that it was read becomes a precondition. One of
    /// another account is no more there than one that does not exist.
    ///
    /// # Errors
    /// `CustomKeyStoreNotFound`.
    pub fn key_store(&mut self, named: &CustomKeyStoreIdText) -> Result<Arc<KeyStore>> {
        let account = self.call().caller.account();
        let found = KeyStoreId::parse(named.as_str()).and_then(|id| self.read_key_store(id));
        found.filter(|store| store.account == account).ok_or_else(|| no_such_store(named.as_str()))
    }

    /// A custom key store in the log; that it was read becomes a precondition.
    pub(crate) fn read_key_store(&mut self, id: KeyStoreId) -> Option<Arc<KeyStore>> {
        let (store, version) = self.state().key_store(id)?;
        self.rely_on(Precondition::VersionIs(RecordId::KeyStore(id), version));
        Some(store.clone())
    }

    /// That no other store has what a store of that name and backing wants for itself: checked now,
    /// and required of the append.
    ///
    /// # Errors
    /// The one that the thing has.
    pub(crate) fn unshared(
        &self,
        besides: Option<KeyStoreId>,
        name: &Arc<str>,
        backing: &Backing,
    ) -> Result<Vec<Precondition>> {
        let account = self.call().caller.account();
        let shares = Share::all(account, name, backing).into_iter();
        let unshared = shares.map(|what| {
            let unique = Unique { besides, what: what.clone() };
            let precondition = Precondition::Absent(UniqueName::KeyStore(unique));
            let holds = self.state().check(std::slice::from_ref(&precondition));
            holds.map(|()| precondition).map_err(|_| in_use(&what))
        });
        unshared.collect()
    }

    /// The store that a key is in, if it is in one: whether it can be used depends on it.
    pub(crate) fn read_key_store_of(&mut self, key: &Key) -> Option<Arc<KeyStore>> {
        let store = key.stored_in.as_ref().map(StoredIn::store)?;
        self.read_key_store(store)
    }

    /// Charges a cryptographic operation to the quota of a custom key store, which all accounts that
    /// use its keys share, beside the account's own (AWS KMS Developer Guide, Request quotas).
    ///
    /// # Errors
    /// `Throttling`.
    pub(crate) fn charge_key_store(&mut self, store: &KeyStore) -> Result<()> {
        let counts = self.scope.plan.operation.is_some_and(Operation::is_in_key_stores);
        if !counts || self.scope.call.decision > 0 {
            return Ok(());
        }
        match self.scope.meter.admit_key_store(store.id, self.scope.call.monotonic) {
            true => Ok(()),
            false => Err(self.throttled()),
        }
    }

    /// The store of that name, in an account.
    pub(crate) fn key_store_named(&self, account: AccountId, name: &str) -> Option<Arc<KeyStore>> {
        let mut stores = self.state().key_stores_after(None);
        stores.find(|store| store.account == account && *store.name == *name).cloned()
    }
}

/// Whether the state of a store's connection allows something.
///
/// # Errors
/// `CustomKeyStoreInvalidState`.
pub(crate) fn check_connection(store: &KeyStore, deed: Deed) -> Result<()> {
    if store.connection.allows(deed) {
        return Ok(());
    }
    let state = store.connection.state();
    Err(ErrorCode::CustomKeyStoreInvalidState.says(format!(
        "The custom key store {} is {state}, which does not allow this operation.",
        store.id
    )))
}

/// Whether a store is of a kind.
///
/// # Errors
/// `Validation`.
pub(crate) fn check_kind(store: &KeyStore, kind: KeyStoreType, what: &str) -> Result<()> {
    match store.kind() == kind {
        true => Ok(()),
        false => Err(ErrorCode::Validation
            .says(format!("{what} is not for a custom key store of type {}.", store.kind()))),
    }
}

pub(crate) fn no_such_store(named: &str) -> Error {
    ErrorCode::CustomKeyStoreNotFound.says(format!("There is no custom key store {named}."))
}

fn in_use(what: &Share) -> Error {
    let (code, text) = match what {
        Share::Name(..) => {
            (ErrorCode::CustomKeyStoreNameInUse, "Another custom key store has this name.")
        }
        Share::ProxyUri(..) => {
            (ErrorCode::XksProxyUriInUse, "Another custom key store has this endpoint and path.")
        }
        Share::Endpoint(_) | Share::VpcEndpoint(_) => (
            ErrorCode::XksProxyUriEndpointInUse,
            "Another custom key store has this endpoint with another connectivity.",
        ),
        Share::EndpointService(_) => (
            ErrorCode::XksProxyVpcEndpointServiceInUse,
            "Another custom key store has this endpoint service.",
        ),
        Share::Cluster(..) => (
            ErrorCode::CloudHsmClusterInUse,
            "Another custom key store has this cluster, or one that shares a backup history with it.",
        ),
    };
    code.says(text)
}
