//! The quorum is lost: nobody consents to what hosts and workers order of HSMs.
//!
//! Whoever is in the domain serves on. Nobody joins it, so an HSM that loses its memory stays out until
//! there is a quorum again, and no domain key rotates.

use crate::clock::SimTime;
use crate::fault::ailment::{Ailment, Illness, Patients};
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, NodeAction, Window};
use crate::place::{Role, Topology};
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "quorum-loss",
    doc: "Takes away the consent that hosts and workers need to order anything of HSMs.",
    hinders: true,
};

/// The fault: hosts and workers ail alike.
#[derive(Clone, Debug)]
pub struct QuorumLoss {
    hosts: Illness,
    workers: Illness,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::QuorumLoss, at: &Placement<'_>) -> Placed {
    let region = words.region.as_ref().map(|name| at.region(name));
    let all = |role| {
        let patients = Patients { role, region, count: None };
        Illness::new(INFO, at.window, patients, Ailment::Unauthorized)
    };
    let fault = QuorumLoss { hosts: all(Role::ApiHost), workers: all(Role::Worker) };
    Placed::about(fault, "quorum", words.region.as_ref())
}

impl Fault for QuorumLoss {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.hosts.window()
    }

    fn next(&self) -> Option<SimTime> {
        self.hosts.next().into_iter().chain(self.workers.next()).min()
    }

    fn act(&mut self, now: SimTime, topology: &Topology, stream: &mut Stream) -> Vec<NodeAction> {
        let mut actions = Vec::new();
        for illness in [&mut self.hosts, &mut self.workers] {
            if illness.next().is_some_and(|due| due <= now) {
                actions.extend(illness.act(now, topology, stream));
            }
        }
        actions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::{ails, placed};

    #[test]
    fn every_host_loses_it_and_gets_it_back() {
        let words = scenarios::QuorumLoss { region: None };
        ails(&mut *placed(|at| place(&words, at)), Ailment::Unauthorized, 4);
    }
}
