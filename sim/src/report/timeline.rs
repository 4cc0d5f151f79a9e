//! Faults, phases and the events that a reader wants to see on the same axis as the load.

use super::micros;
use crate::clock::ClockChange;
use crate::fault::{Ailment, NodeAction};
use crate::history::{Changed, Event, Record};
use crate::place::{NodeId, Topology};
use crate::run::Scene;
use crate::world::Placed;
use kms_core::name::RegionName;
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
        label: placed.info.name.replace('-', " "),
        kind: placed.info.name.to_owned(),
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

/// Crashes, restarts, clocks, deletions, rotations and changes of primaries, by what they happen to and
/// by kind.
#[derive(Clone)]
pub(super) struct Lanes {
    topology: Topology,
    lanes: BTreeMap<(String, String), Vec<PointEvent>>,
}

impl Lanes {
    pub(super) fn new(topology: &Topology) -> Lanes {
        Lanes { topology: topology.clone(), lanes: BTreeMap::new() }
    }

    pub(super) fn note(&mut self, record: &Record) {
        for event in of_record(record, &self.topology) {
            let lane = (event.target.clone(), event.kind.clone());
            self.lanes.entry(lane).or_default().push(event);
        }
    }

    /// All that are shown, in order of time.
    pub(super) fn events(&self) -> Vec<PointEvent> {
        let mut events: Vec<PointEvent> =
            self.lanes.values().flat_map(|lane| thinned(lane)).cloned().collect();
        events.sort_by_key(|event| event.at);
        events
    }
}

fn of_record(record: &Record, topology: &Topology) -> Vec<PointEvent> {
    match &record.event {
        Event::Acted(action) => vec![of_action(record, *action, topology)],
        Event::TaskTried { region, task, error: None, .. } => of_task(record, region, task),
        Event::Committed { region, changes, .. } => {
            let erased = changes.iter().filter_map(|change| match change {
                Changed::KeyErased(id) => Some(id),
                _ => None,
            });
            erased.map(|id| on_keys(record, region, "deletion", format!("{id} erased"))).collect()
        }
        _ => Vec::new(),
    }
}

fn of_action(record: &Record, action: NodeAction, topology: &Topology) -> PointEvent {
    let (node, kind, what) = match action {
        NodeAction::Crash(node) => (node, "crash", "crashes"),
        NodeAction::Restart(node) => (node, "restart", "restarts"),
        NodeAction::Skew(node, ClockChange::Skew { .. }) => {
            (node, "clock step", "has a wrong clock")
        }
        NodeAction::Skew(node, ClockChange::Correct) => (node, "clock step", "has a right clock"),
        NodeAction::Ail(node, ailment) => (node, "ailment", ailment.name()),
        NodeAction::Heal(node, ailment) => return recovered(record, node, ailment, topology),
    };
    let label = format!("{} {what}", topology.name(node));
    let target = lane_of(node, topology);
    PointEvent { label, kind: kind.to_owned(), target, at: micros(record.at) }
}

fn recovered(record: &Record, node: NodeId, ailment: Ailment, topology: &Topology) -> PointEvent {
    PointEvent {
        label: format!("{} is not {} any more", topology.name(node), ailment.name()),
        kind: "recovery".to_owned(),
        target: lane_of(node, topology),
        at: micros(record.at),
    }
}

/// Nodes of a role in a Region share a lane.
fn lane_of(node: NodeId, topology: &Topology) -> String {
    let name = topology.name(node);
    let role = name.rsplit_once('-').map_or(name.as_str(), |(role, _)| role);
    format!("{role}s")
}

fn of_task(record: &Record, region: &RegionName, task: &Task) -> Vec<PointEvent> {
    let kind = match task {
        Task::RotateKey(_) | Task::PromoteMaterial(_) => "rotation",
        Task::RotateDomainKey => "domain-key rotation",
        Task::HandOver(_) => "primary change",
        _ => return Vec::new(),
    };
    vec![on_keys(record, region, kind, task.to_string())]
}

fn on_keys(record: &Record, region: &RegionName, kind: &str, label: String) -> PointEvent {
    let target = format!("{region} keys");
    PointEvent { label, kind: kind.to_owned(), target, at: micros(record.at) }
}

/// Evenly fewer, when there are more than a lane can show.
fn thinned(events: &[PointEvent]) -> impl Iterator<Item = &PointEvent> {
    let step = events.len().div_ceil(IN_A_LANE).max(1);
    events.iter().step_by(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::{RegionIndex, Role, ZoneIndex};

    #[test]
    fn hosts_of_a_region_share_a_lane() {
        let mut topology = Topology::new(["us-east-1"]).unwrap();
        for _ in 0..12 {
            topology.add(RegionIndex(0), ZoneIndex(0), Role::ApiHost).unwrap();
        }
        assert_eq!(lane_of(NodeId(11), &topology), "us-east-1/hosts");
    }

    #[test]
    fn a_full_lane_is_thinned_evenly() {
        let event = |at| PointEvent {
            label: String::new(),
            kind: "crash".into(),
            target: String::new(),
            at: Micros(at),
        };
        let many: Vec<PointEvent> = (0..300).map(event).collect();
        let few: Vec<u64> = thinned(&many).map(|event| event.at.0).collect();
        assert_eq!(few.len(), 100);
        assert_eq!(few[..3], [0, 3, 6]);
    }
}
