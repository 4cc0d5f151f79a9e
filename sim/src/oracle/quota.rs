//! No account is admitted more often than its quota says.

use super::{Context, Entry, Finding, Oracle, OracleInfo, PoolFacts, Seen, Violation};
use crate::history::{Event, Source};
use kms_core::name::{AccountId, RegionName};
use std::collections::BTreeMap;

const INFO: OracleInfo = OracleInfo {
    name: "quota",
    doc: "In no interval are more requests of an account admitted to a pool than its quota.",
    needs: &[Source::Host],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Quota::default()) };

#[derive(Default)]
struct Quota {
    /// What was admitted in the interval of the last request, by Region, pool and account.
    counted: BTreeMap<(RegionName, &'static str, AccountId), Counted>,
    judged: u64,
    violations: Vec<Violation>,
}

#[derive(Default)]
struct Counted {
    interval: u128,
    admitted: u64,
}

impl Oracle for Quota {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, context: &Context<'_>) {
        let Event::Admitted { account, pool } = &seen.record.event else { return };
        let Some(region) = context.region_of(seen.record.node) else { return };
        let named = |facts: &&PoolFacts| facts.pool == *pool && facts.region == region;
        let Some(facts) = context.quota.iter().find(named) else { return };
        self.judged += 1;
        let counted = self.counted.entry((region, pool, *account)).or_default();
        let interval = u128::from(seen.record.at.nanos()) / facts.interval.as_nanos().max(1);
        if counted.interval != interval {
            *counted = Counted { interval, admitted: 0 };
        }
        counted.admitted += 1;
        // Once an interval is enough.
        if counted.admitted == facts.count + 1 {
            let message = format!(
                "account {account} was admitted more than {} times to {pool} of {region} in \
                 interval {interval} of {:?}",
                facts.count, facts.interval
            );
            self.violations.push(seen.violates(INFO.name, message));
        }
    }

    fn finish(&mut self, _: &Context<'_>) -> Finding {
        let violations = std::mem::take(&mut self.violations);
        Finding { judged: self.judged, detail: Vec::new(), violations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn without_hosts_there_is_no_judgement() {
        Scene::new().cannot_judge(&ENTRY, Source::Host);
    }
}
