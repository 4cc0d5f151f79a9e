//! What the connection to a custom key store goes through, and what may be done in each state.
//!
//! ```text
//! DISCONNECTED ──connect──► CONNECTING ──► CONNECTED
//!       ▲                       └────────► FAILED
//!       └────── DISCONNECTING ◄──disconnect── any of these three
//! ```
//! Connecting and disconnecting take time and end by a task. A store whose backend is lost stays
//! CONNECTED; the requests that need it fail. Source: AWS KMS API reference,
//! `CustomKeyStoresListEntry`; Developer Guide, "Connect and disconnect".

use crate::env::Timestamp;
use crate::key::wire_enum;
use std::time::Duration;

wire_enum! {
    /// The state DescribeCustomKeyStores shows.
    ConnectionState {
        Connected "CONNECTED",
        Connecting "CONNECTING",
        Failed "FAILED",
        Disconnected "DISCONNECTED",
        Disconnecting "DISCONNECTING",
    }
}

wire_enum! {
    /// Why a store could not be connected, in the state FAILED.
    ConnectionErrorCode {
        InvalidCredentials "INVALID_CREDENTIALS",
        ClusterNotFound "CLUSTER_NOT_FOUND",
        NetworkErrors "NETWORK_ERRORS",
        InternalError "INTERNAL_ERROR",
        InsufficientCloudHsmHsms "INSUFFICIENT_CLOUDHSM_HSMS",
        UserLockedOut "USER_LOCKED_OUT",
        UserNotFound "USER_NOT_FOUND",
        UserLoggedIn "USER_LOGGED_IN",
        SubnetNotFound "SUBNET_NOT_FOUND",
        InsufficientFreeAddressesInSubnet "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET",
        XksProxyAccessDenied "XKS_PROXY_ACCESS_DENIED",
        XksProxyNotReachable "XKS_PROXY_NOT_REACHABLE",
        XksVpcEndpointServiceNotFound "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND",
        XksProxyInvalidResponse "XKS_PROXY_INVALID_RESPONSE",
        XksProxyInvalidConfiguration "XKS_PROXY_INVALID_CONFIGURATION",
        XksVpcEndpointServiceInvalidConfiguration "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION",
        XksProxyTimedOut "XKS_PROXY_TIMED_OUT",
        XksProxyInvalidTlsConfiguration "XKS_PROXY_INVALID_TLS_CONFIGURATION",
    }
}

/// How long connections take to be made and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Until an external key store is connected, or found not to be connectable.
    pub connect_external: Duration,
    /// The same of an AWS CloudHSM key store.
    pub connect_cloud_hsm: Duration,
    /// Until a store of either kind is disconnected.
    pub disconnect: Duration,
}

impl Default for Times {
    /// What the AWS KMS Developer Guide says of each: about five minutes, up to twenty, about five
    /// (documented for external stores only).
    fn default() -> Times {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Times {
            connect_external: minutes(5),
            connect_cloud_hsm: minutes(20),
            disconnect: minutes(5),
        }
    }
}

/// The connection of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// None. Keys of the store are unavailable.
    Disconnected,
    /// Being made.
    Connecting {
        /// When it is made, or found impossible.
        until: Timestamp,
    },
    /// Made. Only now the store's keys can be used and created.
    Connected,
    /// Being ended.
    Disconnecting {
        /// When it is ended.
        until: Timestamp,
    },
    /// Could not be made; must be ended before it is tried again.
    Failed(ConnectionErrorCode),
}

/// What a connection's state may allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// ConnectCustomKeyStore.
    Connect,
    /// DisconnectCustomKeyStore.
    Disconnect,
    /// DeleteCustomKeyStore.
    Delete,
    /// CreateKey in the store, random bytes of its cluster.
    Use,
    /// A new name, a new proxy credential, a new path.
    UpdateInPlace,
    /// Anything else that UpdateCustomKeyStore changes.
    Update,
}

impl Connection {
    /// The state as it is shown.
    pub fn state(self) -> ConnectionState {
        match self {
            Connection::Disconnected => ConnectionState::Disconnected,
            Connection::Connecting { .. } => ConnectionState::Connecting,
            Connection::Connected => ConnectionState::Connected,
            Connection::Disconnecting { .. } => ConnectionState::Disconnecting,
            Connection::Failed(_) => ConnectionState::Failed,
        }
    }

    /// Why it could not be made, if it could not.
    pub fn error(self) -> Option<ConnectionErrorCode> {
        match self {
            Connection::Failed(code) => Some(code),
            _ => None,
        }
    }

    /// Whether the state allows it.
    pub fn allows(self, deed: Deed) -> bool {
        use ConnectionState::{Connected, Disconnected, Disconnecting, Failed};
        let state = self.state();
        match deed {
            Deed::Connect => !matches!(state, Disconnecting | Failed),
            Deed::Disconnect => !matches!(state, Disconnecting | Disconnected),
            Deed::Delete | Deed::Update => state == Disconnected,
            Deed::Use => state == Connected,
            Deed::UpdateInPlace => matches!(state, Connected | Disconnected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_allows_what_is_documented() {
        let until = Timestamp::EPOCH;
        let failed = Connection::Failed(ConnectionErrorCode::InternalError);
        let states = [
            Connection::Disconnected,
            Connection::Connecting { until },
            Connection::Connected,
            Connection::Disconnecting { until },
            failed,
        ];
        let allowed = |deed| states.map(|state| state.allows(deed));
        for (deed, expected) in [
            (Deed::Connect, [true, true, true, false, false]),
            (Deed::Disconnect, [false, true, true, false, true]),
            (Deed::Delete, [true, false, false, false, false]),
            (Deed::Use, [false, false, true, false, false]),
            (Deed::UpdateInPlace, [true, false, true, false, false]),
            (Deed::Update, [true, false, false, false, false]),
        ] {
            assert_eq!(allowed(deed), expected, "{deed:?}");
        }
        assert_eq!(failed.error(), Some(ConnectionErrorCode::InternalError));
        assert_eq!(ConnectionErrorCode::ALL.len(), 18);
    }
}
