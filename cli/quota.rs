//! `keyquake quota`: the request quotas of a time, with their sources and gaps.

use crate::exit::{Exit, Failure};
use crate::terminal::{self, BOLD, FAINT, table};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use kms_core::name::{AWS_REGIONS, RegionName};
use kms_core::quota::{Pool, Profile, RegionClass};
use serde::Serialize;
use std::sync::Arc;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the quota profiles
    #[command(after_help = "Example:\n  keyquake quota list")]
    List {
        /// Print one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Show every pool of a profile with its limits and their source
    #[command(after_help = "Example:\n  keyquake quota show aws-2026 --region eu-west-1")]
    Show(Show),
}

#[derive(Debug, Args)]
struct Show {
    /// The profile
    #[arg(value_parser = PossibleValuesParser::new(Profile::names()))]
    profile: String,
    /// Only the limits of this Region
    #[arg(long, value_parser = one_of_aws(), hide_possible_values = true)]
    region: Option<RegionName>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

/// A name that AWS has given: a quota is known for no other, and a slip of the pen would be answered
/// with the figures of every other Region.
fn one_of_aws() -> impl TypedValueParser<Value = RegionName> {
    let parse = |text: String| RegionName::parse(&text).ok_or("a Region looks like eu-west-1");
    PossibleValuesParser::new(AWS_REGIONS).try_map(parse)
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::List { json: true } => terminal::print_json(&profiles())?,
        Command::List { json: false } => terminal::print(&list())?,
        Command::Show(show) => {
            // The parser lets known names pass and no others.
            let profile = Profile::named(&show.profile)
                .ok_or_else(|| Failure::usage(format!("no quota profile {}", show.profile)))?;
            match show.json {
                true => terminal::print_json(&shown(&profile, show.region.as_ref()))?,
                false => terminal::print(&page(&profile, show.region.as_ref()))?,
            }
        }
    }
    Ok(Exit::Fine)
}

#[derive(Serialize)]
struct Line {
    profile: String,
    summary: String,
    pools: usize,
    assumed: usize,
}

fn profiles() -> Vec<Line> {
    let profiles = Profile::names().iter().filter_map(|name| Profile::named(name));
    let line = |profile: Arc<Profile>| Line {
        profile: profile.name().to_owned(),
        summary: profile.summary().to_owned(),
        pools: profile.pools().len(),
        assumed: profile.pools().filter(|pool| pool.because.is_some()).count(),
    };
    profiles.map(line).collect()
}

fn list() -> String {
    let rows: Vec<[String; 3]> = profiles()
        .into_iter()
        .map(|line| {
            let pools = format!("{} pools, {} assumed", line.pools, line.assumed);
            [line.profile, pools, line.summary]
        })
        .collect();
    table(&rows)
}

#[derive(Serialize)]
struct Shown<'p> {
    profile: &'p str,
    summary: &'p str,
    note: &'p str,
    region: Option<&'p str>,
    pools: Vec<ShownPool<'p>>,
}

#[derive(Serialize)]
struct ShownPool<'p> {
    name: &'p str,
    /// Requests a second: of the Region, or of every class of Regions.
    per_second: Vec<(&'static str, f64)>,
    source: &'p str,
    assumed: Option<&'p str>,
    note: Option<&'p str>,
    operations: Vec<&'p str>,
}

fn shown<'p>(profile: &'p Profile, region: Option<&'p RegionName>) -> Shown<'p> {
    let pool = |pool: &'p Pool| ShownPool {
        name: pool.name,
        per_second: limits(profile, pool, region),
        source: &pool.source,
        assumed: pool.because.as_deref(),
        note: pool.note.as_deref(),
        operations: pool.operations().into_iter().collect(),
    };
    Shown {
        profile: profile.name(),
        summary: profile.summary(),
        note: profile.note(),
        region: region.map(RegionName::as_str),
        pools: profile.pools().map(pool).collect(),
    }
}

const CLASSES: [(&str, RegionClass); 4] = [
    ("large", RegionClass::Large),
    ("medium", RegionClass::Medium),
    ("small", RegionClass::Small),
    ("china", RegionClass::China),
];

fn limits(profile: &Profile, pool: &Pool, region: Option<&RegionName>) -> Vec<(&'static str, f64)> {
    let only = region.map(|region| profile.class(region));
    let wanted = CLASSES.into_iter().filter(|(_, class)| only.is_none_or(|only| only == *class));
    wanted.map(|(name, class)| (name, pool.limit(class).per_second)).collect()
}

fn page(profile: &Profile, region: Option<&RegionName>) -> String {
    let scope = match region {
        Some(region) => format!("requests a second for an account in {region}"),
        None => "requests a second for an account, by class of Region".to_owned(),
    };
    let heading = format!("{BOLD}{}{BOLD:#}  {}\n{scope}\n\n", profile.name(), profile.summary());
    let mut rows = vec![header(region)];
    rows.extend(profile.pools().map(|pool| row(profile, pool, region)));
    let notes: String = profile.pools().filter_map(remark).collect();
    let note = format!("\n{FAINT}{}{FAINT:#}\n", profile.note());
    heading + &table(&rows) + &notes + if profile.note().is_empty() { "" } else { &note }
}

fn header(region: Option<&RegionName>) -> [String; 4] {
    let limits = match region {
        Some(_) => format!("{:>8}", "limit"),
        None => CLASSES.map(|(name, _)| format!("{name:>8}")).concat(),
    };
    ["pool".to_owned(), limits, String::new(), "source".to_owned()]
}

fn row(profile: &Profile, pool: &Pool, region: Option<&RegionName>) -> [String; 4] {
    let limits = limits(profile, pool, region).into_iter();
    let limits: String = limits.map(|(_, limit)| format!("{limit:>8}")).collect();
    let assumed = if pool.because.is_some() { "assumed" } else { "" };
    [pool.name.to_owned(), limits, assumed.to_owned(), pool.source.clone()]
}

/// Why a figure is assumed, and what else one should know of a pool.
fn remark(pool: &Pool) -> Option<String> {
    let because = pool.because.iter().map(|because| format!("assumed: {because}"));
    let remarks: Vec<String> = because.chain(pool.note.clone()).collect();
    (!remarks.is_empty()).then(|| format!("\n{}: {}", pool.name, remarks.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_has_the_limits_of_its_class() {
        let profile = Profile::named("aws-2026").unwrap();
        let pool = profile.pools().find(|pool| pool.name == "symmetric").unwrap();
        let region = RegionName::parse("us-east-1").unwrap();
        assert_eq!(limits(&profile, pool, Some(&region)), [("large", 100_000.0)]);
        assert_eq!(limits(&profile, pool, None).len(), 4);
    }

    #[test]
    fn assumed_figures_say_so() {
        let profile = Profile::named("aws-2026").unwrap();
        let page = page(&profile, None);
        let line = page.lines().find(|line| line.starts_with("ml-kem ")).unwrap();
        assert!(line.contains("assumed"), "{line}");
    }
}
