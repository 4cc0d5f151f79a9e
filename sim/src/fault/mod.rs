//! What goes wrong, as verdicts and scheduled actions.
//!
//! A fault never touches the world. Asked about a message it answers with a [`Verdict`]; asked what
//! is due it answers with [`NodeAction`]s; the driver carries them out. A message is judged once,
//! when it is sent: what is under way when a fault begins still arrives.
//!
//! To add a fault: one file with `INFO`, the fault and `place`, one `mod` line, one line in [`FAULTS`]
//! and one in [`place`]; its words are one file of the scenario language.

pub mod ailment;
mod ailments;
pub mod bandwidth;
pub mod clock_skew;
pub mod clogging;
pub mod hsm_capacity_loss;
pub mod hsm_cold_cache;
pub mod hsm_cut;
pub mod hsm_hang;
pub mod hsm_loss;
pub mod hsm_slow;
pub mod hsm_wrong_epoch;
pub mod journal_fail_over;
pub mod journal_full;
pub mod journal_slow;
pub mod key_store_outage;
pub mod latency;
pub mod link_cut;
pub mod links;
pub mod message_corruption;
pub mod message_duplication;
pub mod message_loss;
pub mod node_crash;
pub mod node_pause;
pub mod operator_mistake;
mod outages;
pub mod placement;
#[cfg(all(feature = "sim", madsim))]
pub mod point;
pub mod quorum_loss;
pub mod quota_change;
pub mod region_partition;
pub mod reordering;
mod set;
mod silence;
pub mod slow_cpu;
pub mod stale_follower;
pub mod surge;
pub mod zone_loss;

use std::time::Duration;

pub use crate::fault::ailment::Ailment;
pub use crate::fault::ailments::Ailments;
pub use crate::fault::placement::{Placed, Placement};
pub use crate::fault::set::{FaultId, Faults, Judgement};

use crate::clock::{ClockChange, SimTime};
use crate::net::Envelope;
use crate::place::{NodeId, Topology};
use crate::random::Stream;
use scenarios::FaultKind;

/// Every fault there is, by name.
pub const FAULTS: &[FaultInfo] = &[
    bandwidth::INFO,
    clock_skew::INFO,
    clogging::INFO,
    hsm_capacity_loss::INFO,
    hsm_cold_cache::INFO,
    hsm_cut::INFO,
    hsm_hang::INFO,
    hsm_loss::INFO,
    hsm_slow::INFO,
    hsm_wrong_epoch::INFO,
    journal_fail_over::INFO,
    journal_full::INFO,
    journal_slow::INFO,
    key_store_outage::INFO,
    latency::INFO,
    link_cut::INFO,
    message_corruption::INFO,
    message_duplication::INFO,
    message_loss::INFO,
    node_crash::INFO,
    node_pause::INFO,
    operator_mistake::INFO,
    quorum_loss::INFO,
    quota_change::INFO,
    region_partition::INFO,
    reordering::INFO,
    slow_cpu::INFO,
    stale_follower::INFO,
    surge::INFO,
    zone_loss::INFO,
];

/// The fault that a scenario's words mean.
pub fn place(words: &FaultKind, at: &Placement<'_>) -> Placed {
    match words {
        FaultKind::Bandwidth(words) => bandwidth::place(words, at),
        FaultKind::ClockSkew(words) => clock_skew::place(words, at),
        FaultKind::Clogging(words) => clogging::place(words, at),
        FaultKind::HsmCapacityLoss(words) => hsm_capacity_loss::place(words, at),
        FaultKind::HsmColdCache(words) => hsm_cold_cache::place(words, at),
        FaultKind::HsmCut(words) => hsm_cut::place(words, at),
        FaultKind::HsmHang(words) => hsm_hang::place(words, at),
        FaultKind::HsmLoss(words) => hsm_loss::place(words, at),
        FaultKind::HsmSlow(words) => hsm_slow::place(words, at),
        FaultKind::HsmWrongEpoch(words) => hsm_wrong_epoch::place(words, at),
        FaultKind::JournalFailOver(words) => journal_fail_over::place(words, at),
        FaultKind::JournalFull(words) => journal_full::place(words, at),
        FaultKind::JournalSlow(words) => journal_slow::place(words, at),
        FaultKind::KeyStoreOutage(words) => key_store_outage::place(words, at),
        FaultKind::Latency(words) => latency::place(words, at),
        FaultKind::LinkCut(words) => link_cut::place(words, at),
        FaultKind::MessageCorruption(words) => message_corruption::place(words, at),
        FaultKind::MessageDuplication(words) => message_duplication::place(words, at),
        FaultKind::MessageLoss(words) => message_loss::place(words, at),
        FaultKind::NodeCrash(words) => node_crash::place(words, at),
        FaultKind::NodePause(words) => node_pause::place(words, at),
        FaultKind::OperatorMistake(words) => operator_mistake::place(words, at),
        FaultKind::QuorumLoss(words) => quorum_loss::place(words, at),
        FaultKind::QuotaChange(words) => quota_change::place(words, at),
        FaultKind::RegionPartition(words) => region_partition::place(words, at),
        FaultKind::Reordering(words) => reordering::place(words, at),
        FaultKind::SlowCpu(words) => slow_cpu::place(words, at),
        FaultKind::StaleFollower(words) => stale_follower::place(words, at),
        FaultKind::Surge(words) => surge::place(words, at),
        FaultKind::ZoneLoss(words) => zone_loss::place(words, at),
    }
}

/// What a fault is called and does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultInfo {
    /// The word scenarios use.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// Whether it may keep the service from answering.
    pub hinders: bool,
}

/// When a fault acts: from the first moment on, until the second, not including it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first moment.
    pub from: SimTime,
    /// The first moment after.
    pub until: SimTime,
}

impl Window {
    /// From the start of the run until its end.
    pub const ALWAYS: Self = Self { from: SimTime::ZERO, until: SimTime::MAX };

    /// True at moments when the fault acts.
    pub fn contains(&self, now: SimTime) -> bool {
        self.from <= now && now < self.until
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// It takes this much longer.
    Delay(Duration),
    /// It never arrives.
    Drop,
    /// It arrives twice.
    Duplicate,
    /// It arrives damaged.
    Corrupt,
}

/// What becomes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeAction {
    /// It loses what is volatile and hears nothing until it is restarted.
    Crash(NodeId),
    /// It starts again. A node that several faults crashed starts when the last one lets go.
    Restart(NodeId),
    /// Its wall clock changes. Of two faults that change the same clock, the later one counts.
    Skew(NodeId, ClockChange),
    /// Something is wrong with it from now on.
    Ail(NodeId, Ailment),
    /// That is over.
    Heal(NodeId, Ailment),
}

impl NodeAction {
    /// The node it is done to.
    pub fn node(self) -> NodeId {
        match self {
            NodeAction::Crash(node)
            | NodeAction::Restart(node)
            | NodeAction::Skew(node, _)
            | NodeAction::Ail(node, _)
            | NodeAction::Heal(node, _) => node,
        }
    }
}

/// Something that goes wrong.
pub trait Fault: Send {
    /// Its name and what it does.
    fn info(&self) -> FaultInfo;

    /// When it judges messages. Outside of it [`message`](Self::message) is not asked.
    fn window(&self) -> Window;

    /// What becomes of a message that is being sent. The stream is this message's and this fault's.
    fn message(
        &mut self,
        envelope: &Envelope,
        topology: &Topology,
        stream: &mut Stream,
    ) -> Verdict {
        let _ = (envelope, topology, stream);
        Verdict::Pass
    }

    /// When it next acts on nodes.
    fn next(&self) -> Option<SimTime> {
        None
    }

    /// What it does to nodes at the moment that [`next`](Self::next) named. Afterwards `next` must
    /// name a later one, or none. Every crash must be followed by one restart.
    fn act(&mut self, now: SimTime, topology: &Topology, stream: &mut Stream) -> Vec<NodeAction> {
        let _ = (now, topology, stream);
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_alphabetical_and_says_something() {
        assert!(FAULTS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for fault in FAULTS {
            assert!(fault.doc.len() > 20 && fault.doc.ends_with('.'), "{}", fault.name);
            assert!(fault.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'));
        }
    }

    #[test]
    fn a_window_ends_before_its_end() {
        let window = Window { from: SimTime::from_secs(1), until: SimTime::from_secs(2) };
        let inside = |millis| window.contains(SimTime::from_millis(millis));
        assert_eq!([999, 1000, 1999, 2000].map(inside), [false, true, true, false]);
    }
}
