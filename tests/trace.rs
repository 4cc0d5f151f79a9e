//! The log of a run's messages: it changes nothing, and it leads from a violation to its cause.

use crate::support::{folder, keyquake, run_of, scenario};
use kms_core::crypto::AwsLc;
use reports::data::Trace;
use scenarios::Scenario;
use sim::clock::SimTime;
use sim::driver::{InputId, Loss};
use sim::history::Event;
use sim::random::Seed;
use sim::report::diagram;
use sim::trace::{Fate, MessageLog, Told, Traced, Window, around, past, trace};
use sim::vocabulary::vocabulary;
use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

/// Messages are lost, doubled and damaged, and hosts crash.
const STORM: &str = r#"
schema = 1
description = "Messages go astray."
topology = { regions = ["us-east-1"], api_hosts = 2, hsms = 2, zones = 1 }
keys = { symmetric = 2 }
calm = { duration = "1m" }

[[phase]]
name = "storm"
duration = "20s"
fault = [
    { kind = "message-loss", probability = 0.05 },
    { kind = "message-duplication", probability = 0.05 },
    { kind = "message-corruption", from = "hsm", probability = 0.05 },
    { kind = "node-crash", role = "api-host", every = "2s", down = "500ms" },
]

[[phase.workload]]
kind = "encrypt-decrypt"
arrivals = { kind = "constant", per_second = 20 }
"#;

fn storm() -> Scenario {
    Scenario::parse("storm.toml", STORM, &[], &vocabulary())
        .unwrap_or_else(|error| panic!("{error}"))
}

fn log_of(scenario: &Scenario, seed: u64, most: usize) -> Traced {
    let go_on = |_: &_| ControlFlow::Continue(());
    trace(most, scenario, Seed(seed), Arc::new(AwsLc), go_on)
        .unwrap_or_else(|error| panic!("{error}"))
}

fn traced(name: &str, seed: u64, most: usize) -> Traced {
    log_of(&scenario(name), seed, most)
}

#[test]
fn logging_changes_no_run() {
    for scenario in [storm(), scenario("regressions/lost-answer")] {
        let plain = run_of(&scenario, 3);
        let logged = log_of(&scenario, 3, Window::USUAL);
        assert_eq!(plain.history.digest(), logged.run.history.digest());
        assert_eq!(plain.summary, logged.run.summary);
        assert_eq!(plain.verdict, logged.run.verdict);
        let numbers: Vec<u64> = logged.log.passages().map(|passage| passage.id.0).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn a_message_arrives_or_says_why_not() {
    let Traced { run, log } = log_of(&storm(), 1, Window::USUAL);
    let mut lost = BTreeSet::new();
    for passage in log.passages() {
        assert!(run.scene.topology.contains(passage.from), "{passage:?}");
        assert!(run.scene.topology.contains(passage.to), "{passage:?}");
        assert!(passage.cause < passage.id, "{passage:?}");
        match passage.fate {
            Fate::Arrived(at) => assert!(at >= passage.sent && passage.order > 0, "{passage:?}"),
            Fate::Lost(why) => {
                assert_eq!(passage.order, 0, "{passage:?}");
                lost.insert(why);
            }
            Fate::UnderWay => assert_eq!(passage.order, 0, "{passage:?}"),
        }
        if let Some(cause) = log.passage(passage.cause) {
            assert_eq!(cause.to, passage.from, "{passage:?} is caused by {cause:?}");
        }
    }
    assert!(lost.contains(&Loss::Fault) && lost.contains(&Loss::Receiver), "{lost:?}");
    assert!(log.passages().any(|passage| passage.copied));
    assert!(log.passages().any(|passage| passage.damaged));
}

#[test]
fn a_record_is_made_while_its_node_handles_something() {
    let Traced { log, .. } = log_of(&storm(), 3, Window::USUAL);
    assert!(log.records().len() > 1_000);
    for told in log.records() {
        let acted = matches!(told.record.event, Event::Acted(_));
        assert_eq!(acted, told.cause == InputId::NONE, "{told:?}");
        if let Some(cause) = log.passage(told.cause) {
            assert_eq!(cause.to, told.record.node, "{told:?}");
            assert_eq!(cause.fate, Fate::Arrived(told.record.at), "{told:?}");
        }
    }
}

/// The bug spoils an answer of an HSM, and the client that gets it shows the violation.
#[test]
fn the_past_of_a_violation_holds_the_bug() {
    let Traced { run, log } = traced("regressions/flipped-plaintext", 1, Window::USUAL);
    let found = run.first_violation().expect("the bug is planted");
    let past = past(&log, found.index);
    let bug = log.records().find(|told| told.record.event.is_sabotage("flipped-plaintext"));
    let bug = bug.expect("the bug strikes");
    assert!(past.records.contains(&bug.index), "{past:?} and {bug:?}");
    assert!(past.passages.contains(&bug.cause), "{past:?} and {bug:?}");
    let decides = |told: &&Told| matches!(told.record.event, Event::Executed { .. });
    let decision = log.records().filter(decides).find(|told| told.cause == bug.cause);
    let decision = decision.expect("the HSM executes the command that the bug spoils");
    assert!(past.records.contains(&decision.index), "{past:?} and {decision:?}");
    let later = log.records().filter(|told| told.index > found.index);
    assert!(later.count() > 0, "the run goes on after the violation");
    assert!(past.records.iter().all(|index| *index <= found.index));
}

#[test]
fn a_small_window_is_moved_to_the_violation() {
    let wide = traced("regressions/flipped-plaintext", 1, Window::USUAL);
    let found = wide.run.first_violation().expect("the bug is planted").index;
    let narrow = traced("regressions/flipped-plaintext", 1, 8);
    assert_eq!(narrow.run.history.digest(), wide.run.history.digest());
    assert!(narrow.log.passages().len() <= 8 && narrow.log.records().len() <= 8);
    assert_eq!(narrow.log.record(found), wide.log.record(found));
    assert!(narrow.log.record(found).is_some());
    let last = narrow.log.records().last().map(|told| told.index);
    assert!(last <= Some(found + 1), "{last:?} is far behind {found}");
    let same = |one: &MessageLog| one.passages().all(|own| wide.log.passage(own.id).is_some());
    assert!(same(&narrow.log));
}

#[test]
fn a_window_around_a_record_ends_soon_after_it() {
    let scenario = scenario("regressions/flipped-plaintext");
    let go_on = |_: &_| ControlFlow::Continue(());
    let log = around(8, 14, &scenario, Seed(1), Arc::new(AwsLc), go_on).unwrap();
    let indices: Vec<usize> = log.records().map(|told| told.index).collect();
    assert_eq!(indices, (8..=15).collect::<Vec<_>>());
}

/// Two minutes of nothing in particular, and a fault in the second one: what it does is shown, with a
/// little of what was before, and nothing of the calm.
#[test]
fn a_run_that_passes_shows_what_its_first_fault_does() {
    let late = STORM.replace("duration = \"20s\"", "duration = \"120s\"");
    let late = late.replace("probability = 0.05 },\n", "probability = 0.05, at = \"70s\" },\n");
    let late = late.replace("down = \"500ms\" }", "down = \"500ms\", at = \"80s\" }");
    let scenario = Scenario::parse("late.toml", &late, &[], &vocabulary()).unwrap();
    let most = 2_000;
    let Traced { run, log } = log_of(&scenario, 1, most);
    assert_eq!(run.first_violation(), None);
    let begins = SimTime::ZERO.after(Duration::from_secs(70));
    let before = log.passages().filter(|one| one.sent < begins).count();
    let after = log.passages().len() - before;
    assert_eq!(before, most / 8);
    assert!(after > most / 2 && log.passages().len() <= most, "{after} from the fault on");
    assert!(log.records().len() <= most);
    let trace = diagram(&run, &log, "again".to_owned());
    let fault = trace.fault.expect("messages are lost").0;
    assert!((70_000_000..72_000_000).contains(&fault), "{fault}");
    let lost = trace.arrows.iter().find(|arrow| arrow.lost.is_some() && arrow.sent.0 >= fault);
    assert_eq!(lost.map(|arrow| arrow.sent.0), Some(fault));
}

#[test]
fn every_arrow_ends_at_a_lane() {
    let scenario = storm();
    let Traced { run, log } = log_of(&scenario, 1, Window::USUAL);
    let trace = diagram(&run, &log, "again".to_owned());
    assert_eq!(trace.lanes.len(), run.scene.topology.len());
    assert!(trace.arrows.is_sorted_by_key(|arrow| arrow.sent));
    let (mut timers, mut lost) = (0, 0);
    for (index, arrow) in trace.arrows.iter().enumerate() {
        assert!(arrow.from < trace.lanes.len() && arrow.to < trace.lanes.len(), "{arrow:?}");
        assert!(arrow.arrived.is_none() || arrow.lost.is_none(), "{arrow:?}");
        assert!(arrow.lost.as_ref().is_none_or(|why| !why.is_empty()), "{arrow:?}");
        let ended = arrow.arrived.is_some() || arrow.lost.is_some();
        assert!(
            ended || arrow.sent.0 + 10_000_000 > trace.until.0,
            "under way for ever: {arrow:?}"
        );
        assert!(arrow.cause.is_none_or(|cause| cause < index), "{arrow:?}");
        assert!(arrow.request.is_none_or(|request| request < trace.requests.len()));
        timers += usize::from(arrow.timer);
        lost += usize::from(arrow.lost.is_some());
    }
    let messages = log.passages().filter(|passage| passage.is_message()).count();
    assert_eq!(messages + timers, trace.arrows.len());
    assert!(lost > 10 && timers > 10, "{lost} lost, {timers} timers");
    assert_eq!(trace.marks.len(), log.records().len());
    for mark in &trace.marks {
        assert!(mark.lane < trace.lanes.len(), "{mark:?}");
        assert!(mark.cause.is_none_or(|cause| trace.arrows[cause].to == mark.lane), "{mark:?}");
    }
    let known = trace.requests.iter().filter(|request| request.client.is_some());
    let known: Vec<_> = known.collect();
    assert!(known.len() > 100, "{} requests of clients", known.len());
    assert!(known.iter().all(|request| request.operation.is_some()));
    let keys: BTreeSet<_> = known.iter().filter_map(|request| request.key.as_deref()).collect();
    assert_eq!(keys.len(), 2, "the scenario has two keys");
}

#[test]
fn a_trace_is_a_page_and_an_exit_code() {
    let folder = folder("trace");
    let page = folder.join("trace.html");
    let scenario = folder.join("bug.toml").display().to_string();
    let bug = fs::read_to_string("scenarios/regressions/flipped-plaintext.toml").unwrap();
    fs::write(&scenario, format!("# Fails ciphertext-durability with seed 3.\n{bug}")).unwrap();
    let output = keyquake(&["sim", "trace", &scenario, "-o", page.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("violation  ciphertext-durability: "), "{text}");
    assert!(text.contains(&format!("sim trace {scenario} --seed 3")), "{text}");
    let html = fs::read_to_string(&page).expect("the page is written");
    assert!(html.contains("sabotage flipped-plaintext strikes"));

    let calm = folder.join("calm.toml");
    fs::write(&calm, STORM).unwrap();
    let quiet = [calm.to_str().unwrap(), "--seed", "1", "--json", "--window", "500"];
    let output = keyquake(&[&["sim", "trace"], &quiet[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let trace: Trace = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!((trace.violation, trace.seed), (None, 1));
    assert!(trace.arrows.len().max(trace.marks.len()) <= 500, "{} marks", trace.marks.len());
}

#[test]
fn a_drawn_run_is_traced_too() {
    let page = folder("trace-swarm").join("swarm.html");
    let page = page.to_str().unwrap();
    let output =
        keyquake(&["sim", "trace", "--swarm", "--seed", "3", "--window", "100", "-o", page]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("swarm-3, seed 3: "), "{text}");
    let run = keyquake(&["sim", "swarm", "--seed", "3", "--no-report", "--json"]);
    let run: serde_json::Value = serde_json::from_slice(&run.stdout).expect("one line of JSON");
    assert!(text.contains(run["digest"].as_str().unwrap()), "{text} and {run}");
}

#[test]
fn what_cannot_be_traced_is_said() {
    for (arguments, said) in [
        (&["--swarm", "--seed", "1", "--sabotage", "nothing"][..], "no sabotage is called nothing"),
        (&["scenarios/none.toml", "--seed", "1"], "no such scenario file"),
        (&["--swarm", "--seed", "1", "-o", "/nowhere/at/all.html"], "cannot write /nowhere"),
        (&["--swarm", "--seed", "1", "--window", "0"], "--window"),
        (&["scenarios/regressions", "--seed", "1"], "holds 5 scenarios; name one of them"),
    ] {
        let output = keyquake(&[&["sim", "trace"], arguments].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(said), "{error}");
    }
}
