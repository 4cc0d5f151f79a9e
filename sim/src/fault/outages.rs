//! Crashing nodes again and again, and restarting each after its time: what faults that take nodes
//! down have in common.

use std::time::Duration;

use crate::clock::{SimTime, from_nanos_f64, nanos};
use crate::fault::{NodeAction, Window};
use crate::place::NodeId;
use crate::random::Stream;

/// The schedule of outages, and the nodes that are down because of it.
#[derive(Clone, Debug)]
pub(super) struct Outages {
    window: Window,
    every: Option<Duration>,
    down: Duration,
    next: Option<SimTime>,
    held: Vec<(SimTime, NodeId)>,
}

impl Outages {
    /// One outage at the start of the window, or one every so often on average throughout it, each
    /// lasting `down`, and none beyond the end of the window.
    pub(super) fn new(window: Window, every: Option<Duration>, down: Duration) -> Self {
        let next = (window.from < window.until).then_some(window.from);
        Self { window, every, down, next, held: Vec::new() }
    }

    /// The next crash or restart.
    pub(super) fn next(&self) -> Option<SimTime> {
        self.held.iter().map(|(until, _)| *until).chain(self.next).min()
    }

    /// Carries out what is due. `victims` chooses among nodes, given those that are already down.
    pub(super) fn act(
        &mut self,
        now: SimTime,
        stream: &mut Stream,
        victims: impl FnOnce(&[NodeId], &mut Stream) -> Vec<NodeId>,
    ) -> Vec<NodeAction> {
        let mut actions = self.restart(now);
        if self.next.is_some_and(|due| due <= now) {
            if self.strikes(now) {
                actions.extend(self.crash(now, stream, victims));
            }
            self.next = self.every.map(|mean| now.after(gap(mean, stream)));
            self.next = self.next.filter(|next| *next < self.window.until);
        }
        actions
    }

    /// Repeated outages do not begin with the window but a first interval later.
    fn strikes(&self, now: SimTime) -> bool {
        self.every.is_none() || now > self.window.from
    }

    fn crash(
        &mut self,
        now: SimTime,
        stream: &mut Stream,
        victims: impl FnOnce(&[NodeId], &mut Stream) -> Vec<NodeId>,
    ) -> Vec<NodeAction> {
        let down: Vec<NodeId> = self.held.iter().map(|(_, node)| *node).collect();
        let victims = victims(&down, stream);
        let until = now.after(self.down.max(SHORTEST)).min(self.window.until);
        self.held.extend(victims.iter().map(|node| (until, *node)));
        victims.into_iter().map(NodeAction::Crash).collect()
    }

    fn restart(&mut self, now: SimTime) -> Vec<NodeAction> {
        let ended = self.held.iter().filter(|(until, _)| *until <= now);
        let actions = ended.map(|(_, node)| NodeAction::Restart(*node)).collect();
        self.held.retain(|(until, _)| *until > now);
        actions
    }
}

/// Time must pass between two acts.
const SHORTEST: Duration = Duration::from_nanos(1);

fn gap(mean: Duration, stream: &mut Stream) -> Duration {
    from_nanos_f64(stream.exponential(nanos(mean) as f64)).max(SHORTEST)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::fault::{Fault, Verdict};
    use crate::net::Envelope;
    use crate::place::{RegionIndex, Role, Topology, ZoneIndex};
    use crate::random::{Name, Seed, Site};

    /// Two Regions with three HSMs and two API hosts each, and a journal and a client.
    pub(in crate::fault) fn world() -> Topology {
        let mut topology = Topology::new(["us-east-1", "eu-west-1"]).unwrap();
        for region in [RegionIndex(0), RegionIndex(1)] {
            for zone in [ZoneIndex(0), ZoneIndex(1), ZoneIndex(2)] {
                topology.add(region, zone, Role::Hsm).unwrap();
            }
            topology.add(region, ZoneIndex(0), Role::ApiHost).unwrap();
            topology.add(region, ZoneIndex(1), Role::ApiHost).unwrap();
        }
        for region in [RegionIndex(0), RegionIndex(1)] {
            topology.add(region, ZoneIndex(0), Role::Journal).unwrap();
            topology.add(region, ZoneIndex(0), Role::Client).unwrap();
        }
        topology
    }

    /// The journals of that world.
    pub(in crate::fault) fn journals() -> Vec<NodeId> {
        world().select(crate::place::Selector { role: Some(Role::Journal), region: None }).collect()
    }

    /// Every act of a fault, at most a thousand.
    pub(in crate::fault) fn play(fault: &mut dyn Fault) -> Vec<(SimTime, Vec<NodeAction>)> {
        let world = world();
        let mut acts = Vec::new();
        while let Some(now) = fault.next() {
            let name = Name::new(Seed(1), Site::new("play")).ordinal(acts.len() as u64);
            acts.push((now, fault.act(now, &world, &mut Stream::named(name))));
            assert!(acts.len() < 1000 && fault.next().is_none_or(|next| next > now));
        }
        acts
    }

    /// What a fault says of some messages of 100 bytes from one node to another, sent one after
    /// another.
    pub(in crate::fault) fn verdicts(
        fault: &mut dyn Fault,
        from: u16,
        to: u16,
        count: usize,
    ) -> Vec<Verdict> {
        verdicts_at(fault, from, to, std::iter::repeat_n(SimTime::ZERO, count))
    }

    /// What a fault says of messages that are sent at these moments.
    pub(in crate::fault) fn verdicts_at(
        fault: &mut dyn Fault,
        from: u16,
        to: u16,
        at: impl IntoIterator<Item = SimTime>,
    ) -> Vec<Verdict> {
        let (world, name) = (world(), Name::new(Seed(1), Site::new("verdicts")));
        let (from, to, nominal) = (NodeId(from), NodeId(to), Duration::ZERO);
        let verdict = |(ordinal, sent_at)| {
            let envelope = Envelope { from, to, size: 100, sent_at, ordinal, nominal };
            fault.message(&envelope, &world, &mut Stream::named(name.ordinal(ordinal)))
        };
        (0..).zip(at).map(verdict).collect()
    }

    #[test]
    fn repeated_outages_keep_their_mean_and_end_with_the_window() {
        let window = Window { from: SimTime::from_secs(100), until: SimTime::from_secs(10_100) };
        let every = Some(Duration::from_secs(50));
        let mut outages = Outages::new(window, every, Duration::from_secs(5));
        let mut stream = Stream::named(Name::new(Seed(1), Site::new("outages")));
        let (mut crashes, mut restarts, mut last) = (0, 0, SimTime::ZERO);
        while let Some(now) = outages.next() {
            for action in outages.act(now, &mut stream, |_, _| vec![NodeId(1)]) {
                match action {
                    NodeAction::Crash(_) => crashes += 1,
                    NodeAction::Restart(_) => restarts += 1,
                    other => unreachable!("outages do nothing else: {other:?}"),
                }
                last = now;
            }
        }
        assert!((160..240).contains(&crashes), "{crashes}");
        assert_eq!(crashes, restarts);
        assert!(last <= window.until);
    }

    #[test]
    fn an_empty_window_has_no_outage() {
        let moment = SimTime::from_secs(1);
        let window = Window { from: moment, until: moment };
        assert_eq!(Outages::new(window, None, Duration::ZERO).next(), None);
    }
}
