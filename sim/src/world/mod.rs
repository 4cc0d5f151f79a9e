//! A world made of a scenario and a seed: where everything is, and the nodes that stand there.
//!
//! ```text
//! Region × ( API hosts, HSMs, journal, worker ) over the zones in turn, then the clients
//! ```

mod faults;

pub use faults::Placed;

use crate::client::{Client, ClientPlan, Part, Principals, cast};
use crate::clock::SimTime;
use crate::crypto::Reproducible;
use crate::fault::Faults;
use crate::fault::point::Points;
use crate::genesis::{self, Beginning, Genesis};
use crate::history::History;
use crate::net::Network;
use crate::net::matrix::RoundTripMatrix;
use crate::node::{
    AnyNode, Followers, Host, HsmNode, JournalNode, JournalPlan, KeyStoreNode, Peers,
    Settings as NodeSettings, Worker,
};
use crate::parameters::Parameters;
use crate::place::{NodeId, RegionIndex, Role, Topology, ZoneIndex};
use crate::random::Seed;
use crate::sabotage::Sabotages;
use crate::secrets::Secrets;
use kms_core::Kms;
use kms_core::crypto::CryptoBackend;
use kms_core::hsm::OperatorKey;
use kms_core::key_store::connection::Times;
use kms_core::kms::Settings;
use kms_core::name::RegionName;
use kms_core::quota::{Meter, Profile, Share};
use scenarios::{Scenario, Tape};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long the last attempts, tasks and messages may take once everything is calm.
pub const SETTLING: Duration = Duration::from_secs(60);
/// How long the clients' audit may take; a shorter calm has none.
const AUDIT: Duration = Duration::from_secs(10);
/// How long before the end nodes report their state.
const REPORT: Duration = Duration::from_millis(1);

/// Everything about a run that does not change while it runs.
pub struct World {
    /// The scenario.
    pub scenario: Scenario,
    /// The seed.
    pub seed: Seed,
    /// Where everything is.
    pub topology: Topology,
    /// The Regions, in the topology's order.
    pub regions: Vec<RegionName>,
    /// The figures of the model.
    pub parameters: Parameters,
    /// How the KMS is set up.
    pub settings: Settings,
    /// The request quotas, if they are on.
    pub profile: Option<Arc<Profile>>,
    /// When the storm ends.
    pub calm_at: SimTime,
    /// When the run ends.
    pub ends_at: SimTime,
    /// The faults, as reports show them.
    pub placed: Vec<Placed>,
    parts: Vec<Part>,
    genesis: Genesis,
    principals: Arc<Principals>,
    backend: Arc<dyn CryptoBackend>,
    points: Points,
    sabotages: Sabotages,
    secrets: Secrets,
}

impl World {
    /// The world of a scenario and a seed. What it begins with is recorded in `history`.
    pub fn new(
        scenario: &Scenario,
        seed: Seed,
        backend: Arc<dyn CryptoBackend>,
        history: &mut History,
    ) -> Result<World, String> {
        let secrets = Secrets::default();
        let backend = Reproducible::over(backend, secrets.clone());
        let parameters = Parameters::with(&scenario.parameters);
        let regions = regions(scenario)?;
        let profile = Profile::named(&scenario.quota.profile);
        let settings = settings(scenario, seed, &parameters, &regions, profile.as_deref());
        let mut topology = servers(scenario)?;
        let principals = Arc::new(Principals::of(&genesis::accounts(scenario), &regions));
        let genesis = genesis::begin(
            &genesis::Order { scenario, seed, regions: &regions, settings: &settings },
            &topology,
            &principals,
            &backend,
            history,
        )?;
        let parts = cast(scenario, &genesis.book);
        for (number, part) in parts.iter().enumerate() {
            let region = topology.region(part.region.as_str()).unwrap_or(RegionIndex(0));
            let zone = zone(number, scenario.topology.zones);
            topology.add(region, zone, Role::Client).map_err(|error| error.to_string())?;
        }
        let (_, placed) = faults::faults(scenario, &topology, seed);
        let calm_at = SimTime::ZERO.after(scenario.storm());
        Ok(World {
            ends_at: calm_at.after(scenario.calm),
            scenario: scenario.clone(),
            points: Points::of(scenario, seed),
            sabotages: Sabotages::of(scenario, seed).knowing(secrets.clone()),
            secrets,
            seed,
            topology,
            regions,
            parameters,
            settings,
            profile,
            calm_at,
            placed,
            parts,
            genesis,
            principals,
            backend,
        })
    }

    /// From now on every call that a client plans is on the tape too.
    pub fn record(&mut self, tape: &Tape) {
        tape.know(&self.genesis.book);
        for (number, part) in self.parts.iter_mut().enumerate() {
            let client = u32::try_from(number).unwrap_or(u32::MAX);
            let shares = std::mem::take(&mut part.shares).into_iter();
            let taped = shares.map(|share| crate::client::Share {
                generator: tape.record(client, share.generator),
                ..share
            });
            part.shares = taped.collect();
        }
    }

    /// The faults, ready to run.
    pub fn faults(&self) -> Faults {
        faults::faults(&self.scenario, &self.topology, self.seed).0
    }

    /// The network, ready to run.
    pub fn network(&self) -> Result<Network, String> {
        let matrix = match self.scenario.topology.latency {
            scenarios::LatencyMatrix::Aws2026Approx => "aws-2026-approx",
        };
        let matrix = RoundTripMatrix::named(matrix).ok_or("no such round-trip matrix")?;
        Ok(Network::new(self.seed, &self.topology, matrix, self.parameters.network()))
    }

    /// The meter of a host: its share of the Region's quotas.
    pub fn meter(&self, region: RegionName, share: Share) -> Meter {
        match &self.profile {
            None => Meter::off(),
            Some(profile) => Meter::new(profile.clone(), region, self.scenario.quota.scale, share),
        }
    }

    /// The nodes, one for each place.
    pub fn nodes(mut self) -> Vec<AnyNode> {
        let hosts: BTreeMap<RegionName, Vec<NodeId>> = self
            .each_region()
            .map(|(index, name)| (name, self.of_role(index, Role::ApiHost)))
            .collect();
        let hosts = Arc::new(hosts);
        let mut nodes = Vec::with_capacity(self.topology.len());
        for (index, name) in self.each_region().collect::<Vec<_>>() {
            let beginning = &self.genesis.regions[&name];
            let peers = self.peers(index, name, &hosts);
            nodes.extend(self.region_nodes(index, name, beginning, &peers));
            if !beginning.proxies.is_empty() {
                let backends = self.genesis.key_stores.take_proxies(&beginning.proxies);
                let takes = self.parameters.key_store_service;
                nodes.push(Box::new(KeyStoreNode::new(backends, self.seed, takes)));
            }
        }
        let book = self.genesis.book.clone();
        let first = nodes.len();
        for (number, part) in std::mem::take(&mut self.parts).into_iter().enumerate() {
            nodes.push(self.client(node_id(first + number), part, &hosts, &book));
        }
        nodes
    }

    fn each_region(&self) -> impl Iterator<Item = (RegionIndex, RegionName)> {
        let names = self.regions.clone().into_iter();
        names.enumerate().map(|(at, name)| (RegionIndex(u8::try_from(at).unwrap_or(u8::MAX)), name))
    }

    fn of_role(&self, region: RegionIndex, role: Role) -> Vec<NodeId> {
        self.topology.of_role(region, role).collect()
    }

    fn peers(
        &self,
        index: RegionIndex,
        name: RegionName,
        hosts: &BTreeMap<RegionName, Vec<NodeId>>,
    ) -> Peers {
        let others = hosts.iter().filter(|(region, _)| **region != name);
        Peers {
            hsms: self.of_role(index, Role::Hsm),
            journal: self.of_role(index, Role::Journal)[0],
            regions: others.map(|(region, hosts)| (*region, hosts.clone())).collect(),
            key_stores: self.proxies(index, name),
        }
    }

    /// Where each proxy of a Region is.
    fn proxies(&self, index: RegionIndex, name: RegionName) -> BTreeMap<Arc<str>, NodeId> {
        let at = self.of_role(index, Role::KeyStore).first().copied();
        let endpoints = self.genesis.regions[&name].proxies.iter();
        endpoints.filter_map(|endpoint| Some((endpoint.clone(), at?))).collect()
    }

    /// In the order in which [`servers`] placed them.
    fn region_nodes(
        &self,
        index: RegionIndex,
        name: RegionName,
        beginning: &Beginning,
        peers: &Peers,
    ) -> Vec<AnyNode> {
        let operator = Arc::new(beginning.domain.host().clone());
        let settings = self.node_settings(peers.clone(), operator);
        let hosts = self.of_role(index, Role::ApiHost);
        let mut nodes: Vec<AnyNode> = Vec::new();
        for number in 0..hosts.len() as u64 {
            let meter = self.meter(name, Share { index: number, of: hosts.len() as u64 });
            nodes.push(Box::new(Host::new(self.kms(name, beginning), meter, settings.clone())));
        }
        for identity in &beginning.hsms {
            let device = genesis::joined(identity, beginning, &self.backend);
            let sabotages = settings.sabotages.clone();
            let model = self.scenario.hsm;
            let wrong = (self.points.clone(), sabotages);
            let hsm = HsmNode::new(device, self.seed, model, wrong, self.settle_at());
            nodes.push(Box::new(hsm));
        }
        let worker = Worker::new(self.kms(name, beginning), self.parameters.patience(), settings);
        let followers = hosts.into_iter().chain(self.of_role(index, Role::Worker)).collect();
        nodes.push(Box::new(self.journal(name, beginning, followers)));
        nodes.push(Box::new(worker));
        nodes
    }

    fn kms(&self, name: RegionName, beginning: &Beginning) -> Kms {
        let mut kms = Kms::new(name, self.settings.clone());
        for entry in &beginning.log {
            kms.apply(entry);
        }
        kms
    }

    fn journal(
        &self,
        name: RegionName,
        beginning: &Beginning,
        followers: Vec<NodeId>,
    ) -> JournalNode {
        let patience = Followers {
            nodes: followers,
            resend_after: self.parameters.journal_resend_after,
            resend_at_most: self.parameters.journal_resend_at_most,
        };
        let (log, tokens) = (beginning.log.clone(), beginning.tokens.clone());
        let disk = self.parameters.disk();
        JournalNode::new(JournalPlan {
            region: name,
            genesis: log,
            tokens,
            disk,
            patience,
            seed: self.seed,
            points: self.points.clone(),
            sabotages: self.sabotages.clone(),
            secrets: self.secrets.clone(),
            settle_at: self.settle_at(),
        })
    }

    fn client(
        &self,
        node: NodeId,
        part: Part,
        hosts: &Arc<BTreeMap<RegionName, Vec<NodeId>>>,
        book: &Arc<scenarios::KeyBook>,
    ) -> AnyNode {
        Box::new(Client::new(ClientPlan {
            node,
            seed: self.seed,
            hosts: hosts.clone(),
            principals: self.principals.clone(),
            book: book.clone(),
            shares: part.shares,
            settings: self.scenario.client,
            storm_ends: self.calm_at,
            audit_at: self.audit_at(),
            most_in_flight: self.parameters.client_in_flight as usize,
            backend: self.backend.clone(),
            secrets: self.secrets.clone(),
        }))
    }

    fn node_settings(&self, peers: Peers, operator: Arc<OperatorKey>) -> NodeSettings {
        NodeSettings {
            peers,
            limits: self.parameters.limits(),
            points: self.points.clone(),
            sabotages: self.sabotages.clone(),
            operator,
            backend: self.backend.clone(),
            seed: self.seed,
            settle_at: self.settle_at(),
        }
    }

    /// When everything has settled, if the calm lasts long enough for that.
    fn audit_at(&self) -> Option<SimTime> {
        let at = self.calm_at.after(SETTLING);
        (at.after(AUDIT) <= self.settle_at()).then_some(at)
    }

    fn settle_at(&self) -> SimTime {
        let report = u64::try_from(REPORT.as_nanos()).unwrap_or(0);
        SimTime::from_nanos(self.ends_at.nanos().saturating_sub(report))
    }
}

fn node_id(index: usize) -> NodeId {
    NodeId(u16::try_from(index).unwrap_or(u16::MAX))
}

fn zone(number: usize, zones: u32) -> ZoneIndex {
    ZoneIndex(u8::try_from(number % zones.max(1) as usize).unwrap_or(0))
}

pub(crate) fn regions(scenario: &Scenario) -> Result<Vec<RegionName>, String> {
    let names = scenario.topology.regions.iter();
    names
        .map(|name| RegionName::parse(name.as_str()).ok_or(format!("{name} is not a Region")))
        .collect()
}

/// Everything but the clients, over the zones in turn.
pub(crate) fn servers(scenario: &Scenario) -> Result<Topology, String> {
    let layout = &scenario.topology;
    let names: Vec<&str> = layout.regions.iter().map(scenarios::RegionName::as_str).collect();
    let mut topology = Topology::new(names).map_err(|error| error.to_string())?;
    let roles = [(Role::ApiHost, layout.api_hosts), (Role::Hsm, layout.hsms)];
    let key_stores = u32::from(scenario.keys.count(scenarios::KeyGroup::External) > 0);
    let alone = [(Role::Journal, 1), (Role::Worker, 1), (Role::KeyStore, key_stores)];
    for region in 0..layout.regions.len() {
        let region = RegionIndex(u8::try_from(region).map_err(|_| "too many Regions")?);
        for (role, count) in roles.into_iter().chain(alone) {
            for number in 0..count as usize {
                let zone = zone(number, layout.zones);
                topology.add(region, zone, role).map_err(|error| error.to_string())?;
            }
        }
    }
    Ok(topology)
}

pub(crate) fn settings(
    scenario: &Scenario,
    seed: Seed,
    parameters: &Parameters,
    regions: &[RegionName],
    profile: Option<&Profile>,
) -> Settings {
    let mut key = [0; 32];
    let name = crate::random::Name::new(seed, crate::random::Site::new("grant token key"));
    crate::random::Stream::named(name).fill(&mut key);
    Settings {
        limits: profile.map(Profile::limits).unwrap_or_default(),
        propagation: scenario.topology.propagation,
        deletion_grace: parameters.deletion_grace,
        creating_time: parameters.replica_creating,
        updating_time: parameters.primary_updating,
        key_store_times: Times {
            connect_external: parameters.key_store_connect,
            disconnect: parameters.key_store_disconnect,
            ..Times::default()
        },
        regions: regions.to_vec(),
        grant_token_key: kms_core::crypto::SecretKey::new(key),
        ..Settings::default()
    }
}
