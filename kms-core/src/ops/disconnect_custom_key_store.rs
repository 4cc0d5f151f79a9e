//! DisconnectCustomKeyStore: makes the keys of a custom key store unavailable at once, and logs out.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::key_store::Connection;
use crate::key_store::connection::Deed;
use crate::kms::{Checks, check_connection};
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::CustomKeyStoreIdText;
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::CustomKeyStoreInvalidState,
        ErrorCode::CustomKeyStoreNotFound,
        ErrorCode::KmsInternal,
    ],
};

crate::shape! {
    /// Which store.
    pub struct Request {
        /// The id.
        custom_key_store_id: CustomKeyStoreIdText = "CustomKeyStoreId",
    }
}

crate::shape! {
    /// Nothing.
    pub struct Response {}
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::DisconnectCustomKeyStore);
    checks.account(context)?;
    let store = checks.key_store(&request.custom_key_store_id)?;
    check_connection(&store, Deed::Disconnect)?;
    let mut effects = checks.pass(false)?;
    let until = effects.call().now.after(effects.settings().key_store_times.disconnect);
    let store = store.with(Connection::Disconnecting { until });
    effects.record(Change::PutKeyStore(Arc::new(store)));
    effects.done(Response {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_store::{ConnectionState, KeyStoreId};
    use crate::local::Local;
    use std::time::Duration;

    fn disconnect(local: &mut Local, store: KeyStoreId) -> Result<()> {
        let custom_key_store_id = store.to_string().as_str().into();
        local.call(Request { custom_key_store_id }).map(drop)
    }

    fn state(local: &Local, store: KeyStoreId) -> ConnectionState {
        local.journal().state().key_store(store).unwrap().0.connection.state()
    }

    #[test]
    fn a_connected_store_is_disconnected_minutes_later() {
        let mut local = Local::single_region();
        for store in [local.connected_external_store("xks"), local.connected_cloud_hsm_store("hsm")]
        {
            disconnect(&mut local, store).unwrap();
            assert_eq!(state(&local, store), ConnectionState::Disconnecting);
            let error = disconnect(&mut local, store).unwrap_err();
            assert_eq!(error.code, ErrorCode::CustomKeyStoreInvalidState);
            local.advance(Duration::from_secs(300));
            assert_eq!(state(&local, store), ConnectionState::Disconnected);
            let error = disconnect(&mut local, store).unwrap_err();
            assert_eq!(error.code, ErrorCode::CustomKeyStoreInvalidState);
        }
    }

    #[test]
    fn a_connection_that_is_being_made_can_be_broken_off() {
        let mut local = Local::single_region();
        let store = local.create_external_store("xks");
        local.begin_connecting(store);
        disconnect(&mut local, store).unwrap();
        local.advance(Duration::from_secs(3600));
        assert_eq!(state(&local, store), ConnectionState::Disconnected);
    }

    #[test]
    fn another_accounts_store_is_not_there() {
        let mut local = Local::single_region();
        let error = disconnect(&mut local, KeyStoreId::new([7; 9])).unwrap_err();
        assert_eq!(error.code, ErrorCode::CustomKeyStoreNotFound);
    }
}
