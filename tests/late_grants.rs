//! Grants that arrive late, looked at more closely than the oracles do: who sends the grant token is
//! served at once, and who does not is refused until the grant has arrived, and served from then on.

use crate::support::{run_of, scenario};
use kms_core::ErrorCode;
use kms_core::env::RequestId;
use sim::clock::SimTime;
use sim::history::{Event, Wanted};
use sim::run::Run;
use std::collections::BTreeMap;

/// No grant is older than the run, so none has arrived before this.
const ARRIVAL: SimTime = SimTime::from_secs(300);
/// By now the first grant of every worker has arrived.
const ALL_ARRIVED: SimTime = SimTime::from_secs(360);

/// What became of attempts to encrypt.
#[derive(Debug, Default)]
struct Uses {
    served: u64,
    denied: u64,
}

/// The attempts of workers to encrypt that began between these moments, in a Region.
fn uses(run: &Run, region: &str, from: SimTime, until: SimTime) -> Uses {
    let mut under_way: BTreeMap<RequestId, SimTime> = BTreeMap::new();
    let mut uses = Uses::default();
    for record in run.history.records() {
        match &record.event {
            Event::Called { request, region: sent, facts, .. }
                if sent.as_str() == region && is_use(facts.administrator, &facts.wanted) =>
            {
                under_way.insert(*request, record.at);
            }
            Event::Returned { request, got } => {
                let Some(began) = under_way.remove(request) else { continue };
                match got {
                    _ if began < from || record.at >= until => {}
                    Ok(_) => uses.served += 1,
                    Err(ErrorCode::AccessDenied) => uses.denied += 1,
                    Err(other) => panic!("{other:?} at {:?}", record.at),
                }
            }
            _ => {}
        }
    }
    uses
}

fn is_use(administrator: bool, wanted: &Wanted) -> bool {
    !administrator && matches!(wanted, Wanted::Encrypt { .. })
}

#[test]
fn a_grant_token_bridges_five_minutes_of_propagation() {
    let run = run_of(&scenario("services/late-grants"), 4);
    let count = |region, from, until| uses(&run, region, from, until);
    let end = run.scene.calm_at;

    let with_token = count("us-east-1", SimTime::ZERO, ARRIVAL);
    assert!(with_token.served > 500 && with_token.denied == 0, "at once: {with_token:?}");
    let with_token = count("us-east-1", ARRIVAL, end);
    assert!(with_token.served > 200 && with_token.denied == 0, "later: {with_token:?}");

    let without = count("eu-west-1", SimTime::ZERO, ARRIVAL);
    assert!(without.denied > 500 && without.served == 0, "on its way: {without:?}");
    let without = count("eu-west-1", ALL_ARRIVED, end);
    assert!(without.served > 200 && without.denied == 0, "arrived: {without:?}");
}
