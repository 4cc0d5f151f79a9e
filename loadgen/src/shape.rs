//! A scenario at another rate, for another time, or as a closed loop.

use kms_core::name::RegionName;
use scenarios::{Arrivals, Rate, Scenario};
use std::time::Duration;

/// What a load changes about a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    /// Calls a second in every phase, all workloads together; their proportions stay.
    pub rate: Option<Rate>,
    /// How long all phases take together; their proportions stay.
    pub duration: Option<Duration>,
    /// Clients that each start a call when the last is answered, instead of the arrivals; over the
    /// workloads of a phase in proportion, each at least one.
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
                let sum: u32 = phase.workloads.iter().map(|workload| workload.clients).sum();
                for workload in &mut phase.workloads {
                    let part = u64::from(clients) * u64::from(workload.clients);
                    let part = part / u64::from(sum.max(1));
                    workload.clients = u32::try_from(part).unwrap_or(clients).max(1);
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
fn per_second(arrivals: &Arrivals) -> f64 {
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
    let faster = |rate: Rate| Rate::of(rate.per_second() * by).unwrap_or(rate);
    match *arrivals {
        Arrivals::Constant { per_second } => Arrivals::Constant { per_second: faster(per_second) },
        Arrivals::Poisson { per_second } => Arrivals::Poisson { per_second: faster(per_second) },
        // Bursts stay whole and come more often.
        Arrivals::Bursts { per_second, burst, every } => {
            Arrivals::Bursts { per_second: faster(per_second), burst, every: every.div_f64(by) }
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
        let clients: Vec<_> = shaped.phases[0].workloads.iter().map(|w| w.clients).collect();
        assert_eq!(clients, [1, 1]);
        let thinks = Arrivals::Closed { think: Duration::ZERO };
        assert!(shaped.phases[0].workloads.iter().all(|w| w.arrivals == thinks));
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
