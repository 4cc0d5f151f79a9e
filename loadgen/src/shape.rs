//! A scenario at another rate, for another time, or as a closed loop.

use kms_core::name::RegionName;
use scenarios::{Arrivals, Phase, Rate, Scenario, Workload};
use std::cmp::Reverse;
use std::time::Duration;

/// What a load changes about a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    /// Calls a second in every phase, all workloads together; their proportions stay.
    pub rate: Option<Rate>,
    /// How long all phases take together; their proportions stay.
    pub duration: Option<Duration>,
    /// Clients that each start a call when the last is answered, instead of the arrivals: so many in
    /// every phase, over its workloads in proportion, each at least one.
    pub closed: Option<u32>,
    /// The only Region, instead of all that the scenario has.
    pub region: Option<RegionName>,
}

impl Shape {
    /// The scenario in this shape. Faults and planted bugs are no part of a load.
    pub fn of(self, scenario: &Scenario) -> Scenario {
        let mut shaped = scenario.clone();
        let storm = scenario.storm().as_secs_f64();
        if let Some(region) = self.region {
            only(&region.into(), &mut shaped);
        }
        for phase in &mut shaped.phases {
            phase.faults.clear();
            if let Some(duration) = self.duration {
                phase.duration = phase.duration.mul_f64(duration.as_secs_f64() / storm);
            }
            if let Some(rate) = self.rate {
                let sum: f64 = phase.workloads.iter().map(|w| per_second(&w.arrivals)).sum();
                let by = rate.per_second() / sum.max(f64::MIN_POSITIVE);
                phase.workloads.iter_mut().for_each(|w| w.arrivals = faster(&w.arrivals, by));
            }
            if let Some(clients) = self.closed {
                let weights: Vec<_> = phase.workloads.iter().map(|w| w.clients).collect();
                for (workload, part) in phase.workloads.iter_mut().zip(dealt(clients, &weights)) {
                    workload.clients = part;
                    workload.arrivals = Arrivals::Closed { think: Duration::ZERO };
                }
            }
        }
        shaped.sabotages.clear();
        if self.duration.is_some() {
            let storm = shaped.storm();
            shaped.operations.retain(|operation| operation.at <= storm);
        }
        shaped
    }

    /// Whether a scenario can have this shape.
    ///
    /// # Errors
    /// The first phase that cannot, and why.
    pub fn check(&self, scenario: &Scenario) -> Result<(), String> {
        for phase in &scenario.phases {
            let loops = |w: &Workload| matches!(w.arrivals, Arrivals::Closed { .. });
            if self.rate.is_some() && phase.workloads.iter().any(loops) {
                return Err(format!(
                    "phase \"{}\" has a closed loop, which calls when it is answered and has no rate: \
                     give its workloads other arrivals, or load it without --rate, --step and --find-max",
                    phase.name
                ));
            }
            let workloads = phase.workloads.len();
            if self.closed.is_some_and(|clients| (clients as usize) < workloads) {
                return Err(format!(
                    "phase \"{}\" has {workloads} workloads, and each needs a client: -c {workloads} is \
                     the least",
                    phase.name
                ));
            }
        }
        Ok(())
    }
}

/// Clients that play in the phase that has most of them.
pub fn clients(scenario: &Scenario) -> u64 {
    let of = |phase: &Phase| phase.workloads.iter().map(|w| u64::from(w.clients)).sum();
    scenario.phases.iter().map(of).max().unwrap_or_default()
}

/// So many clients over workloads by their weights: each gets what is whole of its share, and those with
/// the largest rest one more. None is left without while there are as many clients as workloads.
fn dealt(clients: u32, weights: &[u32]) -> Vec<u32> {
    let sum: u64 = weights.iter().copied().map(u64::from).sum::<u64>().max(1);
    let share = |weight: &u32| u64::from(clients) * u64::from(*weight);
    let whole = |weight: &u32| u32::try_from(share(weight) / sum).unwrap_or(clients);
    let mut parts: Vec<u32> = weights.iter().map(whole).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| Reverse(share(&weights[*at]) % sum));
    let rest = clients.saturating_sub(parts.iter().sum());
    order.iter().cycle().take(rest as usize).for_each(|at| parts[*at] += 1);
    while let Some(without) = parts.iter().position(|part| *part == 0) {
        let most = (0..parts.len()).max_by_key(|at| parts[*at]).unwrap_or_default();
        if parts[most] <= 1 {
            break;
        }
        parts[most] -= 1;
        parts[without] += 1;
    }
    parts
}

fn only(region: &scenarios::RegionName, scenario: &mut Scenario) {
    scenario.topology.regions = vec![region.clone()];
    for workload in scenario.phases.iter_mut().flat_map(|phase| &mut phase.workloads) {
        workload.regions = vec![region.clone()];
    }
    scenario.operations.iter_mut().for_each(|operation| operation.region = region.clone());
}

/// Calls that the schedule offers in a second of a run, on average; 0 in a closed loop.
pub(crate) fn offered(scenario: &Scenario, second: u64) -> f64 {
    let (at, mut from) = (Duration::from_secs(second), Duration::ZERO);
    let phase = scenario.phases.iter().find(|phase| {
        from += phase.duration;
        at < from
    });
    let workloads = phase.into_iter().flat_map(|phase| &phase.workloads);
    workloads.map(|workload| per_second(&workload.arrivals)).sum()
}

/// Calls a second on average; a closed loop offers none by itself.
pub(crate) fn per_second(arrivals: &Arrivals) -> f64 {
    match *arrivals {
        Arrivals::Constant { per_second } | Arrivals::Poisson { per_second } => {
            per_second.per_second()
        }
        Arrivals::Bursts { per_second, burst, every } => {
            per_second.per_second() + f64::from(burst) / every.as_secs_f64()
        }
        Arrivals::Closed { .. } => 0.0,
    }
}

fn faster(arrivals: &Arrivals, by: f64) -> Arrivals {
    let faster = |rate: Rate| rate.times(by);
    match *arrivals {
        Arrivals::Constant { per_second } => Arrivals::Constant { per_second: faster(per_second) },
        Arrivals::Poisson { per_second } => Arrivals::Poisson { per_second: faster(per_second) },
        // Bursts stay whole and come more often.
        Arrivals::Bursts { per_second, burst, every } => {
            let every = Duration::try_from_secs_f64(every.as_secs_f64() / by);
            let every = every.unwrap_or(Duration::MAX);
            Arrivals::Bursts { per_second: faster(per_second), burst, every }
        }
        closed @ Arrivals::Closed { .. } => closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scenarios::Vocabulary;

    fn scenario() -> Scenario {
        let text = "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n\
            [[phase]]\nname = 'a'\nduration = '1m'\n[[phase.workload]]\nkind = 'key-creation'\n\
            clients = 3\narrivals = { kind = 'poisson', per_second = 30 }\n[[phase.workload]]\n\
            kind = 'key-creation'\narrivals = { kind = 'constant', per_second = 10 }\n\
            [[phase]]\nname = 'b'\nduration = '3m'\n";
        Scenario::parse("x.toml", text, &[], &Vocabulary::open()).unwrap()
    }

    #[test]
    fn rates_and_durations_keep_their_proportions() {
        let shape = Shape {
            rate: Rate::of(400.0),
            duration: Some(Duration::from_secs(8)),
            ..Shape::default()
        };
        let shaped = shape.of(&scenario());
        let durations: Vec<_> = shaped.phases.iter().map(|phase| phase.duration).collect();
        assert_eq!(durations, [2, 6].map(Duration::from_secs));
        let rates = shaped.phases[0].workloads.iter().map(|w| per_second(&w.arrivals));
        assert_eq!(rates.collect::<Vec<_>>(), [300.0, 100.0]);
    }

    #[test]
    fn a_closed_loop_has_its_clients_in_proportion_and_none_is_left_out() {
        let shape = Shape { closed: Some(2), ..Shape::default() };
        let shaped = shape.of(&scenario());
        let parts: Vec<_> = shaped.phases[0].workloads.iter().map(|w| w.clients).collect();
        assert_eq!((parts, clients(&shaped)), (vec![1, 1], 2));
        let thinks = Arrivals::Closed { think: Duration::ZERO };
        assert!(shaped.phases[0].workloads.iter().all(|w| w.arrivals == thinks));
    }

    /// With several workloads `-c N` was rarely N clients: each share was cut to a whole number, and then
    /// raised to one.
    #[test]
    fn as_many_clients_are_dealt_as_there_are() {
        assert_eq!(dealt(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(dealt(10, &[5, 3, 1]), [6, 3, 1]);
        assert_eq!(dealt(3, &[100, 1, 1]), [1, 1, 1]);
        assert_eq!(dealt(7, &[100, 1, 1]), [5, 1, 1]);
        for clients in 4..200 {
            let parts = dealt(clients, &[17, 100_000, 3, 40]);
            assert_eq!(parts.iter().sum::<u32>(), clients, "{parts:?}");
            assert!(parts.iter().all(|part| *part > 0), "{parts:?}");
        }
        assert!(dealt(5, &[]).is_empty());
    }

    #[test]
    fn a_closed_loop_needs_a_client_a_workload() {
        let check = |closed| Shape { closed: Some(closed), ..Shape::default() }.check(&scenario());
        assert_eq!(check(2), Ok(()));
        let said = check(1).unwrap_err();
        assert!(said.contains("\"a\" has 2 workloads") && said.contains("-c 2"), "{said}");
    }

    /// The rate of a closed loop was taken and changed nothing.
    #[test]
    fn a_closed_loop_has_no_rate() {
        let rate = Shape { rate: Rate::of(10.0), ..Shape::default() };
        assert_eq!(rate.check(&scenario()), Ok(()));
        let mut closed = scenario();
        closed.phases[0].workloads[1].arrivals = Arrivals::Closed { think: Duration::ZERO };
        let said = rate.check(&closed).unwrap_err();
        assert!(said.contains("\"a\" has a closed loop"), "{said}");
        assert_eq!(Shape::default().check(&closed), Ok(()));
    }

    /// A burst that comes once in ages had its pause multiplied beyond what a duration holds.
    #[test]
    fn the_slowest_rate_of_bursts_is_no_trouble() {
        let per_second = Rate::of(1e6).unwrap();
        let bursts = |per_second, secs| Arrivals::Bursts { per_second, burst: 10, every: secs };
        let slow = faster(&bursts(per_second, Duration::from_secs(1_000_000_000)), 1e-12);
        assert_eq!(slow, bursts(per_second.times(1e-12), Duration::MAX));
    }

    #[test]
    fn one_region_takes_the_place_of_all() {
        let region = RegionName::parse("eu-west-1");
        let shaped = Shape { region, ..Shape::default() }.of(&scenario());
        let workloads = shaped.phases.iter().flat_map(|phase| &phase.workloads);
        let regions = workloads.flat_map(|workload| &workload.regions);
        let all: Vec<_> =
            regions.chain(&shaped.topology.regions).map(scenarios::RegionName::as_str).collect();
        assert_eq!(all, ["eu-west-1"; 3]);
    }

    #[test]
    fn nothing_said_changes_nothing() {
        assert_eq!(Shape::default().of(&scenario()), scenario());
    }
}
