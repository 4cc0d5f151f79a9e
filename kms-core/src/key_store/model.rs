//! What is behind custom key stores, as a model in memory: proxies with external keys, endpoint
//! services, AWS CloudHSM clusters.
//!
//! It keeps the protocol and the rules, and every failure that a real one can have can be set; how
//! long things take is the shell's. The cryptography is real. A cluster is only ever this model:
//! nothing here or elsewhere speaks to AWS CloudHSM.

mod cluster;
mod proxy;

pub use cluster::ClusterModel;
pub use proxy::{Condition, ExternalKeyModel, ProxyModel};

use super::xks::EndpointService;
use super::{ClusterId, Command, Connectivity, EndpointServiceName, Fault, Proxy, Reply};
use crate::crypto::CryptoBackend;
use crate::env::Random;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything there is behind the custom key stores of a shell.
pub struct Backends {
    crypto: Arc<dyn CryptoBackend>,
    /// By endpoint and path.
    proxies: BTreeMap<(Arc<str>, Arc<str>), ProxyModel>,
    services: BTreeMap<EndpointServiceName, EndpointService>,
    clusters: BTreeMap<ClusterId, ClusterModel>,
}

impl Backends {
    /// Nothing.
    pub fn new(crypto: Arc<dyn CryptoBackend>) -> Backends {
        Backends {
            crypto,
            proxies: BTreeMap::new(),
            services: BTreeMap::new(),
            clusters: BTreeMap::new(),
        }
    }

    /// Puts a proxy at an endpoint and a path.
    pub fn add_proxy(&mut self, endpoint: &str, path: &str, proxy: ProxyModel) {
        self.proxies.insert((endpoint.into(), path.into()), proxy);
    }

    /// The proxy there.
    pub fn proxy_mut(&mut self, endpoint: &str, path: &str) -> Option<&mut ProxyModel> {
        self.proxies.get_mut(&(endpoint.into(), path.into()))
    }

    /// Puts an endpoint service in front of a proxy.
    pub fn add_service(&mut self, name: EndpointServiceName, service: EndpointService) {
        self.services.insert(name, service);
    }

    /// Makes a cluster.
    pub fn add_cluster(&mut self, id: ClusterId, cluster: ClusterModel) {
        self.clusters.insert(id, cluster);
    }

    /// A cluster.
    pub fn cluster_mut(&mut self, id: &ClusterId) -> Option<&mut ClusterModel> {
        self.clusters.get_mut(id)
    }

    /// Deletes a cluster.
    pub fn remove_cluster(&mut self, id: &ClusterId) {
        self.clusters.remove(id);
    }

    /// Takes out the proxies at these endpoints, to stand elsewhere.
    pub fn take_proxies(&mut self, endpoints: &[Arc<str>]) -> Backends {
        let mut taken = Backends::new(self.crypto.clone());
        let at = |(endpoint, _): &(Arc<str>, Arc<str>)| endpoints.contains(endpoint);
        let (theirs, rest) =
            std::mem::take(&mut self.proxies).into_iter().partition(|(key, _)| at(key));
        (taken.proxies, self.proxies) = (theirs, rest);
        taken
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// What the backend answers, or that there is none.
    pub fn execute(&mut self, command: &Command, random: &mut dyn Random) -> Result<Reply, Fault> {
        match command {
            Command::Proxy { proxy, request } => {
                let found = self.reach(proxy)?;
                let answer = found.serve(&proxy.credential, request, self.crypto.as_ref(), random);
                answer.map(Reply::Proxy)
            }
            Command::EndpointService(name) => {
                let service = self.services.get(name).filter(|service| service.admits_kms);
                Ok(Reply::EndpointService(service.cloned()))
            }
            Command::DescribeCluster(id) => {
                Ok(Reply::ClusterView(self.clusters.get(id).map(|cluster| cluster.view.clone())))
            }
            Command::Cluster { cluster, request } => match self.clusters.get_mut(cluster) {
                Some(cluster) => {
                    cluster.execute(request, self.crypto.as_ref(), random).map(Reply::Cluster)
                }
                None => Err(ClusterModel::none(request)),
            },
        }
    }

    /// The proxy at an address, over the network that the store says.
    fn reach(&self, proxy: &Proxy) -> Result<&ProxyModel, Fault> {
        let service = proxy.service.as_ref().and_then(|name| self.services.get(name));
        let through = service.is_some_and(|s| s.admits_kms && s.serves(&proxy.endpoint));
        if proxy.connectivity == Connectivity::VpcEndpointService && !through {
            return Err(Fault::Unreachable);
        }
        let at = (proxy.endpoint.clone(), proxy.path.clone());
        if let Some(found) = self.proxies.get(&at) {
            return Ok(found);
        }
        let known = self.proxies.keys().any(|(endpoint, _)| *endpoint == proxy.endpoint);
        Err(match known {
            true => Fault::Proxy(super::xks::ProxyError::InvalidUriPath),
            false => Fault::Unreachable,
        })
    }
}
