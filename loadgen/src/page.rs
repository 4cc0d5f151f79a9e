//! What a load came to, as its page shows it.

use crate::outcome::{Cause, Distribution, Outcome, Quota, Sample};
use reports::data::{Interval, LoadReport, Micros, QuotaUse};
use reports::{Nanos, measured, thousands};

/// What is said of a cause.
impl Cause {
    /// Why calls were late, and what can be done.
    pub fn said(self) -> &'static str {
        match self {
            Cause::Service => {
                "The core was busy with earlier calls: this is the queue of a service that gets more than \
                 it can do."
            }
            Cause::Connections => {
                "CLIENT-BOUND: all connections were waiting for answers, and more calls were due. Raise \
                 --connections, or lower --rate."
            }
            Cause::Processor => {
                "CLIENT-BOUND: the driver had no processor time left. Add --threads on a machine with \
                 more cores, or lower --rate."
            }
            Cause::Machine => {
                "CLIENT-BOUND: threads were woken late, though neither the service nor the driver was \
                 busy. The machine does other things; --spin may help."
            }
        }
    }
}

impl Outcome {
    /// As a page shows it.
    pub fn report(&self) -> LoadReport {
        let Outcome { configuration, counts, .. } = self;
        let mut warnings: Vec<_> =
            self.late_because.iter().map(|cause| cause.said().to_owned()).collect();
        if self.interrupted {
            warnings.push("Broken off: this is what was measured until then.".to_owned());
        }
        let share = |count: u64| format!("{:.2} % of what was due", 100.0 * self.share(count));
        let failed = counts.failed.values().sum();
        let figure = |name: &str, value: u64, remark: String| (name.to_owned(), value, remark);
        LoadReport {
            title: format!("{}, {}", configuration.scenario, configuration.target),
            sentence: format!(
                "{} calls in {:.2} s: {:.0} a second, 99 % answered within {} of their intended start.",
                thousands(counts.sent),
                self.seconds,
                self.achieved_per_second,
                measured(Nanos(self.response.p99)),
            ),
            warnings,
            figures: vec![
                figure("Calls", counts.sent, "each sent once".to_owned()),
                figure("Succeeded", counts.succeeded, share(counts.succeeded)),
                figure("Throttled", counts.throttled, share(counts.throttled)),
                figure("Failed", failed, share(failed)),
                figure(
                    "Late or dropped",
                    counts.late + counts.dropped,
                    share(counts.late + counts.dropped),
                ),
            ],
            latencies: [
                ("response", &self.response),
                ("success", &self.success),
                ("service", &self.service),
                ("lag", &self.lag),
            ]
            .map(|(name, times)| (name.to_owned(), percentiles(times)))
            .into(),
            errors: counts.failed.clone().into_iter().collect(),
            course: self.samples.iter().map(interval).collect(),
            quotas: self.quotas.iter().map(quota).collect(),
            set_up: self.set_up(),
        }
    }

    fn set_up(&self) -> Vec<(String, String)> {
        let Outcome { configuration, counts, tool, .. } = self;
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let rows = [
            ("seed", Some(configuration.seed.to_string())),
            ("library", configuration.backend.clone()),
            ("clients", Some(configuration.clients.to_string())),
            ("threads", Some(configuration.threads.to_string())),
            ("connections a thread", configuration.connections.map(|count| count.to_string())),
            (
                "request quotas",
                Some(if configuration.quota { "in force" } else { "off" }.to_owned()),
            ),
            ("schedule", Some(format!("{} s", configuration.seconds))),
            ("keys and grants parted with", Some(thousands(counts.parted))),
            (
                "keys and grants that could not be parted with",
                (counts.unparted > 0).then(|| counts.unparted.to_string()),
            ),
            ("response time spent waiting to be sent", Some(percent(self.lag_share))),
            ("time of the threads on a processor", self.processor_share.map(percent)),
            ("keyquake", Some(format!("{} ({})", tool.version, tool.commit))),
        ];
        rows.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

fn quota(Quota { pool, per_second, calls, busiest, .. }: &Quota) -> QuotaUse {
    let (per_second, calls, busiest) = (*per_second, *calls, *busiest);
    QuotaUse { pool: pool.clone(), per_second, calls, busiest }
}

fn micros(nanos: u64) -> Micros {
    Micros(nanos.div_ceil(1_000))
}

fn percentiles(times: &Distribution) -> [Nanos; 6] {
    [times.p50, times.p90, times.p99, times.p99_9, times.p99_99, times.max].map(Nanos)
}

fn interval(sample: &Sample) -> Interval {
    let seconds = sample.seconds;
    let rate = |count: u64| count as f64 / seconds;
    let Sample { response, .. } = sample;
    Interval {
        from: sample.second as f64,
        seconds,
        offered: (sample.offered > 0.0).then_some(sample.offered),
        answered: rate(sample.answered),
        late: rate(sample.late),
        throttled: rate(sample.throttled),
        pooled: sample.pooled.iter().copied().map(rate).collect(),
        in_flight: sample.in_flight,
        response: [response.p50, response.p99, response.p99_9, response.max].map(micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_with_what_has_to_be_known_first() {
        let mut outcome = Outcome { late_because: Some(Cause::Connections), ..Outcome::default() };
        outcome.samples.push(Sample {
            seconds: 2.0,
            answered: 10,
            response: Distribution { p50: 1_500, ..Distribution::default() },
            ..Sample::default()
        });
        let report = outcome.report();
        assert!(report.warnings[0].contains("--connections"));
        assert!((report.course[0].answered - 5.0).abs() < 1e-9);
        assert_eq!((report.course[0].response[0], report.course[0].offered), (Micros(2), None));
        outcome.lag.p50 = 28;
        let lag = &outcome.report().latencies[3];
        assert_eq!((lag.0.as_str(), lag.1[0]), ("lag", Nanos(28)), "as the terminal has it");
        outcome.late_because = None;
        assert!(outcome.report().warnings.is_empty());
    }
}
