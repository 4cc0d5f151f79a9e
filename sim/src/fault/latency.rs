//! Links become slow.

use std::time::Duration;

use crate::clock::{from_nanos_f64, nanos};
pub use crate::fault::links::Links;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, Verdict, Window};
use crate::net::Envelope;
use crate::place::Topology;
use crate::random::Stream;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "latency",
    doc: "Makes links slower, by a factor, by an added time or by both.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    /// When the links are slow.
    pub window: Window,
    /// Which links.
    pub links: Links,
    /// How many times the latency without jitter a message takes; 1 changes nothing, and less than
    /// 1 counts as 1.
    pub factor: f64,
    /// What is added after that.
    pub add: Duration,
    /// The chance that a message is slow.
    pub probability: f64,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::Latency, at: &Placement<'_>) -> Placed {
    let fault = Latency {
        window: at.window,
        links: Links::place(&words.links, at),
        factor: words.factor,
        add: words.add,
        probability: words.probability.get(),
    };
    Links::placed(&words.links, fault)
}

impl Fault for Latency {
    fn info(&self) -> FaultInfo {
        INFO
    }

    fn window(&self) -> Window {
        self.window
    }

    fn message(
        &mut self,
        envelope: &Envelope,
        topology: &Topology,
        stream: &mut Stream,
    ) -> Verdict {
        if !self.links.carry(envelope, topology) || !stream.chance(self.probability) {
            return Verdict::Pass;
        }
        let longer = nanos(envelope.nominal) as f64 * (self.factor - 1.0).max(0.0);
        Verdict::Delay(from_nanos_f64(longer).saturating_add(self.add))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimTime;
    use crate::fault::outages::tests::world;
    use crate::place::{NodeId, RegionIndex};
    use crate::random::{Name, Seed, Site};

    fn verdict(links: Links, factor: f64, from: u16, to: u16) -> Verdict {
        let add = Duration::from_millis(5);
        let mut slow = Latency { window: Window::ALWAYS, links, factor, add, probability: 1.0 };
        let (from, to) = (NodeId(from), NodeId(to));
        let (sent_at, nominal) = (SimTime::ZERO, Duration::from_millis(40));
        let envelope = Envelope { from, to, size: 0, sent_at, ordinal: 0, nominal };
        let mut stream = Stream::named(Name::new(Seed(1), Site::new("latency")));
        slow.message(&envelope, &world(), &mut stream)
    }

    #[test]
    fn factor_and_addition_both_count() {
        let millis = |n| Verdict::Delay(Duration::from_millis(n));
        assert_eq!(verdict(Links::All, 3.0, 0, 1), millis(85));
        assert_eq!(verdict(Links::All, 1.0, 0, 1), millis(5));
        assert_eq!(verdict(Links::All, 0.1, 0, 1), millis(5));
    }

    #[test]
    fn only_the_chosen_links_are_slow() {
        let (us, eu) = (RegionIndex(0), RegionIndex(1));
        let slow = |links, from, to| verdict(links, 1.0, from, to) != Verdict::Pass;
        let pairs = [(0, 1), (0, 5), (5, 0), (5, 6)];
        assert_eq!(pairs.map(|(a, b)| slow(Links::Of(us), a, b)), [true, true, true, false]);
        let between = Links::Between(eu, us);
        assert_eq!(pairs.map(|(a, b)| slow(between, a, b)), [false, true, true, false]);
    }
}
