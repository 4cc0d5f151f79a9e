//! What caused what: the messages of a run, what nodes recorded while they handled them, and the
//! causal past of a violation.
//!
//! A run logs its messages only when it is given a [`MessageLog`]; schedule, history and digest are the
//! same either way. The log keeps a window: a run is played once to learn where its violation is and,
//! if the window has moved past it, once more up to there. A run without a violation is played once more
//! as far as its first fault and what follows it.
//!
//! - `log.rs` the log
//! - `past.rs` happens-before, as far back as it may matter
//! - `words.rs` what messages and timers are called

mod log;
mod past;
mod words;

pub use log::{Fate, MessageLog, Passage, Told, Window};
pub(crate) use past::keys;
pub use past::{Past, past};
pub(crate) use words::timer;

use crate::clock::SimTime;
use crate::driver::{Progress, RunError};
use crate::history::Keep;
use crate::random::Seed;
use crate::run::{Run, run_logged};
use kms_core::crypto::CryptoBackend;
use scenarios::Scenario;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A run and the log of its messages.
pub struct Traced {
    /// The run. Of its history, no more is kept than the window holds.
    pub run: Run,
    /// The messages around the first violation, or around the first fault's beginning.
    pub log: MessageLog,
}

/// Runs a scenario with a seed, and logs so many of its messages and timers: those around the first
/// violation; or, when there is none, those from the first fault on; or, without any fault, the first.
///
/// # Errors
/// As [`crate::run::run`].
pub fn trace(
    most: usize,
    scenario: &Scenario,
    seed: Seed,
    backend: Arc<dyn CryptoBackend>,
    mut progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
) -> Result<Traced, RunError> {
    let (keep, log) = (Keep::Last(most), MessageLog::new(Window::last(most)));
    let (run, log) = run_logged(log, keep, scenario, seed, backend.clone(), &mut progress)?;
    let window = match run.first_violation() {
        Some(found) if log.record(found.index).is_some() => return Ok(Traced { run, log }),
        Some(found) => Window::around(most, found.index),
        None => {
            let faults = run.scene.placed.iter().map(|fault| fault.window.from);
            Window::since(most, faults.min().unwrap_or(SimTime::ZERO))
        }
    };
    let log = log_of(window, scenario, seed, backend, progress)?;
    Ok(Traced { run, log })
}

/// Runs a scenario with a seed until shortly after a record, and logs so many messages and timers
/// around it.
///
/// # Errors
/// As [`crate::run::run`].
pub fn around(
    most: usize,
    index: usize,
    scenario: &Scenario,
    seed: Seed,
    backend: Arc<dyn CryptoBackend>,
    progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
) -> Result<MessageLog, RunError> {
    log_of(Window::around(most, index), scenario, seed, backend, progress)
}

/// Runs a scenario with a seed until the log has what its window is for.
fn log_of(
    window: Window,
    scenario: &Scenario,
    seed: Seed,
    backend: Arc<dyn CryptoBackend>,
    mut progress: impl FnMut(&Progress) -> ControlFlow<()> + Send,
) -> Result<MessageLog, RunError> {
    let log = MessageLog::new(window);
    let full = log.full();
    let until_full = move |at: &Progress| match full.is_set() {
        true => ControlFlow::Break(()),
        false => progress(at),
    };
    let keep = Keep::Last(1);
    Ok(run_logged(log, keep, scenario, seed, backend, until_full)?.1)
}
