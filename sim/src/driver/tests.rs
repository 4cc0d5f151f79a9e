//! The driver as its users see it: small worlds of scripted nodes.
//!
//! This file holds the script and what makes a seed a seed; the rest is in files by subject.

mod clocks;
mod ending;
mod faults;
mod watch;

use super::*;
use crate::clock::{ClockChange, START_MICROS};
use crate::fault::region_partition::{Direction, RegionPartition};
use crate::fault::{Fault, FaultId, FaultInfo, Window, clock_skew};
use crate::net::NetworkParameters;
use crate::net::matrix::AWS_2026_APPROX;
use crate::place::{RegionIndex, Role, Selector, ZoneIndex};
use crate::random::Stream;

/// What a scripted node saw.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Start(Now),
    Message(NodeId, u32),
    Garbled(NodeId),
    Timer(Now, u64),
    Acted(NodeAction),
}

type Log = Vec<(SimTime, NodeId, Seen)>;

impl Recorder<Seen> for Log {
    fn record(&mut self, at: SimTime, from: NodeId, event: Seen) {
        self.push((at, from, event));
    }
    fn acted(&mut self, at: SimTime, action: NodeAction) {
        self.push((at, NodeId(u16::MAX), Seen::Acted(action)));
    }
}

impl Watcher<u32> for Log {}

/// Records what it sees and hands it to a script.
struct Actor<F> {
    crashes: u32,
    script: F,
}

type Out = Outbox<u32, Seen>;

impl<F: FnMut(&Now, &Input<u32>, u32, &mut Out)> Node for Actor<F> {
    type Message = u32;
    type Event = Seen;

    fn handle(&mut self, now: Now, input: Input<u32>, out: &mut Out) {
        out.record(match &input {
            Input::Start => Seen::Start(now),
            Input::Message { from, body } => Seen::Message(*from, *body),
            Input::Garbled { from } => Seen::Garbled(*from),
            Input::Timer(token) => Seen::Timer(now, *token),
            Input::Ail(ailment) => Seen::Acted(NodeAction::Ail(now.node, *ailment)),
            Input::Heal(ailment) => Seen::Acted(NodeAction::Heal(now.node, *ailment)),
        });
        (self.script)(&now, &input, self.crashes, out);
    }

    fn crash(&mut self) {
        self.crashes += 1;
    }
}

/// Acts on nodes at given times.
struct Script(Vec<(SimTime, NodeAction)>);

impl Fault for Script {
    fn info(&self) -> FaultInfo {
        FaultInfo { name: "script", doc: "Does what a test says.", hinders: true }
    }
    fn window(&self) -> Window {
        Window::ALWAYS
    }
    fn next(&self) -> Option<SimTime> {
        self.0.first().map(|(at, _)| *at)
    }
    fn act(&mut self, now: SimTime, _: &Topology, _: &mut Stream) -> Vec<NodeAction> {
        let (due, later): (Vec<_>, Vec<_>) = self.0.iter().partition(|(at, _)| *at <= now);
        self.0 = later;
        due.into_iter().map(|(_, action)| action).collect()
    }
}

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

fn secs(n: u64) -> SimTime {
    SimTime::from_secs(n)
}

/// Two Regions, and in each as many nodes as asked for, alternating.
fn topology(nodes: u16, role: Role) -> Topology {
    let mut topology = Topology::new(["us-east-1", "eu-west-1"]).unwrap();
    for node in 0..nodes {
        let region = RegionIndex(u8::from(node % 2 == 1));
        topology.add(region, ZoneIndex(0), role).unwrap();
    }
    topology
}

/// Runs `nodes` actors of one script.
fn play<F>(
    plan: &Plan,
    nodes: u16,
    faults: Vec<Box<dyn Fault>>,
    parameters: NetworkParameters,
    script: F,
) -> (Result<Summary, RunError>, Log)
where
    F: FnMut(&Now, &Input<u32>, u32, &mut Out) + Clone + Send + 'static,
{
    let topology = topology(nodes, Role::Client);
    let network = Network::new(plan.seed, &topology, &AWS_2026_APPROX, parameters);
    let faults = (0..).map(FaultId).zip(faults);
    let faults = faults.fold(Faults::new(plan.seed), |all, (id, fault)| all.with(id, fault));
    let mut log = Log::new();
    let world = World { topology, network, faults, recorder: &mut log };
    let build = move || (0..nodes).map(|_| Actor { crashes: 0, script: script.clone() }).collect();
    let result = run(plan, world, build, |_| ControlFlow::Continue(()));
    (result, log)
}

fn plan(seed: u64) -> Plan {
    Plan::new(Seed(seed), secs(100))
}

/// The messages that a node saw.
fn messages(log: &Log, at: NodeId) -> Vec<u32> {
    let of_node = log.iter().filter(|(_, node, _)| *node == at);
    of_node
        .filter_map(|(.., seen)| if let Seen::Message(_, n) = seen { Some(*n) } else { None })
        .collect()
}

/// The timers that a node saw: when by true time, what its clock showed, and the token.
fn timers(log: &Log, at: NodeId) -> Vec<(SimTime, u64, u64)> {
    let seen = log.iter().filter(|(_, node, _)| *node == at);
    seen.filter_map(|(.., seen)| match seen {
        Seen::Timer(now, token) => Some((now.monotonic, now.wall_micros - START_MICROS, *token)),
        _ => None,
    })
    .collect()
}

/// A gossip among ten nodes with timers, jitter, loss and duplication.
fn gossip(seed: u64) -> (Result<Summary, RunError>, Log) {
    let parameters = NetworkParameters { loss: 0.05, duplication: 0.05, ..Default::default() };
    play(
        &Plan { grain: Duration::from_micros(50), ..plan(seed) },
        10,
        vec![],
        parameters,
        |now, input, _, out| {
            let next = NodeId((now.node.0 + 3) % 10);
            match input {
                Input::Start => (0..5).for_each(|n| out.after(Duration::from_millis(n * 7), n)),
                Input::Timer(n) => out.send(next, u32::try_from(*n).unwrap(), 100),
                Input::Message { body, .. } if *body < 60 => out.send(next, body + 5, 100),
                _ => {}
            }
        },
    )
}

#[test]
fn a_seed_is_a_sequence_of_events() {
    let (first, log) = gossip(1);
    assert_eq!(first.as_ref().unwrap().stop, Stop::Quiescent);
    assert!(log.len() > 300, "{}", log.len());
    assert_eq!((&first, &log), (&gossip(1).0, &gossip(1).1));
    let (_, other) = gossip(2);
    assert_ne!(log, other);
}

#[test]
fn the_seed_chooses_among_what_is_due_together() {
    let starts =
        |seed| -> Vec<NodeId> { gossip(seed).1[..10].iter().map(|(_, node, _)| *node).collect() };
    let order = starts(1);
    let mut sorted = order.clone();
    sorted.sort();
    assert_eq!(sorted, (0..10).map(NodeId).collect::<Vec<_>>());
    assert!((2..20).any(|seed| starts(seed) != order));
}

/// The digest was taken from another process. It changes when the order of draws, the network or
/// the scheduler changes, and then every regression seed has to be looked at again.
#[test]
fn a_seed_is_the_same_history_in_every_process() {
    let text = format!("{:?}", gossip(1));
    let digest = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    assert_eq!(digest, 0xc8d6_4fa2_d660_b527, "{digest:#x}");
}
