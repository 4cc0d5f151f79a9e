//! What the core asks of a custom key store's backend, and what it may hear.

use super::cluster::{ClusterReply, ClusterRequest, ClusterView};
use super::xks::{EndpointService, ProxyError, ProxyReply, ProxyRequest};
use super::{ClusterId, ConnectionErrorCode, EndpointServiceName, Proxy};
use std::fmt;

/// A question. Everything that is needed to ask it is in it, so that a shell need not know the store:
/// a store that is only being created is asked, too. Equal commands have interchangeable answers.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// To the proxy of an external key store, over HTTPS.
    Proxy {
        /// Where it is and what to sign with.
        proxy: Proxy,
        /// What.
        request: ProxyRequest,
    },
    /// To Amazon VPC: how an endpoint service is configured.
    EndpointService(EndpointServiceName),
    /// To AWS CloudHSM: how a cluster is configured.
    DescribeCluster(ClusterId),
    /// To a cluster.
    Cluster {
        /// Which.
        cluster: ClusterId,
        /// What.
        request: ClusterRequest,
    },
}

/// An answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// A proxy's.
    Proxy(ProxyReply),
    /// The configuration of an endpoint service, if it is there and the KMS may see it.
    EndpointService(Option<EndpointService>),
    /// The configuration of a cluster, if there is one of that id in the account and Region.
    ClusterView(Option<ClusterView>),
    /// A cluster's.
    Cluster(ClusterReply),
}

/// Why there is no answer that does what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The proxy said so.
    Proxy(ProxyError),
    /// No connection to the proxy could be made.
    Unreachable,
    /// The connection could be made, but not trusted.
    Tls,
    /// There was no answer in time.
    TimedOut,
    /// The answer is none that the protocol has.
    InvalidResponse,
    /// The cluster cannot be logged in to.
    LogIn(ConnectionErrorCode),
    /// The cluster has no such key any more.
    KeyLost,
    /// The ciphertext cannot be opened: damaged, or bound to something else.
    BadCiphertext,
    /// The cluster has more to do than it can.
    Busy,
    /// The cluster has no session left.
    NoSession,
}

impl Command {
    /// A short name, for metrics and histories.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Proxy { request, .. } => request.name(),
            Command::EndpointService(_) => "DescribeVpcEndpointService",
            Command::DescribeCluster(_) => "DescribeCluster",
            Command::Cluster { request, .. } => request.name(),
        }
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reply::Proxy(_) => "Proxy",
            Reply::EndpointService(_) => "EndpointService",
            Reply::ClusterView(_) => "ClusterView",
            Reply::Cluster(_) => "Cluster",
        })
    }
}
