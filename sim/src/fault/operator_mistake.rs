//! Operators make a mistake: they have the domain key rotated out of turn, again and again, whatever
//! state the fleet is in.

use crate::clock::{SimTime, from_nanos_f64, nanos};
use crate::fault::ailment::Ailment;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, NodeAction, Window};
use crate::place::{RegionIndex, Role, Selector, Topology};
use crate::random::Stream;
use std::time::Duration;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "operator-mistake",
    doc: "Has the domain key rotated out of turn, again and again.",
    hinders: false,
};

/// The fault.
#[derive(Clone, Debug)]
pub struct OperatorMistake {
    window: Window,
    region: Option<RegionIndex>,
    every: Duration,
    next: Option<SimTime>,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::OperatorMistake, at: &Placement<'_>) -> Placed {
    let Window { from, until } = at.window;
    let fault = OperatorMistake {
        window: at.window,
        region: words.region.as_ref().map(|name| at.region(name)),
        every: words.every,
        next: (from < until).then_some(from),
    };
    Placed::about(fault, "operators", words.region.as_ref())
}

impl Fault for OperatorMistake {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn next(&self) -> Option<SimTime> {
        self.next
    }

    fn act(&mut self, now: SimTime, topology: &Topology, stream: &mut Stream) -> Vec<NodeAction> {
        let gap = from_nanos_f64(stream.exponential(nanos(self.every) as f64));
        let next = now.after(gap.max(Duration::from_nanos(1)));
        self.next = Some(next).filter(|next| *next < self.window.until);
        let workers = topology.select(Selector { role: Some(Role::Worker), region: self.region });
        workers.map(|node| NodeAction::Ail(node, Ailment::Hasty)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::play;
    use crate::place::ZoneIndex;

    #[test]
    fn the_worker_is_ordered_about_as_often_as_asked() {
        let mut topology = Topology::new(["us-east-1", "eu-west-1"]).unwrap();
        let worker = topology.add(RegionIndex(1), ZoneIndex(0), Role::Worker).unwrap();
        let window = Window { from: SimTime::ZERO, until: SimTime::from_secs(1_000) };
        let words = scenarios::OperatorMistake { region: None, every: Duration::from_secs(10) };
        let mut fault = place(&words, &Placement { window, topology: &topology }).fault;
        let mut stream = crate::random::Stream::named(crate::random::Name::new(
            crate::random::Seed(1),
            crate::random::Site::new("mistakes"),
        ));
        let first = fault.act(SimTime::ZERO, &topology, &mut stream);
        assert_eq!(first, [NodeAction::Ail(worker, Ailment::Hasty)]);
        let times = play(&mut *fault).len();
        assert!((60..140).contains(&times), "{times}");
    }
}
