//! The faults of one run, asked together.

use std::time::Duration;

use crate::clock::SimTime;
use crate::fault::{Fault, NodeAction, Verdict};
use crate::net::Envelope;
use crate::place::Topology;
use crate::random::{Name, Seed, Site, Stream};

/// The number a fault keeps when other faults are taken away, so that its draws stay the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultId(pub u32);

/// What all faults together say about a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Some fault drops it.
    pub dropped: bool,
    /// Some fault duplicates it.
    pub duplicated: bool,
    /// Some fault damages it.
    pub corrupted: bool,
    /// The sum of all delays.
    pub delay: Duration,
}

impl Judgement {
    fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Pass => {}
            Verdict::Delay(delay) => self.delay = self.delay.saturating_add(delay),
            Verdict::Drop => self.dropped = true,
            Verdict::Duplicate => self.duplicated = true,
            Verdict::Corrupt => self.corrupted = true,
        }
    }
}

struct Entry {
    fault: Box<dyn Fault>,
    messages: Name,
    acts: Name,
    acted: u64,
}

/// The faults of one run.
pub struct Faults {
    seed: Seed,
    entries: Vec<Entry>,
    active: Vec<usize>,
    /// When `active` must be computed again.
    stale_at: SimTime,
    next: Option<SimTime>,
}

const MESSAGES: Site = Site::new("fault messages");
const ACTS: Site = Site::new("fault acts");

impl Faults {
    /// No faults yet.
    pub fn new(seed: Seed) -> Self {
        Self { seed, entries: Vec::new(), active: Vec::new(), stale_at: SimTime::ZERO, next: None }
    }

    /// One more fault. Ids must differ within a run.
    #[must_use]
    pub fn with(mut self, id: FaultId, fault: Box<dyn Fault>) -> Self {
        let name = |site| Name::new(self.seed, site).ordinal(u64::from(id.0));
        let (messages, acts) = (name(MESSAGES), name(ACTS));
        self.entries.push(Entry { fault, messages, acts, acted: 0 });
        self.next = self.first_due();
        self
    }

    /// What the faults say about a message that is being sent.
    #[inline]
    pub fn judge(&mut self, envelope: &Envelope, topology: &Topology) -> Judgement {
        if envelope.sent_at >= self.stale_at {
            self.refresh(envelope.sent_at);
        }
        let mut judgement = Judgement::default();
        for &index in &self.active {
            let Entry { fault, messages, .. } = &mut self.entries[index];
            let name = messages.link(envelope.from, envelope.to).ordinal(envelope.ordinal);
            judgement.add(fault.message(envelope, topology, &mut Stream::named(name)));
        }
        judgement
    }

    /// When some fault next acts on nodes.
    #[inline]
    pub fn next(&self) -> Option<SimTime> {
        self.next
    }

    /// What all faults that are due do to nodes, in the order in which they were added.
    pub fn act(&mut self, now: SimTime, topology: &Topology) -> Vec<NodeAction> {
        let mut actions = Vec::new();
        for entry in &mut self.entries {
            if entry.fault.next().is_some_and(|due| due <= now) {
                let mut stream = Stream::named(entry.acts.ordinal(entry.acted));
                entry.acted += 1;
                actions.extend(entry.fault.act(now, topology, &mut stream));
            }
        }
        self.next = self.first_due();
        actions
    }

    /// Ends the storm: from now on every verdict is [`Verdict::Pass`] and nothing is scheduled. The
    /// driver restarts the nodes that are down and corrects the clocks.
    pub fn end_all(&mut self) {
        self.entries.clear();
        self.active.clear();
        self.stale_at = SimTime::MAX;
        self.next = None;
    }

    fn first_due(&self) -> Option<SimTime> {
        self.entries.iter().filter_map(|entry| entry.fault.next()).min()
    }

    fn refresh(&mut self, now: SimTime) {
        let windows = || self.entries.iter().map(|entry| entry.fault.window());
        self.stale_at = windows()
            .flat_map(|window| [window.from, window.until])
            .filter(|boundary| *boundary > now)
            .min()
            .unwrap_or(SimTime::MAX);
        let active: Vec<usize> =
            windows().enumerate().filter(|(_, w)| w.contains(now)).map(|(i, _)| i).collect();
        self.active = active;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{FaultInfo, Window};
    use crate::place::NodeId;

    /// Draws its verdict, inside a window of one second.
    struct Coin(u64);

    impl Fault for Coin {
        fn info(&self) -> FaultInfo {
            FaultInfo {
                name: "coin",
                doc: "Drops every second message of one second.",
                hinders: true,
            }
        }
        fn window(&self) -> Window {
            Window { from: SimTime::from_secs(self.0), until: SimTime::from_secs(self.0 + 1) }
        }
        fn message(&mut self, _: &Envelope, _: &Topology, stream: &mut Stream) -> Verdict {
            if stream.chance(0.5) { Verdict::Drop } else { Verdict::Delay(Duration::from_secs(1)) }
        }
    }

    fn judge(faults: &mut Faults, ordinal: u64, at: u64) -> Judgement {
        let topology = Topology::new(["us-east-1"]).unwrap();
        let (from, to, sent_at) = (NodeId(0), NodeId(1), SimTime::from_secs(at));
        let nominal = Duration::ZERO;
        faults.judge(&Envelope { from, to, size: 0, sent_at, ordinal, nominal }, &topology)
    }

    #[test]
    fn removing_a_fault_leaves_the_draws_of_the_others() {
        let mut both = Faults::new(Seed(1))
            .with(FaultId(0), Box::new(Coin(5)))
            .with(FaultId(1), Box::new(Coin(3)));
        let mut one = Faults::new(Seed(1)).with(FaultId(1), Box::new(Coin(3)));
        let verdicts: Vec<Judgement> = (0..64).map(|n| judge(&mut one, n, 3)).collect();
        assert!((0..64).all(|n| judge(&mut both, n, 3) == verdicts[usize::try_from(n).unwrap()]));
        assert!((20..44).contains(&verdicts.iter().filter(|verdict| verdict.dropped).count()));
    }

    #[test]
    fn only_active_faults_are_asked_and_delays_add() {
        let mut faults = Faults::new(Seed(1))
            .with(FaultId(0), Box::new(Coin(3)))
            .with(FaultId(1), Box::new(Coin(3)));
        assert_eq!(judge(&mut faults, 0, 2), Judgement::default());
        let longest = (0..64).map(|n| judge(&mut faults, n, 3).delay).max().unwrap();
        assert_eq!(longest, Duration::from_secs(2));
        assert_eq!(judge(&mut faults, 0, 4), Judgement::default());
    }

    #[test]
    fn after_the_end_everything_passes() {
        let mut faults = Faults::new(Seed(1)).with(FaultId(0), Box::new(Coin(0)));
        assert_ne!(judge(&mut faults, 0, 0), Judgement::default());
        faults.end_all();
        assert_eq!(judge(&mut faults, 0, 0), Judgement::default());
        assert_eq!(faults.next(), None);
    }
}
