//! The log of a run's messages and timers, and of the records that nodes made while they handled them.

use super::words;
use crate::clock::SimTime;
use crate::driver::{InputId, Loss, Step};
use crate::history::{Event, Record};
use crate::message::Message;
use crate::place::NodeId;
use kms_core::env::RequestId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How much of a run is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// So many messages and timers, and as many records: the last ones.
    pub most: usize,
    /// The time that the window is about, if it is about one: nothing is logged once it is full from
    /// there on.
    pub since: Option<SimTime>,
    /// The last record that is logged; nothing is logged after it.
    pub until: Option<usize>,
}

impl Window {
    /// So many messages and timers unless somebody wants another number.
    pub const USUAL: usize = 50_000;

    /// The last messages and timers of a run.
    pub fn last(most: usize) -> Window {
        Window { most: most.max(1), since: None, until: None }
    }

    /// Those from a time on, after an eighth as many from before it.
    pub fn since(most: usize, since: SimTime) -> Window {
        Window { since: Some(since), ..Window::last(most) }
    }

    /// Those before a record, and an eighth as many records after it.
    pub fn around(most: usize, index: usize) -> Window {
        let window = Window::last(most);
        Window { until: Some(index.saturating_add(window.most / 8)), ..window }
    }

    /// Where one more goes when there are so many.
    fn room(&self, at: SimTime, have: usize) -> Room {
        let counts = self.since.is_none_or(|since| at >= since);
        match have < if counts { self.most } else { self.most / 8 } {
            true => Room::Beside,
            false if counts && self.since.is_some() => Room::None,
            false => Room::ForTheOldest,
        }
    }
}

/// Where one more goes.
enum Room {
    /// Beside the others.
    Beside,
    /// Where the oldest is.
    ForTheOldest,
    /// Nowhere: the log is full.
    None,
}

impl Default for Window {
    fn default() -> Self {
        Window::last(Window::USUAL)
    }
}

/// What became of a message or a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was on its way when the log ended.
    UnderWay,
    /// It was handled at this time.
    Arrived(SimTime),
    /// It did not arrive.
    Lost(Loss),
}

/// Something that a node handled or should have: a message, a timer, a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Its number.
    pub id: InputId,
    /// What its sender was handling when it sent it, or when it armed the timer.
    pub cause: InputId,
    /// Who sent it.
    pub from: NodeId,
    /// Who shall handle it; the sender itself for a timer.
    pub to: NodeId,
    /// What kind of message it is, a timer or a start.
    pub kind: &'static str,
    /// What a message says.
    pub detail: String,
    /// What its node called a timer.
    pub token: Option<u64>,
    /// The request or task that it belongs to: its own, or that of its cause.
    pub request: Option<RequestId>,
    /// When it left, or fired.
    pub sent: SimTime,
    /// What became of it.
    pub fate: Fate,
    /// Whether the network made it, as a second of another one.
    pub copied: bool,
    /// Whether it was damaged on its way.
    pub damaged: bool,
    /// Counts what nodes handle, in the order they did; 0 for what was not handled.
    pub order: u64,
}

impl Passage {
    /// Whether it went from one node to another, or to itself, over the network.
    pub fn is_message(&self) -> bool {
        self.kind != words::TIMER && self.kind != words::START
    }
}

/// A record of the history, and what the node was handling when it made it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Its index in the history.
    pub index: usize,
    /// What was handled; none for what the world did.
    pub cause: InputId,
    /// The record.
    pub record: Record,
}

/// Tells from another thread whether a log is full.
#[derive(Clone, Debug, Default)]
pub struct Full(Arc<AtomicBool>);

impl Full {
    /// Whether nothing more will be logged.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The messages and timers of a run, as many as the window holds.
#[derive(Debug, Default)]
pub struct MessageLog {
    window: Window,
    passages: VecDeque<Passage>,
    records: VecDeque<Told>,
    /// What is being handled.
    current: InputId,
    handled: u64,
    full: Full,
}

impl MessageLog {
    /// An empty log.
    pub fn new(window: Window) -> MessageLog {
        MessageLog { window, ..MessageLog::default() }
    }

    /// Whether the log has everything it is to have, for somebody who cannot look into it.
    pub fn full(&self) -> Full {
        self.full.clone()
    }

    /// All messages and timers, in the order of their numbers.
    pub fn passages(&self) -> impl ExactSizeIterator<Item = &Passage> {
        self.passages.iter()
    }

    /// The records, in order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = &Told> {
        self.records.iter()
    }

    /// The message or timer of this number, if it is in the window.
    pub fn passage(&self, id: InputId) -> Option<&Passage> {
        self.passages.get(self.place(id)?)
    }

    /// The record of this index of the history, if it is in the window.
    pub fn record(&self, index: usize) -> Option<&Told> {
        self.records.get(self.place_of_record(index)?)
    }

    /// Where the record of this index is in [`MessageLog::records`].
    pub fn place_of_record(&self, index: usize) -> Option<usize> {
        let place = index.checked_sub(self.records.front()?.index)?;
        (place < self.records.len()).then_some(place)
    }

    /// Where a message or timer is in [`MessageLog::passages`].
    pub fn place(&self, id: InputId) -> Option<usize> {
        let place = id.0.checked_sub(self.passages.front()?.id.0)?;
        let place = usize::try_from(place).ok()?;
        (place < self.passages.len()).then_some(place)
    }

    /// Takes a record of the history.
    pub(crate) fn recorded(&mut self, index: usize, record: &Record) {
        if self.full.is_set() {
            return;
        }
        let cause = match record.event {
            Event::Acted(_) => InputId::NONE,
            _ => self.current,
        };
        match self.window.room(record.at, self.records.len()) {
            Room::Beside => {}
            Room::ForTheOldest => drop(self.records.pop_front()),
            Room::None => return self.full.0.store(true, Ordering::Relaxed),
        }
        self.records.push_back(Told { index, cause, record: record.clone() });
        if self.window.until.is_some_and(|until| index >= until) {
            self.full.0.store(true, Ordering::Relaxed);
        }
    }

    /// Takes what becomes of a message or a timer.
    pub(crate) fn note(&mut self, at: SimTime, step: &Step<'_, Message>) {
        if self.full.is_set() {
            return;
        }
        match *step {
            Step::Sent { id, cause, from, to, body } => {
                let request = words::request(body).or_else(|| self.passage(cause)?.request);
                let (kind, detail) = (words::kind(body), words::detail(body));
                self.push(
                    at,
                    Passage { request, kind, detail, ..passage(id, cause, from, to, at) },
                );
            }
            Step::Copied { id, of } => {
                if let Some(first) = self.passage(of).cloned() {
                    let fate = Fate::UnderWay;
                    self.push(at, Passage { id, fate, copied: true, ..first });
                }
            }
            Step::Damaged { id } => self.change(id, |passage| passage.damaged = true),
            Step::Lost { id, why } => self.change(id, |passage| passage.fate = Fate::Lost(why)),
            Step::Rang { id, cause, node, token } => {
                let request = self.passage(cause).and_then(|cause| cause.request);
                let kind = token.map_or(words::START, |_| words::TIMER);
                let timer = passage(id, cause, node, node, at);
                self.push(at, Passage { request, kind, token, ..timer });
            }
            Step::Handled { id, .. } => {
                self.current = id;
                self.handled += 1;
                let order = self.handled;
                self.change(id, |passage| {
                    passage.fate = Fate::Arrived(at);
                    passage.order = order;
                });
            }
        }
    }

    /// Numbers follow one another without gaps, which [`MessageLog::place`] relies on.
    fn push(&mut self, at: SimTime, passage: Passage) {
        debug_assert!(self.passages.back().is_none_or(|last| last.id.0 + 1 == passage.id.0));
        match self.window.room(at, self.passages.len()) {
            Room::Beside => {}
            Room::ForTheOldest => drop(self.passages.pop_front()),
            Room::None => return self.full.0.store(true, Ordering::Relaxed),
        }
        self.passages.push_back(passage);
    }

    fn change(&mut self, id: InputId, change: impl FnOnce(&mut Passage)) {
        let place = self.place(id);
        if let Some(passage) = place.and_then(|place| self.passages.get_mut(place)) {
            change(passage);
        }
    }
}

fn passage(id: InputId, cause: InputId, from: NodeId, to: NodeId, sent: SimTime) -> Passage {
    Passage {
        id,
        cause,
        from,
        to,
        kind: "",
        detail: String::new(),
        token: None,
        request: None,
        sent,
        fate: Fate::UnderWay,
        copied: false,
        damaged: false,
        order: 0,
    }
}
