//! The log of a run's messages: it changes nothing, and it leads from a violation to its cause.

use crate::support::{run_of, scenario};
use kms_core::crypto::AwsLc;
use scenarios::Scenario;
use sim::driver::{InputId, Loss};
use sim::history::Event;
use sim::random::Seed;
use sim::trace::{Fate, MessageLog, Told, Traced, Window, around, past, trace};
use sim::vocabulary::vocabulary;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

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
