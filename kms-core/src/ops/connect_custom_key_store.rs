//! ConnectCustomKeyStore: begins to connect a custom key store, which takes minutes and ends by itself.

use super::Info;
use crate::env::Site;
use crate::error::{ErrorCode, Result};
use crate::key_store::connection::Deed;
use crate::key_store::{Backing, CloudHsm, Command, Connection, ConnectionState, KeyStore, Reply};
use crate::kms::{Checks, Effects, check_connection, internal};
use crate::policy::Action;
use crate::state::Change;
use crate::step::Next;
use crate::wire::CustomKeyStoreIdText;
use std::sync::Arc;

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: false,
    errors: &[
        ErrorCode::CloudHsmClusterNotActive,
        ErrorCode::CustomKeyStoreInvalidState,
        ErrorCode::CustomKeyStoreNotFound,
        ErrorCode::KmsInternal,
        ErrorCode::CloudHsmClusterInvalidConfiguration,
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
    /// Nothing: whether it worked shows later.
    pub struct Response {}
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let context = checks.context(Action::ConnectCustomKeyStore);
    checks.account(context)?;
    let store = checks.key_store(&request.custom_key_store_id)?;
    check_connection(&store, Deed::Connect)?;
    let effects = checks.pass(false)?;
    if store.connection.state() != ConnectionState::Disconnected {
        return effects.done(Response {});
    }
    let Some(cluster) = store.cloud_hsm() else { return begin(effects, &store) };
    let command = Command::DescribeCluster(cluster.cluster.clone());
    effects.ask_key_store(store.id, command, move |answer, effects| match answer {
        Ok(Reply::ClusterView(view)) => {
            // A cluster that is gone has no error here; the connection will fail and say so.
            view.map_or(Ok(()), |view| view.must_be_connectable())?;
            begin(effects, &store)
        }
        _ => Err(internal()),
    })
}

fn begin(mut effects: Effects<'_, '_>, store: &KeyStore) -> Result<Next> {
    let times = effects.settings().key_store_times;
    let (backing, takes) = match &store.backing {
        Backing::External(proxy) => (Backing::External(proxy.clone()), times.connect_external),
        Backing::CloudHsm(cluster) => {
            // A password that an earlier attempt may have set is tried again before any other.
            let fresh = || password(&mut effects);
            let rotated = Some(cluster.rotated.clone().unwrap_or_else(fresh));
            let cluster = CloudHsm { rotated, ..cluster.clone() };
            (Backing::CloudHsm(cluster), times.connect_cloud_hsm)
        }
    };
    let until = effects.call().now.after(takes);
    let connection = Connection::Connecting { until };
    let store = KeyStore { backing, connection, ..store.clone() };
    effects.record(Change::PutKeyStore(Arc::new(store)));
    effects.done(Response {})
}

/// A password as long as one may be: 32 letters and digits.
fn password(effects: &mut Effects<'_, '_>) -> crate::crypto::SecretBytes {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789Aa";
    let drawn = zeroize::Zeroizing::new(effects.draw::<32>(Site::KmsuserPassword));
    let letters = drawn.iter().map(|byte| LETTERS[usize::from(byte % 64)]);
    letters.collect::<Vec<u8>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_store::{ConnectionErrorCode, KeyStoreId};
    use crate::local::Local;
    use crate::ops::{delete_custom_key_store, disconnect_custom_key_store};
    use std::time::Duration;

    const HOUR: Duration = Duration::from_secs(3600);

    fn connect(local: &mut Local, store: KeyStoreId) -> Result<()> {
        let custom_key_store_id = store.to_string().as_str().into();
        local.call(Request { custom_key_store_id }).map(drop)
    }

    fn disconnect(local: &mut Local, store: KeyStoreId) {
        let custom_key_store_id = store.to_string().as_str().into();
        local.call(disconnect_custom_key_store::Request { custom_key_store_id }).unwrap();
        local.advance(HOUR);
    }

    fn connection(local: &Local, store: KeyStoreId) -> Connection {
        local.journal().state().key_store(store).unwrap().0.connection
    }

    #[test]
    fn an_external_store_is_connected_minutes_later() {
        let mut local = Local::single_region();
        let store = local.create_external_store("xks");
        connect(&mut local, store).unwrap();
        connect(&mut local, store).unwrap();
        local.advance(Duration::from_secs(299));
        assert_eq!(connection(&local, store).state(), ConnectionState::Connecting);
        local.advance(Duration::from_secs(1));
        assert_eq!(connection(&local, store), Connection::Connected);
        connect(&mut local, store).unwrap();
        assert_eq!(connection(&local, store), Connection::Connected);
    }

    #[test]
    fn each_connection_of_a_cluster_changes_the_password() {
        let mut local = Local::single_region();
        let store = local.create_cloud_hsm_store("hsm");
        let mut passwords = vec![local.cluster_mut("hsm").password.clone()];
        for _ in 0..2 {
            connect(&mut local, store).unwrap();
            local.advance(HOUR);
            assert_eq!(connection(&local, store), Connection::Connected);
            passwords.push(local.cluster_mut("hsm").password.clone());
            disconnect(&mut local, store);
        }
        assert!(passwords[0] != passwords[1] && passwords[1] != passwords[2]);
        assert_eq!(passwords[2].as_ref().unwrap().len(), 32);
    }

    #[test]
    fn a_failed_store_must_be_disconnected_first() {
        let mut local = Local::single_region();
        let store = local.create_cloud_hsm_store("hsm");
        for code in [
            ConnectionErrorCode::InternalError,
            ConnectionErrorCode::NetworkErrors,
            ConnectionErrorCode::InsufficientFreeAddressesInSubnet,
            ConnectionErrorCode::SubnetNotFound,
        ] {
            local.cluster_mut("hsm").obstacle = Some(code);
            connect(&mut local, store).unwrap();
            local.advance(HOUR);
            assert_eq!(connection(&local, store), Connection::Failed(code));
            let error = connect(&mut local, store).unwrap_err();
            assert_eq!(error.code, ErrorCode::CustomKeyStoreInvalidState);
            disconnect(&mut local, store);
        }
        local.cluster_mut("hsm").obstacle = None;
        local.cluster_mut("hsm").logged_in_elsewhere = true;
        connect(&mut local, store).unwrap();
        local.advance(HOUR);
        let code = ConnectionErrorCode::UserLoggedIn;
        assert_eq!(connection(&local, store), Connection::Failed(code));
    }

    #[test]
    fn a_user_may_be_missing_wrong_or_locked_out() {
        let mut local = Local::single_region();
        let store = local.create_cloud_hsm_store("hsm");
        let fails_with = |local: &mut Local| {
            connect(local, store).unwrap();
            local.advance(HOUR);
            let code = connection(local, store).error();
            disconnect(local, store);
            code
        };
        let password = local.cluster_mut("hsm").password.take();
        assert_eq!(fails_with(&mut local), Some(ConnectionErrorCode::UserNotFound));
        local.cluster_mut("hsm").password = password.map(|_| b"another1".to_vec().into());
        for _ in 0..5 {
            let code = fails_with(&mut local);
            assert_eq!(code, Some(ConnectionErrorCode::InvalidCredentials));
        }
        assert_eq!(fails_with(&mut local), Some(ConnectionErrorCode::UserLockedOut));
    }

    #[test]
    fn some_faults_of_a_cluster_are_told_at_once() {
        let mut local = Local::single_region();
        let store = local.create_cloud_hsm_store("hsm");
        local.cluster_mut("hsm").view.hsms.clear();
        let error = connect(&mut local, store).unwrap_err();
        assert_eq!(error.code, ErrorCode::CloudHsmClusterInvalidConfiguration);
        local.cluster_mut("hsm").view.active = false;
        let error = connect(&mut local, store).unwrap_err();
        assert_eq!(error.code, ErrorCode::CloudHsmClusterNotActive);
        assert_eq!(connection(&local, store), Connection::Disconnected);
    }

    #[test]
    fn what_is_lost_meanwhile_is_told_by_the_connection() {
        let mut local = Local::single_region();
        let store = local.create_cloud_hsm_store("hsm");
        connect(&mut local, store).unwrap();
        local.cluster_mut("hsm").view.hsms.clear();
        local.advance(HOUR);
        let code = ConnectionErrorCode::InsufficientCloudHsmHsms;
        assert_eq!(connection(&local, store), Connection::Failed(code));
        disconnect(&mut local, store);
        local.remove_cluster("hsm");
        connect(&mut local, store).unwrap();
        local.advance(HOUR);
        let code = ConnectionErrorCode::ClusterNotFound;
        assert_eq!(connection(&local, store), Connection::Failed(code));
    }

    #[test]
    fn a_store_that_is_not_there_cannot_be_connected() {
        let mut local = Local::single_region();
        let store = local.create_external_store("xks");
        let custom_key_store_id: CustomKeyStoreIdText = store.to_string().as_str().into();
        local.call(delete_custom_key_store::Request { custom_key_store_id }).unwrap();
        for store in [store, KeyStoreId::new([1; 9])] {
            let error = connect(&mut local, store).unwrap_err();
            assert_eq!(error.code, ErrorCode::CustomKeyStoreNotFound);
        }
        let request = Request { custom_key_store_id: "no id".into() };
        let error = local.call(request).unwrap_err();
        assert_eq!(error.code, ErrorCode::CustomKeyStoreNotFound);
    }
}
