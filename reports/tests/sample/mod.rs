//! A rich report with the figures of a plausible run: three Regions, ninety seconds, one Region cut off
//! while keys are deleted, and a burst beyond the quota.

use hdrhistogram::Histogram;
use reports::data::{
    Bucket, Counts, EventLine, Fault, HsmUse, Latency, Limit, Micros, Oracle, OracleVerdict,
    Parameter, Phase, PointEvent, RunReport, Scenario, Series, Tool, Verdict, Violation,
};

const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "ap-northeast-1"];

pub(crate) fn failing() -> RunReport {
    let tool =
        Tool { version: "0.1.0".into(), commit: "4f1c9a7e2b6d58039ac1e7745d02b6f3c8e9a150".into() };
    let scenario = Scenario {
        name: "regions/partition-during-deletion".into(),
        description: "A Region is cut off while its keys are scheduled for deletion and a batch \
                      job elsewhere runs into its quota."
            .into(),
    };
    let mut report = RunReport::new(tool, scenario, 8_675_309, Verdict::Violations);
    report.replay = "keyquake sim run regions/partition-during-deletion --seed 8675309".into();
    report.digest = "9b1f0c77d2a54e0f8c3b6a1d5e92f4407c6de81b3fa02957e4d8c1ab60f7352e".into();
    report.simulated = Micros::seconds(90);
    report.wall_seconds = 1.237;
    report.counts = counts();
    report.oracles = oracles();
    report.violations = violations();
    report.series = series();
    report.latencies = latencies();
    report.hsms = hsms();
    report.faults = faults();
    report.events = events();
    report.phases = phases();
    report.parameters = parameters();
    report.probes = [("hedge-won", 12), ("Encrypt on Disabled", 2_304)]
        .map(|(name, hits)| (name.to_owned(), hits))
        .into();
    report
}

pub(crate) fn passing() -> RunReport {
    let mut report = failing();
    report.verdict = Verdict::Pass;
    report.violations.clear();
    report.oracles.retain(|oracle| oracle.verdict != OracleVerdict::Violated);
    report
}

fn counts() -> Counts {
    let failed = [
        ("KMSInternalException", 611),
        ("KMSInvalidStateException", 243),
        ("DependencyTimeoutException", 1_902),
        ("AccessDeniedException", 87),
        ("NotFoundException", 12),
    ];
    let asks = [("HSM", 51_204), ("key store", 3_115), ("Region", 482)];
    Counts {
        requests: 58_412,
        answered: 58_377,
        succeeded: 50_846,
        throttled: 4_676,
        failed: failed.map(|(name, n)| (name.to_owned(), n)).into(),
        retries: 9_310,
        messages: 1_204_331,
        changes: 2_418,
        tasks: 96,
        asks: asks.map(|(name, n)| (name.to_owned(), n)).into(),
    }
}

fn hsms() -> Vec<HsmUse> {
    let hsm = |name: &str, commands, quarantines| HsmUse {
        name: name.into(),
        lanes: 4,
        commands,
        refused: 3,
        busy: Micros::seconds(41),
        waited: Micros::seconds(9),
        deepest: 77,
        hedges: 120,
        retries: 44,
        timeouts: 31,
        quarantines,
        discarded: 12,
        distrusted: 0,
        sessions: 9,
        unknown_sessions: 1,
    };
    vec![hsm("us-east-1/hsm-0", 17_312, 0), hsm("us-east-1/hsm-1", 9_104, 2)]
}

fn oracles() -> Vec<Oracle> {
    let passed = [
        ("one-outcome", "every answered request has the one outcome that the model allows", 58_377),
        ("round-trip", "what was encrypted decrypts to the same bytes, everywhere", 21_930),
        ("replicas-agree", "after the calm, all Regions hold the same multi-Region keys", 15),
        ("audit-complete", "every change has exactly one audit record", 2_418),
        ("quota-honest", "no pool admits more than its limit in any window", 270),
        ("deletions-happen", "every key whose waiting period ended is gone", 18),
    ];
    let oracle = |name: &str, checks: &str, judged, verdict| Oracle {
        name: name.into(),
        checks: checks.into(),
        judged,
        verdict,
    };
    let mut oracles: Vec<Oracle> = passed
        .map(|(name, checks, judged)| oracle(name, checks, judged, OracleVerdict::Passed))
        .into();
    let checks = "no request succeeds with a key after its deletion was committed";
    oracles.insert(0, oracle("no-use-after-deletion", checks, 18_204, OracleVerdict::Violated));
    let reason = "the run recorded no events of key-store proxies";
    let checks = "the proxy saw every request that was charged to its key store";
    let blind = OracleVerdict::CannotJudge { reason: reason.into() };
    oracles.push(oracle("proxy-agrees", checks, 0, blind));
    oracles
}

fn violations() -> Vec<Violation> {
    let at = Micros(47_204_118);
    let line = |micros, node: &str, text: &str| EventLine {
        at: Micros(micros),
        node: node.into(),
        text: text.into(),
    };
    vec![Violation {
        oracle: "no-use-after-deletion".into(),
        at,
        node: "eu-west-1/host-2".into(),
        message: "Decrypt with mrk-7 succeeded 1.9 s after its deletion was committed; \
                  KMSInvalidStateException would have been right."
            .into(),
        events: vec![
            line(45_311_902, "us-east-1/journal-0", "append 1,877: mrk-7 becomes PendingDeletion"),
            line(45_312_440, "us-east-1/host-1", "ScheduleKeyDeletion answered, window 7 days"),
            line(
                46_980_007,
                "eu-west-1/worker-0",
                "replica synchronisation: us-east-1 not reached",
            ),
            line(
                47_203_551,
                "eu-west-1/host-2",
                "Decrypt of request 30,118 began, key at version 4",
            ),
            line(
                47_204_118,
                "eu-west-1/host-2",
                "Decrypt of request 30,118 answered with 32 bytes",
            ),
            line(60_018_330, "eu-west-1/worker-0", "replica synchronisation: mrk-7 at version 5"),
        ],
    }]
}

fn series() -> Vec<Series> {
    let mut all = Vec::new();
    for (i, region) in REGIONS.into_iter().enumerate() {
        let symmetric = (0..90).map(|second| symmetric(i as u64, second)).collect();
        all.push(pool(region, "cryptographic-operations-symmetric", 20_000.0, symmetric));
        if region == "us-east-1" {
            let rsa = (0..90).map(rsa).collect();
            all.push(pool(region, "cryptographic-operations-rsa", 1_000.0, rsa));
        }
        all.push(pool(region, "create-key", 5.0, vec![Bucket::default(); 90]));
    }
    all.push(pool("sa-east-1", "cryptographic-operations-symmetric", 10_000.0, Vec::new()));
    all
}

fn pool(region: &str, pool: &str, per_second: f64, buckets: Vec<Bucket>) -> Series {
    let limit = Limit {
        per_second,
        scale: 0.01,
        source: "AWS KMS Developer Guide, Request quotas".into(),
        assumed: region == "ap-northeast-1",
    };
    let (region, pool) = (region.into(), pool.into());
    Series { region, pool, width: Micros::seconds(1), limit: Some(limit), buckets }
}

/// A wave with a little noise, a burst in eu-west-1, and errors in the Region that is cut off.
fn symmetric(region: u64, second: u64) -> Bucket {
    let noise = (second * 7_919 + region * 104_729) % 23;
    let wave = [0, 3, 9, 14, 17, 18, 17, 14, 9, 3][(second / 3 % 10) as usize];
    let base = 110 + 18 * (3 - region) + noise + wave;
    let burst = if region == 1 && (62..80).contains(&second) { 140 } else { 0 };
    let offered = base + burst;
    let errors = match (region, second) {
        (0, 30..33) => offered / 2,
        (0, 33..60) => offered / 5,
        (_, 30..60) => noise / 4,
        _ => noise / 21,
    };
    let admitted = (offered - errors).min(200);
    Bucket { offered, admitted, throttled: offered - errors - admitted, errors }
}

fn rsa(second: u64) -> Bucket {
    let offered = 6 + second * 31 % 11 / 2;
    let admitted = offered.min(10);
    Bucket { offered, admitted, throttled: offered - admitted, errors: 0 }
}

fn latencies() -> Vec<Latency> {
    let operations = [
        ("Encrypt", 21_930, 1_400),
        ("Decrypt", 19_007, 1_450),
        ("GenerateDataKey", 9_412, 1_700),
        ("GenerateDataKeyWithoutPlaintext", 2_004, 1_750),
        ("Sign", 841, 9_800),
        ("ReplicateKey", 41, 212_000),
    ];
    operations.map(|(name, count, median)| latency(name, count, median)).into()
}

/// A long tail: each value is the median, stretched by how rare it is.
#[expect(clippy::cast_possible_truncation, reason = "microseconds below a minute")]
fn latency(operation: &str, count: u32, median: u64) -> Latency {
    let mut histogram = Histogram::new(3).unwrap();
    for i in 1..=count {
        let rare = f64::from(count) / f64::from(i);
        let value = median as f64 * (0.6 + 0.4 * rare.powf(0.55) + 0.3 * rare.ln().max(0.0));
        histogram.record(value as u64).unwrap();
    }
    Latency::from_histogram(operation, &histogram)
}

fn faults() -> Vec<Fault> {
    let fault = |label: &str, kind: &str, target: &str, regions: &[&str], from, until| Fault {
        label: label.into(),
        kind: kind.into(),
        target: target.into(),
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
        from: Micros::millis(from),
        until: Micros::millis(until),
    };
    vec![
        fault(
            "us-east-1 cut off from the others",
            "region-partition",
            "us-east-1",
            &["us-east-1"],
            30_000,
            60_000,
        ),
        fault("HSMs slow", "latency", "us-east-1", &["us-east-1"], 42_000, 54_000),
        fault(
            "lost with its memory",
            "hsm-loss",
            "eu-west-1/hsm-1",
            &["eu-west-1"],
            18_400,
            26_900,
        ),
        fault("down", "node-crash", "eu-west-1/host-2", &["eu-west-1"], 64_100, 67_300),
        fault("+80 ms on all links", "latency", "all Regions", &[], 70_000, 82_000),
        fault(
            "clock 2.4 s ahead, drifting by 40 ppm",
            "clock-skew",
            "ap-northeast-1/host-0",
            &["ap-northeast-1"],
            10_000,
            75_000,
        ),
    ]
}

fn events() -> Vec<PointEvent> {
    let event = |kind: &str, target: &str, millis| PointEvent {
        label: format!("{kind} of {target}"),
        kind: kind.into(),
        target: target.into(),
        at: Micros::millis(millis),
    };
    vec![
        event("crash", "eu-west-1/hsm-1", 18_400),
        event("restart", "eu-west-1/hsm-1", 26_900),
        event("deletion", "mrk-7", 45_312),
        event("crash", "eu-west-1/host-2", 64_100),
        event("restart", "eu-west-1/host-2", 67_300),
        event("rotation", "mrk-3", 52_000),
        event("rotation", "mrk-3", 77_500),
    ]
}

fn phases() -> Vec<Phase> {
    let phase = |name: &str, from, until| Phase {
        name: name.into(),
        from: Micros::seconds(from),
        until: Micros::seconds(until),
    };
    vec![
        phase("warm-up", 0, 15),
        phase("outage", 15, 60),
        phase("burst", 60, 82),
        phase("calm", 82, 90),
    ]
}

fn parameters() -> Vec<Parameter> {
    let parameter = |name: &str, value: &str, unit: &str, source: &str| Parameter {
        name: name.into(),
        value: value.into(),
        unit: unit.into(),
        source: source.into(),
    };
    vec![
        parameter("quota.profile", "aws-2026", "", "scenario"),
        parameter("quota.scale", "0.01", "", "scenario"),
        parameter("hsm.symmetric.service-time", "180", "µs", "assumed; no figure is documented"),
        parameter("replication.delay", "250–1,200", "ms", "assumed; the guide says “eventual”"),
        parameter("grant.propagation", "up to 5", "min", "AWS KMS Developer Guide, Grants"),
        parameter(
            "region.round-trip.us-east-1.eu-west-1",
            "76",
            "ms",
            "modelled from published figures",
        ),
    ]
}
