//! Who plays: the workloads and explicit calls of a scenario, dealt to client nodes.
//!
//! A workload's clients are spread over its Regions in turn. Phases follow each other, so a node
//! that was a client of one phase is a client of the next; there are as many in a Region as its
//! busiest phase needs, up to a bound, beyond which nodes are several clients.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use kms_core::name::RegionName;
use scenarios::{Created, KeyBook, Operation, Scenario, Script, Workload};

use super::share::{Share, Starts};
use crate::clock::SimTime;

/// The most client nodes in a Region.
const MOST_NODES: usize = 500;

/// What one client node does.
pub struct Part {
    /// Where it is.
    pub region: RegionName,
    /// What it does.
    pub shares: Vec<Share>,
}

/// Deals a scenario to client nodes; the order is the same for equal scenarios.
pub fn cast(scenario: &Scenario, book: &KeyBook) -> Vec<Part> {
    let mut stage = Stage::default();
    let mut from = SimTime::ZERO;
    for phase in &scenario.phases {
        let until = from.after(phase.duration);
        stage.taken.clear();
        for workload in &phase.workloads {
            for client in 0..workload.clients {
                let region = workload.regions[client as usize % workload.regions.len()].kms();
                stage.deal(region, share(workload, book, client, from..until));
            }
        }
        from = until;
    }
    stage.taken.clear();
    for share in scripts(&scenario.operations, from) {
        stage.deal(share.0, share.1);
    }
    stage.parts()
}

#[derive(Default)]
struct Stage {
    nodes: BTreeMap<RegionName, Vec<Vec<Share>>>,
    /// How many shares each Region was dealt in this phase.
    taken: BTreeMap<RegionName, usize>,
}

impl Stage {
    /// Gives a share to the next node of a Region.
    fn deal(&mut self, region: RegionName, share: Share) {
        let taken = self.taken.entry(region).or_default();
        let nodes = self.nodes.entry(region).or_default();
        let index = *taken % MOST_NODES;
        *taken += 1;
        match nodes.get_mut(index) {
            Some(shares) => shares.push(share),
            None => nodes.push(vec![share]),
        }
    }

    fn parts(self) -> Vec<Part> {
        let parts = self.nodes.into_iter().flat_map(|(region, nodes)| {
            nodes.into_iter().map(move |shares| Part { region, shares })
        });
        parts.collect()
    }
}

fn share(
    workload: &Workload,
    book: &KeyBook,
    client: u32,
    phase: std::ops::Range<SimTime>,
) -> Share {
    let (arrivals, offset) = workload.arrivals.part(client, workload.clients);
    Share {
        from: phase.start,
        until: phase.end,
        starts: Starts::Arrivals(arrivals, offset),
        generator: workload.generator(book, client),
    }
}

/// The explicit calls, by the client that makes them; it is in the Region of its first one.
fn scripts(operations: &[Operation], storm_ends: SimTime) -> Vec<(RegionName, Share)> {
    let mut clients: BTreeMap<u32, Vec<Operation>> = BTreeMap::new();
    for operation in operations {
        clients.entry(operation.client).or_default().push(operation.clone());
    }
    let created = Created::default();
    let shares = clients.into_values().filter_map(|mut operations| {
        operations.sort_by_key(|operation| operation.at);
        let region = operations.first()?.region.kms();
        let script = Script::new(operations, created.clone());
        let times: VecDeque<Duration> = script.starts();
        let share = Share {
            from: SimTime::ZERO,
            // A call at the very end of the storm is still made.
            until: storm_ends.after(Duration::from_nanos(1)),
            starts: Starts::Listed(times),
            generator: Box::new(script),
        };
        Some((region, share))
    });
    shares.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kms_core::name::AccountId;
    use scenarios::Vocabulary;

    fn parts(text: &str) -> Vec<(String, usize)> {
        let text = format!(
            "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1', 'eu-west-1']\n{text}"
        );
        let scenario = Scenario::parse("x.toml", &text, &[], &Vocabulary::open()).unwrap();
        let regions = scenario.topology.regions.iter().map(scenarios::RegionName::kms);
        let book = KeyBook::new(regions.collect(), vec![AccountId::new(1)]);
        let parts = cast(&scenario, &book).into_iter();
        parts.map(|part| (part.region.to_string(), part.shares.len())).collect()
    }

    const PHASE: &str = "[[phase]]\nname = 'a'\nduration = '1m'\n[[phase.workload]]\nkind = 'key-creation'\n\
                         arrivals = { kind = 'poisson', per_second = 1 }\n";

    #[test]
    fn clients_go_round_the_regions_and_play_in_every_phase() {
        let second = PHASE.replace("name = 'a'", "name = 'b'");
        let text = format!("{PHASE}clients = 3\n{second}clients = 1\n");
        let expected = [("eu-west-1", 1), ("us-east-1", 2), ("us-east-1", 1)];
        assert_eq!(parts(&text), expected.map(|(r, n)| (r.to_owned(), n)));
    }

    #[test]
    fn explicit_calls_are_made_where_their_client_is() {
        let text = format!(
            "{PHASE}[[operation]]\nat = '1m'\ncall = 'CreateKey'\nregion = 'eu-west-1'\nclient = 7\n"
        );
        assert_eq!(parts(&text), [("eu-west-1".to_owned(), 1), ("us-east-1".to_owned(), 1)]);
    }
}
