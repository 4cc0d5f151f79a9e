//! How many empty messages a CPU second carries: a ring of nodes passing tokens, so that nothing is
//! measured but the driver, its timers and the network.

use std::hint::black_box;
use std::ops::ControlFlow;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sim::clock::SimTime;
use sim::driver::{Input, Node, Now, Outbox, Plan, Recorder, Watcher, World, run};
use sim::fault::{FaultId, Faults, Window, region_partition};
use sim::net::matrix::AWS_2026_APPROX;
use sim::net::{Network, NetworkParameters};
use sim::place::{NodeId, RegionIndex, Role, Topology, ZoneIndex};
use sim::random::Seed;

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-northeast-1"];
const MESSAGES: u64 = 200_000;
const TOKENS_PER_NODE: u16 = 20;

/// Passes every token on to the node `stride` further.
struct Ring {
    nodes: u16,
    stride: u16,
    budget: u64,
}

impl Ring {
    fn pass(&mut self, me: NodeId, out: &mut Outbox<(), ()>) {
        if self.budget > 0 {
            self.budget -= 1;
            self.stride = self.stride % (self.nodes - 1) + 1;
            out.send(NodeId((me.0 + self.stride) % self.nodes), (), 64);
        }
    }
}

impl Node for Ring {
    type Message = ();
    type Event = ();

    fn handle(&mut self, now: Now, input: Input<()>, out: &mut Outbox<(), ()>) {
        let tokens = if matches!(input, Input::Start) { TOKENS_PER_NODE } else { 1 };
        (0..tokens).for_each(|_| self.pass(now.node, out));
    }

    fn crash(&mut self) {}
}

struct Nobody;

impl Recorder<()> for Nobody {
    fn record(&mut self, _: SimTime, _: NodeId, (): ()) {}
}

impl<M> Watcher<M> for Nobody {}

fn messages(nodes_per_region: u16, faults: Faults) -> u64 {
    let seed = Seed(1);
    let mut topology = Topology::new(REGIONS).expect("three Regions are few");
    for node in 0..nodes_per_region * 3 {
        let region = RegionIndex(u8::try_from(node % 3).expect("below 3"));
        let zone = ZoneIndex(u8::try_from(node / 3 % 3).expect("below 3"));
        topology.add(region, zone, Role::ApiHost).expect("few nodes");
    }
    let nodes = nodes_per_region * 3;
    let network = Network::new(seed, &topology, &AWS_2026_APPROX, NetworkParameters::default());
    let world = World { topology, network, faults, recorder: &mut Nobody };
    let budget = MESSAGES / u64::from(nodes);
    let build = || (0..nodes).map(|stride| Ring { nodes, stride, budget }).collect();
    let summary = run(&Plan::new(seed, SimTime::MAX), world, build, |_| ControlFlow::Continue(()));
    let messages = summary.expect("nothing fails here").messages;
    assert_eq!(messages, budget * u64::from(nodes));
    messages
}

/// A fault that is asked about every message and lets it pass: it cuts off a Region without nodes.
fn cut() -> Faults {
    let partition = region_partition::RegionPartition {
        window: Window::ALWAYS,
        region: RegionIndex(200),
        direction: region_partition::Direction::Both,
    };
    Faults::new(Seed(1)).with(FaultId(0), Box::new(partition))
}

fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("driver");
    group.throughput(Throughput::Elements(MESSAGES)).sample_size(10);
    group.bench_function("empty messages, 3 Regions of 5", |b| {
        b.iter(|| black_box(messages(5, Faults::new(Seed(1)))));
    });
    group.bench_function("empty messages, 3 Regions of 15", |b| {
        b.iter(|| black_box(messages(15, Faults::new(Seed(1)))));
    });
    group.bench_function("empty messages, 3 Regions of 15, one fault asked", |b| {
        b.iter(|| black_box(messages(15, cut())));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
