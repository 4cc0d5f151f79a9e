//! `keyquake load`: the load of a scenario, for real.

use crate::exit::{Exit, Failure};
use crate::sim::{Backend, USUAL_SEED, interrupt_flag, interrupted, obey_interrupts, read_inputs};
use crate::terminal;
use ::sim::random::Seed;
use clap::Args;
use kms_core::crypto::Production;
use loadgen::{
    Configuration, Distribution, Moment, Order, Outcome, Pacer, Ran, Sample, Shape, Tool,
};
use scenarios::{Rate, parse_duration};
use std::io::{self, IsTerminal, Write};
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

The core runs in this process, once a thread with the same keys; calls are dealt to threads by client.
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
    /// The library that does the cryptography
    #[arg(long, value_enum, default_value_t)]
    backend: Backend,
    /// Threads, each with a core of its own [default: one a processor]
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
    /// Put the scenario's request quotas in force
    #[arg(long)]
    quota: bool,
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
    let inputs = read_inputs(std::slice::from_ref(&arguments.scenario), &arguments.overrides)?;
    let [input] = &inputs[..] else {
        let path = arguments.scenario.display();
        return Err(Failure::usage(format!(
            "{path}: a load is of one scenario file, not of a folder"
        )));
    };
    let closed = arguments.closed.map(NonZeroU32::get);
    let shape = Shape { rate: arguments.rate, duration: arguments.duration, closed };
    let scenario = shape.of(&input.scenario);
    let backend = Production::named(arguments.backend.name())
        .ok_or_else(|| Failure::usage("no backend has that name"))?;
    let one_each = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let order = Order {
        scenario: &scenario,
        seed: Seed(arguments.seed),
        backend,
        threads: arguments.threads.map_or_else(one_each, NonZeroUsize::get),
        quota: arguments.quota,
        pacer: if arguments.spin { Pacer::SPIN } else { Pacer::HYBRID },
    };
    if let Some(folder) = &arguments.out {
        std::fs::create_dir_all(folder).map_err(|error| Failure::file("make", folder, &error))?;
    }
    obey_interrupts()?;
    let mut live = Live::new(&scenario.storm());
    let began = SystemTime::now();
    let ran = loadgen::run(order, interrupt_flag(), &mut |moment| live.show(moment));
    live.end();
    let ran = ran.map_err(Failure::usage)?;
    let outcome = outcome(arguments, &order, &ran);
    if let Some(folder) = &arguments.out {
        keep(folder, &outcome, &ran, began)?;
    }
    match arguments.json {
        true => terminal::print_json(&outcome)?,
        false => terminal::print(&summary(&outcome, arguments.out.as_deref()))?,
    }
    Ok(if outcome.interrupted { Exit::Interrupted } else { Exit::Fine })
}

fn outcome(arguments: &Arguments, order: &Order<'_>, ran: &Ran) -> Outcome {
    let configuration = Configuration {
        scenario: order.scenario.name.clone(),
        seed: arguments.seed,
        target: "in process".to_owned(),
        backend: Some(arguments.backend.name().to_owned()),
        threads: order.threads,
        quota: arguments.quota,
        seconds: order.scenario.storm().as_secs_f64(),
    };
    let tool = Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("KEYQUAKE_COMMIT").to_owned(),
    };
    let samples = ran.samples.clone();
    let mut outcome = Outcome::of(configuration, tool, &ran.whole, ran.dropped, ran.took, samples);
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
    write("run.hlog", &loadgen::log(&ran.whole, began, ran.took).map_err(Failure::usage)?)?;
    write("samples.csv", loadgen::csv(&ran.samples).as_bytes())?;
    let whole = &ran.whole;
    let all = [("response", &whole.response), ("service", &whole.service), ("lag", &whole.lag)];
    for (name, histogram) in all {
        write(&format!("{name}.hgrm"), loadgen::percentiles(histogram).as_bytes())?;
    }
    Ok(())
}

/// What is said while the load runs, on standard error: one line that changes, or a line a second.
struct Live {
    terminal: bool,
    whole: Duration,
}

impl Live {
    fn new(whole: &Duration) -> Live {
        Live { terminal: io::stderr().is_terminal(), whole: *whole }
    }

    fn show(&mut self, moment: &Moment<'_>) {
        let line = line(moment, self.whole);
        match self.terminal {
            true => {
                let _ = write!(io::stderr().lock(), "\r\x1b[K{line}");
            }
            false => terminal::say(&line),
        }
    }

    fn end(&mut self) {
        if self.terminal {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn line(moment: &Moment<'_>, whole: Duration) -> String {
    let Sample { second, offered, answered, throttled, late, response, lag, .. } = moment.sample;
    let offered = if *offered > 0.0 { format!("{offered:.0}") } else { "closed".to_owned() };
    format!(
        "{second} of {:.0} s · offered {offered}/s · answered {answered} · late {late} · throttled \
         {throttled} · p50 {} · p99 {} · p99.9 {} · lag p99 {}",
        whole.as_secs_f64(),
        time(response.p50),
        time(response.p99),
        time(response.p99_9),
        time(lag.p99),
    )
}

/// Nanoseconds, in the unit that reads best.
fn time(nanos: u64) -> String {
    let value = nanos as f64;
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} µs", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", value / 1e6),
        _ => format!("{:.2} s", value / 1e9),
    }
}

fn summary(outcome: &Outcome, kept: Option<&Path>) -> String {
    let counts = &outcome.counts;
    let mut text = format!(
        "{} · seed {} · {} calls in {:.2} s: {:.0} a second\n",
        outcome.configuration.scenario,
        outcome.configuration.seed,
        counts.sent,
        outcome.seconds,
        outcome.achieved_per_second,
    );
    text += &format!(
        "succeeded {} · throttled {} · failed {} · late {} · dropped {}\n\n",
        counts.succeeded,
        counts.throttled,
        counts.failed.values().sum::<u64>(),
        counts.late,
        counts.dropped,
    );
    let row = |name: &str, d: &Distribution| {
        [name.to_owned(), time(d.p50), time(d.p90), time(d.p99), time(d.p99_9), time(d.max)]
    };
    let head = ["", "p50", "p90", "p99", "p99.9", "max"].map(str::to_owned);
    text += &terminal::table(&[
        head,
        row("response", &outcome.response),
        row("service", &outcome.service),
        row("lag", &outcome.lag),
    ]);
    for (name, count) in &counts.failed {
        text += &format!("{count} {name}\n");
    }
    if outcome.client_bound {
        text += "CLIENT-BOUND: more than one call in a hundred was sent late. The latencies are those of \
                 a queue in front of the driver; lower --rate or add --threads.\n";
    }
    if outcome.interrupted {
        text += "Broken off: this is what was measured until then.\n";
    }
    if let Some(folder) = kept {
        text += &format!("kept in {}\n", folder.display());
    }
    text
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

    #[test]
    fn times_have_the_unit_that_reads_best() {
        let shown = [999, 1_500, 2_340_000, 3_000_000_000].map(time);
        assert_eq!(shown, ["999 ns", "1.5 µs", "2.34 ms", "3.00 s"]);
    }
}
