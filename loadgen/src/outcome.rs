//! What is kept of a run: `run.json`, as types.

use crate::oracles::{Finding, findings};
use crate::recorder::Recorder;
use crate::run::Ran;
use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The form of `run.json`.
pub(crate) const SCHEMA_VERSION: u32 = 4;

/// A finished load.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
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
    /// Calls a second that were due, over the schedule; a call of a closed loop is due when it is sent.
    pub due_per_second: f64,
    /// Answers a second, over the whole run.
    pub achieved_per_second: f64,
    /// Whether the driver, and not the service, is what the latencies tell of: more than one call in a
    /// hundred was late, and `late_because` is not the service.
    pub client_bound: bool,
    /// Why calls were late, when more than one in a hundred was.
    pub late_because: Option<Cause>,
    /// The share of response time that calls waited to be sent.
    pub lag_share: f64,
    /// The share of the run in which the driver's threads were on a processor, on average; in process the
    /// service works in them too. Absent where the system does not tell.
    pub processor_share: Option<f64>,
    /// Nanoseconds from the intended start to the answer, whatever it was.
    pub response: Distribution,
    /// Nanoseconds from the intended start to an answer that was a success. The times of a goal are these.
    pub success: Distribution,
    /// Nanoseconds from the sending to the answer.
    pub service: Distribution,
    /// Nanoseconds from the intended start to the sending.
    pub lag: Distribution,
    /// The request quotas that the load drew from, where it is held against them.
    pub quotas: Vec<Quota>,
    /// What the oracles say; empty when they were not asked.
    pub oracles: Vec<Finding>,
    /// Interval by interval: seconds, and in a long run more than one each.
    pub samples: Vec<Sample>,
}

/// Why calls were late.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// In process: the core was busy with earlier calls nine tenths of the time. That is the service's
    /// own queue.
    Service,
    /// Over HTTP: every connection was waiting for an answer nine tenths of the time.
    Connections,
    /// The driver's threads were on a processor nine tenths of the time.
    Processor,
    /// None of these: threads were woken late, as on a machine that does other things too.
    Machine,
}

/// The program that drove a load.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Tool {
    /// The version.
    pub version: String,
    /// The commit.
    pub commit: String,
}

/// What was run.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Configuration {
    /// The name of the scenario.
    pub scenario: String,
    /// The seed of the schedule.
    pub seed: u64,
    /// What answered: `in process` or an address.
    pub target: String,
    /// The library that did the cryptography, in process.
    pub backend: Option<String>,
    /// Clients that play, in the phase that has most of them.
    pub clients: u64,
    /// Threads of the driver.
    pub threads: usize,
    /// Connections of each thread, over HTTP.
    pub connections: Option<usize>,
    /// Whether the request quotas of the scenario were in force.
    pub quota: bool,
    /// Seconds that the schedule lasts.
    pub seconds: f64,
}

/// What a load drew from a pool of request quotas, in all its accounts and Regions together.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Quota {
    /// The profile.
    pub profile: String,
    /// The pool.
    pub pool: String,
    /// Calls a second that it admits, as the scenario scales it.
    pub per_second: f64,
    /// Answers to calls that draw from it, throttled ones included.
    pub calls: u64,
    /// The largest share of it that an interval drew.
    pub busiest: f64,
}

/// What became of the calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
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
    /// Intended starts that were never sent. Of each thread a million are counted, and what is more than
    /// that follows from the mean rate of the arrivals.
    pub dropped: u64,
    /// Keys and grants that clients had made and did not remember any more, with which the load parted by a
    /// request each, beside its schedule. Those requests are in no other figure, except that over HTTP they
    /// draw from quotas.
    pub parted: u64,
    /// Such keys and grants with which it could not part.
    pub unparted: u64,
}

/// A distribution of nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
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

/// What was answered in an interval.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Sample {
    /// The second it begins with, from 0.
    pub second: u64,
    /// How many seconds it is of, to the millisecond; the last one is as long as the run leaves it.
    pub seconds: f64,
    /// Calls a second that the schedule offers then, on average; 0 in a closed loop.
    pub offered: f64,
    /// Answers.
    pub answered: u64,
    /// Answers that were `ThrottlingException`.
    pub throttled: u64,
    /// Answers to calls that draw from each of `quotas`, throttled ones included.
    pub pooled: Vec<u64>,
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
        let Recorder { late, parted, unparted, .. } = *recorder;
        let sent = recorder.answered();
        let mut counts = Counts { sent, late, dropped, parted, unparted, ..Counts::default() };
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
            seconds: 1.0,
            offered,
            answered: recorder.answered(),
            throttled: recorder.count(throttling),
            pooled: recorder.pooled().to_vec(),
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
    pub fn of(configuration: Configuration, tool: Tool, ran: &Ran) -> Outcome {
        let whole = &ran.gathered.whole;
        let counts = Counts::of(whole, ran.dropped);
        let seconds = ran.took.as_secs_f64();
        let late_because = cause(&configuration, ran, &counts);
        let sum = |histogram: &Histogram<u64>| histogram.mean() * histogram.len() as f64;
        Outcome {
            schema_version: SCHEMA_VERSION,
            tool,
            interrupted: false,
            seconds,
            due_per_second: (counts.sent + counts.dropped) as f64
                / configuration.seconds.max(f64::MIN_POSITIVE),
            achieved_per_second: counts.sent as f64 / seconds.max(f64::MIN_POSITIVE),
            client_bound: late_because.is_some_and(|cause| cause != Cause::Service),
            late_because,
            lag_share: sum(&whole.lag) / sum(&whole.response).max(1.0),
            processor_share: processor_share(&configuration, ran),
            counts,
            response: Distribution::of(&whole.response),
            success: Distribution::of(&whole.successes()),
            service: Distribution::of(&whole.service),
            lag: Distribution::of(&whole.lag),
            quotas: ran.quotas.clone(),
            oracles: findings(&ran.judged),
            samples: ran.gathered.samples.clone(),
            configuration,
        }
    }

    /// A count as a share of the calls that were due.
    pub fn share(&self, count: u64) -> f64 {
        count as f64 / ((self.counts.sent + self.counts.dropped) as f64).max(1.0)
    }
}

/// The share of the time of all threads that they were on a processor.
fn processor_share(configuration: &Configuration, ran: &Ran) -> Option<f64> {
    let all = ran.took.as_secs_f64() * configuration.threads as f64;
    ran.processor.map(|time| time.as_secs_f64() / all.max(f64::MIN_POSITIVE))
}

/// Why calls were late, when more than one in a hundred was.
fn cause(configuration: &Configuration, ran: &Ran, counts: &Counts) -> Option<Cause> {
    const FEW: f64 = 0.01;
    const BUSY: f64 = 0.9;
    let due = (counts.sent + counts.dropped) as f64;
    if (counts.late + counts.dropped) as f64 <= FEW * due {
        return None;
    }
    let service = &ran.gathered.whole.service;
    let served = service.mean() * service.len() as f64 / 1e9;
    let seats = configuration.threads * configuration.connections.unwrap_or(1);
    let busy = served >= BUSY * seats as f64 * ran.took.as_secs_f64();
    let processor = processor_share(configuration, ran).is_some_and(|share| share >= BUSY);
    Some(match configuration.connections {
        None if busy => Cause::Service,
        // Connections that wait for a driver which is too slow to read are busy too.
        _ if processor => Cause::Processor,
        Some(_) if busy => Cause::Connections,
        _ => Cause::Machine,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gather::Gathered;
    use std::time::Duration;

    /// A run of ten seconds of which calls were in service so long and threads on a processor so long.
    fn ran(served: u64, processor: Option<u64>) -> Ran {
        let mut whole = Recorder::new();
        let late = Duration::from_millis(2);
        (0..served).for_each(|_| whole.note(late, Duration::from_secs(1), None));
        let gathered = Gathered { whole, samples: Vec::new() };
        let took = Duration::from_secs(10);
        let processor = processor.map(Duration::from_secs);
        Ran { gathered, dropped: 0, took, processor, quotas: Vec::new(), judged: Vec::new() }
    }

    fn because(connections: Option<usize>, ran: &Ran) -> Option<Cause> {
        let configuration = Configuration { threads: 1, connections, ..Configuration::default() };
        let outcome = Outcome::of(configuration, Tool::default(), ran);
        assert_eq!(
            outcome.client_bound,
            outcome.late_because.is_some_and(|cause| cause != Cause::Service)
        );
        outcome.late_because
    }

    #[test]
    fn what_was_late_has_one_cause() {
        assert_eq!(because(None, &ran(10, Some(10))), Some(Cause::Service));
        assert_eq!(because(None, &ran(3, Some(3))), Some(Cause::Machine));
        assert_eq!(because(Some(2), &ran(19, Some(1))), Some(Cause::Connections));
        assert_eq!(because(Some(2), &ran(19, Some(10))), Some(Cause::Processor));
        assert_eq!(because(Some(2), &ran(3, None)), Some(Cause::Machine));
        assert_eq!(because(Some(2), &ran(0, None)), None);
    }
}
