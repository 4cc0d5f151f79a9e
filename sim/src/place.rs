//! Where nodes are: Regions, zones and roles, and the names people read.

use std::fmt;

/// The index of a node in its [`Topology`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u16);

impl NodeId {
    /// The position of this node in a sequence of all nodes.
    #[inline]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The index of a Region in its [`Topology`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegionIndex(pub u8);

/// The index of an Availability Zone in its Region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneIndex(pub u8);

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// An application that calls the KMS.
    Client,
    /// A host that answers the API.
    ApiHost,
    /// A hardware security module.
    Hsm,
    /// The journal of a Region.
    Journal,
    /// What is behind the custom key stores of a Region.
    KeyStore,
    /// A worker that does what falls due: rotation, deletion, replication.
    Worker,
}

impl Role {
    /// The word for this role in node names and scenario files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::ApiHost => "host",
            Self::Hsm => "hsm",
            Self::Journal => "journal",
            Self::KeyStore => "key-store",
            Self::Worker => "worker",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where a node is and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The Region it is in. Clients are placed in a Region too.
    pub region: RegionIndex,
    /// The zone within the Region.
    pub zone: ZoneIndex,
    /// What it does.
    pub role: Role,
    /// Its number among the nodes of this role in this Region.
    pub index: u16,
}

/// Some nodes of a topology, by role and Region; `None` means any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Only nodes of this role.
    pub role: Option<Role>,
    /// Only nodes in this Region.
    pub region: Option<RegionIndex>,
}

impl Selector {
    /// True when a node at this place is meant.
    pub fn matches(&self, place: &Place) -> bool {
        self.role.is_none_or(|role| role == place.role)
            && self.region.is_none_or(|region| region == place.region)
    }
}

/// Why a topology cannot be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopologyError {
    /// No Region was named.
    NoRegion,
    /// More than 255 Regions were named.
    TooManyRegions(usize),
    /// The same Region was named twice.
    DuplicateRegion(String),
    /// A node was placed in a Region that does not exist.
    UnknownRegion(RegionIndex),
    /// More than 65,535 nodes were placed.
    TooManyNodes,
}

impl fmt::Display for TopologyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRegion => write!(f, "a topology needs at least one Region"),
            Self::TooManyRegions(n) => write!(f, "{n} Regions are named; at most 255 are possible"),
            Self::DuplicateRegion(name) => write!(f, "the Region {name} is named twice"),
            Self::UnknownRegion(region) => write!(f, "there is no Region number {}", region.0),
            Self::TooManyNodes => write!(f, "at most 65535 nodes are possible"),
        }
    }
}

impl std::error::Error for TopologyError {}

/// All places of a world, in the order of their [`NodeId`]s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    regions: Vec<String>,
    places: Vec<Place>,
}

impl Topology {
    /// A world with these Regions and no nodes yet.
    pub fn new<S: Into<String>>(
        regions: impl IntoIterator<Item = S>,
    ) -> Result<Self, TopologyError> {
        let regions: Vec<String> = regions.into_iter().map(Into::into).collect();
        if regions.is_empty() {
            return Err(TopologyError::NoRegion);
        }
        if regions.len() > usize::from(u8::MAX) {
            return Err(TopologyError::TooManyRegions(regions.len()));
        }
        match (1..regions.len()).find(|&i| regions[..i].contains(&regions[i])) {
            Some(i) => Err(TopologyError::DuplicateRegion(regions[i].clone())),
            None => Ok(Self { regions, places: Vec::new() }),
        }
    }

    /// Places one more node. Its index counts the nodes of its role in its Region.
    pub fn add(
        &mut self,
        region: RegionIndex,
        zone: ZoneIndex,
        role: Role,
    ) -> Result<NodeId, TopologyError> {
        if usize::from(region.0) >= self.regions.len() {
            return Err(TopologyError::UnknownRegion(region));
        }
        let id = u16::try_from(self.places.len()).map_err(|_| TopologyError::TooManyNodes)?;
        if id == u16::MAX {
            return Err(TopologyError::TooManyNodes);
        }
        let selector = Selector { role: Some(role), region: Some(region) };
        let index = self.places.iter().rev().find(|place| selector.matches(place));
        let index = index.map_or(0, |place| place.index + 1);
        self.places.push(Place { region, zone, role, index });
        Ok(NodeId(id))
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// True when no node has been placed.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The place of a node of this topology.
    ///
    /// # Panics
    /// When the node belongs to another topology.
    #[inline]
    pub fn place(&self, node: NodeId) -> &Place {
        &self.places[node.index()]
    }

    /// True when the node belongs to this topology.
    pub fn contains(&self, node: NodeId) -> bool {
        node.index() < self.places.len()
    }

    /// All nodes in order.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Place)> {
        (0..).map(NodeId).zip(&self.places)
    }

    /// The selected nodes in order.
    pub fn select(&self, selector: Selector) -> impl Iterator<Item = NodeId> {
        self.nodes().filter(move |(_, place)| selector.matches(place)).map(|(node, _)| node)
    }

    /// The nodes of a role in a Region, in order.
    pub fn of_role(&self, region: RegionIndex, role: Role) -> impl Iterator<Item = NodeId> {
        self.select(Selector { role: Some(role), region: Some(region) })
    }

    /// All Regions in order.
    pub fn regions(&self) -> impl Iterator<Item = (RegionIndex, &str)> {
        (0..).map(RegionIndex).zip(self.regions.iter().map(String::as_str))
    }

    /// The Region of this name.
    pub fn region(&self, name: &str) -> Option<RegionIndex> {
        self.regions().find(|(_, region)| *region == name).map(|(index, _)| index)
    }

    /// The name people read: `us-east-1/host-0`, `us-east-1/hsm-2`; `node-9` for a stranger.
    pub fn name(&self, node: NodeId) -> String {
        match self.places.get(node.index()) {
            Some(place) => {
                let region = &self.regions[usize::from(place.region.0)];
                format!("{region}/{}-{}", place.role, place.index)
            }
            None => format!("node-{}", node.0),
        }
    }

    /// The node of this display name.
    pub fn node(&self, name: &str) -> Option<NodeId> {
        self.nodes().map(|(node, _)| node).find(|&node| self.name(node) == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> Topology {
        let mut topology = Topology::new(["us-east-1", "eu-west-1"]).unwrap();
        for region in [RegionIndex(0), RegionIndex(1)] {
            for zone in 0..3 {
                topology.add(region, ZoneIndex(zone), Role::Hsm).unwrap();
            }
            topology.add(region, ZoneIndex(0), Role::ApiHost).unwrap();
        }
        topology
    }

    #[test]
    fn names_count_within_role_and_region() {
        let world = world();
        let names: Vec<String> = world.nodes().map(|(node, _)| world.name(node)).collect();
        assert_eq!(names[2], "us-east-1/hsm-2");
        assert_eq!(names[3], "us-east-1/host-0");
        assert_eq!(names[4], "eu-west-1/hsm-0");
        assert_eq!(world.node("eu-west-1/host-0"), Some(NodeId(7)));
        assert_eq!(world.node("eu-west-1/host-1"), None);
        assert_eq!(world.name(NodeId(99)), "node-99");
    }

    #[test]
    fn selection_is_by_role_and_region() {
        let world = world();
        let europe = world.region("eu-west-1").unwrap();
        let hsms: Vec<u16> = world.of_role(europe, Role::Hsm).map(|node| node.0).collect();
        assert_eq!(hsms, [4, 5, 6]);
        assert_eq!(world.select(Selector::default()).count(), 8);
        assert_eq!(world.select(Selector { role: Some(Role::ApiHost), region: None }).count(), 2);
        assert_eq!(world.region("mars-north-1"), None);
    }

    #[test]
    fn impossible_topologies_are_refused() {
        assert_eq!(Topology::new(Vec::<String>::new()), Err(TopologyError::NoRegion));
        let twice = Topology::new(["a", "b", "a"]).unwrap_err();
        assert_eq!(twice.to_string(), "the Region a is named twice");
        let many = Topology::new((0..256).map(|n| n.to_string())).unwrap_err();
        assert_eq!(many.to_string(), "256 Regions are named; at most 255 are possible");
        let mut topology = Topology::new(["a"]).unwrap();
        let unknown = topology.add(RegionIndex(1), ZoneIndex(0), Role::Worker);
        assert_eq!(unknown, Err(TopologyError::UnknownRegion(RegionIndex(1))));
    }
}
