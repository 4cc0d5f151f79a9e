//! How far a campaign is, on standard error: seeds a second, failures, what is new.

use crate::terminal;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);
const TEMPLATE: &str = "{bar:30} {percent:>3} %  {msg}";

/// The progress of a campaign.
pub(crate) struct Watch {
    bar: Option<ProgressBar>,
    all: u64,
    began: Instant,
    said: Instant,
}

/// How far it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reached {
    /// Runs that are over.
    pub(crate) runs: u64,
    /// Those that failed.
    pub(crate) failures: u64,
    /// Failures that look different.
    pub(crate) signatures: usize,
    /// Probes that were hit.
    pub(crate) probes: usize,
}

impl Watch {
    /// For so many runs.
    pub(crate) fn new(all: u64) -> Watch {
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or(ProgressStyle::default_bar());
        let bar = io::stderr().is_terminal().then(|| ProgressBar::new(all).with_style(style));
        let began = Instant::now();
        Watch { bar, all, began, said: began }
    }

    /// It is this far.
    pub(crate) fn reached(&mut self, reached: Reached) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(reached.runs);
                bar.set_message(self.text(reached));
            }
            None if self.said.elapsed() >= EVERY => {
                self.said = Instant::now();
                terminal::say(&self.text(reached));
            }
            None => {}
        }
    }

    /// Something worth a line of its own.
    pub(crate) fn news(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| terminal::say(line)),
            None => terminal::say(line),
        }
    }

    fn text(&self, reached: Reached) -> String {
        let Reached { runs, failures, signatures, probes } = reached;
        #[expect(clippy::cast_precision_loss, reason = "a rate with one digit")]
        let rate = runs as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        let all = self.all;
        format!(
            "{runs} of {all} runs, {rate:.1}/s, {failures} failures of {signatures} kinds, \
             {probes} probes"
        )
    }
}
