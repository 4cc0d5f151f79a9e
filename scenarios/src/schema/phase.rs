//! Phases: what happens in sequence, each with workloads and faults in parallel.

use std::time::Duration;

use crate::fault::Fault;
use crate::kind::{POSITIVE_DURATION, TEXT};
use crate::reader::Reader;
use crate::workload::Workload;

/// A stretch of the storm.
#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// Its name, unique in the scenario; overrides address it by this.
    pub name: String,
    /// How long it lasts.
    pub duration: Duration,
    /// The load during it.
    pub workloads: Vec<Workload>,
    /// What goes wrong during it.
    pub faults: Vec<Fault>,
}

pub(crate) fn read_all(reader: &mut Reader<'_, '_>) -> Vec<Phase> {
    let mut names = Vec::new();
    reader.each(
        "phase",
        "Phases run one after another; what is inside one runs in parallel.",
        |reader| {
            let phase = Phase::read(reader);
            if names.contains(&phase.name) {
                reader.complain("name", format!("there are two phases named {:?}", phase.name));
            }
            names.push(phase.name.clone());
            phase
        },
    )
}

impl Phase {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let name = reader.required("name", &TEXT, "outage", "Its name, which no other phase has.");
        let duration = reader.required("duration", &POSITIVE_DURATION, "10m", "How long it lasts.");
        let workloads = reader.each("workload", "A load during the phase.", Workload::read);
        let faults =
            reader.each("fault", "Something that goes wrong during the phase.", |reader| {
                Fault::read(reader, duration)
            });
        Self { name, duration, workloads, faults }
    }
}
