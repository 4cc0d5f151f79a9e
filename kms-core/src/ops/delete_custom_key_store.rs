//! DeleteCustomKeyStore: forgets a custom key store; cluster and proxy stay as they are.

use super::Info;
use crate::error::{ErrorCode, Result};
use crate::key_store::connection::Deed;
use crate::kms::{Checks, check_connection};
use crate::policy::Action;
use crate::state::Change;
use crate::step::{Counter, Next, Precondition};
use crate::wire::CustomKeyStoreIdText;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::CustomKeyStoreHasCmks,
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
    let context = checks.context(Action::DeleteCustomKeyStore);
    checks.account(context)?;
    let store = checks.key_store(&request.custom_key_store_id)?;
    // Keys that wait for their deletion count. Which of the two errors comes first AWS does not say.
    let keys = Counter::KeysInStore(store.id);
    if checks.state().count(keys) > 0 {
        return Err(ErrorCode::CustomKeyStoreHasCmks
            .says(format!("The custom key store {} still has KMS keys.", store.id)));
    }
    check_connection(&store, Deed::Delete)?;
    let mut effects = checks.pass(false)?;
    effects.require(Precondition::CountBelow(keys, 1));
    effects.record(Change::RemoveKeyStore(store.id));
    effects.done(Response {})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_store::KeyStoreId;
    use crate::local::Local;

    fn delete(local: &mut Local, store: KeyStoreId) -> Result<()> {
        let custom_key_store_id = store.to_string().as_str().into();
        local.call(Request { custom_key_store_id }).map(drop)
    }

    #[test]
    fn an_empty_disconnected_store_goes_for_good() {
        let mut local = Local::single_region();
        let store = local.create_external_store("xks");
        delete(&mut local, store).unwrap();
        let error = delete(&mut local, store).unwrap_err();
        assert_eq!(error.code, ErrorCode::CustomKeyStoreNotFound);
        assert!(local.journal().state().key_store(store).is_none());
    }

    #[test]
    fn a_connected_store_stays() {
        let mut local = Local::single_region();
        let store = local.connected_external_store("xks");
        let error = delete(&mut local, store).unwrap_err();
        assert_eq!(error.code, ErrorCode::CustomKeyStoreInvalidState);
    }
}
