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
    /// How many calls began.
    begun: u64,
    /// How many of them ended.
    ended: u64,
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
            begun: 0,
            ended: 0,
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
                self.begun += 1;
                self.began.insert((record.node, *call), record.at);
            }
            Event::Ended { call, error } => {
                self.ended += 1;
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
    pub(super) fn ended(&self) -> u64 {
        self.ended
    }

    /// What the scenario expected and did not get.
    pub(super) fn unmet(&self, scenario: &Scenario) -> Vec<String> {
        let mut unmet = Vec::new();
        if self.begun == 0 {
            unmet.push("no client called anything, so nothing is shown".to_owned());
        }
        unmet.extend(self.too_unavailable(scenario));
        unmet.extend(self.too_slow(scenario));
        unmet.extend(self.unexpected_errors(scenario));
        unmet.extend(self.missing_errors(scenario));
        unmet.extend(self.throttled_otherwise(scenario));
        unmet
    }

    /// A call that has no end when the run is over was not answered. Without a call there is no share of
    /// them, and no bound on it is met.
    fn too_unavailable(&self, scenario: &Scenario) -> Option<String> {
        let least = scenario.expect.availability_min.map(scenarios::Probability::get)?;
        let failed = self.errors.iter().filter(|(error, _)| error.is_server_fault());
        let failed: u64 = failed.map(|(_, count)| count).sum();
        let open = self.began.len() as u64;
        if self.begun == 0 {
            return Some(format!("no call began, and an availability of {least} is expected"));
        }
        let availability = 1.0 - (failed + open) as f64 / self.begun as f64;
        let unanswered = match open {
            0 => String::new(),
            open => format!(" ({open} of {} calls never ended)", self.begun),
        };
        (availability < least).then(|| {
            format!(
                "availability is {availability:.4}{unanswered}, and at least {least} is expected"
            )
        })
    }

    /// Times of calls that succeeded; where none did, no bound is met.
    fn too_slow(&self, scenario: &Scenario) -> Vec<String> {
        let bounds = scenario.expect.latency;
        let bounds =
            [("the median", 0.5, bounds.median), ("the 99th percentile", 0.99, bounds.p99)];
        let told = |(name, quantile, bound): (&str, f64, Option<Duration>)| {
            let bound = bound?;
            let bound_text = scenarios::duration_text(bound);
            if self.took.is_empty() {
                return Some(format!(
                    "no call succeeded, and at most {bound_text} is expected of {name}"
                ));
            }
            let took = Duration::from_micros(self.took.value_at_quantile(quantile));
            let took_text = scenarios::duration_text(took);
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

    fn began(call: u64) -> Event {
        Event::Called {
            request: RequestId(1),
            call,
            attempt: 1,
            region: kms_core::name::RegionName::parse("us-east-1").unwrap(),
            facts: std::sync::Arc::new(crate::history::CallFacts {
                principal: "x".into(),
                account: kms_core::name::AccountId::new(1),
                administrator: true,
                dry_run: false,
                wanted: crate::history::Wanted::ListKeys,
            }),
        }
    }

    fn ended(call: u64, error: Option<ErrorCode>) -> Event {
        Event::Ended { call, error }
    }

    /// A call for each of these ends.
    fn calls(ends: &[Option<ErrorCode>]) -> Vec<Event> {
        let calls = (1..).zip(ends);
        calls.flat_map(|(call, error)| [began(call), ended(call, *error)]).collect()
    }

    #[test]
    fn availability_counts_what_the_service_is_to_blame_for() {
        let events = calls(&[None, None, Some(ErrorCode::KmsInternal), Some(ErrorCode::NotFound)]);
        assert_eq!(unmet("availability_min = 0.75", &events).len(), 0);
        assert_eq!(unmet("availability_min = 0.76", &events).len(), 1);
    }

    /// A service that answered nothing passed as fully available: only calls that ended were counted.
    #[test]
    fn calls_without_an_end_are_not_answered() {
        let mut events = calls(&[None]);
        assert_eq!(unmet("availability_min = 1.0", &events).len(), 0);
        events.push(began(2));
        let told = unmet("availability_min = 0.6", &events);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("0.5000 (1 of 2 calls never ended)"), "{told:?}");
        let told = unmet("availability_min = 0.1", &[began(1), began(2)]);
        assert!(told[0].contains("0.0000 (2 of 2 calls never ended)"), "{told:?}");
    }

    #[test]
    fn no_bound_is_met_by_nothing() {
        let bounds = "latency_median_max = '1h'\nlatency_p99_max = '1h'";
        assert_eq!(unmet(bounds, &[began(1)]).len(), 2);
        assert_eq!(unmet(bounds, &calls(&[Some(ErrorCode::NotFound)])).len(), 2);
        assert_eq!(unmet(bounds, &calls(&[None])).len(), 0);
    }

    #[test]
    fn a_run_without_a_call_shows_nothing() {
        assert_eq!(unmet("", &[]), ["no client called anything, so nothing is shown"]);
        let told = unmet("availability_min = 0.5", &[]);
        assert_eq!(told[1], "no call began, and an availability of 0.5 is expected");
        assert_eq!(unmet("", &[began(1)]).len(), 0);
    }

    #[test]
    fn calls_that_take_longer_than_they_may_are_told() {
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
        let events = calls(&[None, Some(ErrorCode::Disabled), Some(ErrorCode::NotFound)]);
        let unmet = unmet("allowed_errors = ['DisabledException']", &events);
        assert_eq!(unmet.len(), 1);
        assert!(unmet[0].contains("NotFoundException"), "{unmet:?}");
    }

    #[test]
    fn errors_that_are_expected_and_do_not_come_are_told() {
        let events = calls(&[None, Some(ErrorCode::AccessDenied)]);
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
        let events = [began(1), own, other];
        assert_eq!(unmet(&expect(2, 2), &events).len(), 0);
        assert_eq!(unmet(&expect(3, 9), &events).len(), 1);
        assert_eq!(unmet(&expect(0, 1), &events).len(), 1);
    }
}
