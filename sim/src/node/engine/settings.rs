//! How an engine is set up: whom it can ask, and how patient it is.

use crate::clock::SimTime;
use crate::fault::point::Points;
use crate::place::NodeId;
use crate::random::Seed;
use crate::sabotage::Sabotages;
use kms_core::crypto::CryptoBackend;
use kms_core::hsm::{FleetParameters, OperatorKey};
use kms_core::name::RegionName;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long and how often an engine tries.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How it deals with its HSMs.
    pub fleet: FleetParameters,
    /// How long another Region may take before another of its hosts is asked.
    pub region_timeout: Duration,
    /// How many hosts of it are asked.
    pub region_attempts: u32,
    /// How long what is behind a custom key store may take before it is asked again.
    pub key_store_timeout: Duration,
    /// How often it is asked.
    pub key_store_attempts: u32,
    /// How long the journal may take before the append is sent again.
    pub append_timeout: Duration,
    /// How often an append is sent.
    pub append_attempts: u32,
    /// How long to wait for the journal's entries before asking for them again.
    pub catch_up_timeout: Duration,
    /// How often a request is decided, counting the first time.
    pub decisions: u8,
    /// How long a host keeps the audit records of what changed nothing.
    pub audit_window: Duration,
    /// How many operations may be under way; more are refused.
    pub in_flight: usize,
}

/// Whom an engine can ask.
#[derive(Clone, Debug)]
pub struct Peers {
    /// The HSMs of the Region.
    pub hsms: Vec<NodeId>,
    /// The journal of the Region.
    pub journal: NodeId,
    /// The hosts of the other Regions.
    pub regions: BTreeMap<RegionName, Vec<NodeId>>,
    /// What is behind each custom key store, by the endpoint of its proxy.
    pub key_stores: BTreeMap<Arc<str>, NodeId>,
}

/// How a host or a worker is set up.
#[derive(Clone)]
pub struct Settings {
    /// Whom it can ask.
    pub peers: Peers,
    /// How patient it is.
    pub limits: Limits,
    /// Where it may be late or do things twice.
    pub points: Points,
    /// What is wrong with it on purpose.
    pub sabotages: Sabotages,
    /// Speaks for the service hosts to the HSMs of the Region.
    pub operator: Arc<OperatorKey>,
    /// What it does its own cryptography with.
    pub backend: Arc<dyn CryptoBackend>,
    /// The run.
    pub seed: Seed,
    /// When it reports its state at the end.
    pub settle_at: SimTime,
}
