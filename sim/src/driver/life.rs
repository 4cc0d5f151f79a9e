//! What the driver keeps about a node: whether it is up, its clock and its wall-clock timers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::clock::{NodeClock, SimTime};
use crate::driver::watch::InputId;

/// What the driver keeps about a node.
#[derive(Default)]
pub(super) struct Life {
    /// Counts crashes and restarts; what was addressed to another number is lost.
    pub(super) number: u32,
    /// How many faults keep it down.
    pub(super) holds: u32,
    pub(super) finished: bool,
    pub(super) clock: NodeClock,
    /// Wall-clock timers: when, in which order they were armed, the token, and the cause.
    pub(super) wall: BinaryHeap<Reverse<(u64, u64, u64, InputId)>>,
    pub(super) armed: u64,
    /// The earliest `Due::Wall` in the agenda.
    pub(super) rings: Option<SimTime>,
}

impl Life {
    /// Takes the token and the cause of the first wall-clock timer if it is due.
    pub(super) fn due(&mut self, wall_micros: u64) -> Option<(u64, InputId)> {
        let Reverse((first, ..)) = self.wall.peek()?;
        if *first > wall_micros {
            return None;
        }
        self.wall.pop().map(|Reverse((_, _, token, cause))| (token, cause))
    }
}
