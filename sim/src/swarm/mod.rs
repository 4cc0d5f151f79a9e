//! Swarm: one seed draws a whole run, and what is drawn is an ordinary scenario.
//!
//! A hand-written scenario tests what somebody thought of. Here the seed decides how many Regions,
//! zones and hosts there are, which workloads run and which of their operations are left out
//! altogether, what goes wrong, how long it takes and which figures of the model differ from their
//! defaults. Leaving things out is what makes the rest happen often: a run without deletions keeps its
//! keys, a run of nothing but deletions races them. (Groce et al., "Swarm Testing", ISSTA 2012.)
//!
//! Each part draws from a stream of its own, so that one more kind of fault changes no topology.

mod dice;
mod faults;
mod ground;
mod workloads;

use crate::random::Seed;
use crate::vocabulary::vocabulary;
use dice::{Dice, text};
use scenarios::{Document, Scenario};
use std::time::Duration;
use toml::{Table, Value};

/// What a seed draws.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// The scenario as a file.
    pub document: Document,
    /// The scenario.
    pub scenario: Scenario,
}

/// About how many requests a run makes.
pub const REQUESTS: u64 = 2_000;

/// The run of a seed: its topology, its keys, its load, its faults and its parameters. The scenario
/// is meant to be run with the same seed.
///
/// # Panics
/// Never: what is drawn is always a scenario, and a test draws thousands.
pub fn draw(seed: Seed) -> Drawn {
    let ground = ground::draw(seed);
    let phases = phases(seed, &ground.regions);
    let mut table = ground.tables;
    table.insert("schema".into(), scenarios::SCHEMA.into());
    table.insert("description".into(), format!("What seed {} of the swarm draws.", seed.0).into());
    table.insert("phase".into(), Value::Array(phases));
    table.insert(
        "calm".into(),
        Value::Table([("duration".to_owned(), text(calm(seed)))].into_iter().collect()),
    );
    let document = Document(table);
    let scenario = document.scenario(&name(seed), &vocabulary());
    let scenario = scenario.unwrap_or_else(|error| panic!("seed {}: {error}", seed.0));
    Drawn { document, scenario }
}

/// What the scenario of a seed is called.
pub fn name(seed: Seed) -> String {
    format!("swarm-{}", seed.0)
}

/// The phases, which share the requests.
fn phases(seed: Seed, regions: &[String]) -> Vec<Value> {
    let mut dice = Dice::of(seed, "swarm phases");
    let count = dice.between(1, 3);
    let requests = REQUESTS / count;
    let mut load = workloads::Alphabet::draw(seed, regions);
    let mut weather = faults::Climate::draw(seed, regions);
    let phases = (1..=count).map(|number| {
        let duration = length(&mut dice);
        let mut phase = Table::new();
        phase.insert("name".into(), format!("phase-{number}").into());
        phase.insert("duration".into(), text(duration));
        phase.insert("workload".into(), Value::Array(load.phase(requests, duration)));
        let faults = weather.phase(duration);
        if !faults.is_empty() {
            phase.insert("fault".into(), Value::Array(faults));
        }
        Value::Table(phase)
    });
    phases.collect()
}

/// Enough to settle, and sometimes enough for what waits a week to fall due as well.
fn calm(seed: Seed) -> Duration {
    let mut dice = Dice::of(seed, "swarm calm");
    match dice.chance(0.2) {
        true => dice.spread(Duration::from_hours(9 * 24), Duration::from_hours(14 * 24)),
        false => Duration::from_mins(10),
    }
}

/// Most phases take seconds; some take days, so that what is scheduled falls due.
fn length(dice: &mut Dice) -> Duration {
    match dice.chance(0.18) {
        true => dice.spread(Duration::from_hours(24), Duration::from_hours(20 * 24)),
        false => dice.spread(Duration::from_secs(4), Duration::from_secs(120)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn kinds(drawn: &Drawn, of: &str) -> Vec<String> {
        let phases = drawn.document.0["phase"].as_array().unwrap();
        let items = phases.iter().filter_map(|phase| phase.get(of)?.as_array());
        items.flatten().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_seed_something_else() {
        let text = |seed| draw(Seed(seed)).document.text();
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
    }

    #[test]
    fn the_file_is_the_scenario() {
        let Drawn { document, scenario } = draw(Seed(3));
        let file = Scenario::parse("swarm-3.toml", &document.text(), &[], &vocabulary()).unwrap();
        assert_eq!(file, scenario);
    }

    #[test]
    fn every_kind_of_load_and_fault_is_drawn_and_every_draw_is_a_scenario() {
        let (mut workloads, mut faults) = (BTreeSet::new(), BTreeSet::new());
        for seed in 0..400 {
            let drawn = draw(Seed(seed));
            workloads.extend(kinds(&drawn, "workload"));
            faults.extend(kinds(&drawn, "fault"));
        }
        let known = scenarios::WORKLOADS.iter().map(|entry| entry.name.to_owned());
        assert_eq!(workloads, known.collect());
        let known = scenarios::FAULTS.iter().map(|entry| entry.name.to_owned());
        assert_eq!(faults, known.collect());
    }

    #[test]
    fn some_runs_do_without_what_others_do() {
        let drawn: Vec<Drawn> = (0..100).map(|seed| draw(Seed(seed))).collect();
        let without = |what: &dyn Fn(&Drawn) -> bool| drawn.iter().filter(|one| !what(one)).count();
        assert!((2..60).contains(&without(&|one| !kinds(one, "fault").is_empty())));
        assert!((10..90).contains(&without(&|one| one.scenario.topology.regions.len() > 1)));
        assert!((5..95).contains(&without(&|one| !one.scenario.parameters.is_empty())));
        let deletes = |one: &Drawn| one.document.text().contains("schedule_deletion = ");
        assert!((10..90).contains(&without(&deletes)));
    }
}
