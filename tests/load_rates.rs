//! Loads at several rates, at none, and seldom: what holds, what is counted, and what ctrl-C is heard by.

use crate::load::light;
use crate::support::{folder, keyquake, root};
use kms_core::crypto::Production;
use loadgen::{Counts, Order, Pacer, Service, Watch};
use scenarios::Scenario;
use serde_json::Value;
use sim::random::Seed;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

/// A scenario of one workload in one Region, as a file.
fn written(name: &str, clients: u32, arrivals: &str) -> String {
    let path = folder(name).join("load.toml");
    std::fs::write(&path, text(clients, arrivals)).expect("a file in the target directory");
    path.display().to_string()
}

fn text(clients: u32, arrivals: &str) -> String {
    format!(
        "schema = 1\ndescription = \"x\"\n[topology]\nregions = [\"us-east-1\"]\n[keys]\nsymmetric = 2\n\
         [[phase]]\nname = \"a\"\nduration = \"1m\"\n[[phase.workload]]\nkind = \"encrypt-decrypt\"\n\
         clients = {clients}\narrivals = {{ {arrivals} }}\n"
    )
}

/// Runs a search or steps: the exit code, and what was found, in which every verdict has its reasons.
fn run(scenario: &str, duration: &str, more: &[&str]) -> (Option<i32>, Value) {
    let common = ["load", scenario, "--threads", "1", "--duration", duration, "--json"];
    let output = keyquake(&[&common[..], more].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    for trial in trials(&found) {
        let unmet = trial["unmet"].as_array().expect("reasons");
        assert_eq!(trial["held"], unmet.is_empty(), "{trial}");
        // On a busy machine any rate may be bound by the client, and then it never holds.
        let client_bound = trial["outcome"]["client_bound"] == true;
        assert!(!(client_bound && trial["held"] == true), "{trial}");
        let said =
            unmet.iter().any(|why| why.as_str().is_some_and(|why| why.starts_with("client-bound")));
        assert_eq!(said, client_bound, "{trial}");
    }
    (output.status.code(), found)
}

fn trials(found: &Value) -> &[Value] {
    found["trials"].as_array().map(Vec::as_slice).expect("trials")
}

fn all_held(found: &Value) -> bool {
    trials(found).iter().all(|trial| trial["held"] == true)
}

#[test]
fn steps_and_searches_say_between_which_rates_the_answer_is() {
    let scenario = light("load-steps");
    let (code, stepped) = run(&scenario, "300ms", &["--step", "100..400:3"]);
    assert_eq!(code, Some(0));
    let rates = trials(&stepped).iter().filter_map(|trial| trial["rate"].as_f64()).map(f64::round);
    let rates: Vec<_> = rates.collect();
    assert!([100.0, 200.0, 400.0].starts_with(&rates), "{rates:?}");
    match all_held(&stepped) {
        true => assert_eq!(stepped["bracket"]["held"], 400.0, "{stepped}"),
        false => assert_eq!(trials(&stepped).last().expect("a trial")["held"], false, "{stepped}"),
    }

    // Nothing is answered before it is asked.
    let (code, found) =
        run(&scenario, "300ms", &["--find-max", "p50<1ns", "--between", "100..200"]);
    assert_eq!(code, Some(1), "{found}");
    assert_eq!(found["bracket"]["failed"], 100.0, "{found}");
    assert_eq!(found["goal"], "p50<1ns");

    let (code, found) =
        run(&scenario, "300ms", &["--find-max", "failed<1", "--between", "100..300"]);
    assert_eq!(code, Some(if found["bracket"]["held"].is_null() { 1 } else { 0 }), "{found}");
    if all_held(&found) {
        assert_eq!(found["bracket"]["held"], 300.0, "{found}");
        assert_eq!(trials(&found).len(), 3, "{found}");
    }
}

/// A goal without a bound on lateness held at any rate, answered or not.
#[test]
fn a_rate_that_is_not_achieved_does_not_hold() {
    let arguments = ["--find-max", "throttled<1e-4", "--between", "500k..1m"];
    let (code, found) = run(&light("load-unachieved"), "20ms", &arguments);
    assert_eq!(code, Some(1), "{found}");
    assert_eq!(
        (&found["bracket"]["held"], &found["bracket"]["failed"]),
        (&Value::Null, &500_000.0.into())
    );
    let trial = &trials(&found)[0];
    let due = trial["outcome"]["due_per_second"].as_f64().expect("a rate");
    assert!((due / 500_000.0 - 1.0).abs() < 0.01, "{due}");
    assert!(trial["unmet"][0].as_str().expect("a reason").contains("calls a second were answered"));
}

#[test]
fn a_closed_loop_refuses_a_rate() {
    let scenario = written("load-closed", 1, "kind = \"closed\", think = \"100ms\"");
    for more in [["--rate", "100"], ["--step", "10..20"], ["--find-max", "p99<1s"]] {
        let output = keyquake(&[&["load", &scenario][..], &more].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
        assert!(said.contains("phase \"a\" has a closed loop"), "{said}");
    }
}

#[test]
fn the_slowest_rate_of_bursts_is_a_load() {
    let bursts = "kind = \"bursts\", per_second = 1, burst = 10, every = \"1s\"";
    let scenario = written("load-bursts", 1, bursts);
    let slowest = ["--threads", "1", "--rate", "1e-6", "--duration", "1s", "--json"];
    let output = keyquake(&[&["load", &scenario][..], &slowest].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let run: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(run["counts"]["sent"], 1, "{run}");
}

/// Calls of a second that had been told before its thread handed them in were in no second at all.
#[test]
fn every_answer_is_in_a_second() {
    let text = text(8, "kind = \"poisson\", per_second = 3");
    let scenario = Scenario::parse("x.toml", &text, &[], &sim::vocabulary::vocabulary());
    let shape = loadgen::Shape { duration: Some(Duration::from_secs(7)), ..Default::default() };
    let scenario = shape.of(&scenario.expect("a scenario"));
    let order = Order {
        scenario: &scenario,
        seed: Seed(42),
        service: Service::InProcess { backend: Production::default(), watch: Watch::Nothing },
        threads: 2,
        pacer: Pacer::HYBRID,
        pools: None,
        trace: None,
    };
    let mut told = 0;
    let ran = loadgen::run(order, &AtomicBool::new(false), &mut |moment| {
        assert_eq!(moment.sample.answered, moment.recorder.answered());
        // The interval log is written from these.
        told += moment.recorder.answered();
    });
    let gathered = ran.expect("a load").gathered;
    let sent = Counts::of(&gathered.whole, 0).sent;
    assert!(sent > 5, "{sent}");
    let sampled: u64 = gathered.samples.iter().map(|sample| sample.answered).sum();
    assert_eq!((told, sampled), (sent, sent));
}

/// Ctrl-C was heard at the next call, which may be far away.
#[test]
fn ctrl_c_is_heard_while_nothing_is_due() {
    let scenario = written("load-seldom", 1, "kind = \"constant\", per_second = 0.05");
    let starts = folder("load-silence").join("starts.csv");
    std::fs::write(&starts, "seconds\n0\n50\n").expect("a file");
    let trace = ["--trace", starts.to_str().expect("a path")];
    for more in [&[][..], &["--spin"], &trace] {
        let mut running = Command::new(env!("CARGO_BIN_EXE_keyquake"))
            .args(["load", &scenario, "--threads", "1", "--json"])
            .args(more)
            .current_dir(root())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command can be started");
        // The line of the first second.
        let mut lines = BufReader::new(running.stderr.take().expect("a pipe")).lines();
        let line = lines.next().expect("a line").expect("text");
        assert!(line.contains("answered 1"), "{line}");
        let pressed = Instant::now();
        let id = running.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        let output = running.wait_with_output().expect("an end");
        assert!(pressed.elapsed() < Duration::from_secs(10), "{more:?}: {:?}", pressed.elapsed());
        assert_eq!(output.status.code(), Some(130), "{more:?}");
        let run: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&run["counts"]["sent"], &run["counts"]["dropped"]), (&1.into(), &0.into()));
        assert_eq!(run["interrupted"], true);
    }
}
