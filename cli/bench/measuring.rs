//! What `run` and `compare` share: what is measured and for how long, and how far that is.

use crate::exit::Failure;
use crate::sim::interrupt_flag;
use crate::terminal;
use clap::Args;
use loadgen::bench::{Build, Case, Plan, Progress, Saved, Side, measure};
use scenarios::parse_duration;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

#[derive(Debug, Args)]
pub(super) struct Measuring {
    /// Operations by name, with * for any text [default: all]
    #[arg(long, value_name = "PATTERN,…", value_delimiter = ',')]
    pub(super) operations: Vec<String>,
    /// How long all of it takes
    #[arg(
        short,
        long,
        visible_alias = "budget",
        value_name = "TIME",
        default_value = "60s",
        value_parser = duration
    )]
    duration: Duration,
    /// How long a block of calls takes, each of which is one timing
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = duration)]
    block: Duration,
    /// The seed of the order
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = parse_duration(text).map_err(|error| error.to_string())?;
    match parsed.is_zero() {
        true => Err("nothing is measured in no time".to_owned()),
        false => Ok(parsed),
    }
}

impl Measuring {
    /// Fails when a pattern chooses nothing.
    pub(super) fn check(&self) -> Result<Vec<Case>, Failure> {
        Case::chosen(&self.operations).map_err(Failure::usage)
    }

    /// Measures, and says how far it is; Ctrl-C ends it with what there is.
    pub(super) fn measure(
        &self,
        mut sides: Vec<Box<dyn Side + '_>>,
        build: Build,
    ) -> Result<Saved, Failure> {
        let cases = self.check()?;
        let plan = Plan { duration: self.duration, block: self.block, seed: self.seed };
        let labels: Vec<String> = sides.iter().map(|side| side.label().to_owned()).collect();
        let mut line = Line::new(self.duration);
        let measured = measure(&mut sides, &cases, plan, interrupt_flag(), &mut |progress| {
            line.show(&progress);
        });
        line.end();
        let measured = measured.map_err(Failure::usage)?;
        let mut saved = Saved::of(&measured, plan, &labels, build);
        saved.parameters.operations.clone_from(&self.operations);
        saved.interrupted = crate::sim::interrupted();
        Ok(saved)
    }
}

/// The line that says how far a measurement is: one that changes, or one every other second.
struct Line {
    terminal: bool,
    whole: Duration,
    said: Instant,
}

impl Line {
    fn new(whole: Duration) -> Line {
        Line { terminal: io::stderr().is_terminal(), whole, said: Instant::now() }
    }

    fn show(&mut self, progress: &Progress) {
        let patience = Duration::from_millis(if self.terminal { 100 } else { 2_000 });
        if self.said.elapsed() < patience {
            return;
        }
        self.said = Instant::now();
        let Progress { elapsed, visits, case } = progress;
        let (elapsed, whole) = (elapsed.as_secs_f64(), self.whole.as_secs_f64());
        let text = format!("{elapsed:.0} of {whole:.0} s · {visits} visits · {case}");
        match self.terminal {
            true => drop(write!(io::stderr().lock(), "\r\x1b[K{text}")),
            false => terminal::say(&text),
        }
    }

    fn end(&self) {
        if self.terminal {
            drop(write!(io::stderr().lock(), "\r\x1b[K"));
        }
    }
}
