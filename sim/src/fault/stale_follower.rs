//! Hosts hear what their journal says much later than others: they decide on what was true a while ago,
//! and whatever they append is stale.

use crate::clock::SimTime;
use crate::fault::ailment::Patients;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, NodeAction, Verdict, Window};
use crate::net::Envelope;
use crate::place::{NodeId, Role, Topology};
use crate::random::Stream;
use std::time::Duration;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "stale-follower",
    doc: "Makes hosts hear what their journal says much later than others.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug)]
pub struct StaleFollower {
    window: Window,
    patients: Patients,
    lag: Duration,
    /// Who is late; nobody has been drawn before the window begins.
    late: Option<Vec<NodeId>>,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::StaleFollower, at: &Placement<'_>) -> Placed {
    let region = words.region.as_ref();
    let patients =
        Patients { count: Some(words.hosts), ..Patients::all(Role::ApiHost, region, at) };
    let fault = StaleFollower { window: at.window, patients, lag: words.lag, late: None };
    Placed::about(fault, "API hosts", region)
}

impl Fault for StaleFollower {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn next(&self) -> Option<SimTime> {
        let Window { from, until } = self.window;
        (self.late.is_none() && from < until).then_some(from)
    }

    fn act(&mut self, _: SimTime, topology: &Topology, stream: &mut Stream) -> Vec<NodeAction> {
        self.late = Some(self.patients.draw(topology, stream));
        Vec::new()
    }

    fn message(&mut self, envelope: &Envelope, topology: &Topology, _: &mut Stream) -> Verdict {
        let by_journal = topology.place(envelope.from).role == Role::Journal;
        let late = self.late.as_ref().is_some_and(|late| late.contains(&envelope.to));
        if by_journal && late { Verdict::Delay(self.lag) } else { Verdict::Pass }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::ailment::tests::placed;
    use crate::fault::outages::tests::{journals, play, verdicts_at};

    #[test]
    fn what_a_journal_says_is_late_at_one_host_of_its_region() {
        let lag = Duration::from_secs(2);
        let words = scenarios::StaleFollower { region: None, hosts: 1, lag };
        let mut fault = placed(|at| place(&words, at));
        assert_eq!(play(&mut *fault).len(), 1, "it acts on no node");
        let mut late = |from: u16| {
            let heard = |to| verdicts_at(&mut *fault, from, to, [SimTime::ZERO]);
            let all: Vec<Verdict> = [3, 4].into_iter().flat_map(heard).collect();
            all.iter().filter(|verdict| **verdict == Verdict::Delay(lag)).count()
        };
        assert_eq!(late(journals()[0].0), 1);
        assert_eq!(late(0), 0, "an HSM");
    }
}
