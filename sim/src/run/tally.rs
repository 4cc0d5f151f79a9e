//! What a scenario expects of its calls, counted while the run goes on.

use crate::history::Event;
use kms_core::error::ErrorCode;
use scenarios::Scenario;
use std::collections::BTreeMap;

/// How calls ended, and which pools refused attempts.
#[derive(Debug, Default)]
pub(super) struct Tally {
    calls: u64,
    errors: BTreeMap<ErrorCode, u64>,
    throttled: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts one more event.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Ended { error, .. } => {
                self.calls += 1;
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
        unmet.extend(self.unexpected_errors(scenario));
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

    fn unexpected_errors(&self, scenario: &Scenario) -> Vec<String> {
        let Some(allowed) = &scenario.expect.allowed_errors else { return Vec::new() };
        let errors = self.errors.iter();
        let surprising = errors.filter(|(e, _)| !allowed.iter().any(|name| name == e.wire_name()));
        surprising
            .map(|(e, count)| format!("{count} calls ended with {e}, which is not expected"))
            .collect()
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
        events.iter().for_each(|event| tally.note(event));
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
    fn errors_that_are_not_expected_are_told() {
        let events = [None, Some(ErrorCode::Disabled), Some(ErrorCode::NotFound)].map(ended);
        let unmet = unmet("allowed_errors = ['DisabledException']", &events);
        assert_eq!(unmet.len(), 1);
        assert!(unmet[0].contains("NotFoundException"), "{unmet:?}");
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
