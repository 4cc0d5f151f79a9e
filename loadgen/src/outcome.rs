//! What is kept of a run: `run.json`, as types.

use crate::recorder::Recorder;
use hdrhistogram::Histogram;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The form of `run.json`.
const SCHEMA_VERSION: u32 = 1;

/// A calls' share of late starts above which the driver, not the service, is what was measured.
const CLIENT_BOUND: f64 = 0.01;

/// A finished load.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The form of this document.
    pub schema_version: u32,
    /// The program.
    pub tool: Tool,
    /// What was run.
    pub configuration: Configuration,
    /// Whether it was broken off.
    pub interrupted: bool,
    /// From the beginning to the last answer.
    pub seconds: f64,
    /// What became of the calls.
    pub counts: Counts,
    /// Answers a second, over the whole run.
    pub achieved_per_second: f64,
    /// More than one call in a hundred was sent late: latencies tell of the driver and of the queue in
    /// front of it as much as of the service.
    pub client_bound: bool,
    /// Nanoseconds from the intended start to the answer.
    pub response: Distribution,
    /// Nanoseconds from the sending to the answer.
    pub service: Distribution,
    /// Nanoseconds from the intended start to the sending.
    pub lag: Distribution,
    /// Second by second.
    pub samples: Vec<Sample>,
}

/// The program that drove a load.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tool {
    /// The version.
    pub version: String,
    /// The commit.
    pub commit: String,
}

/// What was run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Configuration {
    /// The name of the scenario.
    pub scenario: String,
    /// The seed of the schedule.
    pub seed: u64,
    /// What answered: `in process` or an address.
    pub target: String,
    /// The library that did the cryptography, in process.
    pub backend: Option<String>,
    /// Threads of the driver.
    pub threads: usize,
    /// Whether the request quotas of the scenario were in force.
    pub quota: bool,
    /// Seconds that the schedule lasts.
    pub seconds: f64,
}

/// What became of the calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Calls that were sent, each once.
    pub sent: u64,
    /// Answers that were successes.
    pub succeeded: u64,
    /// Answers that were `ThrottlingException`.
    pub throttled: u64,
    /// Answers that were another error, by name.
    pub failed: BTreeMap<String, u64>,
    /// Calls that were sent more than a millisecond late.
    pub late: u64,
    /// Intended starts that were never sent.
    pub dropped: u64,
}

/// A distribution of nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "percentiles are named after themselves")]
pub struct Distribution {
    pub mean: f64,
    pub min: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p99_9: u64,
    pub p99_99: u64,
    pub max: u64,
}

/// What was answered in a second.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// The second, from 0.
    pub second: u64,
    /// Calls that the schedule offers then, on average; 0 in a closed loop.
    pub offered: f64,
    /// Answers.
    pub answered: u64,
    /// Answers that were `ThrottlingException`.
    pub throttled: u64,
    /// Calls that were sent late.
    pub late: u64,
    /// The most calls that were under way at once.
    pub in_flight: u64,
    /// From the intended start.
    pub response: Distribution,
    /// From the sending.
    pub service: Distribution,
    /// From the intended start to the sending.
    pub lag: Distribution,
}

impl Counts {
    /// The counts of a recorder; how many starts were dropped it does not know.
    pub fn of(recorder: &Recorder, dropped: u64) -> Counts {
        let mut counts =
            Counts { sent: recorder.answered(), late: recorder.late, dropped, ..Counts::default() };
        counts.succeeded = counts.sent;
        for (code, count) in recorder.errors() {
            counts.succeeded -= count;
            match code {
                kms_core::error::ErrorCode::Throttling => counts.throttled = count,
                _ => {
                    counts.failed.insert(code.wire_name().to_owned(), count);
                }
            }
        }
        for (name, count) in recorder.others() {
            counts.succeeded -= count;
            counts.failed.insert(name.to_owned(), count);
        }
        counts
    }
}

impl Distribution {
    /// The distribution of a histogram; zeroes when it is empty.
    pub fn of(histogram: &Histogram<u64>) -> Distribution {
        if histogram.is_empty() {
            return Distribution::default();
        }
        let at = |quantile| histogram.value_at_quantile(quantile);
        Distribution {
            mean: histogram.mean(),
            min: histogram.min(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            p99_99: at(0.9999),
            max: histogram.max(),
        }
    }
}

impl Sample {
    /// What a recorder measured in a second.
    pub fn of(second: u64, offered: f64, recorder: &Recorder) -> Sample {
        let throttling = kms_core::error::ErrorCode::Throttling;
        Sample {
            second,
            offered,
            answered: recorder.answered(),
            throttled: recorder.count(throttling),
            late: recorder.late,
            in_flight: recorder.in_flight,
            response: Distribution::of(&recorder.response),
            service: Distribution::of(&recorder.service),
            lag: Distribution::of(&recorder.lag),
        }
    }
}

impl Outcome {
    /// What a whole run came to.
    pub fn of(
        configuration: Configuration,
        tool: Tool,
        whole: &Recorder,
        dropped: u64,
        took: Duration,
        samples: Vec<Sample>,
    ) -> Outcome {
        let counts = Counts::of(whole, dropped);
        let seconds = took.as_secs_f64();
        let intended = (counts.sent + dropped) as f64;
        Outcome {
            schema_version: SCHEMA_VERSION,
            tool,
            configuration,
            interrupted: false,
            seconds,
            achieved_per_second: counts.sent as f64 / seconds.max(f64::MIN_POSITIVE),
            client_bound: (counts.late + dropped) as f64 > CLIENT_BOUND * intended,
            counts,
            response: Distribution::of(&whole.response),
            service: Distribution::of(&whole.service),
            lag: Distribution::of(&whole.lag),
            samples,
        }
    }
}
