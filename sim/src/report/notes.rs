//! What a report says of all of a history, noted while it is written: so a run may be longer than what
//! memory holds of it.

use super::counts::Totals;
use super::fleet::Fleet;
use super::series::Counter;
use super::timeline::Lanes;
use crate::history::Record;
use crate::run::{Run, Scene};

/// What has been noted of a run so far.
#[derive(Clone)]
pub struct Notes {
    pub(super) totals: Totals,
    pub(super) series: Counter,
    pub(super) fleet: Fleet,
    pub(super) lanes: Lanes,
}

impl Notes {
    /// Nothing yet, of a run that goes on until the scene ends.
    pub(crate) fn new(scene: &Scene) -> Notes {
        Notes {
            totals: Totals::new(&scene.topology),
            series: Counter::new(scene),
            fleet: Fleet::new(&scene.topology),
            lanes: Lanes::new(&scene.topology),
        }
    }

    /// Notes on a run whose whole history is kept.
    pub(super) fn of(run: &Run) -> Notes {
        let mut notes = Notes::new(&run.scene);
        run.history.records().iter().for_each(|record| notes.note(record));
        notes
    }

    /// Takes note of the next record.
    pub(crate) fn note(&mut self, record: &Record) {
        self.totals.note(record);
        self.series.note(record);
        self.fleet.note(record);
        self.lanes.note(record);
    }
}
