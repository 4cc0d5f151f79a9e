//! What goes wrong, as verdicts and scheduled actions.
//!
//! A fault never touches the world. Asked about a message it answers with a [`Verdict`]; asked what
//! is due it answers with [`NodeAction`]s; the driver carries them out. A message is judged once,
//! when it is sent: what is under way when a fault begins still arrives.
//!
//! To add a fault: one file with `INFO`, a parameter struct and the fault, one `mod` line, one line
//! in [`FAULTS`].

pub mod clock_skew;
pub mod hsm_loss;
pub mod latency;
pub mod node_crash;
mod outages;
pub mod region_partition;
mod set;

use std::time::Duration;

pub use crate::fault::set::{FaultId, Faults, Judgement};

use crate::clock::{ClockChange, SimTime};
use crate::net::Envelope;
use crate::place::{NodeId, Topology};
use crate::random::Stream;

/// Every fault there is, by name.
pub const FAULTS: &[FaultInfo] =
    &[clock_skew::INFO, hsm_loss::INFO, latency::INFO, node_crash::INFO, region_partition::INFO];

/// What a fault is called and does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultInfo {
    /// The word scenarios use.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
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
}

impl NodeAction {
    /// The node it is done to.
    pub fn node(self) -> NodeId {
        match self {
            NodeAction::Crash(node) | NodeAction::Restart(node) | NodeAction::Skew(node, _) => node,
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
    fn message(&self, envelope: &Envelope, topology: &Topology, stream: &mut Stream) -> Verdict {
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
