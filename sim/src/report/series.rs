//! Attempts over time, by Region and quota pool.
//!
//! An attempt counts in the bucket in which it was sent, whatever became of it and whenever: so the
//! parts of a bucket add up to what was offered, and a backlog that is answered at once after an
//! outage does not look like a breach of the quota.

use super::{is_load, micros};
use crate::history::{Event, Record};
use crate::run::{Run, Scene};
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use kms_core::name::RegionName;
use kms_core::ops::Operation;
use kms_core::quota::Pool;
use reports::data::{Bucket, Limit, Micros, Series};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Widths a reader can count in, in seconds.
const WIDTHS: [u64; 12] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600];
/// The finest width that needs no more buckets than this is taken.
const MOST_BUCKETS: u64 = 300;
/// The pool that every Region shows, used or not.
const ALWAYS: &str = "symmetric";
/// What attempts are counted under when no quota is on.
const NO_QUOTA: &str = "all requests";

type Counted = BTreeMap<(RegionName, &'static str), Vec<Bucket>>;

struct Counter<'r> {
    scene: &'r Scene,
    width: Micros,
    buckets: usize,
    counted: Counted,
    /// Attempts that nobody has answered yet.
    open: BTreeMap<RequestId, (RegionName, &'static str, usize)>,
}

/// One series for each Region and pool that was asked for anything: Regions as the scenario names
/// them, in each the busiest pool first.
pub(super) fn series(run: &Run) -> Vec<Series> {
    let mut counter = Counter::new(run);
    for record in run.history.records() {
        counter.note(record);
    }
    let (scene, width) = (&run.scene, counter.width);
    let series = counter.counted.into_iter().map(|((region, pool), buckets)| Series {
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

impl<'r> Counter<'r> {
    fn new(run: &'r Run) -> Self {
        let scene = &run.scene;
        let seconds = micros(run.summary.ended_at).0.div_ceil(1_000_000).max(1);
        let width = width(seconds);
        let buckets = usize::try_from(seconds.div_ceil(width)).unwrap_or(usize::MAX);
        let mut counter = Self {
            scene,
            width: Micros::seconds(width),
            buckets,
            counted: Counted::new(),
            open: BTreeMap::new(),
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

    fn note(&mut self, record: &Record) {
        match &record.event {
            Event::Called { request, region, facts, .. }
                if is_load(&self.scene.topology, record) =>
            {
                let pool = self.pool(facts.wanted.operation());
                let at = self.index(record);
                self.bucket(*region, pool, at).offered += 1;
                self.open.insert(*request, (*region, pool, at));
            }
            // The first answer counts: a message that arrived twice is answered twice.
            Event::Answered { request, error, .. } => {
                if let Some((region, pool, at)) = self.open.remove(request) {
                    let bucket = self.bucket(region, pool, at);
                    match error {
                        None => bucket.admitted += 1,
                        Some(ErrorCode::Throttling) => bucket.throttled += 1,
                        Some(_) => bucket.errors += 1,
                    }
                }
            }
            _ => {}
        }
    }

    /// The pool of an operation. The keys of a simulated run are symmetric.
    fn pool(&self, operation: &str) -> &'static str {
        let Some(profile) = &self.scene.profile else { return NO_QUOTA };
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
