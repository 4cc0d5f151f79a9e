//! The vocabulary of faults, as a scenario says it.
//!
//! This is the parameters only; what a fault does to messages and nodes belongs to the simulator.
//! Another kind is one variant, one struct and one line of [`FAULTS`].

use std::time::Duration;

use crate::kind::{
    ANY_DURATION, BOOLEAN, Integer, List, Number, OFFSET, POSITIVE_DURATION, REGION, RegionName,
    Word,
};
use crate::reader::Entry;
use crate::reader::Reader;
use crate::units::{ClockOffset, duration_text};

/// A fault and when it is active within its phase.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// When it begins, from the start of the phase.
    pub at: Duration,
    /// How long it lasts: as the file says, or to the end of the phase.
    pub lasts: Duration,
    /// What it is.
    pub kind: FaultKind,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each variant is the struct of the same name")]
pub enum FaultKind {
    ClockSkew(ClockSkew),
    HsmLoss(HsmLoss),
    Latency(Latency),
    NodeCrash(NodeCrash),
    RegionPartition(RegionPartition),
}

/// Every kind of fault.
pub const FAULTS: &[Entry<FaultKind>] = &[
    Entry {
        name: "clock-skew",
        doc: "Clocks jump and drift; when the fault ends they step back to true time.",
        read: |reader| FaultKind::ClockSkew(ClockSkew::read(reader)),
    },
    Entry {
        name: "hsm-loss",
        doc: "HSMs go down and come back with their volatile memory empty.",
        read: |reader| FaultKind::HsmLoss(HsmLoss::read(reader)),
    },
    Entry {
        name: "latency",
        doc: "Messages take longer, between two Regions, around one, or everywhere.",
        read: |reader| FaultKind::Latency(Latency::read(reader)),
    },
    Entry {
        name: "node-crash",
        doc: "Nodes of a role crash and restart; what they had not made durable is lost.",
        read: |reader| FaultKind::NodeCrash(NodeCrash::read(reader)),
    },
    Entry {
        name: "region-partition",
        doc: "A Region is cut off from the others; clients inside it stay with it.",
        read: |reader| FaultKind::RegionPartition(RegionPartition::read(reader)),
    },
];

/// Clocks that are wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockSkew {
    /// Only nodes of this role.
    pub role: Option<Role>,
    /// Only nodes of this Region.
    pub region: Option<RegionName>,
    /// How far the clocks jump at the start.
    pub offset: ClockOffset,
    /// How fast they run away from there, in parts per million; negative is slow.
    pub drift_ppm: i32,
}

/// HSMs that go down.
#[derive(Debug, Clone, PartialEq)]
pub struct HsmLoss {
    /// Only HSMs of this Region.
    pub region: Option<RegionName>,
    /// The mean time between losses; without it, one loss at the start.
    pub every: Option<Duration>,
    /// How long an HSM stays down.
    pub down: Duration,
    /// Whether all HSMs of the Region go down at once.
    pub whole_region: bool,
}

/// Messages that take longer.
#[derive(Debug, Clone, PartialEq)]
pub struct Latency {
    /// Which links.
    pub links: Links,
    /// The time added to each message.
    pub add: Duration,
    /// The factor on the usual delay, applied before the addition.
    pub factor: f64,
}

/// Which links of the network a fault is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Links {
    /// All of them.
    All,
    /// Those that begin or end in a Region, the ones inside it included.
    Of(RegionName),
    /// Those between two Regions, both ways.
    Between(RegionName, RegionName),
}

/// Nodes that crash and restart.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeCrash {
    /// Which nodes.
    pub role: Role,
    /// Only nodes of this Region.
    pub region: Option<RegionName>,
    /// The mean time between crashes.
    pub every: Duration,
    /// How long a node stays down.
    pub down: Duration,
}

/// A Region that is cut off.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionPartition {
    /// The Region.
    pub region: RegionName,
    /// Which messages are lost.
    pub direction: Direction,
}

/// Which messages across the border of a Region are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Those in and out.
    Both,
    /// Those into the Region.
    In,
    /// Those out of the Region.
    Out,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Hosts that answer API calls.
    ApiHost,
    /// Callers.
    Client,
    /// Hardware security modules.
    Hsm,
    /// The durable log of a Region.
    Journal,
    /// What runs due work: rotation, deletion, expiry.
    Worker,
}

const ROLE: Word<Role> = Word {
    what: "node role",
    words: &[
        ("api-host", Role::ApiHost),
        ("client", Role::Client),
        ("hsm", Role::Hsm),
        ("journal", Role::Journal),
        ("worker", Role::Worker),
    ],
};

const DIRECTION: Word<Direction> = Word {
    what: "direction",
    words: &[("both", Direction::Both), ("in", Direction::In), ("out", Direction::Out)],
};

impl Fault {
    pub(crate) fn read(reader: &mut Reader<'_, '_>, phase: Duration) -> Self {
        let kind = reader.variant("fault", FAULTS, None);
        let at =
            reader.or("at", &ANY_DURATION, "0s", "When it begins, from the start of the phase.");
        let lasts = reader.optional(
            "for",
            &POSITIVE_DURATION,
            "How long it lasts; to the end of the phase when not said.",
        );
        let left = phase.saturating_sub(at);
        if left.is_zero() && reader.raw("at").is_some() {
            let message =
                format!("the phase ends at \"{}\", before this fault begins", duration_text(phase));
            reader.complain("at", message);
        } else if lasts.is_some_and(|lasts| lasts > left) {
            let left = duration_text(left);
            reader.complain(
                "for",
                format!("the phase ends before this fault; at most \"{left}\" are left"),
            );
        }
        Self { at, lasts: lasts.unwrap_or(left), kind }
    }
}

impl ClockSkew {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let drift = Integer { min: -100_000, max: 100_000 };
        Self {
            role: reader.optional("role", &ROLE, "Only nodes of this role."),
            region: reader.optional("region", &REGION, "Only nodes of this Region."),
            offset: reader.or(
                "offset",
                &OFFSET,
                "0s",
                "How far the clocks jump at the start; negative is behind.",
            ),
            drift_ppm: reader.or(
                "drift_ppm",
                &drift,
                0,
                "How fast they run away, in parts per million; negative is slow.",
            ),
        }
    }
}

impl HsmLoss {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            region: reader.optional("region", &REGION, "Only HSMs of this Region."),
            every: reader.optional(
                "every",
                &POSITIVE_DURATION,
                "The mean time between losses; without it, one loss at the start.",
            ),
            down: reader.or("down", &POSITIVE_DURATION, "30s", "How long an HSM stays down."),
            whole_region: reader.or(
                "whole_region",
                &BOOLEAN,
                false,
                "Whether all HSMs of the Region go down at once.",
            ),
        }
    }
}

impl Latency {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            links: Links::read(reader),
            add: reader.or("add", &ANY_DURATION, "0s", "The time added to each message."),
            factor: reader.or(
                "factor",
                &Number { min: 1.0, max: 1_000.0 },
                1.0,
                "The factor on the usual delay, applied before the addition.",
            ),
        }
    }
}

impl Links {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let pair = List { of: REGION, max: 2 };
        let between = reader.optional("between", &pair, "Only messages between these two Regions.");
        let region =
            reader.optional("region", &REGION, "Only messages from, to or inside this Region.");
        match (between.as_deref(), region) {
            (None, None) => Self::All,
            (None, Some(region)) => Self::Of(region),
            (Some([a, b]), None) => Self::Between(a.clone(), b.clone()),
            (Some([_, _]), Some(_)) => {
                reader.complain("region", "a latency fault has either between or region, not both");
                Self::All
            }
            (Some(_), _) => {
                reader.complain("between", "between needs two Regions");
                Self::All
            }
        }
    }
}

impl NodeCrash {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            role: reader.required("role", &ROLE, "api-host", "Which nodes crash."),
            region: reader.optional("region", &REGION, "Only nodes of this Region."),
            every: reader.required(
                "every",
                &POSITIVE_DURATION,
                "20s",
                "The mean time between crashes.",
            ),
            down: reader.or("down", &POSITIVE_DURATION, "5s", "How long a node stays down."),
        }
    }
}

impl RegionPartition {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        Self {
            region: reader.required("region", &REGION, "us-east-1", "The Region that is cut off."),
            direction: reader.or(
                "direction",
                &DIRECTION,
                "both",
                "Which messages across its border are lost.",
            ),
        }
    }
}
