//! The one timer heap: everything that will happen, by due time and then in the order in which it
//! was put there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::clock::SimTime;

/// A priority queue that moves small keys only; the items rest in slots that are used again.
#[derive(Debug)]
pub(super) struct Agenda<T> {
    keys: BinaryHeap<Reverse<(SimTime, u64, usize)>>,
    slots: Vec<Option<T>>,
    free: Vec<usize>,
    sequence: u64,
}

impl<T> Agenda<T> {
    pub(super) fn new() -> Self {
        Self { keys: BinaryHeap::new(), slots: Vec::new(), free: Vec::new(), sequence: 0 }
    }

    pub(super) fn push(&mut self, due: SimTime, item: T) {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(item);
        self.keys.push(Reverse((due, self.sequence, slot)));
        self.sequence += 1;
    }

    /// When the first item is due.
    pub(super) fn next(&self) -> Option<SimTime> {
        self.keys.peek().map(|Reverse((due, ..))| *due)
    }

    /// Takes the first item if it is due.
    pub(super) fn pop(&mut self, now: SimTime) -> Option<T> {
        if self.next()? > now {
            return None;
        }
        let Reverse((_, _, slot)) = self.keys.pop()?;
        self.free.push(slot);
        self.slots[slot].take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_time_first_then_order_of_arrival() {
        let mut agenda = Agenda::new();
        for (due, item) in [(5, 'c'), (1, 'a'), (5, 'd'), (3, 'b')] {
            agenda.push(SimTime::from_nanos(due), item);
        }
        assert_eq!(agenda.next(), Some(SimTime::from_nanos(1)));
        assert_eq!(agenda.pop(SimTime::ZERO), None);
        let now = SimTime::from_nanos(5);
        assert_eq!(std::iter::from_fn(|| agenda.pop(now)).collect::<String>(), "abcd");
        assert_eq!(agenda.next(), None);
    }

    #[test]
    fn slots_are_used_again() {
        let mut agenda = Agenda::new();
        for n in 0..1000 {
            agenda.push(SimTime::from_nanos(n), n);
            agenda.push(SimTime::from_nanos(n), n);
            assert_eq!(agenda.pop(SimTime::MAX), Some(n));
            assert_eq!(agenda.pop(SimTime::MAX), Some(n));
        }
        assert_eq!(agenda.slots.len(), 2);
    }
}
