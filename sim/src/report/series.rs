//! Attempts over time, by Region and quota pool.
//!
//! An attempt counts in the bucket in which it was sent, whatever became of it and whenever: so the
//! parts of a bucket add up to what was offered, and a backlog that is answered at once after an
//! outage does not look like a breach of the quota.
//!
//! The pool is the one that the host charged or that refused the attempt. One that no pool was charged
//! for counts with what the same operation on the same key was charged to, or else with the pool that the
//! operation has for symmetric keys.

use super::{is_load, micros};
use crate::history::{Event, Record, Target};
use crate::place::Topology;
use crate::run::Scene;
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use kms_core::name::RegionName;
use kms_core::ops::Operation;
use kms_core::quota::{Pool, Profile};
use reports::data::{Bucket, Limit, Micros, Series};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Widths a reader can count in, in seconds.
const WIDTHS: [u64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];
/// The finest width that needs no more buckets than this is taken.
const MOST_BUCKETS: u64 = 300;
/// The pool that every Region shows, used or not.
const ALWAYS: &str = "symmetric";
/// What attempts are counted under when no quota is on.
const NO_QUOTA: &str = "all requests";

type Counted = BTreeMap<(RegionName, &'static str), Vec<Bucket>>;

/// Attempts so far.
#[derive(Clone)]
pub(super) struct Counter {
    topology: Topology,
    profile: Option<Arc<Profile>>,
    width: Micros,
    buckets: usize,
    counted: Counted,
    /// Attempts that nobody has answered yet.
    open: BTreeMap<RequestId, Attempt>,
    /// Attempts of which nobody has said the pool.
    unknown: BTreeMap<Attempt, Bucket>,
    /// What operations on keys were charged to.
    charged: BTreeMap<Asked, &'static str>,
}

/// An operation and the key it names.
type Asked = (&'static str, Option<Target>);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Attempt {
    region: RegionName,
    asked: Asked,
    at: usize,
}

/// How a host answered.
#[derive(Clone, Copy)]
enum Ending {
    Admitted,
    Throttled,
    Failed,
}

/// One series for each Region and pool that was asked for anything: Regions as the scenario names
/// them, in each the busiest pool first.
pub(super) fn series(counter: &Counter, scene: &Scene) -> Vec<Series> {
    let width = counter.width;
    let series = counter.settled().into_iter().map(|((region, pool), buckets)| Series {
        limit: limit(scene, &region, pool),
        region: region.to_string(),
        pool: pool.to_owned(),
        width,
        buckets,
    });
    let mut series: Vec<Series> = series.collect();
    let place = |name: &str| scene.regions.iter().position(|region| region.as_str() == name);
    series.sort_by_cached_key(|one| (place(&one.region), Reverse(one.total().offered)));
    series
}

impl Counter {
    pub(super) fn new(scene: &Scene) -> Self {
        let seconds = micros(scene.ended_at).0.div_ceil(1_000_000).max(1);
        let width = width(seconds);
        let buckets = usize::try_from(seconds.div_ceil(width)).unwrap_or(usize::MAX);
        let mut counter = Self {
            topology: scene.topology.clone(),
            profile: scene.profile.clone(),
            width: Micros::seconds(width),
            buckets,
            counted: Counted::new(),
            open: BTreeMap::new(),
            unknown: BTreeMap::new(),
            charged: BTreeMap::new(),
        };
        let always = match &scene.profile {
            Some(profile) => profile.pools().map(|pool| pool.name).find(|name| *name == ALWAYS),
            None => Some(NO_QUOTA),
        };
        for (region, pool) in scene.regions.iter().zip(always.into_iter().cycle()) {
            counter.buckets_of(*region, pool);
        }
        counter
    }

    pub(super) fn note(&mut self, record: &Record) {
        match &record.event {
            Event::Called { request, region, facts, .. } if is_load(&self.topology, record) => {
                let asked = (facts.wanted.operation(), facts.wanted.key().cloned());
                let at = self.index(record);
                self.open.insert(*request, Attempt { region: *region, asked, at });
            }
            // The first answer counts: a message that arrived twice is answered twice.
            Event::Answered { request, pool, error, .. } => {
                let Some(attempt) = self.open.remove(request) else { return };
                let ending = match error {
                    None => Ending::Admitted,
                    Some(ErrorCode::Throttling) => Ending::Throttled,
                    Some(_) => Ending::Failed,
                };
                match pool.or_else(|| self.charged.get(&attempt.asked).copied()) {
                    Some(pool) => {
                        add(self.bucket(attempt.region, pool, attempt.at), &answered(ending));
                        self.charged.entry(attempt.asked).or_insert(pool);
                    }
                    None => add(self.unknown.entry(attempt).or_default(), &answered(ending)),
                }
            }
            _ => {}
        }
    }

    /// What is counted, with what nobody has said the pool of.
    fn settled(&self) -> Counted {
        let mut all = self.clone();
        let unanswered = Bucket { offered: 1, ..Bucket::default() };
        let open = self.open.values().map(|attempt| (attempt, &unanswered));
        for (attempt, bucket) in self.unknown.iter().chain(open) {
            let known = self.charged.get(&attempt.asked).copied();
            let pool = known.unwrap_or_else(|| self.pool(attempt.asked.0));
            add(all.bucket(attempt.region, pool, attempt.at), bucket);
        }
        all.counted
    }

    /// The pool that an operation has for symmetric keys.
    fn pool(&self, operation: &str) -> &'static str {
        let Some(profile) = &self.profile else { return NO_QUOTA };
        let known = Operation::ALL.iter().find(|known| known.name() == operation);
        let pool = known.and_then(|operation| profile.pool(*operation, None));
        pool.map_or(NO_QUOTA, |pool| profile.pool_name(pool))
    }

    fn index(&self, record: &Record) -> usize {
        let index = record.at.micros() / self.width.0.max(1);
        usize::try_from(index).unwrap_or(usize::MAX).min(self.buckets - 1)
    }

    fn bucket(&mut self, region: RegionName, pool: &'static str, at: usize) -> &mut Bucket {
        &mut self.buckets_of(region, pool)[at]
    }

    fn buckets_of(&mut self, region: RegionName, pool: &'static str) -> &mut Vec<Bucket> {
        let buckets = self.buckets;
        self.counted.entry((region, pool)).or_insert_with(|| vec![Bucket::default(); buckets])
    }
}

/// One attempt that was answered so.
fn answered(ending: Ending) -> Bucket {
    let mut bucket = Bucket { offered: 1, ..Bucket::default() };
    match ending {
        Ending::Admitted => bucket.admitted = 1,
        Ending::Throttled => bucket.throttled = 1,
        Ending::Failed => bucket.errors = 1,
    }
    bucket
}

fn add(sum: &mut Bucket, more: &Bucket) {
    sum.offered += more.offered;
    sum.admitted += more.admitted;
    sum.throttled += more.throttled;
    sum.errors += more.errors;
}

/// How many seconds a bucket is wide, for a run of so many.
fn width(seconds: u64) -> u64 {
    let enough = |width: &u64| seconds.div_ceil(*width) <= MOST_BUCKETS;
    let hour = WIDTHS[WIDTHS.len() - 1];
    WIDTHS.into_iter().find(enough).unwrap_or_else(|| {
        // Whole hours, as many as it takes.
        seconds.div_ceil(MOST_BUCKETS).div_ceil(hour) * hour
    })
}

/// A quota is per account; what all accounts of the scenario together may do is drawn.
fn limit(scene: &Scene, region: &RegionName, name: &str) -> Option<Limit> {
    let profile = scene.profile.as_ref()?;
    let pool: &Pool = profile.pools().find(|pool| pool.name == name)?;
    let limit = pool.limit(profile.class(region));
    let accounts = scene.scenario.accounts.max(1);
    let source = match accounts {
        1 => pool.source.clone(),
        many => format!("{}, for each of {many} accounts", pool.source),
    };
    Some(Limit {
        per_second: limit.per_second,
        scale: scene.scenario.quota.scale * f64::from(accounts),
        source,
        assumed: limit.assumed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What asymmetric keys are charged to depends on their spec. All of it was shown under the pool of
    /// symmetric keys, because that is what the operations have without a key.
    #[test]
    fn attempts_count_under_the_pool_that_was_charged() {
        let text = r#"
            schema = 1
            description = "Keys sign beyond their quota."
            topology = { regions = ["us-east-1"], api_hosts = 1, hsms = 1, zones = 1 }
            keys = { symmetric = 1 }
            quota = { scale = 0.002 }
            client = { retry = "none" }
            calm = { duration = "1m" }
            [[phase]]
            name = "signing"
            duration = "10s"
            [[phase.workload]]
            kind = "sign-verify"
            clients = 10
            arrivals = { kind = "constant", per_second = 60 }
        "#;
        let words = crate::vocabulary::vocabulary();
        let scenario = scenarios::Scenario::parse("x.toml", text, &[], &words);
        let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
        let backend = std::sync::Arc::new(kms_core::crypto::RustCrypto);
        let on = |_: &_| std::ops::ControlFlow::Continue(());
        let run = crate::run::run(&scenario, crate::random::Seed(1), backend, on).unwrap();
        // A message that the network doubles is answered twice; the first answer counts.
        let mut first = BTreeMap::new();
        for record in run.history.records() {
            if let Event::Answered { request, pool: Some(pool), error, .. } = &record.event {
                first.entry(*request).or_insert((*pool, *error));
            }
        }
        let mut said: BTreeMap<&str, u64> = BTreeMap::new();
        for (pool, error) in first.into_values() {
            if error == Some(ErrorCode::Throttling) {
                *said.entry(pool).or_default() += 1;
            }
        }
        let series = series(&crate::report::Notes::of(&run).series, &run.scene);
        let throttled = series.iter().map(|one| (one.pool.as_str(), one.total().throttled));
        let shown: BTreeMap<&str, u64> = throttled.filter(|(_, count)| *count > 0).collect();
        assert_eq!(shown, said);
        assert!(said.keys().any(|pool| *pool != ALWAYS), "{said:?}");
        for one in &series {
            let Bucket { offered, admitted, throttled, errors } = one.total();
            assert!(offered >= admitted + throttled + errors, "{}", one.pool);
        }
    }

    #[test]
    fn a_chart_has_some_three_hundred_buckets_at_most() {
        for (seconds, expected) in [(1, 1), (200, 1), (300, 1), (301, 2), (3_600, 15)] {
            assert_eq!(width(seconds), expected, "{seconds}");
        }
        let year = 365 * 86_400;
        assert_eq!(width(year) % 3_600, 0);
        assert!(year.div_ceil(width(year)) <= MOST_BUCKETS);
    }
}
