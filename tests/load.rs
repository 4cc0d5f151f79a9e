//! Real load: over HTTP against our own server, and what the command says about it.

use crate::served::Served;
use crate::support::{folder, keyquake, scenario};
use kms_core::crypto::Production;
use kms_core::key::KeyState;
use loadgen::http::Ledger;
use loadgen::{Counts, Order, Pacer, Service, Shape, Watch};
use scenarios::Scenario;
use sim::random::Seed;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

fn quickstart() -> Scenario {
    let shape = Shape {
        rate: scenarios::Rate::of(120.0),
        duration: Some(Duration::from_secs(4)),
        ..Shape::default()
    };
    shape.of(&scenario("quickstart"))
}

fn counts(scenario: &Scenario, service: Service<'_>) -> Counts {
    let order = Order {
        scenario,
        seed: Seed(42),
        service,
        threads: 1,
        pacer: Pacer::HYBRID,
        pools: None,
        trace: None,
    };
    let ran = loadgen::run(order, &AtomicBool::new(false), &mut |_| {}).expect("a load");
    Counts::of(&ran.gathered.whole, ran.dropped)
}

#[test]
fn a_server_over_http_meets_the_load_that_the_core_does_in_process() {
    let scenario = quickstart();
    let served = Served::start(&["us-east-1", "eu-west-1", "ap-northeast-1"]);
    let endpoint = served.endpoint();
    let (stop, ledger) = (AtomicBool::new(false), Ledger::default());
    let mut asked = 0;
    let book =
        loadgen::found(&scenario, (&endpoint, &ledger), &stop, &mut |requests| asked = requests);
    let book = Arc::new(book.expect("keys"));
    assert!(asked > 300, "{asked}");
    assert_eq!(book.selected(&[], book.regions()[1]).len(), 36);
    let over_http =
        counts(&scenario, Service::Http { endpoint: &endpoint, book: &book, ledger: &ledger });
    let core = Service::InProcess { backend: Production::default(), watch: Watch::Nothing };
    let in_process = counts(&scenario, core);
    assert_eq!(over_http.sent + over_http.dropped, in_process.sent + in_process.dropped);
    assert!(over_http.sent > 400, "{over_http:?}");
    // Aliases and keys that other clients have just deleted are part of these workloads.
    let expected = ["AlreadyExistsException", "KMSInvalidStateException", "NotFoundException"];
    let strange = over_http.failed.keys().find(|name| !expected.contains(&name.as_str()));
    assert_eq!(strange, None, "{over_http:?}");
    assert!(over_http.succeeded * 20 > over_http.sent * 19, "{over_http:?}");

    // A second set-up finds the aliases of the first one there.
    loadgen::found(&scenario, (&endpoint, &ledger), &stop, &mut |_| {}).expect("keys again");
}

/// A load that made keys for as long as it ran had a ledger of them that grew as long.
#[test]
fn a_load_over_http_parts_with_old_keys_while_it_runs() {
    const MAKES_KEYS: &str = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n\
        keys.symmetric = 1\n[[phase]]\nname = 'a'\nduration = '2s'\n[[phase.workload]]\n\
        kind = 'key-creation'\narrivals = { kind = 'constant', per_second = 150 }\n";
    let vocabulary = sim::vocabulary::vocabulary();
    let scenario = Scenario::parse("x.toml", MAKES_KEYS, &[], &vocabulary).expect("a scenario");
    let served = Served::start(&["us-east-1"]);
    let endpoint = served.endpoint();
    let pending = || {
        let states = served.key_states("us-east-1");
        states.iter().filter(|state| **state == KeyState::PendingDeletion).count() as u64
    };
    for (ledger, parts) in [(Ledger::default(), true), (Ledger::of_what_stays(), false)] {
        let before = pending();
        let made = (&endpoint, &ledger);
        let book = loadgen::found(&scenario, made, &AtomicBool::new(false), &mut |_| {});
        let book = Arc::new(book.expect("keys"));
        let http = Service::Http { endpoint: &endpoint, book: &book, ledger: &ledger };
        let counts = counts(&scenario, http);
        assert_eq!((counts.succeeded, counts.unparted), (300, 0), "{counts:?}");
        assert_eq!(counts.parted, if parts { 300 - 96 } else { 0 });
        assert_eq!(ledger.keys(), if parts { 1 + 96 } else { 0 });
        assert_eq!(pending() - before, counts.parted);
    }
}

#[test]
fn a_load_over_http_is_told_as_one_and_every_client_gets_a_turn() {
    let served = Served::start(&["eu-west-1"]);
    let url = served.url();
    let output = keyquake(&[
        "load",
        "scenarios/quickstart.toml",
        "--url",
        &url,
        "--region",
        "eu-west-1",
        "-c",
        "5",
        "--connections",
        "2",
        "--duration",
        "2s",
        "--threads",
        "2",
        "--json",
    ]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let outcome: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(outcome["configuration"]["target"], url);
    assert_eq!(outcome["configuration"]["clients"], 5, "{outcome}");
    assert!(outcome["counts"]["succeeded"].as_u64() > Some(50), "{outcome}");
    assert_eq!(outcome["counts"]["failed"]["Timeout"], serde_json::Value::Null, "{outcome}");
    let busiest = outcome["samples"].as_array().expect("samples").iter();
    let busiest = busiest.filter_map(|sample| sample["in_flight"].as_u64()).max();
    assert!((1..=4).contains(&busiest.expect("a sample")), "{outcome}");
    assert!(said.contains("closed loop"), "{said}");
}

#[test]
fn what_no_load_over_http_can_be_is_said() {
    let served = Served::start(&["us-east-1"]);
    let url = served.url();
    for (scenario, url, expected) in [
        ("scenarios/quickstart.toml", "ftp://127.0.0.1", "looks like http://127.0.0.1:4599"),
        (
            "scenarios/quickstart.toml",
            "http://127.0.0.1:1",
            "http://127.0.0.1:1: Connection refused",
        ),
        ("scenarios/quickstart.toml", &url, "valid region"),
        ("scenarios/services/integrated.toml", &url, "aws-service"),
        ("scenarios/key-stores/proxy-outage.toml", &url, "--set keys.external=0"),
    ] {
        let output = keyquake(&["load", scenario, "--url", url, "--duration", "1s"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
        assert!(output.stdout.is_empty());
    }
}

/// Two calls that cost next to nothing, so that a debug build keeps up with some rates.
const LIGHT: &str = "schema = 1\ndescription = \"x\"\n[topology]\nregions = [\"us-east-1\"]\n[keys]\nsymmetric = 2\n\
    [[phase]]\nname = \"a\"\nduration = \"3s\"\n[[phase.workload]]\nkind = \"encrypt-decrypt\"\nclients = 4\n\
    arrivals = { kind = \"constant\", per_second = 200 }\n";

pub(crate) fn light(name: &str) -> String {
    let path = folder(name).join("light.toml");
    std::fs::write(&path, LIGHT).expect("a file in the target directory");
    path.display().to_string()
}

#[test]
fn a_load_keeps_its_figures_its_log_and_a_page() {
    let scenario = light("load-kept");
    let out = folder("load-out");
    let folder = out.to_str().expect("a path");
    let output = keyquake(&["load", &scenario, "--quota", "--threads", "1", "-o", folder]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("in flight 1") && said.contains("of 100000/s"), "{said}");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect(name);
    let log = read("run.hlog");
    assert!(log.starts_with("#[Histogram log format version 1.3]"), "{log}");
    for tag in ["Tag=response,", "Tag=service,", "Tag=lag,"] {
        assert_eq!(log.matches(tag).count(), 3, "an interval a second: {log}");
    }
    assert_eq!(read("samples.csv").lines().count(), 4);
    assert!(read("response.hgrm").contains("1/(1-Percentile)"));
    let page = read("report.html");
    assert!(page.contains("<svg ") && page.contains("Response time from the intended start"));
    let run: serde_json::Value = serde_json::from_str(&read("run.json")).expect("JSON");
    assert_eq!(run["samples"].as_array().map(Vec::len), Some(3));
    assert_eq!(run["counts"]["sent"], 600, "{run}");
    assert_eq!(run["quotas"][0]["pool"], "symmetric", "{run}");
    assert_eq!(run["quotas"][0]["calls"], 600, "{run}");
    assert_eq!(run["samples"][1]["pooled"][0], run["samples"][1]["answered"], "{run}");
    assert!(read("samples.csv").contains("lag_max,quota symmetric"));
}

/// Rows of a percentile distribution: value, percentile and how many calls, as HdrHistogram prints it.
fn distribution(text: &str) -> Vec<[f64; 3]> {
    let rows = text.lines().filter_map(|line| {
        let numbers = line.split_whitespace().map_while(|field| field.parse().ok());
        numbers.take(3).collect::<Vec<f64>>().try_into().ok()
    });
    rows.collect()
}

/// HdrHistogram's own tool over the log that a load wrote. `KEYQUAKE_HDRHISTOGRAM` names its archive, such
/// as `/usr/share/java/hdrhistogram.jar` of Debian's package libhdrhistogram-java.
#[test]
fn the_tools_in_java_read_the_log_and_tell_the_same_percentiles() {
    let Ok(archive) = std::env::var("KEYQUAKE_HDRHISTOGRAM") else {
        println!("skipped: KEYQUAKE_HDRHISTOGRAM names no archive");
        return;
    };
    let (scenario, out) = (light("load-java"), folder("load-java-out"));
    let output = keyquake(&["load", &scenario, "-o", out.to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(0));
    for tag in ["response", "service", "lag"] {
        let java = std::process::Command::new("java")
            .args(["-cp", &archive, "org.HdrHistogram.HistogramLogProcessor", "-tag", tag, "-i"])
            .arg(out.join("run.hlog"))
            .args(["-outputValueUnitRatio", "1000", "-percentilesOutputTicksPerHalf", "5"])
            .output()
            .expect("java can be started");
        let theirs = distribution(&String::from_utf8_lossy(&java.stdout));
        let ours = std::fs::read_to_string(out.join(format!("{tag}.hgrm"))).expect("a file");
        let ours = distribution(&ours);
        assert!(theirs.len() > 20 && theirs.len() == ours.len(), "{theirs:?} {ours:?}");
        let all = ours.last().map_or(0.0, |[_, _, calls]| *calls);
        for ([value, percentile, calls], [our_value, our_percentile, our_calls]) in
            theirs.into_iter().zip(ours)
        {
            assert!((percentile - our_percentile).abs() < 1e-9);
            // Where a share of the calls is a whole number, Java takes that call and Rust the next.
            match calls < our_calls {
                true => assert!((percentile * all - calls).abs() < 1e-6, "{tag} {percentile}"),
                false => assert_eq!((value, calls), (our_value, our_calls), "{tag} {percentile}"),
            }
        }
    }
}

#[test]
fn a_goal_that_is_none_is_refused_and_the_schema_needs_no_scenario() {
    let output = keyquake(&["load", "scenarios/quickstart.toml", "--find-max", "p98<1s"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("p99.9"), "{said}");
    let output = keyquake(&["load", "--schema"]);
    assert_eq!(output.status.code(), Some(0));
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(schema["$defs"]["Outcome"]["properties"]["response"].is_object(), "{schema}");
}

#[test]
fn the_oracles_judge_a_real_load_and_say_what_they_cannot() {
    let scenario = "scenarios/quickstart.toml";
    let arguments = ["load", scenario, "--oracles", "--threads", "1", "--duration", "3s", "--json"];
    let output = keyquake(&[&arguments[..], &["--rate", "200"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let found: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    assert_eq!(output.status.code(), Some(0), "{}", found["oracles"]);
    let of = |name: &str| {
        let all = found["oracles"].as_array().expect("findings");
        all.iter().find(|one| one["oracle"] == name).cloned().unwrap_or_else(|| panic!("{name}"))
    };
    for name in ["reference-model", "ciphertext-durability", "key-tokens", "single-primary"] {
        assert_eq!(of(name)["verdict"], "passed", "{}", of(name));
        assert!(of(name)["judged"].as_u64() > Some(0), "{}", of(name));
    }
    assert!(of("reference-model")["judged"].as_u64() > Some(500), "{}", of("reference-model"));
    assert_eq!(of("audit")["verdict"], "cannot_judge");
    assert_eq!(of("audit")["because"], "no record from an audit trail");
}

#[test]
fn a_trace_says_when_calls_start() {
    let scenario = light("load-trace");
    let trace = std::path::Path::new(&scenario).with_file_name("starts.csv");
    let file = trace.to_str().expect("a path");
    std::fs::write(&trace, "seconds\n0.1\n0.2\n0.3\n1.5\n").expect("a file");
    let run = |more: &[&str]| {
        let common = ["load", &scenario, "--threads", "1", "--trace", file, "--json"];
        keyquake(&[&common[..], more].concat())
    };
    let output = run(&[]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["counts"]["sent"], 4, "{found}");
    let of = |second: usize| {
        (&found["samples"][second]["offered"], &found["samples"][second]["answered"])
    };
    assert_eq!(of(0), (&3.0.into(), &3.into()), "{found}");
    assert_eq!(of(1), (&1.0.into(), &1.into()), "{found}");

    let output = run(&["--duration", "1s"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("1.5s falls into no phase"), "{said}");
}

#[test]
fn what_no_load_can_be_is_refused_before_it_begins() {
    for (more, expected) in [
        (&["--rate", "0"][..], "a number from 0.000001 to 1m"),
        (&["--rate", "1e-300"], "a number from 0.000001 to 1m"),
        (&["--rate", "1e12"], "a number from 0.000001 to 1m"),
        (&["--step", "5..1"], "rates rise"),
        (&["--step", "1..5:1"], "2 to"),
        (&["--step", "1..2m"], "a number from 0.000001 to 1m"),
        (&["--find-max", "nonsense"], "a goal looks like"),
        (&["--find-max", "p99<20"], "has no unit"),
        (&["--backend", "nonsense"], "possible values"),
        (&["--region", "mars-north-1"], "a similar value exists"),
        (&["--region", "eu-wset-1"], "'eu-west-1'"),
        (&["--set", "keys.nonsense=1"], "unknown key \"nonsense\""),
        (&["-c", "0"], "a whole number from 1 to 100000"),
        (&["-c", "100001"], "a whole number from 1 to 100000"),
        (&["-c", "4"], "has 5 workloads, and each needs a client: -c 5 is the least"),
        (&["--threads", "0"], "a whole number from 1 to 1024"),
        (&["--threads", "100000"], "a whole number from 1 to 1024"),
        (&["--trace", "nowhere.csv"], "cannot read nowhere.csv"),
        (&["--out", "Cargo.toml"], "cannot make Cargo.toml"),
        (&["--ca-file", "ca.pem"], "--url"),
        (&["--url", "http://127.0.0.1:99999"], "\"99999\" is no port"),
    ] {
        let output = keyquake(&[&["load", "scenarios/quickstart.toml"], more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn the_default_backend_is_one_that_can_be_asked_for() {
    let help = keyquake(&["load", "--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let default = help
        .split("--backend <BACKEND>")
        .nth(1)
        .and_then(|text| text.split("[default: ").nth(1)?.split(']').next().map(str::to_owned));
    let default = default.expect("the help names a default");
    let scenario = light("load-backend");
    let common = ["load", &scenario, "--threads", "1", "--duration", "200ms", "--json"];
    for more in [&[][..], &["--backend", &default]] {
        let output = keyquake(&[&common[..], more].concat());
        let run: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(run["configuration"]["backend"], default, "{run}");
    }
}
