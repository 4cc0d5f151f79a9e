//! How far the runs are, on standard error: a bar on a terminal, a line now and then elsewhere.

use crate::terminal;
use ::sim::driver::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(2);
/// The bar counts simulated milliseconds.
const MILLI: u64 = 1_000_000;

const TEMPLATE: &str = "{bar:30} {percent:>3} %  {msg}";

/// All runs of a command together.
pub(crate) struct Display {
    bar: Option<ProgressBar>,
    runs: usize,
    whole_nanos: u64,
    state: Mutex<State>,
}

struct State {
    /// What each run last said: simulated nanoseconds and messages.
    last: Vec<(u64, u64)>,
    finished: usize,
    nanos: u64,
    messages: u64,
    began: Instant,
    said: Instant,
}

impl Display {
    /// For runs that take so many simulated nanoseconds each.
    pub(crate) fn new(nanos: &[u64]) -> Display {
        let whole_nanos = nanos.iter().fold(0, |sum: u64, one| sum.saturating_add(*one));
        let bar = io::stderr().is_terminal().then(|| bar(whole_nanos));
        let now = Instant::now();
        let last = vec![(0, 0); nanos.len()];
        let state = State { last, finished: 0, nanos: 0, messages: 0, began: now, said: now };
        Display { bar, runs: nanos.len(), whole_nanos, state: Mutex::new(state) }
    }

    /// A run is this far.
    pub(crate) fn note(&self, run: usize, progress: &Progress) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.note(run, progress);
        let text = self.text(&state);
        match &self.bar {
            Some(bar) => {
                bar.set_position(state.nanos / MILLI);
                bar.set_message(text);
            }
            None if state.said.elapsed() >= EVERY => {
                state.said = Instant::now();
                terminal::say(&text);
            }
            None => {}
        }
    }

    /// A run is over.
    pub(crate) fn finished(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).finished += 1;
    }

    /// Does something that writes, with the bar out of the way.
    pub(crate) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn text(&self, state: &State) -> String {
        let simulated =
            format!("{} of {} s simulated", seconds(state.nanos), seconds(self.whole_nanos));
        let runs = match self.runs {
            1 => String::new(),
            runs => format!("{} of {runs} runs, ", state.finished),
        };
        let speed = match state.nanos >= self.whole_nanos {
            true => "judging".to_owned(),
            false => format!("{}/s", grouped(state.per_second())),
        };
        format!("{runs}{simulated}, {} messages, {speed}", grouped(state.messages))
    }
}

impl State {
    fn note(&mut self, run: usize, progress: &Progress) {
        let (nanos, messages) = (progress.at.nanos(), progress.messages);
        if let Some(last) = self.last.get_mut(run) {
            self.nanos += nanos.saturating_sub(last.0);
            self.messages += messages.saturating_sub(last.1);
            *last = (nanos, messages);
        }
    }

    fn per_second(&self) -> u64 {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.messages.saturating_mul(1_000) / millis.max(1)
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
        let state = display.state.lock().unwrap();
        assert_eq!((state.nanos, state.messages), (500_000_000, 11));
        assert!(display.text(&state).starts_with("0 of 2 runs, 0.5 of 2.0 s simulated, 11 mess"));
    }
}
