//! Some messages are held back, and later ones overtake them.

use crate::clock::{from_nanos_f64, nanos};
use crate::fault::links::Links;
use crate::fault::placement::{Placed, Placement};
use crate::fault::{Fault, FaultInfo, Verdict, Window};
use crate::net::Envelope;
use crate::place::Topology;
use crate::random::Stream;
use std::time::Duration;

/// The line of the table.
pub const INFO: FaultInfo = FaultInfo {
    name: "reordering",
    doc: "Holds some messages back for a while, so that later ones arrive before them.",
    hinders: true,
};

/// The fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Reordering {
    /// When it happens.
    pub window: Window,
    /// On which links.
    pub links: Links,
    /// The chance of each message.
    pub probability: f64,
    /// How long a message is held back at most.
    pub by: Duration,
}

/// The fault that a scenario's words mean.
pub fn place(words: &scenarios::Reordering, at: &Placement<'_>) -> Placed {
    let fault = Reordering {
        window: at.window,
        links: Links::place(&words.links, at),
        probability: words.probability.get(),
        by: words.by,
    };
    Links::placed(&words.links, fault)
}

impl Fault for Reordering {
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
        Verdict::Delay(from_nanos_f64(nanos(self.by) as f64 * stream.unit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::outages::tests::verdicts;

    #[test]
    fn half_of_the_messages_wait_a_different_time_each() {
        let (window, by) = (Window::ALWAYS, Duration::from_millis(100));
        let mut fault = Reordering { window, links: Links::All, probability: 0.5, by };
        let mut waits: Vec<Duration> = verdicts(&mut fault, 0, 5, 1_000)
            .into_iter()
            .filter_map(|verdict| match verdict {
                Verdict::Delay(wait) => Some(wait),
                _ => None,
            })
            .collect();
        assert!((400..600).contains(&waits.len()), "{}", waits.len());
        assert!(waits.iter().all(|wait| *wait < by));
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() > 390);
    }
}
