//! Whose call is next: the clients that one thread plays, by their intended starts.

use crate::shape::per_second;
use crate::upkeep::Made;
use kms_core::Result;
use kms_core::crypto::RustCrypto;
use kms_core::ops::Response;
use scenarios::{Generator, KeyBook, Moment, Planned};
use sim::client::{Clock, Starts, call_draw};
use sim::clock::SimTime;
use sim::place::NodeId;
use sim::random::Seed;
use sim::stage::Player;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

/// How many starts that are left are counted one by one.
const MOST_COUNTED: u64 = 1_000_000;

/// An intended start of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Start {
    /// When, since the run began.
    pub at: Duration,
    client: usize,
    share: usize,
}

/// Clients, and their next starts in order.
pub struct Rota {
    seed: Seed,
    book: Arc<KeyBook>,
    clients: Vec<Client>,
    next: BinaryHeap<Reverse<Start>>,
}

struct Client {
    node: NodeId,
    calls: u64,
    shares: Vec<Share>,
}

struct Share {
    /// Starts a second on average, where they are not a list.
    rate: Option<f64>,
    /// When the phase ends.
    until: Duration,
    clock: Clock,
    generator: Box<dyn Generator>,
    made: Made,
}

impl Rota {
    /// The rota of these clients.
    pub fn new(seed: Seed, book: Arc<KeyBook>, players: Vec<Player>) -> Rota {
        let client = |Player { node, shares }| Client {
            node,
            calls: 0,
            shares: (0..)
                .zip(shares)
                .map(|(number, share)| {
                    let rate = match &share.starts {
                        Starts::Arrivals(arrivals, _) => Some(per_second(arrivals)),
                        Starts::Listed(_) => None,
                    };
                    let until = share.until.since(SimTime::ZERO);
                    let (clock, generator) = share.begin(seed, node, number);
                    Share { rate, until, clock, generator, made: Made::default() }
                })
                .collect(),
        };
        let clients = players.into_iter().map(client).collect();
        let mut rota = Rota { seed, book, clients, next: BinaryHeap::new() };
        for client in 0..rota.clients.len() {
            for share in 0..rota.clients[client].shares.len() {
                rota.arm(client, share);
            }
        }
        rota
    }

    /// When the next call is meant to start.
    pub fn due(&self) -> Option<Duration> {
        self.next.peek().map(|next| next.0.at)
    }

    /// Takes the next start off the rota.
    pub fn take(&mut self) -> Option<Start> {
        let Reverse(start) = self.next.pop()?;
        self.clients[start.client].shares[start.share].clock.advance();
        self.arm(start.client, start.share);
        Some(start)
    }

    /// What the client of a start asks.
    pub fn plan(&mut self, start: Start) -> Planned {
        let client = &mut self.clients[start.client];
        let mut draw = call_draw(self.seed, client.node, client.calls);
        client.calls += 1;
        let generator = &mut client.shares[start.share].generator;
        generator.next(&mut Moment {
            now: start.at,
            book: &self.book,
            draw: &mut draw,
            backend: &RustCrypto,
        })
    }

    /// Tells the client how its call ended; in a closed loop that is when its next start is known. The
    /// requests part with what was made for the client and that it does not remember.
    pub fn ended(
        &mut self,
        start: Start,
        at: Duration,
        planned: &Planned,
        result: &Result<Response>,
    ) -> Vec<Planned> {
        let Share { clock, generator, made, .. } =
            &mut self.clients[start.client].shares[start.share];
        generator.learn(planned, result);
        let parting = made.learn(planned, result);
        if clock.ended(SimTime::ZERO.after(at)) {
            self.arm(start.client, start.share);
        }
        parting
    }

    /// Ends the rota: how many starts were due until then and are still on it. Those of a closed loop that
    /// are not known yet are none. A million of them are counted one by one, and what is more than that by
    /// the mean rate of the arrivals: a load that is broken off at a high rate ends at once.
    pub fn left(&mut self, until: Duration) -> u64 {
        self.next.clear();
        let mut budget = MOST_COUNTED;
        let shares = self.clients.iter_mut().flat_map(|client| &mut client.shares);
        shares.map(|share| share.left(until, &mut budget)).sum()
    }

    fn arm(&mut self, client: usize, share: usize) {
        if let Some(at) = self.clients[client].shares[share].next() {
            self.next.push(Reverse(Start { at, client, share }));
        }
    }
}

impl Share {
    /// The next start, since the run began.
    fn next(&self) -> Option<Duration> {
        self.clock.next().map(|at| at.since(SimTime::ZERO))
    }

    /// How many starts there are until then, of which at most `budget` are counted one by one.
    fn left(&mut self, until: Duration, budget: &mut u64) -> u64 {
        let mut left = 0;
        while let Some(at) = self.next().filter(|at| *at <= until) {
            if let Some(rate) = self.rate.filter(|_| *budget == 0) {
                let rest = until.min(self.until).saturating_sub(at);
                return left + whole(rest.as_secs_f64() * rate) + 1;
            }
            self.clock.advance();
            *budget = budget.saturating_sub(1);
            left += 1;
        }
        left
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturation is meant")]
fn whole(number: f64) -> u64 {
    number as u64
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use kms_core::crypto::{CryptoBackend, RustCrypto};
    use sim::history::{Event, History};
    use sim::stage::{Stage, players};
    use std::collections::BTreeMap;
    use std::ops::ControlFlow;

    const LOAD: &str = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1', 'eu-west-1']\n\
        keys.symmetric = 2\ncalm.duration = '1s'\n[[phase]]\nname = 'a'\nduration = '3s'\n\
        [[phase.workload]]\nkind = 'envelope-encryption'\nclients = 5\n\
        arrivals = { kind = 'poisson', per_second = 40 }\n[[phase.workload]]\n\
        kind = 'key-creation'\narrivals = { kind = 'bursts', per_second = 1, burst = 3, every = '1s' }\n";

    fn scenario(text: &str) -> scenarios::Scenario {
        scenarios::Scenario::parse("x.toml", text, &[], &sim::vocabulary::vocabulary()).unwrap()
    }

    /// The rota of all the clients of a scenario.
    pub(crate) fn of_text(text: &str, seed: u64) -> Rota {
        let (scenario, seed) = (scenario(text), Seed(seed));
        let backend: Arc<dyn CryptoBackend> = Arc::new(RustCrypto);
        let stage = Stage::set(&scenario, seed, &backend).unwrap();
        let players = players(&scenario, &stage.book).unwrap();
        Rota::new(seed, stage.book, players)
    }

    /// The intended starts of every node.
    fn starts(seed: u64) -> BTreeMap<NodeId, Vec<u64>> {
        let mut rota = of_text(LOAD, seed);
        let mut starts: BTreeMap<NodeId, Vec<u64>> = BTreeMap::new();
        while let Some(start) = rota.take() {
            let node = rota.clients[start.client].node;
            let nanos = u64::try_from(start.at.as_nanos()).unwrap();
            starts.entry(node).or_default().push(nanos);
        }
        starts
    }

    /// When clients began their calls in a simulation, by node.
    fn simulated(seed: u64) -> BTreeMap<NodeId, Vec<u64>> {
        let backend: Arc<dyn CryptoBackend> = Arc::new(RustCrypto);
        let run =
            sim::run::run(&scenario(LOAD), Seed(seed), backend, |_| ControlFlow::Continue(()));
        let history: History = run.unwrap().history;
        let ends = SimTime::ZERO.after(scenario(LOAD).storm());
        let mut starts: BTreeMap<NodeId, Vec<u64>> = BTreeMap::new();
        for record in history.records() {
            if let Event::Called { attempt: 1, .. } = record.event
                && record.node != NodeId(u16::MAX)
                && record.at < ends
            {
                starts.entry(record.node).or_default().push(record.at.nanos());
            }
        }
        starts
    }

    #[test]
    fn only_what_was_due_is_left() {
        let mut rota = of_text(LOAD, 7);
        let until = Duration::from_secs(1);
        let due = |at: &&u64| **at <= 1_000_000_000;
        let expected: usize = starts(7).values().map(|all| all.iter().filter(due).count()).sum();
        assert!(expected > 10);
        assert_eq!(rota.left(until), expected as u64);
        assert_eq!(rota.due(), None);
    }

    /// A load of an hour at the highest rate that was broken off counted three thousand million starts, one
    /// by one, before it ended.
    #[test]
    fn what_is_left_of_a_high_rate_is_known_at_once() {
        let text = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\nkeys.symmetric = 1\n\
            [[phase]]\nname = 'a'\nduration = '1h'\n[[phase.workload]]\nkind = 'encrypt-decrypt'\n\
            clients = 4\narrivals = { kind = 'constant', per_second = 1e6 }\n[[phase.workload]]\n\
            kind = 'encrypt-decrypt'\narrivals = { kind = 'poisson', per_second = 1e6 }\n";
        let mut rota = of_text(text, 7);
        let began = std::time::Instant::now();
        let left = rota.left(Duration::from_secs(2 * 3_600)) as f64;
        assert!((left / 7.2e9 - 1.0).abs() < 1e-6, "{left}");
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    }

    #[test]
    fn a_load_starts_its_calls_when_the_simulation_does() {
        let (intended, simulated) = (starts(7), simulated(7));
        assert!(intended.values().map(Vec::len).sum::<usize>() > 100, "{intended:?}");
        for (node, intended) in &intended {
            let simulated = &simulated[node];
            assert_eq!(intended.len(), simulated.len(), "{node:?}");
            // The simulation's timers go off at the next microsecond.
            let on_time = |(at, began): (&u64, &u64)| (*at..=at + 1_000).contains(began);
            assert!(intended.iter().zip(simulated).all(on_time), "{intended:?} {simulated:?}");
        }
        assert_ne!(starts(8), intended);
    }
}
