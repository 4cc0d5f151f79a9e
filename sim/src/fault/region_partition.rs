//! A Region is cut off from the others.
//!
//! Traffic within the Region goes on, and clients that are placed in it stay with it: they see their
//! own Region work while the rest of the world sees it gone.

use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, Verdict, Window};
use crate::net::Envelope;
use crate::place::{RegionIndex, Topology};
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "region-partition",
    doc: "Cuts a Region off from all others, in one direction or both.",
    hinders: true,
};

/// Which messages a cut stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the Region and out of it.
    Both,
    /// Only those that go into the Region.
    In,
    /// Only those that leave the Region.
    Out,
}

/// The fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionPartition {
    /// When the Region is cut off.
    pub window: Window,
    /// The Region.
    pub region: RegionIndex,
    /// Which messages are stopped.
    pub direction: Direction,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::RegionPartition, at: &Placement<'_>) -> Placed {
    let fault = RegionPartition {
        window: at.window,
        region: at.region(&words.region),
        direction: match words.direction {
            scenarios::Direction::Both => Direction::Both,
            scenarios::Direction::In => Direction::In,
            scenarios::Direction::Out => Direction::Out,
        },
    };
    let name = words.region.to_string();
    Placed { fault: Box::new(fault), target: name.clone(), regions: vec![name] }
}

impl Fault for RegionPartition {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn message(&mut self, envelope: &Envelope, topology: &Topology, _: &mut Stream) -> Verdict {
        let from_inside = topology.place(envelope.from).region == self.region;
        let to_inside = topology.place(envelope.to).region == self.region;
        let stopped = match self.direction {
            Direction::Both => from_inside != to_inside,
            Direction::In => !from_inside && to_inside,
            Direction::Out => from_inside && !to_inside,
        };
        if stopped { Verdict::Drop } else { Verdict::Pass }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimTime;
    use crate::fault::outages::tests::world;
    use crate::place::NodeId;
    use crate::random::{Name, Seed, Site};
    use std::time::Duration;

    /// Verdicts on inside → inside, inside → outside, outside → inside, outside → outside.
    fn verdicts(direction: Direction) -> [Verdict; 4] {
        let region = RegionIndex(0);
        let mut cut = RegionPartition { window: Window::ALWAYS, region, direction };
        let mut stream = Stream::named(Name::new(Seed(1), Site::new("cut")));
        [(0, 1), (0, 5), (5, 0), (5, 6)].map(|(from, to)| {
            let (from, to) = (NodeId(from), NodeId(to));
            let (sent_at, nominal) = (SimTime::ZERO, Duration::ZERO);
            let envelope = Envelope { from, to, size: 0, sent_at, ordinal: 0, nominal };
            cut.message(&envelope, &world(), &mut stream)
        })
    }

    #[test]
    fn each_direction_stops_what_it_says() {
        use Verdict::{Drop, Pass};
        assert_eq!(verdicts(Direction::Both), [Pass, Drop, Drop, Pass]);
        assert_eq!(verdicts(Direction::In), [Pass, Pass, Drop, Pass]);
        assert_eq!(verdicts(Direction::Out), [Pass, Drop, Pass, Pass]);
    }
}
