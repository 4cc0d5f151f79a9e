//! What a run must show. The oracles judge every run; this adds what the scenario is about.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::kind::{Count, Kind, List, Named, POSITIVE_DURATION, PROBABILITY, Word};
use crate::listing::FieldDefault;
use crate::reader::Reader;
use crate::units::Probability;

/// The expectations of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Expect {
    /// How the run must end.
    pub verdict: Verdict,
    /// The only API errors clients may see; none stated means any.
    pub allowed_errors: Option<Vec<String>>,
    /// API errors that some client must see.
    pub required_errors: Vec<String>,
    /// The least share of requests answered, client errors counting as answers.
    pub availability_min: Option<Probability>,
    /// The greatest median and 99th percentile of the time that calls may take, retries included.
    pub latency: LatencyBounds,
    /// Bounds on throttled requests, by quota pool.
    pub throttled: BTreeMap<String, Throttling>,
}

/// How long calls may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LatencyBounds {
    /// Half of them.
    pub median: Option<Duration>,
    /// All but one in a hundred.
    pub p99: Option<Duration>,
}

/// How a run must end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// No oracle objects.
    Pass,
    /// This oracle objects, as a planted bug or a minimised failure makes it.
    Violation {
        /// The oracle's name.
        oracle: String,
    },
}

/// Bounds on the throttled requests of one pool, over the whole run and all Regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Throttling {
    /// At least so many.
    pub min: Option<u32>,
    /// At most so many.
    pub max: Option<u32>,
}

#[derive(Clone, Copy)]
enum Ending {
    Pass,
    Violation,
}

const VERDICT: Word<Ending> =
    Word { what: "verdict", words: &[("pass", Ending::Pass), ("violation", Ending::Violation)] };
const ERROR: Named = Named { what: "API error", among: |vocabulary| &vocabulary.errors };
const ORACLE: Named = Named { what: "oracle", among: |vocabulary| &vocabulary.oracles };
const POOL: Named = Named { what: "quota pool", among: |vocabulary| &vocabulary.quota_pools };
const REQUESTS: Count = Count { min: 0, max: u32::MAX };

impl Expect {
    pub(crate) fn read(reader: &mut Reader<'_, '_>) -> Self {
        reader.table("expect", "What the run must show; the oracles always judge.", |reader| {
            let errors = List { of: ERROR, min: 0, max: 100 };
            Self {
                verdict: verdict(reader),
                allowed_errors: reader.optional(
                    "allowed_errors",
                    &errors,
                    "The only API errors clients may see; any when unset.",
                ),
                required_errors: reader
                    .optional("required_errors", &errors, "API errors that some client must see.")
                    .unwrap_or_default(),
                availability_min: reader.optional(
                    "availability_min",
                    &PROBABILITY,
                    "Least share of requests answered; client errors count as answers.",
                ),
                latency: latency(reader),
                throttled: throttled(reader),
            }
        })
    }
}

fn verdict(reader: &mut Reader<'_, '_>) -> Verdict {
    let ending = reader.or("verdict", &VERDICT, "pass", "How the run must end.");
    let oracle = reader.optional(
        "oracle",
        &ORACLE,
        "The oracle that must object, with `verdict = \"violation\"`.",
    );
    match (ending, oracle) {
        (Ending::Pass, None) => Verdict::Pass,
        (Ending::Pass, Some(_)) => {
            reader.complain("oracle", "an oracle is named only with verdict = \"violation\"");
            Verdict::Pass
        }
        (Ending::Violation, Some(oracle)) => Verdict::Violation { oracle },
        (Ending::Violation, None) => {
            if reader.raw("oracle").is_none() {
                let message =
                    "a violation needs the oracle that must object, as in oracle = \"deletion\"";
                reader.complain("verdict", message);
            }
            Verdict::Pass
        }
    }
}

fn latency(reader: &mut Reader<'_, '_>) -> LatencyBounds {
    let bounds = LatencyBounds {
        median: reader.optional(
            "latency_median_max",
            &POSITIVE_DURATION,
            "Greatest median of the time a successful call takes, retries included.",
        ),
        p99: reader.optional(
            "latency_p99_max",
            &POSITIVE_DURATION,
            "Greatest 99th percentile of the time a successful call takes, retries included.",
        ),
    };
    if bounds.p99.is_some_and(|p99| bounds.median.is_some_and(|median| median > p99)) {
        reader.complain("latency_p99_max", "the 99th percentile is never below the median");
    }
    bounds
}

fn throttled(reader: &mut Reader<'_, '_>) -> BTreeMap<String, Throttling> {
    let mut bounds: BTreeMap<String, Throttling> = BTreeMap::new();
    for (pool, min) in
        counts(reader, "throttled_min", "The least number of throttled requests, by quota pool.")
    {
        bounds.entry(pool).or_default().min = Some(min);
    }
    for (pool, max) in
        counts(reader, "throttled_max", "The greatest number of throttled requests, by quota pool.")
    {
        let bound = bounds.entry(pool.clone()).or_default();
        bound.max = Some(max);
        if bound.min.is_some_and(|min| min > max) {
            reader
                .complain("throttled_max", format!("the maximum of {pool:?} is below its minimum"));
        }
    }
    bounds
}

/// A table of counts whose keys are quota pools.
fn counts(
    reader: &mut Reader<'_, '_>,
    name: &'static str,
    doc: &'static str,
) -> Vec<(String, u32)> {
    reader.table(name, doc, |reader| {
        reader.note("*pool*", REQUESTS.name(), FieldDefault::Unset, "A quota pool and its number.");
        let mut counts = Vec::new();
        for (pool, entry) in reader.entries() {
            reader.check_name(&POOL, pool, entry.key);
            let count = reader.parse(&REQUESTS, &entry.value);
            counts.extend(count.map(|count| (pool.to_owned(), count)));
        }
        counts
    })
}
