//! `keyquake bench quotas`: a saved run against the documented request quotas.

use super::read;
use crate::exit::{Exit, Failure};
use crate::terminal::{self, BOLD, table};
use clap::Args;
use clap::builder::PossibleValuesParser;
use kms_core::quota::Profile;
use loadgen::bench::{Capacity, Saved, capacities};
use reports::data::{self, CapacityReport};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keyquake bench quotas now.json
  keyquake bench quotas now.json --profile seed --html quotas.html

How many times one core of the machine does what a Region admits to an account, pool by pool, by \
the slowest operation of the pool that was measured.

Exit codes: 0 fine, 2 bad usage or input.")]
pub(super) struct Arguments {
    /// A file of `bench run --out`
    #[arg(value_name = "FILE")]
    run: PathBuf,
    /// The quota profile
    #[arg(long, default_value = Profile::DEFAULT, value_parser = profiles())]
    profile: String,
    /// Keep a page with charts in this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// The names of profiles.
pub(super) fn profiles() -> PossibleValuesParser {
    PossibleValuesParser::new(Profile::names())
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let saved = read(&arguments.run)?;
    let profile = named(&arguments.profile)?;
    let all = capacities(&saved, &profile);
    if let Some(path) = &arguments.html {
        let page = reports::page::capacities(&report(&saved, &profile, &all));
        std::fs::write(path, page).map_err(|error| Failure::file("write", path, &error))?;
    }
    match arguments.json {
        true => terminal::print_json(&all)?,
        false => terminal::print(&text(&profile, &all))?,
    }
    Ok(Exit::Fine)
}

/// The profile of a name that the parser let pass.
pub(super) fn named(name: &str) -> Result<Arc<Profile>, Failure> {
    Profile::named(name).ok_or_else(|| Failure::usage(format!("no quota profile {name}")))
}

/// The table: what one core does, and how many times the limit of each class that is.
pub(super) fn text(profile: &Profile, all: &[Capacity]) -> String {
    if all.is_empty() {
        return "No operation of a quota was measured.\n".to_owned();
    }
    let heading = format!(
        "{BOLD}One core against {}{BOLD:#}: times the limit, by the slowest operation measured\n\n",
        profile.name()
    );
    let classes = all[0].limits.iter().map(|limit| format!("{:>18}", limit.class));
    let header = ["pool", "backend", "of", "a second"].map(str::to_owned);
    let [pool, backend, of, rate] = header;
    let mut rows =
        vec![[pool, backend, of, rate, classes.collect::<String>(), "slowest".to_owned()]];
    rows.extend(all.iter().map(|one| {
        let times = one.limits.iter().map(|limit| {
            format!("{:>18}", format!("{} of {}", times(limit.times), limit.per_second))
        });
        [
            format!("{}{}", one.pool, if one.assumed { " (assumed)" } else { "" }),
            one.backend.clone(),
            one.layer.to_owned(),
            format!("{:>10.1}", one.per_second),
            times.collect::<String>(),
            one.operation.clone(),
        ]
    }));
    heading + &table(&rows)
}

fn times(times: f64) -> String {
    match times {
        t if t < 10.0 => format!("{t:.2}×"),
        t => format!("{t:.0}×"),
    }
}

fn report(saved: &Saved, profile: &Profile, all: &[Capacity]) -> CapacityReport {
    let capacities = all.iter().flat_map(|one| {
        one.limits.iter().map(|limit| data::Capacity {
            pool: one.pool.clone(),
            class: limit.class.to_owned(),
            limit: limit.per_second,
            assumed: one.assumed,
            backend: one.backend.clone(),
            layer: one.layer.to_owned(),
            operation: one.operation.clone(),
            per_second: one.per_second,
        })
    });
    let (machine, build) = (&saved.machine, &saved.build);
    let mut capacities: Vec<data::Capacity> = capacities.collect();
    let order = |class: &str| all[0].limits.iter().position(|limit| limit.class == class);
    capacities.sort_by_key(|one| order(&one.class));
    CapacityReport {
        profile: format!("{}: {}", profile.name(), profile.summary()),
        machine: format!("{}, {} build of {}", machine.cpu, build.profile, build.commit),
        capacities,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_multiples_are_whole() {
        assert_eq!([0.5, 9.994, 123.4].map(times), ["0.50×", "9.99×", "123×"]);
    }
}
