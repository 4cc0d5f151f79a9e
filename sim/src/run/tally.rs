//! What a scenario expects of its calls, counted while the run goes on.

use crate::clock::SimTime;
use crate::history::{Event, Record};
use crate::place::NodeId;
use hdrhistogram::Histogram;
use kms_core::error::ErrorCode;
use scenarios::Scenario;
use std::collections::BTreeMap;
use std::time::Duration;

/// How calls ended and how long they took, and which pools refused attempts.
#[derive(Debug)]
pub(super) struct Tally {
    /// When each open call began.
    began: BTreeMap<(NodeId, u64), SimTime>,
    /// How many microseconds successful calls took.
    took: Histogram<u64>,
    calls: u64,
    errors: BTreeMap<ErrorCode, u64>,
    throttled: BTreeMap<&'static str, u64>,
}

impl Default for Tally {
    fn default() -> Tally {
        const DAY: u64 = 86_400_000_000;
        let took = Histogram::new_with_max(DAY, 3);
        Tally {
            began: BTreeMap::new(),
            took: took.expect("three digits up to a day are within its limits"),
            calls: 0,
            errors: BTreeMap::new(),
            throttled: BTreeMap::new(),
        }
    }
}

impl Tally {
    /// Counts one more record.
    pub(super) fn note(&mut self, record: &Record) {
        match &record.event {
            Event::Called { call, attempt: 0 | 1, .. } => {
                self.began.insert((record.node, *call), record.at);
            }
            Event::Ended { call, error } => {
                self.calls += 1;
                let began = self.began.remove(&(record.node, *call));
                if let (Some(began), None) = (began, error) {
                    let took = record.at.since(began).as_micros();
                    self.took.saturating_record(u64::try_from(took).unwrap_or(u64::MAX));
                }
                if let Some(error) = error {
                    *self.errors.entry(*error).or_default() += 1;
                }
            }
            Event::Answered { pool: Some(pool), error: Some(ErrorCode::Throttling), .. }
            | Event::CommandThrottled { pool, .. } => {
                *self.throttled.entry(pool).or_default() += 1;
            }
            _ => {}
        }
    }

    /// How many calls came to an end.
    pub(super) fn calls(&self) -> u64 {
        self.calls
    }

    /// What the scenario expected and did not get.
    pub(super) fn unmet(&self, scenario: &Scenario) -> Vec<String> {
        let mut unmet = Vec::new();
        unmet.extend(self.too_unavailable(scenario));
        unmet.extend(self.too_slow(scenario));
        unmet.extend(self.unexpected_errors(scenario));
        unmet.extend(self.missing_errors(scenario));
        unmet.extend(self.throttled_otherwise(scenario));
        unmet
    }

    fn too_unavailable(&self, scenario: &Scenario) -> Option<String> {
        let least = scenario.expect.availability_min.map(scenarios::Probability::get)?;
        let failed = self.errors.iter().filter(|(error, _)| error.is_server_fault());
        let failed: u64 = failed.map(|(_, count)| count).sum();
        let availability = 1.0 - failed as f64 / self.calls.max(1) as f64;
        (availability < least)
            .then(|| format!("availability is {availability:.4}, and at least {least} is expected"))
    }

    fn too_slow(&self, scenario: &Scenario) -> Vec<String> {
        let bounds = scenario.expect.latency;
        let bounds =
            [("the median", 0.5, bounds.median), ("the 99th percentile", 0.99, bounds.p99)];
        let told = |(name, quantile, bound): (&str, f64, Option<Duration>)| {
            let bound = bound?;
            let took = Duration::from_micros(self.took.value_at_quantile(quantile));
            let [took_text, bound_text] = [took, bound].map(scenarios::duration_text);
            (took > bound).then(|| {
                format!(
                    "{name} of the calls took {took_text}, and at most {bound_text} is expected"
                )
            })
        };
        bounds.into_iter().filter_map(told).collect()
    }

    fn unexpected_errors(&self, scenario: &Scenario) -> Vec<String> {
        let Some(allowed) = &scenario.expect.allowed_errors else { return Vec::new() };
        let errors = self.errors.iter();
        let surprising = errors.filter(|(e, _)| !allowed.iter().any(|name| name == e.wire_name()));
        surprising
            .map(|(e, count)| format!("{count} calls ended with {e}, which is not expected"))
            .collect()
    }

    fn missing_errors(&self, scenario: &Scenario) -> Vec<String> {
        let required = scenario.expect.required_errors.iter();
        let missing = required.filter(|name| !self.errors.keys().any(|e| e.wire_name() == *name));
        missing.map(|name| format!("no call ended with {name}, which is expected")).collect()
    }

    fn throttled_otherwise(&self, scenario: &Scenario) -> Vec<String> {
        let mut unmet = Vec::new();
        for (pool, bounds) in &scenario.expect.throttled {
            let count = self.throttled.get(pool.as_str()).copied().unwrap_or(0);
            let told = |bound: u32, most: &str| {
                format!("pool {pool} throttled {count} requests; at {most} {bound} are expected")
            };
            unmet
                .extend(bounds.min.filter(|min| count < u64::from(*min)).map(|b| told(b, "least")));
            unmet.extend(bounds.max.filter(|max| count > u64::from(*max)).map(|b| told(b, "most")));
        }
        unmet
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kms_core::env::{RequestId, Timestamp};

    fn unmet(expect: &str, events: &[Event]) -> Vec<String> {
        let text = format!(
            "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n[[phase]]\nname = 'a'\n\
             duration = '1m'\n[[phase.workload]]\nkind = 'key-creation'\n\
             arrivals = {{ kind = 'poisson', per_second = 1 }}\n[expect]\n{expect}\n"
        );
        let scenario = Scenario::parse("x.toml", &text, &[], &crate::vocabulary::vocabulary());
        let mut tally = Tally::default();
        for (second, event) in (1..).zip(events) {
            let (at, node) = (SimTime::from_secs(second), NodeId(0));
            tally.note(&Record { at, node, event: event.clone() });
        }
        tally.unmet(&scenario.unwrap())
    }

    fn ended(error: Option<ErrorCode>) -> Event {
        Event::Ended { call: 1, error }
    }

    #[test]
    fn availability_counts_what_the_service_is_to_blame_for() {
        let events = [None, None, Some(ErrorCode::KmsInternal), Some(ErrorCode::NotFound)];
        let events = events.map(ended);
        assert_eq!(unmet("availability_min = 0.75", &events).len(), 0);
        assert_eq!(unmet("availability_min = 0.76", &events).len(), 1);
    }

    #[test]
    fn calls_that_take_longer_than_they_may_are_told() {
        let began = |call| Event::Called {
            request: RequestId(1),
            call,
            attempt: 1,
            region: kms_core::name::RegionName::parse("us-east-1").unwrap(),
            facts: std::sync::Arc::new(crate::history::CallFacts {
                principal: "x".into(),
                account: kms_core::name::AccountId::new(1),
                administrator: true,
                wanted: crate::history::Wanted::ListKeys,
            }),
        };
        let ended = |call, error| Event::Ended { call, error };
        // Two calls of two seconds, and a failed one of three.
        let failed = Some(ErrorCode::KmsInternal);
        let events = [
            began(1),
            began(2),
            ended(1, None),
            ended(2, None),
            began(3),
            began(4),
            began(5),
            ended(3, failed),
        ];
        let bounds =
            |median, p99| format!("latency_median_max = '{median}'\nlatency_p99_max = '{p99}'");
        assert_eq!(unmet(&bounds("2010ms", "2010ms"), &events).len(), 0);
        assert_eq!(unmet(&bounds("1990ms", "2010ms"), &events).len(), 1);
        assert_eq!(unmet(&bounds("1990ms", "1999ms"), &events).len(), 2);
    }

    #[test]
    fn errors_that_are_not_expected_are_told() {
        let events = [None, Some(ErrorCode::Disabled), Some(ErrorCode::NotFound)].map(ended);
        let unmet = unmet("allowed_errors = ['DisabledException']", &events);
        assert_eq!(unmet.len(), 1);
        assert!(unmet[0].contains("NotFoundException"), "{unmet:?}");
    }

    #[test]
    fn errors_that_are_expected_and_do_not_come_are_told() {
        let events = [None, Some(ErrorCode::AccessDenied)].map(ended);
        assert_eq!(unmet("required_errors = ['AccessDeniedException']", &events).len(), 0);
        let unmet = unmet("required_errors = ['DisabledException']", &events);
        assert_eq!(unmet, ["no call ended with DisabledException, which is expected"]);
    }

    #[test]
    fn refusals_of_commands_from_other_regions_count_too() {
        let request = RequestId(1);
        let (now, error) = (Timestamp::EPOCH, Some(ErrorCode::Throttling));
        let pool = "CreateKey";
        let own = Event::Answered { request, position: 1, now, pool: Some(pool), error };
        let other = Event::CommandThrottled { request, pool };
        let expect = |min: u32, max: u32| {
            format!("throttled_min = {{ {pool} = {min} }}\nthrottled_max = {{ {pool} = {max} }}")
        };
        let events = [own, other];
        assert_eq!(unmet(&expect(2, 2), &events).len(), 0);
        assert_eq!(unmet(&expect(3, 9), &events).len(), 1);
        assert_eq!(unmet(&expect(0, 1), &events).len(), 1);
    }
}
