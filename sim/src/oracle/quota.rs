//! No account is admitted more often than its quota says, and none is refused while there is room.

use super::{Context, Entry, Finding, Oracle, OracleInfo, PoolFacts, Seen, Violation};
use crate::clock::SimTime;
use crate::fault::NodeAction;
use crate::history::{Event, Source};
use crate::place::{NodeId, Role};
use kms_core::env::RequestId;
use kms_core::error::ErrorCode;
use kms_core::name::AccountId;
use std::collections::{BTreeMap, BTreeSet};

const INFO: OracleInfo = OracleInfo {
    name: "quota",
    doc: "In no interval are more requests of an account admitted to a pool than its quota, and no \
          host refuses one before it has given its share away.",
    needs: &[Source::Host],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Quota::default()) };

#[derive(Default)]
struct Quota {
    /// Which of the pools there are each host charges under a name.
    pools: BTreeMap<NodeId, Vec<(&'static str, Option<usize>)>>,
    /// What was admitted in the interval of the last request, by pool and account.
    counted: BTreeMap<(usize, AccountId), Counted>,
    /// The same by host.
    by_host: BTreeMap<(NodeId, usize, AccountId), Counted>,
    /// Requests that another Region refused: the host that was asked only passes it on.
    relayed: BTreeSet<RequestId>,
    /// When each host last came back and had forgotten what it had given away.
    restarted: BTreeMap<NodeId, SimTime>,
    judged: u64,
    refused: u64,
    violations: Vec<Violation>,
}

#[derive(Default)]
struct Counted {
    interval: u128,
    admitted: u64,
    /// How many were admitted in the interval before.
    before: u64,
}

impl Oracle for Quota {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, context: &Context<'_>) {
        match &seen.record.event {
            Event::Admitted { account, pool } => self.admitted(seen, *account, pool, context),
            Event::Answered { request, pool: Some(pool), error: Some(error), .. }
                if *error == ErrorCode::Throttling =>
            {
                self.told(seen, *request, pool, context);
            }
            Event::CommandThrottled { request, pool } => {
                self.relayed.insert(*request);
                self.refused(seen, *request, pool, context);
            }
            Event::Acted(NodeAction::Restart(node)) => {
                self.restarted.insert(*node, seen.record.at);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: &Context<'_>) -> Finding {
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.judged, detail: vec![("refused", self.refused)], violations }
    }
}

impl Quota {
    /// The pool of that name which the speaker charges. Regions have many, and a host uses few.
    fn pool(&mut self, seen: Seen<'_>, name: &'static str, context: &Context<'_>) -> Option<usize> {
        let node = seen.record.node;
        let known = self.pools.entry(node).or_default();
        if let Some((_, pool)) = known.iter().find(|(known, _)| *known == name) {
            return *pool;
        }
        let region = context.region_of(node);
        let is_it = |facts: &PoolFacts| facts.pool == name && Some(facts.region) == region;
        let pool = context.quota.iter().position(is_it);
        known.push((name, pool));
        pool
    }

    fn admitted(
        &mut self,
        seen: Seen<'_>,
        account: AccountId,
        pool: &'static str,
        context: &Context<'_>,
    ) {
        let Some(number) = self.pool(seen, pool, context) else { return };
        let facts = &context.quota[number];
        self.judged += 1;
        let interval = interval_of(seen.record.at, facts);
        let by_host = self.by_host.entry((seen.record.node, number, account)).or_default();
        by_host.count(interval);
        let counted = self.counted.entry((number, account)).or_default();
        let (_, most) = facts.bounds(interval, hosts(seen, context), context);
        // Once an interval is enough.
        if counted.count(interval) == most + 1 {
            let message = format!(
                "account {account} was admitted more than {most} times to {pool} of {} in interval \
                 {interval} of {:?}",
                facts.region, facts.interval
            );
            self.violations.push(seen.violates(INFO.name, message));
        }
    }

    /// A refusal of this host's own, unless another Region has refused before.
    fn told(
        &mut self,
        seen: Seen<'_>,
        request: RequestId,
        pool: &'static str,
        context: &Context<'_>,
    ) {
        if !self.relayed.remove(&request) {
            self.refused(seen, request, pool, context);
        }
    }

    /// A refusal is right if the host has given away at least what is its share in every interval, or
    /// does not know because it has just come back. It may have been decided in the interval before
    /// the one it was told in: some are decided by another Region in between.
    fn refused(
        &mut self,
        seen: Seen<'_>,
        request: RequestId,
        pool: &'static str,
        context: &Context<'_>,
    ) {
        let Some(number) = self.pool(seen, pool, context) else { return };
        let facts = &context.quota[number];
        let Some(attempt) = seen.known.attempts.get(request) else { return };
        self.judged += 1;
        self.refused += 1;
        let (node, account) = (seen.record.node, attempt.facts.account);
        let interval = interval_of(seen.record.at, facts);
        let back = self.restarted.get(&node).map(|at| interval_of(*at, facts));
        let known = self.by_host.get(&(node, number, account));
        let given = known.map_or(0, |given| given.most_lately(interval));
        let hosts = hosts(seen, context);
        let (least, _) = facts.bounds(interval, hosts, context);
        let share = least / hosts.max(1);
        if back.is_none_or(|back| back + 1 < interval) && given < share {
            let message = format!(
                "account {account} was refused by {pool} after {given} requests, and a host's share \
                 is {share} of {least}"
            );
            self.violations.push(seen.violates(INFO.name, message));
        }
    }
}

/// How many hosts share the quotas of the speaker's Region.
fn hosts(seen: Seen<'_>, context: &Context<'_>) -> u64 {
    let region = context.topology.place(seen.record.node).region;
    context.topology.of_role(region, Role::ApiHost).count() as u64
}

impl Counted {
    /// Counts one more in an interval, and says how many that are.
    fn count(&mut self, interval: u128) -> u64 {
        if self.interval != interval {
            let before = if self.interval + 1 == interval { self.admitted } else { 0 };
            *self = Counted { interval, admitted: 0, before };
        }
        self.admitted += 1;
        self.admitted
    }

    /// The most that were admitted in an interval or in the one before it.
    fn most_lately(&self, interval: u128) -> u64 {
        match interval.checked_sub(self.interval) {
            Some(0) => self.admitted.max(self.before),
            Some(1) => self.admitted,
            _ => 0,
        }
    }
}

fn interval_of(at: SimTime, facts: &PoolFacts) -> u128 {
    u128::from(at.nanos()) / facts.interval.as_nanos().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Window;
    use crate::history::Wanted;
    use crate::oracle::scene::{ACCOUNT, Scene};
    use std::time::Duration;

    fn admitted(millis: &[u64]) -> Vec<Violation> {
        let mut scene = Scene::new();
        let (account, pool) = (ACCOUNT, "pool");
        for at in millis {
            scene.at(*at).host(Event::Admitted { account, pool });
        }
        let interval = Duration::from_secs(1);
        let facts = PoolFacts { region: scene.home(), pool, count: 2, interval };
        let context = Context { quota: vec![facts], ..scene.context() };
        scene.judge_with(&ENTRY, &context).violations
    }

    #[test]
    fn as_many_as_the_quota_in_each_interval_are_fine() {
        assert_eq!(admitted(&[0, 999, 1_000, 1_001, 5_000]), []);
    }

    #[test]
    fn one_too_many_is_told_once() {
        let violations = admitted(&[1_000, 1_500, 1_600, 1_700]);
        assert_eq!(violations.len(), 1);
        assert_eq!(violations[0].index, 2);
    }

    /// A refusal after so many requests, with and without a host that has just come back.
    fn refused_after(admitted: usize, restarts: bool) -> usize {
        let mut scene = Scene::new();
        let (account, pool) = (ACCOUNT, "pool");
        scene.at(1_000).call(1, Wanted::ListKeys);
        if restarts {
            scene.restart_host();
        }
        for _ in 0..admitted {
            scene.host(Event::Admitted { account, pool });
        }
        scene.refuse(1, pool);
        let interval = Duration::from_secs(1);
        let facts = PoolFacts { region: scene.home(), pool, count: 2, interval };
        let context = Context { quota: vec![facts], ..scene.context() };
        scene.judge_with(&ENTRY, &context).violations.len()
    }

    /// What is told of so many admissions at second 10 and a refusal after them, under a quota of four
    /// that is halved from there on.
    fn halved(admitted: usize, refused: bool, second: u64) -> usize {
        let mut scene = Scene::new();
        let (account, pool) = (ACCOUNT, "pool");
        scene.at(second * 1_000).call(1, Wanted::ListKeys);
        (0..admitted).for_each(|_| scene.host(Event::Admitted { account, pool }));
        if refused {
            scene.refuse(1, pool);
        }
        let interval = Duration::from_secs(1);
        let facts = PoolFacts { region: scene.home(), pool, count: 4, interval };
        let window = Window { from: SimTime::from_secs(10), until: SimTime::from_secs(20) };
        let mut context = Context { quota: vec![facts], ..scene.context() };
        context.quota_changes = vec![(None, window, 0.5)];
        scene.judge_with(&ENTRY, &context).violations.len()
    }

    #[test]
    fn a_change_of_the_quota_counts_from_about_then() {
        assert_eq!(halved(2, true, 5), 1, "there was room for two more");
        assert_eq!(halved(2, true, 15), 0);
        assert_eq!(halved(1, true, 15), 1);
        assert_eq!(halved(5, false, 15), 1);
        assert_eq!(halved(4, false, 10), 0, "the interval may have begun before");
    }

    /// A refusal may be told in the interval after the one it was decided in, and no later.
    #[test]
    fn a_refusal_that_was_decided_a_moment_ago_is_right() {
        let told = |at: u64| {
            let mut scene = Scene::new();
            let (account, pool) = (ACCOUNT, "pool");
            scene.at(1_000).call(1, Wanted::ListKeys);
            (0..2).for_each(|_| scene.host(Event::Admitted { account, pool }));
            scene.at(at).refuse(1, pool);
            let interval = Duration::from_secs(1);
            let facts = PoolFacts { region: scene.home(), pool, count: 2, interval };
            let context = Context { quota: vec![facts], ..scene.context() };
            scene.judge_with(&ENTRY, &context).violations.len()
        };
        assert_eq!([1_500, 2_100, 3_100].map(told), [0, 0, 1]);
    }

    #[test]
    fn nobody_is_refused_while_there_is_room() {
        assert_eq!([0, 1, 2].map(|admitted| refused_after(admitted, false)), [1, 1, 0]);
        assert_eq!(refused_after(0, true), 0, "it does not know");
    }

    #[test]
    fn without_hosts_there_is_no_judgement() {
        Scene::new().cannot_judge(&ENTRY, Source::Host);
    }
}
