//! The vocabulary of faults, as a scenario says it.
//!
//! These are the parameters only; what a fault does to messages and nodes belongs to the simulator.
//! Another kind is one file and one line of [`FAULTS`].

mod bandwidth;
mod clock_skew;
mod clogging;
mod hsm_capacity_loss;
mod hsm_cold_cache;
mod hsm_cut;
mod hsm_hang;
mod hsm_loss;
mod hsm_slow;
mod hsm_wrong_epoch;
mod hsms;
mod journal_fail_over;
mod journal_full;
mod journal_slow;
mod key_store_outage;
mod latency;
mod link_cut;
mod links;
mod message_corruption;
mod message_duplication;
mod message_loss;
mod node_crash;
mod node_pause;
mod operator_mistake;
mod quorum_loss;
mod quota_change;
mod region_partition;
mod reordering;
mod role;
mod slow_cpu;
mod stale_follower;
mod surge;
mod zone_loss;

pub use bandwidth::Bandwidth;
pub use clock_skew::ClockSkew;
pub use clogging::Clogging;
pub use hsm_capacity_loss::HsmCapacityLoss;
pub use hsm_cold_cache::HsmColdCache;
pub use hsm_cut::{CutDirection, HsmCut};
pub use hsm_hang::HsmHang;
pub use hsm_loss::HsmLoss;
pub use hsm_slow::HsmSlow;
pub use hsm_wrong_epoch::HsmWrongEpoch;
pub use hsms::Hsms;
pub use journal_fail_over::JournalFailOver;
pub use journal_full::JournalFull;
pub use journal_slow::JournalSlow;
pub use key_store_outage::{HowItFails, KeyStoreOutage};
pub use latency::Latency;
pub use link_cut::LinkCut;
pub use links::Links;
pub use message_corruption::MessageCorruption;
pub use message_duplication::MessageDuplication;
pub use message_loss::MessageLoss;
pub use node_crash::NodeCrash;
pub use node_pause::NodePause;
pub use operator_mistake::OperatorMistake;
pub use quorum_loss::QuorumLoss;
pub use quota_change::QuotaChange;
pub use region_partition::{Direction, RegionPartition};
pub use reordering::Reordering;
use role::ROLE;
pub use role::Role;
pub use slow_cpu::SlowCpu;
pub use stale_follower::StaleFollower;
pub use surge::Surge;
pub use zone_loss::ZoneLoss;

use crate::kind::{ANY_DURATION, POSITIVE_DURATION};
use crate::reader::{Entry, Reader};
use crate::units::duration_text;
use std::time::Duration;

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
    Bandwidth(Bandwidth),
    ClockSkew(ClockSkew),
    Clogging(Clogging),
    HsmCapacityLoss(HsmCapacityLoss),
    HsmColdCache(HsmColdCache),
    HsmCut(HsmCut),
    HsmHang(HsmHang),
    HsmLoss(HsmLoss),
    HsmSlow(HsmSlow),
    HsmWrongEpoch(HsmWrongEpoch),
    JournalFailOver(JournalFailOver),
    JournalFull(JournalFull),
    JournalSlow(JournalSlow),
    KeyStoreOutage(KeyStoreOutage),
    Latency(Latency),
    LinkCut(LinkCut),
    MessageCorruption(MessageCorruption),
    MessageDuplication(MessageDuplication),
    MessageLoss(MessageLoss),
    NodeCrash(NodeCrash),
    NodePause(NodePause),
    OperatorMistake(OperatorMistake),
    QuorumLoss(QuorumLoss),
    QuotaChange(QuotaChange),
    RegionPartition(RegionPartition),
    Reordering(Reordering),
    SlowCpu(SlowCpu),
    StaleFollower(StaleFollower),
    Surge(Surge),
    ZoneLoss(ZoneLoss),
}

/// Every kind of fault.
pub const FAULTS: &[Entry<FaultKind>] = &[
    Entry {
        name: "bandwidth",
        doc: "Links carry only so many bytes a second, so that messages queue.",
        read: |reader| FaultKind::Bandwidth(Bandwidth::read(reader)),
    },
    Entry {
        name: "clock-skew",
        doc: "Clocks jump and drift; when the fault ends they step back to true time.",
        read: |reader| FaultKind::ClockSkew(ClockSkew::read(reader)),
    },
    Entry {
        name: "clogging",
        doc: "Nodes are clogged one after another and unclogged in another order; what they say waits.",
        read: |reader| FaultKind::Clogging(Clogging::read(reader)),
    },
    Entry {
        name: "hsm-capacity-loss",
        doc: "HSMs carry out fewer commands at once.",
        read: |reader| FaultKind::HsmCapacityLoss(HsmCapacityLoss::read(reader)),
    },
    Entry {
        name: "hsm-cold-cache",
        doc: "HSMs forget the keys they have unwrapped, so that the first use of each takes long.",
        read: |reader| FaultKind::HsmColdCache(HsmColdCache::read(reader)),
    },
    Entry {
        name: "hsm-cut",
        doc: "HSMs are cut off in one direction: they hear nothing, or are not heard.",
        read: |reader| FaultKind::HsmCut(HsmCut::read(reader)),
    },
    Entry {
        name: "hsm-hang",
        doc: "HSMs take commands and answer none.",
        read: |reader| FaultKind::HsmHang(HsmHang::read(reader)),
    },
    Entry {
        name: "hsm-loss",
        doc: "HSMs go down and come back with their volatile memory empty.",
        read: |reader| FaultKind::HsmLoss(HsmLoss::read(reader)),
    },
    Entry {
        name: "hsm-slow",
        doc: "HSMs take many times as long.",
        read: |reader| FaultKind::HsmSlow(HsmSlow::read(reader)),
    },
    Entry {
        name: "hsm-wrong-epoch",
        doc: "HSMs stay in an old state of the domain and claim to be up to date.",
        read: |reader| FaultKind::HsmWrongEpoch(HsmWrongEpoch::read(reader)),
    },
    Entry {
        name: "journal-fail-over",
        doc: "The journal moves to another machine: the old one is fenced, and what was durable goes on.",
        read: |reader| FaultKind::JournalFailOver(JournalFailOver::read(reader)),
    },
    Entry {
        name: "journal-full",
        doc: "The disk of the journal is full: it writes nothing more.",
        read: |reader| FaultKind::JournalFull(JournalFull::read(reader)),
    },
    Entry {
        name: "journal-slow",
        doc: "The disk of the journal takes many times as long.",
        read: |reader| FaultKind::JournalSlow(JournalSlow::read(reader)),
    },
    Entry {
        name: "key-store-outage",
        doc: "The proxies of external key stores are unreachable, slow or garbled.",
        read: |reader| FaultKind::KeyStoreOutage(KeyStoreOutage::read(reader)),
    },
    Entry {
        name: "latency",
        doc: "Messages take longer, between two Regions, around one, or everywhere.",
        read: |reader| FaultKind::Latency(Latency::read(reader)),
    },
    Entry {
        name: "link-cut",
        doc: "Two Regions do not hear each other, while both hear the others.",
        read: |reader| FaultKind::LinkCut(LinkCut::read(reader)),
    },
    Entry {
        name: "message-corruption",
        doc: "Bits flip on the way; the receiver sees that a message is damaged.",
        read: |reader| FaultKind::MessageCorruption(MessageCorruption::read(reader)),
    },
    Entry {
        name: "message-duplication",
        doc: "Messages arrive twice.",
        read: |reader| FaultKind::MessageDuplication(MessageDuplication::read(reader)),
    },
    Entry {
        name: "message-loss",
        doc: "Messages are lost.",
        read: |reader| FaultKind::MessageLoss(MessageLoss::read(reader)),
    },
    Entry {
        name: "node-crash",
        doc: "Nodes of a role crash and restart; what they had not made durable is lost.",
        read: |reader| FaultKind::NodeCrash(NodeCrash::read(reader)),
    },
    Entry {
        name: "node-pause",
        doc: "Nodes stop for a while and go on as if nothing had happened.",
        read: |reader| FaultKind::NodePause(NodePause::read(reader)),
    },
    Entry {
        name: "operator-mistake",
        doc: "Operators have the domain key rotated out of turn.",
        read: |reader| FaultKind::OperatorMistake(OperatorMistake::read(reader)),
    },
    Entry {
        name: "quorum-loss",
        doc: "Nobody consents to orders, so no HSM joins and no domain key rotates.",
        read: |reader| FaultKind::QuorumLoss(QuorumLoss::read(reader)),
    },
    Entry {
        name: "quota-change",
        doc: "Request quotas are raised or lowered while they are in use.",
        read: |reader| FaultKind::QuotaChange(QuotaChange::read(reader)),
    },
    Entry {
        name: "region-partition",
        doc: "A Region is cut off from the others; clients inside it stay with it.",
        read: |reader| FaultKind::RegionPartition(RegionPartition::read(reader)),
    },
    Entry {
        name: "reordering",
        doc: "Some messages are held back, so that later ones overtake them.",
        read: |reader| FaultKind::Reordering(Reordering::read(reader)),
    },
    Entry {
        name: "slow-cpu",
        doc: "Every message keeps the processors of some nodes busy, so that what they say queues.",
        read: |reader| FaultKind::SlowCpu(SlowCpu::read(reader)),
    },
    Entry {
        name: "stale-follower",
        doc: "Hosts hear what their journal says much later than others.",
        read: |reader| FaultKind::StaleFollower(StaleFollower::read(reader)),
    },
    Entry {
        name: "surge",
        doc: "Clients make many calls where one was due.",
        read: |reader| FaultKind::Surge(Surge::read(reader)),
    },
    Entry {
        name: "zone-loss",
        doc: "Every server of a zone goes down at once and comes back later.",
        read: |reader| FaultKind::ZoneLoss(ZoneLoss::read(reader)),
    },
];

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
