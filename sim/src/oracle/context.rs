//! What an oracle may know beside the history: where nodes are, and the figures of the run.

use crate::clock::SimTime;
use crate::fault::{FaultInfo, Window};
use crate::place::{NodeId, Topology};
use kms_core::env::Timestamp;
use kms_core::name::RegionName;
use kms_core::quota::Rate;
use std::time::Duration;

/// When all nodes have started.
const STARTED: SimTime = SimTime::from_secs(5);

/// What oracles know of a run.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// Where nodes are.
    pub topology: &'a Topology,
    /// The Regions, in the order of the topology's.
    pub regions: Vec<RegionName>,
    /// When the last fault has let go and the last client starts no more calls.
    pub calm_at: SimTime,
    /// When the run ended.
    pub ended_at: SimTime,
    /// The figures the service was set up with.
    pub rules: Rules,
    /// The faults.
    pub faults: Vec<FaultFacts>,
    /// The request quotas; empty when they are off.
    pub quota: Vec<PoolFacts>,
    /// When quotas are others than that: in a Region or in all, and how many times as much.
    pub quota_changes: Vec<(Option<RegionName>, Window, f64)>,
}

/// The figures of a run that a judge needs, each as it was set and none computed by the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long after its waiting period a key is erased.
    pub deletion_grace: Duration,
    /// The furthest that any node's wall clock is ever from the truth, either way.
    pub clock_error: Duration,
    /// How long a client waits for an attempt at most.
    pub attempt_timeout: Duration,
    /// How long work that is due may take once everything is calm: registering, synchronising,
    /// promoting, handing over, erasing.
    pub settling: Duration,
    /// The latest that any host sees a new key policy.
    pub policy_delay: Duration,
    /// The latest that any host sees a grant made or withdrawn.
    pub grant_delay: Duration,
    /// The latest that any host sees an alias made, moved or deleted.
    pub alias_delay: Duration,
    /// The most customer managed keys of an account in a Region.
    pub keys: u64,
    /// The most aliases of a key.
    pub aliases_per_key: u64,
    /// The most grants on a key.
    pub grants_per_key: u64,
    /// The most rotations on demand in the life of a key.
    pub on_demand_rotations: u32,
    /// How long after it was sent something may still come of an attempt: every time-out of client and
    /// service together, and the longest outage.
    pub memory: Duration,
    /// How long the audit records of what changed nothing may be lost.
    pub audit_window: Duration,
    /// How many times a host decides a request at most.
    pub decisions: u8,
    /// What the network itself loses is so little, and is asked for again so often, that the service has
    /// no excuse in it.
    pub hides_losses: bool,
    /// The network loses a message now and then all the same. What it costs a single try is nobody's
    /// fault.
    pub loses_messages: bool,
    /// How long a host waits for a proxy that it asks only once, where the network loses messages.
    pub lone_try: Option<Duration>,
    /// Somebody knows every secret key and looks for it where none may be.
    pub knows_keys: bool,
}

/// A fault of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultFacts {
    /// What it is called and does.
    pub info: FaultInfo,
    /// When it acts.
    pub window: Window,
    /// The Regions it is about; none means all.
    pub regions: Vec<RegionName>,
}

impl FaultFacts {
    /// Whether it may keep a Region from answering at some moment of a span, or has done so shortly
    /// before.
    fn hinders(&self, region: RegionName, span: (SimTime, SimTime), settling: Duration) -> bool {
        let Window { from, until } = self.window;
        let here = self.regions.is_empty() || self.regions.contains(&region);
        self.info.hinders && here && from <= span.1 && span.0 < until.after(settling)
    }
}

/// A quota pool in a Region: so many requests of an account in each interval of true time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolFacts {
    /// The Region.
    pub region: RegionName,
    /// The pool, by the name that [`Event::Admitted`](crate::history::Event::Admitted) gives it.
    pub pool: &'static str,
    /// The most admitted in an interval, all hosts together.
    pub count: u64,
    /// The interval; intervals count from the start of the run.
    pub interval: Duration,
}

impl PoolFacts {
    /// The least and the most that may be right in an interval, whatever the quotas are changed to in
    /// it and shortly before. A change in the middle of an interval deals it to the hosts anew: each may
    /// have had the larger of two shares, and the largest is a whole number.
    pub fn bounds(&self, interval: u128, hosts: u64, context: &Context<'_>) -> (u64, u64) {
        let touches = |window: &Window| {
            let number = |at: SimTime| u128::from(at.nanos()) / self.interval.as_nanos().max(1);
            number(window.from) <= interval + 1 && interval <= number(window.until) + 1
        };
        let here = |region: &Option<RegionName>| region.is_none_or(|one| one == self.region);
        let changes = context.quota_changes.iter();
        let changes = changes.filter(|(region, window, _)| here(region) && touches(window));
        let rate = Rate { count: self.count, interval: self.interval };
        changes.fold((self.count, self.count), |(least, most), (_, _, factor)| {
            let count = rate.times(*factor).count;
            (least.min(count), most.max(count).next_multiple_of(hosts.max(1)))
        })
    }
}

impl Context<'_> {
    /// The Region of a node.
    pub fn region_of(&self, node: NodeId) -> Option<RegionName> {
        let known = self.topology.contains(node);
        let index = known.then(|| usize::from(self.topology.place(node).region.0))?;
        self.regions.get(index).copied()
    }

    /// True time as a clock without error shows it.
    pub fn wall(&self, at: SimTime) -> Timestamp {
        Timestamp::from_micros(crate::clock::START_MICROS.saturating_add(at.micros()))
    }

    /// Whether anything may keep one of these Regions from answering at some moment of a span. All nodes
    /// start at time zero, and hosts have to introduce themselves to the HSMs first.
    pub fn is_hindered(&self, regions: &[RegionName], span: (SimTime, SimTime)) -> bool {
        let settling = self.rules.settling;
        let hinders = |fault: &FaultFacts| {
            regions.iter().any(|region| fault.hinders(*region, span, settling))
        };
        let starting = span.0 < STARTED;
        starting || !self.rules.hides_losses || self.faults.iter().any(hinders)
    }

    /// How long the calm lasted.
    pub fn calm(&self) -> Duration {
        self.ended_at.since(self.calm_at)
    }
}
