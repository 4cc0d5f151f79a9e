//! What is said while a load runs, on standard error: one line that changes, or a line a second.

use super::print::time;
use crate::terminal;
use loadgen::{Bar, Moment, Sample};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the set-up says how far it is when nobody watches a terminal.
const PATIENCE: Duration = Duration::from_secs(2);

/// The line.
pub(super) struct Live {
    terminal: bool,
    whole: Duration,
    bar: Option<Bar>,
    said: Instant,
}

impl Live {
    /// The line of a load that takes so long, with the quota that is looked at.
    pub(super) fn new(whole: Duration, bar: Option<Bar>) -> Live {
        Live { terminal: io::stderr().is_terminal(), whole, bar, said: Instant::now() }
    }

    /// How many requests the set-up has made.
    pub(super) fn founding(&mut self, asked: u64) {
        let patience = if self.terminal { PATIENCE / 20 } else { PATIENCE };
        if self.said.elapsed() >= patience {
            self.said = Instant::now();
            self.say(&format!("making keys · {asked} requests"));
        }
    }

    /// The last second of a run.
    pub(super) fn show(&mut self, moment: &Moment<'_>) {
        self.say(&line(moment, self.whole, self.bar.as_ref()));
    }

    fn say(&self, line: &str) {
        match self.terminal {
            true => {
                let _ = write!(io::stderr().lock(), "\r\x1b[K{line}");
            }
            false => terminal::say(line),
        }
    }

    pub(super) fn end(&mut self) {
        if self.terminal {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

fn line(moment: &Moment<'_>, whole: Duration, bar: Option<&Bar>) -> String {
    let Sample { second, offered, answered, throttled, late, in_flight, response, lag, .. } =
        moment.sample;
    let offered = match *offered > 0.0 {
        true => format!("offered {offered:.0}/s"),
        false if *second as f64 >= whole.as_secs_f64() => "schedule over".to_owned(),
        false => "closed loop".to_owned(),
    };
    let bar = bar.map_or_else(String::new, |bar| {
        let share = 100.0 * moment.sample.pooled as f64 / bar.per_second;
        format!(" · quota {} of {:.0}/s ({share:.0} %)", moment.sample.pooled, bar.per_second)
    });
    format!(
        "{second} of {:.0} s · {offered} · answered {answered} · late {late} · in flight {in_flight} · \
         throttled {throttled}{bar} · p50 {} · p99 {} · p99.9 {} · lag p99 {}",
        whole.as_secs_f64(),
        time(response.p50),
        time(response.p99),
        time(response.p99_9),
        time(lag.p99),
    )
}
