//! How far the runs are, on standard error: a bar on a terminal, a line now and then elsewhere.
//!
//! Runs only leave numbers here. A thread of its own reads them, because on the thread of a run the
//! operating system's clock stands still: madsim answers in its place.

use crate::terminal;
use ::sim::driver::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often the bar moves.
const TICK: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(2);
/// The bar counts simulated milliseconds.
const MILLI: u64 = 1_000_000;

const TEMPLATE: &str = "{bar:30} {percent:>3} %  {msg}";

/// All runs of a command together.
pub(crate) struct Display {
    bar: Option<ProgressBar>,
    runs: Vec<Reached>,
    whole_nanos: u64,
    finished: AtomicUsize,
    began: Instant,
}

/// How far a run is.
#[derive(Default)]
struct Reached {
    nanos: AtomicU64,
    messages: AtomicU64,
}

impl Display {
    /// For runs that take so many simulated nanoseconds each.
    pub(crate) fn new(nanos: &[u64]) -> Display {
        let whole_nanos = nanos.iter().fold(0, |sum: u64, one| sum.saturating_add(*one));
        Display {
            bar: io::stderr().is_terminal().then(|| bar(whole_nanos)),
            runs: nanos.iter().map(|_| Reached::default()).collect(),
            whole_nanos,
            finished: AtomicUsize::new(0),
            began: Instant::now(),
        }
    }

    /// A run is this far.
    pub(crate) fn note(&self, run: usize, progress: &Progress) {
        if let Some(reached) = self.runs.get(run) {
            reached.nanos.store(progress.at.nanos(), Ordering::Relaxed);
            reached.messages.store(progress.messages, Ordering::Relaxed);
        }
    }

    /// A run is over.
    pub(crate) fn finished(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }

    /// Does something that writes, with the bar out of the way.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Shows how far the runs are, until the other end of the channel is gone.
    pub(crate) fn watch(&self, over: &Receiver<()>) {
        let mut said = Instant::now();
        while over.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            match &self.bar {
                Some(bar) => {
                    bar.set_position(self.nanos() / MILLI);
                    bar.set_message(self.text());
                }
                None if said.elapsed() >= EVERY => {
                    said = Instant::now();
                    terminal::say(&self.text());
                }
                None => {}
            }
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn nanos(&self) -> u64 {
        self.runs.iter().map(|run| run.nanos.load(Ordering::Relaxed)).sum()
    }

    fn messages(&self) -> u64 {
        self.runs.iter().map(|run| run.messages.load(Ordering::Relaxed)).sum()
    }

    fn text(&self) -> String {
        let (nanos, messages) = (self.nanos(), self.messages());
        let runs = match self.runs.len() {
            1 => String::new(),
            all => format!("{} of {all} runs, ", self.finished.load(Ordering::Relaxed)),
        };
        let speed = match nanos >= self.whole_nanos {
            true => "judging".to_owned(),
            false => format!("{}/s", grouped(self.per_second(messages))),
        };
        let (nanos, whole) = (seconds(nanos), seconds(self.whole_nanos));
        format!("{runs}{nanos} of {whole} s simulated, {} messages, {speed}", grouped(messages))
    }

    fn per_second(&self, messages: u64) -> u64 {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        messages.saturating_mul(1_000) / millis.max(1)
    }
}

fn bar(whole_nanos: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(TEMPLATE).expect("the template is a constant");
    ProgressBar::new(whole_nanos / MILLI).with_style(style.progress_chars("━╸─"))
}

fn seconds(nanos: u64) -> String {
    format!("{}.{}", grouped(nanos / 1_000_000_000), nanos / 100_000_000 % 10)
}

/// Thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::sim::clock::SimTime;

    #[test]
    fn numbers_are_readable() {
        let written = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(written, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(seconds(61_250_000_000), "61.2");
    }

    #[test]
    fn runs_add_up() {
        let display = Display::new(&[1_000_000_000, 1_000_000_000]);
        let at =
            |millis, messages| Progress { at: SimTime::from_millis(millis), messages, timers: 0 };
        for (run, progress) in [(0, at(200, 5)), (1, at(100, 2)), (0, at(400, 9))] {
            display.note(run, &progress);
        }
        assert_eq!((display.nanos(), display.messages()), (500_000_000, 11));
        assert!(display.text().starts_with("0 of 2 runs, 0.5 of 2.0 s simulated, 11 messages"));
    }
}
