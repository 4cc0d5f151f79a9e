//! The simulated KMS against the ground it stands on.
//!
//! - `quickstart` against `empty messages`: the same topology, network and faults, the same number of
//!   messages, but nodes that only pass them on. The ratio of the two is the cost of the KMS.
//! - `thirty days`: forty-eight keys and the daily domain-key rotation, with next to no load.
//! - `memory`: resident memory over a thousand runs in this one process.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kms_core::crypto::RustCrypto;
use scenarios::Scenario;
use sim::clock::SimTime;
use sim::driver::{self, Input, Node, Now, Outbox, Plan, Recorder};
use sim::history::History;
use sim::place::NodeId;
use sim::random::Seed;
use sim::run::run;
use sim::world::World;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

const QUICKSTART: &str = include_str!("../../scenarios/quickstart.toml");

const THIRTY_DAYS: &str = r#"
schema = 1
description = "Thirty days without a caller."
[topology]
regions = ["us-east-1", "eu-west-1", "ap-northeast-1"]
[keys]
symmetric = 12
multi_region = 4
rotation = "90d"
[[phase]]
name = "quiet"
duration = "30d"
[[phase.workload]]
kind = "rotation"
clients = 1
arrivals = { kind = "constant", per_second = 0.00001 }
"#;

const SMALL: &str = r#"
schema = 1
description = "A second of a small world."
[topology]
regions = ["us-east-1"]
[keys]
symmetric = 3
[[phase]]
name = "load"
duration = "1s"
[[phase.workload]]
kind = "encrypt-decrypt"
clients = 4
arrivals = { kind = "constant", per_second = 100 }
[calm]
duration = "2s"
"#;

fn scenario(name: &str, text: &str) -> Scenario {
    match Scenario::parse(name, text, &[], &sim::vocabulary::vocabulary()) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{error}"),
    }
}

/// The world alone: set-up is not counted, and nobody judges.
fn world_alone(scenario: &Scenario) -> (Duration, u64) {
    let mut history = History::default();
    let world = World::new(scenario, Seed(1), Arc::new(RustCrypto), &mut history).expect("a world");
    let ground = driver::World {
        topology: world.topology.clone(),
        network: world.network().expect("a network"),
        faults: world.faults(),
        recorder: &mut history,
    };
    let plan = Plan { calm_at: Some(world.calm_at), ..Plan::new(Seed(1), world.ends_at) };
    let began = cpu_time();
    let nodes = move || world.nodes();
    let summary = driver::run(&plan, ground, nodes, |_| ControlFlow::Continue(())).expect("a run");
    (cpu_time() - began, summary.messages)
}

/// Passes every message on, to a node that its own number and the message's choose.
struct Empty {
    nodes: u16,
}

#[derive(Clone)]
struct Hop(u32);

impl Node for Empty {
    type Message = Hop;
    type Event = ();

    fn handle(&mut self, now: Now, input: Input<Hop>, out: &mut Outbox<Hop, ()>) {
        let hops = match input {
            Input::Start => 0,
            Input::Message { body: Hop(hops), .. } => hops,
            _ => return,
        };
        let step = u16::try_from(hops % 7).unwrap_or(0) + 1;
        let to = NodeId((now.node.0 + step) % self.nodes);
        out.send(to, Hop(hops + 1), 64);
    }

    fn crash(&mut self) {}
}

struct Nobody;

impl Recorder<()> for Nobody {
    fn record(&mut self, _: SimTime, _: NodeId, (): ()) {}
}

/// As many empty messages through the same topology, network and faults.
fn empty_messages(scenario: &Scenario, count: u64) -> Duration {
    let mut history = History::default();
    let world = World::new(scenario, Seed(1), Arc::new(RustCrypto), &mut history).expect("a world");
    let nodes = u16::try_from(world.topology.len()).expect("a small world");
    let ground = driver::World {
        topology: world.topology.clone(),
        network: world.network().expect("a network"),
        faults: world.faults(),
        recorder: &mut Nobody,
    };
    let plan = Plan {
        progress_every: Some(Duration::from_millis(100)),
        ..Plan::new(Seed(1), SimTime::from_secs(1_000_000))
    };
    let began = cpu_time();
    let make = move || (0..nodes).map(|_| Empty { nodes }).collect();
    let enough = |progress: &driver::Progress| match progress.messages >= count {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let summary = driver::run(&plan, ground, make, enough).expect("a run");
    let spent = cpu_time() - began;
    spent.mul_f64(count as f64 / summary.messages.max(1) as f64)
}

/// What this process has used of processors, all threads together.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok());
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Duration::from_millis((user + system) * 10),
        _ => Duration::ZERO,
    }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn ratio() {
    let quickstart = scenario("quickstart", QUICKSTART);
    let rounds = 5;
    let (mut world, mut empty, mut messages) = (Duration::ZERO, Duration::ZERO, 0);
    for _ in 0..rounds {
        let (spent, count) = world_alone(&quickstart);
        world += spent;
        empty += empty_messages(&quickstart, count);
        messages += count;
    }
    let rate = |spent: Duration| messages as f64 / spent.as_secs_f64().max(1e-9);
    println!(
        "quickstart: {:.0} messages per CPU-second, empty: {:.0}, ratio {:.2}",
        rate(world),
        rate(empty),
        rate(world) / rate(empty)
    );
}

#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn memory() {
    let small = scenario("small", SMALL);
    let one = |seed| {
        let run = run(&small, Seed(seed), Arc::new(RustCrypto), |_| ControlFlow::Continue(()));
        black_box(run.expect("a run").history.digest());
    };
    (0..100).for_each(one);
    let before = resident_kib();
    (100..1_100).for_each(one);
    let after = resident_kib();
    println!("memory after 100 runs {before} KiB, after 1,100 runs {after} KiB");
}

fn benches(criterion: &mut Criterion) {
    ratio();
    memory();
    let quickstart = scenario("quickstart", QUICKSTART);
    let (_, messages) = world_alone(&quickstart);
    let mut group = criterion.benchmark_group("world");
    group.sample_size(10).throughput(Throughput::Elements(messages));
    group.bench_function("quickstart", |bencher| {
        bencher.iter(|| black_box(world_alone(&quickstart)));
    });
    group.bench_function("empty messages", |bencher| {
        bencher.iter(|| black_box(empty_messages(&quickstart, messages)));
    });
    group.finish();
    let quiet = scenario("thirty-days", THIRTY_DAYS);
    let mut group = criterion.benchmark_group("time");
    group.sample_size(10);
    group.bench_function("thirty days, 48 keys", |bencher| {
        bencher.iter(|| black_box(world_alone(&quiet)));
    });
    group.finish();
}

criterion_group!(world, benches);
criterion_main!(world);
