//! An outage of external key stores, looked at more closely than the oracles do: that it hits, that it
//! is over, and that the model would object if there were no reason for it.

use crate::support::{run_of, scenario};
use kms_core::ErrorCode;
use sim::clock::SimTime;
use sim::history::{Event, Got};

/// When the last outage of the scenario is over, and what it has delayed.
const AFTER: SimTime = SimTime::from_secs(155);

#[test]
fn a_proxy_outage_shows_while_it_lasts_and_everything_opens_afterwards() {
    let run = run_of(&scenario("key-stores/proxy-outage"), 3);
    let records = run.history.records();
    let refused = |at: SimTime, event: &Event| match event {
        Event::Returned { got: Err(ErrorCode::KmsInvalidState), .. } => Some(at),
        _ => None,
    };
    let refused: Vec<_> =
        records.iter().filter_map(|record| refused(record.at, &record.event)).collect();
    assert!(refused.len() > 100, "{} refusals", refused.len());
    assert!(refused.iter().all(|at| *at < AFTER), "the last one is at {:?}", refused.last());
    let opened = records.iter().filter(|record| match &record.event {
        Event::Returned { got: Ok(got), .. } => {
            record.at >= AFTER && matches!(**got, Got::Opened { material: None, .. })
        }
        _ => false,
    });
    assert!(opened.count() > 100);
}

#[test]
fn the_model_allows_the_failures_of_an_outage_only_while_there_is_one() {
    let run = run_of(&scenario("key-stores/proxy-outage"), 3);
    let mut context = run.scene.context();
    context.faults.clear();
    let judged = sim::oracle::judge(run.history.records(), &context);
    let model = judged.into_iter().find(|judged| judged.info.name == "reference-model");
    let violations = model.expect("the oracle is in the table").finding.violations;
    assert!(violations.len() > 100, "{} violations", violations.len());
}
