//! `keyquake load`: the load of a scenario, for real.

mod live;
mod over;
mod print;

use crate::exit::{Exit, Failure};
use crate::sim::{USUAL_SEED, interrupt_flag, interrupted, obey_interrupts, read_inputs};
use crate::terminal;
use ::sim::random::Seed;
use clap::Args;
use live::Live;
use loadgen::{Configuration, Order, Outcome, Pacer, Ran, Shape, Tool};
use over::{Over, Ready};
use scenarios::{Rate, Scenario, parse_duration};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  keyquake load scenarios/quickstart.toml
  keyquake load scenarios/quickstart.toml --rate 20k --duration 30s --threads 2
  keyquake load scenarios/quickstart.toml -c 2 --duration 10s --backend ring
  keyquake load scenarios/quickstart.toml --quota --set quota.scale=0.05 --out load
  keyquake load scenarios/quickstart.toml --url http://127.0.0.1:4599 --region us-east-1

The core runs in this process, once a thread with the same keys; calls are dealt to threads by client.
With --url an endpoint is driven over HTTP instead, signed with Signature Version 4; the keys, grants and
aliases of the scenario are made there first, and stay.
The same seed means the same schedule as `keyquake sim run`. Latency counts from the intended start.
A call is sent once: it is not retried. Faults and planted bugs are no part of a load.

Exit codes: 0 fine, 2 bad usage or input, 130 interrupted, with what was measured until then.")]
pub(crate) struct Arguments {
    /// The scenario file whose workloads are the load
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// The seed of keys and schedule
    #[arg(long, default_value_t = USUAL_SEED)]
    seed: u64,
    #[command(flatten)]
    over: Over,
    /// Threads; in process, each with a core of its own [default: one a processor]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Calls a second in every phase, as in 500 or 20k [default: what the scenario says]
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "closed")]
    rate: Option<Rate>,
    /// How long all phases take together, as in 30s [default: what the scenario says]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// A closed loop of this many clients: each calls again when it is answered
    #[arg(short = 'c', long = "closed", value_name = "N")]
    closed: Option<NonZeroU32>,
    /// Spin instead of sleeping before a start: exact, and a whole core a thread
    #[arg(long)]
    spin: bool,
    /// Change a value of the scenario, as in keys.symmetric=100
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Print run.json in one line, and nothing else
    #[arg(long)]
    json: bool,
    /// Keep run.json, run.hlog, samples.csv and percentiles in this folder
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// `500`, `2.5k`, `1m`.
fn rate(text: &str) -> Result<Rate, String> {
    let (digits, unit) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1e3),
        None => (
            text.strip_suffix(['m', 'M']).unwrap_or(text),
            if text.ends_with(['m', 'M']) { 1e6 } else { 1.0 },
        ),
    };
    let rate = digits.parse::<f64>().ok().and_then(|number| Rate::of(number * unit));
    rate.ok_or_else(|| "a rate is a number above 0, such as 500 or 20k".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text).map_err(|error| error.to_string())?;
    match parsed.is_zero() {
        true => Err("a load takes longer than no time".to_owned()),
        false => Ok(parsed),
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let scenario = scenario(arguments)?;
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
    }
    obey_interrupts()?;
    let mut live = Live::new(&scenario.storm());
    let ready = arguments.over.ready(&scenario, &mut live)?;
    let one_each = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let order = Order {
        scenario: &scenario,
        seed: Seed(arguments.seed),
        service: ready.service(),
        threads: arguments.threads.map_or_else(one_each, NonZeroUsize::get),
        pacer: if arguments.spin { Pacer::SPIN } else { Pacer::HYBRID },
    };
    let began = SystemTime::now();
    let ran = loadgen::run(order, interrupt_flag(), &mut |moment| live.show(moment));
    live.end();
    let ran = ran.map_err(Failure::usage)?;
    let outcome = outcome(arguments, &order, &ready, &ran);
    if let Some(folder) = &arguments.out {
        keep(folder, &outcome, &ran, began)?;
    }
    match arguments.json {
        true => terminal::print_json(&outcome)?,
        false => terminal::print(&print::summary(&outcome, arguments.out.as_deref()))?,
    }
    Ok(if outcome.interrupted { Exit::Interrupted } else { Exit::Fine })
}

/// The scenario, in the shape of the load.
fn scenario(arguments: &Arguments) -> Result<Scenario, Failure> {
    let inputs = read_inputs(std::slice::from_ref(&arguments.scenario), &arguments.overrides)?;
    let [input] = &inputs[..] else {
        let path = arguments.scenario.display();
        return Err(Failure::usage(format!(
            "{path}: a load is of one scenario file, not of a folder"
        )));
    };
    let closed = arguments.closed.map(NonZeroU32::get);
    let shape = Shape {
        rate: arguments.rate,
        duration: arguments.duration,
        closed,
        region: arguments.over.region,
    };
    Ok(shape.of(&input.scenario))
}

fn outcome(arguments: &Arguments, order: &Order<'_>, ready: &Ready, ran: &Ran) -> Outcome {
    let (target, backend, quota) = ready.about();
    let configuration = Configuration {
        scenario: order.scenario.name.clone(),
        seed: arguments.seed,
        target,
        backend,
        threads: order.threads,
        quota,
        seconds: order.scenario.storm().as_secs_f64(),
    };
    let tool = Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("KEYQUAKE_COMMIT").to_owned(),
    };
    let gathered = &ran.gathered;
    let samples = gathered.samples.clone();
    let mut outcome =
        Outcome::of(configuration, tool, &gathered.whole, ran.dropped, ran.took, samples);
    outcome.interrupted = interrupted();
    outcome
}

fn keep(folder: &Path, outcome: &Outcome, ran: &Ran, began: SystemTime) -> Result<(), Failure> {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        std::fs::write(&path, bytes).map_err(|error| Failure::file("write", &path, &error))
    };
    let data = serde_json::to_string_pretty(outcome).map_err(Failure::usage)?;
    write("run.json", (data + "\n").as_bytes())?;
    write(
        "run.hlog",
        &loadgen::log(&ran.gathered.whole, began, ran.took).map_err(Failure::usage)?,
    )?;
    write("samples.csv", loadgen::csv(&ran.gathered.samples).as_bytes())?;
    let whole = &ran.gathered.whole;
    let all = [("response", &whole.response), ("service", &whole.service), ("lag", &whole.lag)];
    for (name, histogram) in all {
        write(&format!("{name}.hgrm"), loadgen::percentiles(histogram).as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_units() {
        let of = |text| rate(text).map(Rate::per_second);
        assert_eq!(of("2.5k"), Ok(2_500.0));
        assert_eq!(of("1m"), Ok(1e6));
        assert_eq!(of("80"), Ok(80.0));
        assert!(of("0").is_err() && of("fast").is_err() && of("-1k").is_err());
    }
}
