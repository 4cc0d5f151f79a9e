//! The simulated KMS against the ground it stands on, all in one run:
//!
//! - `bare mailboxes`: madsim alone; one task per node, a mailbox each, a sleep for each message.
//! - `empty messages`: our driver with the quickstart's topology, network and faults, and nodes that
//!   only pass messages on.
//! - `quickstart`: the KMS on that ground, with history and digest, without and with the oracles.
//! - `thirty days`: forty-eight keys and the daily domain-key rotation, with next to no load.
//! - `memory`: resident memory over a thousand runs in this one process.
//!
//! `cargo bench -p sim --bench world -- long` runs five million requests under all oracles instead, and
//! says how much memory that took.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kms_core::crypto::{AwsLc, CryptoBackend};
use scenarios::Scenario;
use sim::clock::SimTime;
use sim::driver::{self, Input, Node, Now, Outbox, Plan, Recorder, Watcher};
use sim::history::{Event, History, Keep};
use sim::place::NodeId;
use sim::random::Seed;
use sim::run::{run, run_keeping};
use sim::world::World;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
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

/// The backend that `sim run` takes by itself.
fn backend() -> Arc<dyn CryptoBackend> {
    Arc::new(AwsLc)
}

/// What a run took and did.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    spent: Duration,
    messages: u64,
    requests: u64,
}

impl Measured {
    fn add(&mut self, other: Measured) {
        self.spent += other.spent;
        self.messages += other.messages;
        self.requests += other.requests;
    }

    fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.spent.as_secs_f64().max(1e-9)
    }
}

/// Writes the history and counts the calls that ended.
struct Counting {
    history: History,
    requests: u64,
}

impl Recorder<Event> for Counting {
    fn record(&mut self, at: SimTime, from: NodeId, event: Event) {
        self.requests += u64::from(matches!(event, Event::Ended { .. }));
        self.history.push(at, from, event);
    }
}

impl<M> Watcher<M> for Counting {}

/// The world alone: set-up is not counted, and nobody judges.
fn world_alone(scenario: &Scenario) -> Measured {
    let mut history = History::default();
    let world = World::new(scenario, Seed(1), backend(), &mut history).expect("a world");
    let mut counting = Counting { history, requests: 0 };
    let ground = driver::World {
        topology: world.topology.clone(),
        network: world.network().expect("a network"),
        faults: world.faults(),
        recorder: &mut counting,
    };
    let plan = Plan { calm_at: Some(world.calm_at), ..Plan::new(Seed(1), world.ends_at) };
    let began = cpu_time();
    let nodes = move || world.nodes();
    let summary = driver::run(&plan, ground, nodes, |_| ControlFlow::Continue(())).expect("a run");
    let spent = cpu_time() - began;
    Measured { spent, messages: summary.messages, requests: counting.requests }
}

/// The same world with every oracle at work; set-up is measured by itself and taken off.
fn world_judged(scenario: &Scenario) -> Duration {
    let began = cpu_time();
    for _ in 0..4 {
        let mut history = History::default();
        black_box(World::new(scenario, Seed(1), backend(), &mut history).expect("a world"));
    }
    let set_up = (cpu_time() - began) / 4;
    let began = cpu_time();
    let run = run(scenario, Seed(1), backend(), |_| ControlFlow::Continue(())).expect("a run");
    let spent = cpu_time() - began;
    assert!(run.verdict.is_good(), "the quickstart passes");
    spent.saturating_sub(set_up)
}

/// The mailbox of a bare node.
#[derive(Default)]
struct Mailbox {
    waiting: RefCell<VecDeque<u64>>,
    waker: RefCell<Option<Waker>>,
}

impl Mailbox {
    fn put(&self, hops: u64) {
        self.waiting.borrow_mut().push_back(hops);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }

    async fn take(&self) -> u64 {
        poll_fn(|context| match self.waiting.borrow_mut().pop_front() {
            Some(hops) => Poll::Ready(hops),
            None => {
                *self.waker.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        })
        .await
    }
}

/// What madsim does by itself: so many nodes, each a task that takes a message out of its mailbox, sleeps
/// for the message's latency and puts it into the next one's.
#[expect(clippy::disallowed_methods, reason = "a run of madsim wants a thread of its own")]
fn bare_mailboxes(nodes: usize, messages: u64) -> Duration {
    let began = cpu_time();
    let bare = move || {
        let runtime = madsim::runtime::Runtime::with_seed_and_config(1, <_>::default());
        runtime.block_on(async move {
            let boxes: Rc<Vec<Mailbox>> = Rc::new((0..nodes).map(|_| Mailbox::default()).collect());
            let left = Rc::new(Cell::new(messages));
            let tasks: Vec<_> = (0..nodes).map(|node| bare_node(node, &boxes, &left)).collect();
            boxes.iter().for_each(|mailbox| mailbox.put(0));
            for task in tasks {
                drop(task.await);
            }
        });
    };
    std::thread::spawn(bare).join().expect("a bare run");
    cpu_time() - began
}

#[expect(clippy::disallowed_methods, reason = "what madsim does by itself is what is measured")]
fn bare_node(
    node: usize,
    boxes: &Rc<Vec<Mailbox>>,
    left: &Rc<Cell<u64>>,
) -> madsim::task::JoinHandle<()> {
    let (boxes, left) = (Rc::clone(boxes), Rc::clone(left));
    madsim::task::spawn_local(async move {
        while left.get() > 0 {
            let hops = boxes[node].take().await;
            madsim::time::sleep(Duration::from_millis(1 + hops % 50)).await;
            left.set(left.get().saturating_sub(1));
            let next = (node + 1 + usize::try_from(hops % 7).unwrap_or(0)) % boxes.len();
            boxes[next].put(hops + 1);
        }
        // Whoever still waits must see that it is over.
        boxes.iter().for_each(|mailbox| mailbox.put(0));
    })
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

impl<M> Watcher<M> for Nobody {}

/// As many empty messages through the same topology, network and faults.
fn empty_messages(scenario: &Scenario, count: u64) -> Duration {
    let mut history = History::default();
    let world = World::new(scenario, Seed(1), backend(), &mut history).expect("a world");
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
    status_kib("VmRSS:")
}

fn peak_kib() -> u64 {
    status_kib("VmHWM:")
}

fn status_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn ratios() {
    let quickstart = scenario("quickstart", QUICKSTART);
    let (mut world, mut judged) = (Measured::default(), Duration::ZERO);
    let (mut empty, mut bare) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..5 {
        let alone = world_alone(&quickstart);
        world.add(alone);
        judged += world_judged(&quickstart);
        empty += empty_messages(&quickstart, alone.messages);
        bare += bare_mailboxes(148, alone.messages);
    }
    let judged = Measured { spent: judged, ..world };
    let ground = |spent: Duration| Measured { spent, ..world }.per_second(world.messages);
    let (bare, empty) = (ground(bare), ground(empty));
    println!("bare madsim mailboxes:      {bare:9.0} messages per CPU-second");
    println!("empty messages, our driver: {empty:9.0} messages per CPU-second");
    for (name, of) in [("without oracles", world), ("with all oracles", judged)] {
        let messages = of.per_second(of.messages);
        println!(
            "quickstart {name:16}: {messages:9.0} messages, {:.0} requests per CPU-second; \
             {:.2} of empty messages, {:.2} of bare mailboxes",
            of.per_second(of.requests),
            messages / empty,
            messages / bare,
        );
    }
    println!(
        "a request takes {:.2} messages; oracles take {:.0} % of the judged run",
        world.messages as f64 / world.requests as f64,
        100.0 * (1.0 - world.spent.as_secs_f64() / judged.spent.as_secs_f64()),
    );
}

/// The quickstart's storm, so many times as long.
fn stretched(times: u32) -> Scenario {
    let seconds = |text: &str| text.trim_end_matches('s').parse::<u32>().map(|n| n * times);
    let line = |line: &str| match line.strip_prefix("duration = \"") {
        Some(rest) => match seconds(rest.trim_end_matches('"')) {
            Ok(seconds) => format!("duration = \"{seconds}s\""),
            Err(_) => line.to_owned(),
        },
        None => line.to_owned(),
    };
    let text: Vec<String> = QUICKSTART.lines().map(line).collect();
    scenario("long", &text.join("\n"))
}

#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn long() {
    let long = stretched(85);
    let keep = Keep::Last(100_000);
    let began = cpu_time();
    let mut shown = 0;
    let mut progress = |progress: &driver::Progress| {
        if progress.messages / 2_000_000 > shown {
            shown = progress.messages / 2_000_000;
            println!("{} messages, resident {} MiB", progress.messages, resident_kib() / 1024);
        }
        ControlFlow::Continue(())
    };
    let run = run_keeping(keep, &long, Seed(1), backend(), &mut progress).expect("a run");
    let spent = (cpu_time() - began).as_secs_f64();
    let ended = run.calls;
    println!(
        "{ended} requests, {} records, {:?}: {:.0} requests per CPU-second under all oracles, peak {} MiB",
        run.history.len(),
        run.verdict,
        ended as f64 / spent,
        peak_kib() / 1024
    );
}

#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn memory() {
    let small = scenario("small", SMALL);
    let one = |seed| {
        let run = run(&small, Seed(seed), backend(), |_| ControlFlow::Continue(()));
        black_box(run.expect("a run").history.digest());
    };
    (0..100).for_each(one);
    let before = resident_kib();
    (100..1_100).for_each(one);
    let after = resident_kib();
    println!("memory after 100 runs {before} KiB, after 1,100 runs {after} KiB");
}

#[expect(clippy::disallowed_methods, reason = "the caller chooses what is measured")]
fn benches(criterion: &mut Criterion) {
    if std::env::args().any(|argument| argument == "long") {
        return long();
    }
    ratios();
    memory();
    let quickstart = scenario("quickstart", QUICKSTART);
    let messages = world_alone(&quickstart).messages;
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
