//! Faults, phases and the events that a reader wants to see on the same axis as the load.

use super::micros;
use crate::clock::ClockChange;
use crate::fault::NodeAction;
use crate::history::{Changed, Event, Got, Record};
use crate::place::{NodeId, Topology};
use crate::run::{Run, Scene};
use crate::world::Placed;
use kms_core::task::Task;
use reports::data::{Fault, Micros, Phase, PointEvent};
use std::collections::BTreeMap;
use std::time::Duration;

/// A lane shows so many events of a kind; of more, every second, third, … is shown.
const IN_A_LANE: usize = 120;

/// The faults of the scenario, each on the lane of what it is about.
pub(super) fn faults(scene: &Scene) -> Vec<Fault> {
    scene.placed.iter().map(|placed| fault(placed, scene)).collect()
}

fn fault(placed: &Placed, scene: &Scene) -> Fault {
    let until = placed.window.until.min(scene.ended_at);
    Fault {
        label: placed.name.replace('-', " "),
        kind: placed.name.to_owned(),
        target: placed.target.clone(),
        regions: placed.regions.clone(),
        from: micros(placed.window.from.min(until)),
        until: micros(until),
    }
}

/// The phases one after another, then the calm.
pub(super) fn phases(scene: &Scene) -> Vec<Phase> {
    let mut from = Duration::ZERO;
    let mut phases = Vec::new();
    let parts = scene.scenario.phases.iter().map(|phase| (phase.name.as_str(), phase.duration));
    for (name, duration) in parts.chain([("calm", scene.scenario.calm)]) {
        let until = from + duration;
        phases.push(Phase { name: name.to_owned(), from: span(from), until: span(until) });
        from = until;
    }
    phases
}

fn span(duration: Duration) -> Micros {
    Micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

/// Crashes, restarts, clocks, deletions, rotations and changes of primaries, in order of time.
pub(super) fn events(run: &Run) -> Vec<PointEvent> {
    let mut lanes: BTreeMap<(String, &'static str), Vec<PointEvent>> = BTreeMap::new();
    for record in run.history.records() {
        for event in of_record(record, &run.scene.topology) {
            let lane = (event.target.clone(), kind_of(&event));
            lanes.entry(lane).or_default().push(event);
        }
    }
    let mut events: Vec<PointEvent> = lanes.into_values().flat_map(thinned).collect();
    events.sort_by_key(|event| event.at);
    events
}
