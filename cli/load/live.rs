//! What is said while a load runs, on standard error: one line that changes, or a line a second.

use super::print::time;
use crate::terminal;
use loadgen::{Moment, Pools, Quota, Sample};
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the set-up says how far it is when nobody watches a terminal.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many quotas the line has room for.
const MOST_BARS: usize = 2;

/// The line.
pub(super) struct Live<'p> {
    terminal: bool,
    whole: Duration,
    pools: Option<&'p Pools>,
    said: Instant,
}

impl<'p> Live<'p> {
    /// The line of a load that takes so long, with the quotas that it is held against.
    pub(super) fn new(whole: Duration, pools: Option<&'p Pools>) -> Live<'p> {
        Live { terminal: io::stderr().is_terminal(), whole, pools, said: Instant::now() }
    }

    /// How many requests the set-up has made.
    pub(super) fn founding(&mut self, asked: u64) {
        self.now_and_then(|| format!("making keys · {asked} requests"));
    }

    fn now_and_then(&mut self, words: impl Fn() -> String) {
        let patience = if self.terminal { PATIENCE / 20 } else { PATIENCE };
        if self.said.elapsed() >= patience {
            self.said = Instant::now();
            self.say(&words());
        }
    }

    /// How many keys were parted with.
    pub(super) fn parting(&mut self, keys: u64) {
        self.now_and_then(|| format!("scheduling the deletion of keys · {keys}"));
    }

    /// The last second of a run.
    pub(super) fn show(&mut self, moment: &Moment<'_>) {
        self.say(&line(moment, self.whole, self.pools));
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

fn line(moment: &Moment<'_>, whole: Duration, pools: Option<&Pools>) -> String {
    let Sample { second, offered, answered, throttled, late, in_flight, response, lag, .. } =
        moment.sample;
    let offered = match *offered > 0.0 {
        true => format!("offered {offered:.0}/s"),
        false if *second as f64 >= whole.as_secs_f64() => "schedule over".to_owned(),
        false => "closed loop".to_owned(),
    };
    let busiest = pools.map_or_else(Vec::new, |pools| pools.busiest(moment.recorder.pooled()));
    let bars: String = busiest.iter().take(MOST_BARS).map(bar).collect();
    format!(
        "{second} of {:.0} s · {offered} · answered {answered} · late {late} · in flight {in_flight} · \
         throttled {throttled}{bars} · p50 {} · p99 {} · p99.9 {} · lag p99 {}",
        whole.as_secs_f64(),
        time(response.p50),
        time(response.p99),
        time(response.p99_9),
        time(lag.p99),
    )
}

/// A quota, and what was drawn from it in a second.
fn bar(Quota { pool, per_second, calls, busiest, .. }: &Quota) -> String {
    let limit = match *per_second < 10.0 {
        true => format!("{per_second:.1}"),
        false => format!("{per_second:.0}"),
    };
    format!(" · quota {pool} {calls} of {limit}/s ({:.0} %)", 100.0 * busiest)
}
