//! Where a scenario's fault is in time and in the topology: what the faults share when they read their
//! words.

use crate::fault::{Fault, Window};
use crate::place::{RegionIndex, Role, Selector, Topology};
use scenarios::RegionName;

/// The moment and the world a fault is placed in.
pub struct Placement<'a> {
    /// When it acts.
    pub window: Window,
    /// What there is to act on.
    pub topology: &'a Topology,
}

/// A fault in its place, and how reports speak of it.
pub struct Placed {
    /// The fault.
    pub fault: Box<dyn Fault>,
    /// What it is about, in words.
    pub target: String,
    /// The Regions it is about; none means all.
    pub regions: Vec<String>,
}

impl Placed {
    /// A fault that is about one Region or all.
    pub(super) fn about(
        fault: impl Fault + 'static,
        what: &str,
        region: Option<&RegionName>,
    ) -> Placed {
        let (target, regions) = match region {
            Some(region) => (format!("{what} in {region}"), vec![region.to_string()]),
            None => (format!("{what} everywhere"), Vec::new()),
        };
        Placed { fault: Box::new(fault), target, regions }
    }
}

impl Placement<'_> {
    /// A Region of the topology; the language has checked that it is there.
    pub(super) fn region(&self, name: &RegionName) -> RegionIndex {
        self.topology.region(name.as_str()).unwrap_or(RegionIndex(0))
    }

    /// Nodes of a role, of a Region, of both, or all.
    pub(super) fn select(
        &self,
        role: Option<scenarios::Role>,
        region: Option<&RegionName>,
    ) -> Selector {
        Selector { role: role.map(as_role), region: region.map(|name| self.region(name)) }
    }
}

/// The role that a scenario's word means.
pub(super) fn as_role(role: scenarios::Role) -> Role {
    match role {
        scenarios::Role::ApiHost => Role::ApiHost,
        scenarios::Role::Client => Role::Client,
        scenarios::Role::Hsm => Role::Hsm,
        scenarios::Role::Journal => Role::Journal,
        scenarios::Role::KeyStore => Role::KeyStore,
        scenarios::Role::Worker => Role::Worker,
    }
}

/// Nodes of a role, in words.
pub(super) fn nodes_of(role: Option<scenarios::Role>) -> String {
    role.map_or("nodes".to_owned(), |role| format!("{}s", as_role(role).word()))
}
