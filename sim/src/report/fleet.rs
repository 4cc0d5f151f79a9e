//! What each HSM had to do, as it said itself at the end, and what hosts made of its answers.

use super::micros_of;
use crate::history::{Event, HsmLoad, Record, Routing};
use crate::place::{NodeId, Role, Topology};
use kms_core::hsm::{Class, Figure, Figures, HsmModel};
use reports::data::{HsmUse, Parameter};
use std::collections::BTreeMap;
use std::time::Duration;

/// Every HSM of the topology.
#[derive(Clone)]
pub(super) struct Fleet(BTreeMap<NodeId, HsmUse>);

impl Fleet {
    pub(super) fn new(topology: &Topology) -> Fleet {
        let hsms = topology.nodes().filter(|(_, place)| place.role == Role::Hsm);
        let named = |node| HsmUse { name: topology.name(node), ..HsmUse::default() };
        Fleet(hsms.map(|(node, _)| (node, named(node))).collect())
    }

    pub(super) fn note(&mut self, record: &Record) {
        match &record.event {
            Event::Loaded(load) => {
                if let Some(hsm) = self.0.get_mut(&record.node) {
                    loaded(hsm, load);
                }
            }
            Event::Routed { hsm: Some(hsm), what, .. } => {
                if let Some(hsm) = self.0.get_mut(hsm) {
                    *count(hsm, *what) += 1;
                }
            }
            _ => {}
        }
    }

    pub(super) fn hsms(&self) -> Vec<HsmUse> {
        self.0.values().cloned().collect()
    }
}

/// The figures of the HSMs' model, with their sources.
pub(super) fn figures(model: &HsmModel) -> Vec<Parameter> {
    let figures = Figures::shipped();
    let time = |micros: u64| scenarios::duration_text(Duration::from_micros(micros));
    let span = scenarios::duration_text;
    let mut all = vec![
        figure("lanes", &model.lanes, &figures.lanes, &figures.lanes.value),
        figure("queue", &model.queue, &figures.queue, &figures.queue.value),
        figure("spread", &model.spread, &figures.spread, &figures.spread.value),
        figure("warm_up", &span(model.warm_up), &figures.warm_up, &time(figures.warm_up.value)),
        figure(
            "session_validity",
            &span(model.session_validity),
            &figures.session_validity,
            &time(figures.session_validity.value),
        ),
    ];
    all.extend(Class::ALL.into_iter().map(|class| {
        let (name, usual) = (format!("service.{}", class.name()), figures.of(class));
        figure(&name, &span(model.service[class as usize]), usual, &time(usual.value))
    }));
    all
}

fn figure<T>(
    name: &str,
    value: &impl ToString,
    figure: &Figure<T>,
    usual: &impl ToString,
) -> Parameter {
    let (value, usual) = (value.to_string(), usual.to_string());
    let source = match value == usual {
        true => format!("{}: {}", figure.source, figure.doc),
        false => format!("the scenario; {usual} unless set"),
    };
    Parameter { name: format!("hsm.{name}"), value, unit: String::new(), source }
}

fn loaded(hsm: &mut HsmUse, load: &HsmLoad) {
    let HsmLoad { lanes, commands, refused, busy, waited, deepest } = *load;
    (hsm.lanes, hsm.commands, hsm.deepest) = (lanes, commands, deepest);
    (hsm.busy, hsm.waited) = (micros_of(busy), micros_of(waited));
    hsm.refused = refused;
}

/// What a host did is counted at the HSM it did it about; that all were saturated, at none.
fn count(hsm: &mut HsmUse, what: Routing) -> &mut u64 {
    match what {
        Routing::Hedged => &mut hsm.hedges,
        Routing::Retried => &mut hsm.retries,
        Routing::TimedOut => &mut hsm.timeouts,
        Routing::Quarantined => &mut hsm.quarantines,
        Routing::Discarded => &mut hsm.discarded,
        Routing::Distrusted => &mut hsm.distrusted,
        Routing::InSession | Routing::Renewed => &mut hsm.sessions,
        Routing::NoSession => &mut hsm.unknown_sessions,
        // The HSM itself says at the end how many it refused.
        Routing::Refused | Routing::Saturated => &mut hsm.refused,
    }
}
