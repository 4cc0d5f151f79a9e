//! Who hears a run: the history that is written of it, the oracles, and whoever takes notes.

use super::Order;
use super::Scene;
use super::tally::Tally;
use crate::clock::SimTime;
use crate::driver::{Recorder, Step, Watcher};
use crate::fault::NodeAction;
use crate::history::{Event, History, Keep};
use crate::message::Message;
use crate::oracle::{Context, Judges};
use crate::place::NodeId;
use crate::report::Notes;
use crate::trace::MessageLog;

/// How many records the oracles hear at a time: they and the world both work better undisturbed.
const SITTING: usize = 1024;

/// Writes the history, and lets the oracles hear it while it happens.
pub(super) struct Court<'c> {
    history: History,
    /// How many records they have not heard.
    waiting: usize,
    /// How many of them may wait; no more than the history keeps.
    sitting: usize,
    judges: Judges,
    tally: Tally,
    log: Option<MessageLog>,
    notes: Option<Notes>,
    context: &'c Context<'c>,
}

/// What was written and heard.
pub(super) struct Heard {
    pub(super) history: History,
    pub(super) judges: Judges,
    pub(super) tally: Tally,
    pub(super) log: Option<MessageLog>,
    pub(super) notes: Option<Notes>,
}

impl<'c> Court<'c> {
    /// What the world began with is heard first, all of it.
    pub(super) fn new(
        history: History,
        Order { keep, log, notes }: Order,
        scene: &Scene,
        context: &'c Context<'c>,
    ) -> Court<'c> {
        let mut judges = Judges::new(context);
        let mut notes = notes.then(|| Notes::new(scene));
        for record in history.records() {
            judges.record(record, context);
            notes.iter_mut().for_each(|notes| notes.note(record));
        }
        let sitting = match keep {
            Keep::All => SITTING,
            Keep::Last(least) => SITTING.min(least),
        };
        let (history, tally) = (history.keep(keep), Tally::default());
        Court { history, waiting: 0, sitting, judges, tally, log, notes, context }
    }

    fn write(&mut self, at: SimTime, node: NodeId, event: Event) {
        let index = self.history.len();
        let record = self.history.push(at, node, event);
        if let Some(log) = &mut self.log {
            log.recorded(index, record);
        }
        self.waiting += 1;
        if self.waiting >= self.sitting {
            self.hear();
        }
    }

    fn hear(&mut self) {
        let records = self.history.records();
        for record in &records[records.len() - self.waiting..] {
            self.judges.record(record, self.context);
            self.tally.note(record);
            self.notes.iter_mut().for_each(|notes| notes.note(record));
        }
        self.waiting = 0;
    }

    pub(super) fn rise(mut self) -> Heard {
        self.hear();
        let Court { history, judges, tally, log, notes, .. } = self;
        Heard { history, judges, tally, log, notes }
    }
}

impl Recorder<Event> for Court<'_> {
    fn record(&mut self, at: SimTime, from: NodeId, event: Event) {
        self.write(at, from, event);
    }

    fn acted(&mut self, at: SimTime, action: NodeAction) {
        self.write(at, action.node(), Event::Acted(action));
    }
}

impl Watcher<Message> for Court<'_> {
    #[inline]
    fn watch(&mut self, at: SimTime, step: Step<'_, Message>) {
        if let Some(log) = &mut self.log {
            log.note(at, &step);
        }
    }
}
