//! What holds the workers of a sweep: a pipe that they read and nobody writes to.
//!
//! The sweep alone has its other end. When it lets go, or is killed, every worker reads the end of its
//! standard input and breaks its run off; what it has reported stays. A signal that reaches the sweep
//! alone thus reaches its workers, and none of them outlives it.

use crate::exit::Failure;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Holds workers until it is cut.
pub(crate) struct Leash {
    hand: Mutex<Option<PipeWriter>>,
    end: PipeReader,
}

impl Leash {
    /// A leash that is held.
    pub(crate) fn new() -> Result<Leash, Failure> {
        let (end, hand) = io::pipe().map_err(|error| failed(&error))?;
        Ok(Leash { hand: Mutex::new(Some(hand)), end })
    }

    /// The standard input of a worker.
    pub(crate) fn end(&self) -> Result<Stdio, Failure> {
        Ok(self.end.try_clone().map_err(|error| failed(&error))?.into())
    }

    /// Ends every worker.
    pub(crate) fn cut(&self) {
        *self.hand.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether workers are no longer held.
    pub(crate) fn is_cut(&self) -> bool {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

/// In a worker: does something when nobody holds it any more.
pub(crate) fn when_cut(then: impl FnOnce() + Send + 'static) {
    thread::spawn(move || {
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        then();
    });
}

fn failed(error: &io::Error) -> Failure {
    Failure::usage(format!("cannot hold workers: {error}"))
}
