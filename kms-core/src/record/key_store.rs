//! Custom key stores, with the credentials that open them: the reason why entries are sealed.

use super::bytes::{Reader, Record, Writer, record, shared};
use crate::key_store::{
    Backing, CloudHsm, ClusterId, Connection, ConnectionErrorCode, Connectivity, Credential,
    EndpointServiceName, KeyStore, KeyStoreId, Proxy,
};

record!(text KeyStoreId, ClusterId, ConnectionErrorCode, Connectivity);
record!(struct KeyStore { id, account, name, created, connection, backing });
shared!(KeyStore);
record!(enum Connection {
    0 = Disconnected,
    1 = Connecting { until },
    2 = Connected,
    3 = Disconnecting { until },
    4 = Failed(code),
});
record!(enum Backing { 0 = CloudHsm(cluster), 1 = External(proxy) });
record!(struct CloudHsm { cluster, trust_anchor, password, rotated });
record!(struct Proxy { endpoint, path, connectivity, service, credential });
record!(struct EndpointServiceName { name, owner });
record!(struct Credential { access_key_id, secret });
