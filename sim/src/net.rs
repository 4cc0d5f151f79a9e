//! How long a message takes, and whether it arrives at all.
//!
//! Latency is half of the round trip between Regions, or a short time within one, plus an
//! exponential jitter. Messages overtake one another because of the jitter: nothing here keeps them
//! in order, as with separate connections. Each message draws from a stream named by its link and
//! its number on that link, so removing one message changes no other.
//!
//! Faults are asked before the network; a cut link, in one direction or both, is a fault that drops
//! ([`crate::fault::region_partition`]).

pub mod matrix;

use std::time::Duration;

use crate::clock::{SimTime, from_nanos_f64, nanos};
use crate::fault::Judgement;
use crate::net::matrix::RoundTripMatrix;
use crate::place::{NodeId, Topology};
use crate::random::{Name, Seed, Site, Stream};

/// What the network is like between and within Regions. All figures are modelled.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkParameters {
    /// One way between two nodes of a zone.
    pub same_zone: Duration,
    /// One way between two zones of a Region.
    pub cross_zone: Duration,
    /// From a node to itself.
    pub loopback: Duration,
    /// Mean of the exponential jitter, as a share of the latency.
    pub jitter: f64,
    /// The probability that a message is lost.
    pub loss: f64,
    /// The probability that a message arrives twice.
    pub duplication: f64,
    /// Bytes per second that each directed link carries; unlimited when `None`.
    pub bandwidth: Option<u64>,
}

impl Default for NetworkParameters {
    /// A healthy cloud network: no loss, no duplication, 5 % jitter.
    fn default() -> Self {
        Self {
            same_zone: Duration::from_micros(100),
            cross_zone: Duration::from_micros(400),
            loopback: Duration::from_micros(10),
            jitter: 0.05,
            loss: 0.0,
            duplication: 0.0,
            bandwidth: None,
        }
    }
}

/// The outside of a message: all that faults and the network see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who sent it.
    pub from: NodeId,
    /// Who shall get it.
    pub to: NodeId,
    /// Its size in bytes.
    pub size: u32,
    /// When it was sent.
    pub sent_at: SimTime,
    /// Its number on the link `from` → `to`, from 0.
    pub ordinal: u64,
    /// What the link takes without jitter.
    pub nominal: Duration,
}

/// In what state a message arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// As it was sent.
    Intact,
    /// Damaged: its authentication fails and the receiver learns only who the peer was.
    Garbled,
}

/// One arrival of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How long after it was sent.
    pub delay: Duration,
    /// In what state.
    pub content: Content,
}

/// The arrivals of a message: none, one or two.
pub type Deliveries = [Option<Delivery>; 2];

/// The network of one run.
#[derive(Clone, Debug)]
pub struct Network {
    parameters: NetworkParameters,
    name: Name,
    places: Vec<(usize, u8)>,
    regions: usize,
    one_way: Vec<Duration>,
    sent: Vec<u64>,
    free_at: Vec<u64>,
}

const SITE: Site = Site::new("network");

impl Network {
    /// A network between the places of a topology.
    pub fn new(
        seed: Seed,
        topology: &Topology,
        matrix: &RoundTripMatrix,
        parameters: NetworkParameters,
    ) -> Self {
        let names: Vec<&str> = topology.regions().map(|(_, name)| name).collect();
        let pairs = names.iter().flat_map(|a| names.iter().map(move |b| (a, b)));
        let links = topology.len() * topology.len();
        Self {
            name: Name::new(seed, SITE),
            places: topology
                .nodes()
                .map(|(_, place)| (usize::from(place.region.0), place.zone.0))
                .collect(),
            regions: names.len(),
            one_way: pairs.map(|(a, b)| matrix.round_trip(a, b) / 2).collect(),
            sent: vec![0; links],
            free_at: vec![0; if parameters.bandwidth.is_some() { links } else { 0 }],
            parameters,
        }
    }

    /// Closes a message: numbers it on its link.
    #[inline]
    pub fn envelope(&mut self, from: NodeId, to: NodeId, size: u32, sent_at: SimTime) -> Envelope {
        let link = self.link(from, to);
        let ordinal = self.sent[link];
        self.sent[link] += 1;
        Envelope { from, to, size, sent_at, ordinal, nominal: self.nominal(from, to) }
    }

    /// When the message arrives, after the faults have been asked.
    #[inline]
    pub fn route(&mut self, envelope: &Envelope, judgement: &Judgement) -> Deliveries {
        let queued = self.transmit(envelope);
        if judgement.dropped {
            return [None, None];
        }
        let mut stream =
            Stream::named(self.name.link(envelope.from, envelope.to).ordinal(envelope.ordinal));
        let lost = stream.chance(self.parameters.loss);
        let twice = stream.chance(self.parameters.duplication) || judgement.duplicated;
        let delay = queued + judgement.delay + envelope.nominal;
        let content = if judgement.corrupted { Content::Garbled } else { Content::Intact };
        let mut arrival = |happens: bool| {
            happens.then(|| Delivery { delay: delay + self.jitter(envelope, &mut stream), content })
        };
        [arrival(!lost), arrival(twice)]
    }

    /// One way without jitter.
    pub fn nominal(&self, from: NodeId, to: NodeId) -> Duration {
        let ((region, zone), (to_region, to_zone)) =
            (self.places[from.index()], self.places[to.index()]);
        if from == to {
            self.parameters.loopback
        } else if region != to_region {
            self.one_way[region * self.regions + to_region]
        } else if zone != to_zone {
            self.parameters.cross_zone
        } else {
            self.parameters.same_zone
        }
    }

    fn link(&self, from: NodeId, to: NodeId) -> usize {
        from.index() * self.places.len() + to.index()
    }

    fn jitter(&self, envelope: &Envelope, stream: &mut Stream) -> Duration {
        let mean = nanos(envelope.nominal) as f64 * self.parameters.jitter;
        from_nanos_f64(stream.exponential(mean))
    }

    /// Waiting for the link to be free, and putting the bytes on it.
    fn transmit(&mut self, envelope: &Envelope) -> Duration {
        let Some(bandwidth) = self.parameters.bandwidth else {
            return Duration::ZERO;
        };
        let link = self.link(envelope.from, envelope.to);
        let takes = u64::from(envelope.size).saturating_mul(1_000_000_000) / bandwidth.max(1);
        let start = self.free_at[link].max(envelope.sent_at.nanos());
        self.free_at[link] = start.saturating_add(takes);
        SimTime::from_nanos(self.free_at[link]).since(envelope.sent_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::matrix::AWS_2026_APPROX;
    use crate::place::{RegionIndex, Role, ZoneIndex};

    const US: NodeId = NodeId(0);
    const US_OTHER_ZONE: NodeId = NodeId(1);
    const US_SAME_ZONE: NodeId = NodeId(2);
    const EU: NodeId = NodeId(3);

    fn network(parameters: NetworkParameters) -> Network {
        let mut topology = Topology::new(["us-east-1", "eu-west-1"]).unwrap();
        for (region, zone) in [(0, 0), (0, 1), (0, 0), (1, 0)] {
            topology.add(RegionIndex(region), ZoneIndex(zone), Role::ApiHost).unwrap();
        }
        Network::new(Seed(1), &topology, &AWS_2026_APPROX, parameters)
    }

    fn send(network: &mut Network, from: NodeId, to: NodeId) -> Deliveries {
        let envelope = network.envelope(from, to, 1_000, SimTime::from_secs(1));
        network.route(&envelope, &Judgement::default())
    }

    #[test]
    fn distance_decides_the_latency() {
        let steady = NetworkParameters { jitter: 0.0, ..NetworkParameters::default() };
        let mut network = network(steady);
        for (to, micros) in [(US, 10), (US_SAME_ZONE, 100), (US_OTHER_ZONE, 400), (EU, 34_000)] {
            let [first, second] = send(&mut network, US, to);
            assert_eq!(first.unwrap().delay, Duration::from_micros(micros));
            assert_eq!(second, None);
        }
    }

    #[test]
    fn jitter_delays_and_reorders() {
        let mut network = network(NetworkParameters::default());
        let delays: Vec<Duration> =
            (0..1000).map(|_| send(&mut network, US, EU)[0].unwrap().delay).collect();
        assert!(delays.iter().all(|delay| *delay >= Duration::from_millis(34)));
        assert!(delays.windows(2).any(|pair| pair[1] < pair[0]));
        let mean = delays.iter().sum::<Duration>() / 1000;
        assert!((35_500..35_900).contains(&mean.as_micros()), "{mean:?}");
    }

    #[test]
    fn one_link_does_not_move_another() {
        let mut quiet = network(NetworkParameters::default());
        let mut busy = network(NetworkParameters::default());
        for _ in 0..10 {
            send(&mut busy, US, US_OTHER_ZONE);
            send(&mut busy, EU, US);
        }
        assert_eq!(send(&mut quiet, US, EU), send(&mut busy, US, EU));
    }

    #[test]
    fn loss_and_duplication_happen_as_often_as_told() {
        let mut network =
            network(NetworkParameters { loss: 0.1, duplication: 0.2, ..Default::default() });
        let sent: Vec<Deliveries> = (0..10_000).map(|_| send(&mut network, US, EU)).collect();
        let lost = sent.iter().filter(|both| both[0].is_none()).count();
        let twice = sent.iter().filter(|both| both[1].is_some()).count();
        assert!((900..1_100).contains(&lost) && (1_850..2_150).contains(&twice), "{lost} {twice}");
    }

    #[test]
    fn a_busy_link_queues() {
        let limited =
            NetworkParameters { bandwidth: Some(1_000_000), jitter: 0.0, ..Default::default() };
        let mut network = network(limited);
        let first = send(&mut network, US, US_SAME_ZONE)[0].unwrap().delay;
        let second = send(&mut network, US, US_SAME_ZONE)[0].unwrap().delay;
        let other = send(&mut network, US_SAME_ZONE, US)[0].unwrap().delay;
        assert_eq!(first, Duration::from_micros(1_100));
        assert_eq!(second, Duration::from_micros(2_100));
        assert_eq!(other, first);
    }

    #[test]
    fn the_judgement_of_the_faults_is_carried_out() {
        let mut network = network(NetworkParameters { jitter: 0.0, ..Default::default() });
        let envelope = network.envelope(US, EU, 0, SimTime::ZERO);
        let dropped = Judgement { dropped: true, ..Judgement::default() };
        assert_eq!(network.route(&envelope, &dropped), [None, None]);
        let delay = Duration::from_secs(1);
        let worst = Judgement { duplicated: true, corrupted: true, delay, dropped: false };
        let late = Delivery { delay: envelope.nominal + delay, content: Content::Garbled };
        assert_eq!(network.route(&envelope, &worst), [Some(late), Some(late)]);
    }
}
