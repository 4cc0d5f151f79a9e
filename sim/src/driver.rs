//! Runs a world: nodes, network, clocks and faults, all drawn from one seed.
//!
//! madsim schedules and everything else is ours. Each node is one madsim task with a mailbox, and
//! madsim's choice among the ready ones is the interleaving of the seed. One timer heap holds every
//! message and timer to come. The same seed, plan and world give the same sequence of events, byte
//! for byte, in any process.
//!
//! - `node.rs` what a node is: inputs in, effects out
//! - `agenda.rs` the timer heap
//! - `tasks.rs` the madsim tasks and their mailboxes
//! - `watch.rs` what becomes of messages, for whoever draws them
//! - `wheel.rs` the loop: advance time, carry out faults, fill mailboxes, apply effects

mod agenda;
mod life;
mod node;
mod tasks;
mod watch;
mod wheel;

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

pub use crate::driver::node::{Effect, Input, Node, Now, Outbox};
pub use crate::driver::watch::{InputId, Loss, Step};

use crate::clock::SimTime;
use crate::driver::tasks::Tasks;
use crate::driver::wheel::Wheel;
use crate::fault::{Faults, NodeAction};
use crate::net::Network;
use crate::place::{NodeId, Topology};
use crate::random::Seed;

/// How a run goes, apart from the world it happens in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Decides the interleaving.
    pub seed: Seed,
    /// The run ends here at the latest; what is due at this moment still happens.
    pub until: SimTime,
    /// The end of the storm: from here on faults neither judge nor act, nodes that are down start
    /// and clocks step to the truth.
    pub calm_at: Option<SimTime>,
    /// Due times are rounded up to multiples of this; what is due in the same grain happens in an
    /// order that the seed chooses. 1 ns is exact.
    pub grain: Duration,
    /// How much simulated time passes between two calls of the progress callback.
    pub progress_every: Option<Duration>,
}

impl Plan {
    /// A run of this seed until this time, all storm, with a grain of 1 µs and no progress.
    pub fn new(seed: Seed, until: SimTime) -> Self {
        let grain = Duration::from_micros(1);
        Self { seed, until, calm_at: None, grain, progress_every: None }
    }
}

/// What a run happens in. The nodes come separately, because they are made on the run's own thread.
pub struct World<'a, R> {
    /// Where the nodes are.
    pub topology: Topology,
    /// How they reach each other.
    pub network: Network,
    /// What goes wrong.
    pub faults: Faults,
    /// Who writes the history.
    pub recorder: &'a mut R,
}

/// Writes the history, in an order that the seed decides.
pub trait Recorder<E> {
    /// A node recorded an event.
    fn record(&mut self, at: SimTime, from: NodeId, event: E);

    /// A fault acted on a node.
    fn acted(&mut self, at: SimTime, action: NodeAction) {
        let _ = (at, action);
    }
}

/// Hears what becomes of messages and timers. Whoever does not want to know says nothing more.
pub trait Watcher<M> {
    /// Something became of a message or a timer.
    #[inline]
    fn watch(&mut self, at: SimTime, step: Step<'_, M>) {
        let _ = (at, step);
    }
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// True time.
    pub at: SimTime,
    /// Messages handled so far.
    pub messages: u64,
    /// Timers handled so far.
    pub timers: u64,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stop {
    /// Nothing is due any more.
    #[default]
    Quiescent,
    /// Every client said that it has finished.
    Finished,
    /// The time of the plan is over.
    TimeLimit,
    /// The progress callback broke it off.
    Interrupted,
}

/// What happened in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Messages handled, damaged ones included.
    pub messages: u64,
    /// Timers handled.
    pub timers: u64,
    /// Starts handled: one a node, and one a restart.
    pub starts: u64,
    /// Messages and timers that never arrived: dropped, or addressed to a former life.
    pub lost: u64,
    /// Crashes of nodes that were up.
    pub crashes: u64,
    /// True time at the end.
    pub ended_at: SimTime,
    /// Why it ended.
    pub stop: Stop,
}

/// Why a run did not end by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// There must be one node for each place.
    NodeCount {
        /// How many nodes were given.
        nodes: usize,
        /// How many places the topology has.
        places: usize,
    },
    /// A node panicked, or broke a rule of the driver.
    Panicked {
        /// Which node.
        node: NodeId,
        /// Its display name.
        name: String,
        /// When.
        at: SimTime,
        /// What the panic said.
        message: String,
    },
    /// The world cannot be made as it is wanted: there are too many nodes, or the service refuses what
    /// it is to begin with.
    Impossible(String),
    /// Something other than a node panicked: the making of nodes, a fault, the recorder or the
    /// progress callback.
    Broken(String),
    /// The operating system gave no thread.
    NoThread(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeCount { nodes, places } => {
                write!(f, "{nodes} nodes were given for a topology of {places} places")
            }
            Self::Panicked { name, at, message, .. } => {
                write!(f, "{name} panicked at {at} of simulated time: {message}")
            }
            Self::Impossible(reason) => write!(f, "the world cannot be made: {reason}"),
            Self::Broken(message) => write!(f, "the run broke outside its nodes: {message}"),
            Self::NoThread(reason) => write!(f, "no thread for the run: {reason}"),
        }
    }
}

impl std::error::Error for RunError {}

/// Runs a world until it stops, on a fresh thread of its own.
///
/// `nodes` makes one node for each place of the topology, in order. `progress` is called every
/// [`Plan::progress_every`] of simulated time, or more often in a busy world, and may break the run off. After an error the
/// recorder holds what happened until then. Memory stays flat over any number of runs, those whose
/// nodes panic included; only [`RunError::Broken`] leaves the nodes of its run behind.
///
/// Every run gets a new thread because the standard library seeds hash maps once per thread: a
/// second run on the same thread would see other iteration orders inside dependencies.
#[allow(clippy::disallowed_methods, reason = "the one place that opens a thread: one per run")]
pub fn run<N, R>(
    plan: &Plan,
    world: World<'_, R>,
    nodes: impl FnOnce() -> Vec<N> + Send,
    mut progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
) -> Result<Summary, RunError>
where
    N: Node + 'static,
    R: Recorder<N::Event> + Watcher<N::Message> + Send,
{
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name(format!("seed {}", plan.seed.0))
            .spawn_scoped(scope, move || simulate(plan, world, nodes, &mut progress))
            .map_err(|error| RunError::NoThread(error.to_string()))?
            .join()
            .unwrap_or_else(|panic| Err(RunError::Broken(tasks::message(panic.as_ref()))))
    })
}

fn simulate<N, R>(
    plan: &Plan,
    world: World<'_, R>,
    nodes: impl FnOnce() -> Vec<N>,
    progress: &mut impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<Summary, RunError>
where
    N: Node + 'static,
    R: Recorder<N::Event> + Watcher<N::Message>,
{
    let runtime = madsim::runtime::Runtime::with_seed_and_config(plan.seed.0, <_>::default());
    runtime.block_on(async {
        let nodes = nodes();
        let places = world.topology.len();
        if nodes.len() != places {
            return Err(RunError::NodeCount { nodes: nodes.len(), places });
        }
        let tasks = Tasks::spawn(nodes);
        let result = Wheel::new(plan, world, tasks.clone()).run(progress).await;
        tasks.end().await;
        result
    })
}

#[cfg(test)]
mod tests;
