//! A run: set up, storm, calm, judge.
//!
//! ```text
//! scenario + seed → World → genesis → storm (load and faults) → calm (healed) → oracles → verdict
//! ```
//! Everything that decides anything comes from the scenario and the seed, so the same two give the
//! same history, byte for byte, and the same digest.

mod court;
mod tally;

use crate::clock::SimTime;
use crate::driver::{self, Plan, Progress, RunError, Summary};
use crate::fault::{Window, quota_change};
use crate::history::{History, Keep};
use crate::oracle::{Context, FaultFacts, Judged, PoolFacts, Rules, Violation};
use crate::place::Topology;
use crate::random::Seed;
use crate::report::Notes;
use crate::run::court::{Court, Heard};
use crate::run::tally::Tally;
use crate::trace::MessageLog;
use crate::world::{self, Placed, SETTLING, World};
use kms_core::crypto::CryptoBackend;
use kms_core::name::RegionName;
use kms_core::quota::{Profile, Rate};
use scenarios::{Scenario, Tape, Verdict as Wanted};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong.
    Pass,
    /// An oracle objected, as the scenario wants.
    ExpectedViolation,
    /// An oracle objected, or the scenario's expectations are not met.
    Violation,
}

impl Verdict {
    /// Whether this is how the scenario wanted it.
    pub fn is_good(self) -> bool {
        self != Verdict::Violation
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Pass => "pass",
            Verdict::ExpectedViolation => "violation, as expected",
            Verdict::Violation => "violation",
        })
    }
}

/// A finished run.
pub struct Run {
    /// Where everything was and how it was set up.
    pub scene: Scene,
    /// Everything that happened.
    pub history: History,
    /// What the oracles say.
    pub judged: Vec<Judged>,
    /// What the scenario expected and did not get.
    pub unmet: Vec<String>,
    /// How it ended.
    pub verdict: Verdict,
    /// How many calls came to an end.
    pub calls: u64,
    /// What really happened, by probe, and how often.
    pub probes: BTreeMap<String, u64>,
    /// What the driver counted.
    pub summary: Summary,
    /// What a report says of all of the history, if that was asked for.
    pub notes: Option<Notes>,
}

impl Run {
    /// The first thing that must not have happened, by time.
    pub fn first_violation(&self) -> Option<&Violation> {
        let all = self.judged.iter().flat_map(|judged| &judged.finding.violations);
        all.min_by_key(|violation| violation.index)
    }
}

/// What remains of the world when its nodes are gone: for judges and reports.
pub struct Scene {
    /// The scenario.
    pub scenario: Scenario,
    /// The seed.
    pub seed: Seed,
    /// Where everything was.
    pub topology: Topology,
    /// The Regions.
    pub regions: Vec<RegionName>,
    /// The figures of the model.
    pub parameters: crate::parameters::Parameters,
    /// The request quotas.
    pub profile: Option<Arc<Profile>>,
    /// The faults.
    pub placed: Vec<Placed>,
    /// When the storm ended.
    pub calm_at: SimTime,
    /// When the run ended.
    pub ended_at: SimTime,
    settings: kms_core::kms::Settings,
    /// Whether somebody knew every secret key.
    knows_keys: bool,
}

/// Runs a scenario with a seed. `progress` hears of simulated time and may break the run off.
///
/// # Errors
/// What the driver could not run: a node that panicked, or a world that cannot be made.
pub fn run(
    scenario: &Scenario,
    seed: Seed,
    backend: Arc<dyn CryptoBackend>,
    progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
) -> Result<Run, RunError> {
    run_keeping(Keep::All, scenario, seed, backend, progress)
}

/// Runs a scenario with a seed and keeps only so much of the history in memory. Verdict and digest are
/// those of [`run`].
///
/// # Errors
/// As [`run`].
pub fn run_keeping(
    keep: Keep,
    scenario: &Scenario,
    seed: Seed,
    backend: Arc<dyn CryptoBackend>,
    progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
) -> Result<Run, RunError> {
    Ok(begin(Order { keep, ..Order::default() }, scenario, seed, backend, progress)?.0)
}

/// Runs a scenario with a seed as [`run_keeping`] does, and takes notes for a report.
///
/// # Errors
/// As [`run`].
pub fn run_noted(
    keep: Keep,
    scenario: &Scenario,
    seed: Seed,
    backend: Arc<dyn CryptoBackend>,
    progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
) -> Result<Run, RunError> {
    Ok(begin(Order { keep, notes: true, log: None }, scenario, seed, backend, progress)?.0)
}

/// Runs a scenario with a seed as [`run_keeping`] does, and logs the messages.
///
/// # Errors
/// As [`run`].
pub fn run_logged(
    log: MessageLog,
    keep: Keep,
    scenario: &Scenario,
    seed: Seed,
    backend: Arc<dyn CryptoBackend>,
    progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
) -> Result<(Run, MessageLog), RunError> {
    let order = Order { keep, log: Some(log), notes: false };
    let (run, log) = begin(order, scenario, seed, backend, progress)?;
    Ok((run, log.unwrap_or_default()))
}

/// Runs a scenario with a seed, and writes the calls of its loads on a tape.
///
/// # Errors
/// As [`run`].
pub fn run_taped(
    tape: &Tape,
    scenario: &Scenario,
    seed: Seed,
    backend: Arc<dyn CryptoBackend>,
) -> Result<Run, RunError> {
    let mut history = History::default();
    let mut world =
        World::new(scenario, seed, backend, &mut history).map_err(RunError::Impossible)?;
    world.record(tape);
    Ok(play(world, history, Order::default(), |_| ControlFlow::Continue(()))?.0)
}

/// What is wanted of a run beside its verdict.
#[derive(Default)]
struct Order {
    keep: Keep,
    log: Option<MessageLog>,
    notes: bool,
}

fn begin(
    order: Order,
    scenario: &Scenario,
    seed: Seed,
    backend: Arc<dyn CryptoBackend>,
    progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
) -> Result<(Run, Option<MessageLog>), RunError> {
    let mut history = History::default();
    let world = World::new(scenario, seed, backend, &mut history).map_err(RunError::Impossible)?;
    play(world, history, order, progress)
}

fn play(
    world: World,
    history: History,
    order: Order,
    progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
) -> Result<(Run, Option<MessageLog>), RunError> {
    let seed = world.seed;
    let mut scene = Scene::of(&world);
    let topology = world.topology.clone();
    let mut context = scene.context_over(&topology);
    let mut court = Court::new(history, order, &scene, &context);
    let network = world.network().map_err(RunError::Impossible)?;
    let plan = Plan {
        calm_at: Some(world.calm_at),
        progress_every: Some(progress_step(&world)),
        ..Plan::new(seed, world.ends_at)
    };
    let ground = driver::World {
        topology: world.topology.clone(),
        network,
        faults: world.faults(),
        recorder: &mut court,
    };
    let summary = driver::run(&plan, ground, move || world.nodes(), progress)?;
    let Heard { history, judges, tally, log, notes } = court.rise();
    scene.ended_at = summary.ended_at;
    context.ended_at = summary.ended_at;
    let probes = judges.probes();
    let judged = judges.finish(&context);
    let run = conclude(scene, history, (judged, probes), (tally, summary));
    Ok((Run { notes, ..run }, log))
}

/// A hundredth of the run between two reports.
fn progress_step(world: &World) -> Duration {
    Duration::from_nanos(world.ends_at.nanos() / 100).max(Duration::from_millis(1))
}

fn conclude(
    scene: Scene,
    history: History,
    (judged, probes): (Vec<Judged>, BTreeMap<String, u64>),
    (tally, summary): (Tally, Summary),
) -> Run {
    let unmet = tally.unmet(&scene.scenario);
    let verdict = verdict(&scene.scenario, &judged, &unmet);
    Run {
        scene,
        history,
        judged,
        unmet,
        verdict,
        calls: tally.ended(),
        probes,
        summary,
        notes: None,
    }
}

fn verdict(scenario: &Scenario, judged: &[Judged], unmet: &[String]) -> Verdict {
    let violated = |judged: &Judged| !judged.finding.violations.is_empty();
    match &scenario.expect.verdict {
        Wanted::Violation { oracle } => match is_alone(judged, oracle) && unmet.is_empty() {
            true => Verdict::ExpectedViolation,
            false => Verdict::Violation,
        },
        Wanted::Pass if judged.iter().any(violated) || !unmet.is_empty() => Verdict::Violation,
        Wanted::Pass => Verdict::Pass,
    }
}

/// Whether this oracle objects, and before anybody else does: what others say afterwards may follow
/// from the same bug, what they said before is another one.
fn is_alone(judged: &[Judged], oracle: &str) -> bool {
    let first = |judged: &Judged| judged.finding.violations.iter().map(|one| one.index).min();
    let (wanted, others): (Vec<_>, Vec<_>) =
        judged.iter().partition(|judged| judged.info.name == oracle);
    let Some(wanted) = wanted.into_iter().find_map(first) else { return false };
    others.into_iter().filter_map(first).all(|other| wanted <= other)
}

impl Scene {
    fn of(world: &World) -> Scene {
        Scene {
            scenario: world.scenario.clone(),
            seed: world.seed,
            topology: world.topology.clone(),
            regions: world.regions.clone(),
            parameters: world.parameters,
            profile: world.profile.clone(),
            placed: world.placed.clone(),
            calm_at: world.calm_at,
            ended_at: world.ends_at,
            settings: world.settings.clone(),
            knows_keys: true,
        }
    }

    /// The scene of a load without the simulation, of which nothing goes wrong and no quota is in force.
    ///
    /// # Errors
    /// When the scenario has more nodes than a world can have.
    pub fn of_load(scenario: &Scenario, seed: Seed) -> Result<Scene, String> {
        let regions = world::regions(scenario)?;
        let parameters = crate::parameters::Parameters::with(&scenario.parameters);
        let profile = Profile::named(&scenario.quota.profile);
        let settings = world::settings(scenario, seed, &parameters, &regions, profile.as_deref());
        let calm_at = SimTime::ZERO.after(scenario.storm());
        Ok(Scene {
            scenario: scenario.clone(),
            seed,
            topology: world::servers(scenario)?,
            regions,
            parameters,
            profile: None,
            placed: Vec::new(),
            calm_at,
            ended_at: calm_at,
            settings,
            knows_keys: false,
        })
    }

    /// What the oracles may know.
    pub fn context(&self) -> Context<'_> {
        self.context_over(&self.topology)
    }

    fn context_over<'t>(&self, topology: &'t Topology) -> Context<'t> {
        Context {
            topology,
            regions: self.regions.clone(),
            calm_at: self.calm_at,
            ended_at: self.ended_at,
            rules: self.rules(),
            faults: self.faults(),
            quota: self.pools(),
            quota_changes: self.quota_changes(),
        }
    }

    fn faults(&self) -> Vec<FaultFacts> {
        let facts = |placed: &Placed| {
            let regions = placed.regions.iter().filter_map(|name| RegionName::parse(name));
            FaultFacts { info: placed.info, window: placed.window, regions: regions.collect() }
        };
        self.placed.iter().map(facts).collect()
    }

    /// When the scenario's faults change quotas.
    fn quota_changes(&self) -> Vec<(Option<RegionName>, Window, f64)> {
        let mut began = SimTime::ZERO;
        let mut changes = Vec::new();
        for phase in &self.scenario.phases {
            for fault in &phase.faults {
                if let scenarios::FaultKind::QuotaChange(words) = &fault.kind {
                    let from = began.after(fault.at);
                    let window = Window { from, until: from.after(fault.lasts) };
                    let region =
                        words.region.as_ref().and_then(|name| RegionName::parse(name.as_str()));
                    let factor = f64::from(quota_change::permille(words.factor)) / 1_000.0;
                    changes.push((region, window, factor));
                }
            }
            began = began.after(phase.duration);
        }
        changes
    }

    fn rules(&self) -> Rules {
        let limits = self.settings.limits;
        let delays = self.settings.propagation;
        Rules {
            deletion_grace: self.settings.deletion_grace,
            clock_error: self.clock_error(),
            attempt_timeout: self.scenario.client.timeout,
            settling: SETTLING,
            policy_delay: delays.policy,
            grant_delay: delays.grant,
            alias_delay: delays.alias,
            keys: limits.keys,
            aliases_per_key: limits.aliases_per_key,
            grants_per_key: limits.grants_per_key,
            on_demand_rotations: limits.on_demand_rotations,
            memory: self.memory(),
            audit_window: self.parameters.audit_window,
            decisions: u8::try_from(self.parameters.host_decisions).unwrap_or(u8::MAX),
            hides_losses: self.hides_losses(),
            loses_messages: self.parameters.network_loss > 0.0,
            lone_try: self.lone_try(),
            knows_keys: self.knows_keys,
        }
    }

    /// Not when messages are lost so often that all of an operation's tries may be, or when there is but
    /// one.
    fn hides_losses(&self) -> bool {
        const RARE: f64 = 1e-4;
        let loss = self.parameters.network_loss;
        loss == 0.0 || (loss <= RARE && self.parameters.hsm_attempts > 1)
    }

    /// What one lost message can cost.
    fn lone_try(&self) -> Option<Duration> {
        let crate::parameters::Parameters {
            network_loss,
            key_store_attempts,
            key_store_timeout,
            ..
        } = self.parameters;
        (network_loss > 0.0 && key_store_attempts == 1).then_some(key_store_timeout)
    }

    /// Nothing comes of an attempt later than this: a commit may wait for its journal to come back, and
    /// everything else has a time-out.
    fn memory(&self) -> Duration {
        const TIMEOUTS: Duration = Duration::from_secs(180);
        let faults = self.scenario.phases.iter().flat_map(|phase| &phase.faults);
        TIMEOUTS + 2 * faults.map(|fault| fault.lasts).max().unwrap_or_default()
    }

    /// The furthest any clock is off by the scenario's faults; without one, clocks are right.
    fn clock_error(&self) -> Duration {
        let skews = self.scenario.phases.iter().flat_map(|phase| &phase.faults);
        let furthest = skews.filter_map(|fault| match &fault.kind {
            scenarios::FaultKind::ClockSkew(skew) => {
                let jump = Duration::from_nanos(skew.offset.0.unsigned_abs());
                let drift = fault.lasts.mul_f64(f64::from(skew.drift_ppm.unsigned_abs()) / 1e6);
                Some(jump + drift)
            }
            _ => None,
        });
        furthest.max().unwrap_or_default()
    }

    /// The quotas that are on, in each Region.
    pub fn pools(&self) -> Vec<PoolFacts> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let scale = self.scenario.quota.scale;
        let of_region = |region: &RegionName| {
            let class = profile.class(region);
            let pools = profile.pools().map(move |pool| {
                (pool.name, Rate::per_second(pool.limit(class).per_second * scale))
            });
            let region = *region;
            pools.map(move |(pool, rate)| PoolFacts {
                region,
                pool,
                count: rate.count,
                interval: rate.interval,
            })
        };
        self.regions.iter().flat_map(of_region).collect()
    }
}
