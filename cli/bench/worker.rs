//! `keyquake bench worker`: one side of a comparison of commits.

use super::{backends, build};
use crate::exit::{Exit, Failure};
use clap::Args;
use kms_core::crypto::BACKENDS;
use loadgen::bench::{Backend, serve};
use std::io;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The backend
    #[arg(long, default_value = BACKENDS[0].name(), value_parser = backends())]
    backend: String,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let keys = std::cell::RefCell::default();
    let chosen = BACKENDS.iter().find(|backend| backend.name() == arguments.backend);
    let backend = chosen.ok_or_else(|| Failure::usage("no backend has that name"))?;
    let mut side = Backend::new(*backend, &keys);
    // Ctrl-C reaches the whole group of processes; who gives the orders decides when this one ends.
    crate::sim::obey_interrupts()?;
    let served = serve(&mut side, &build(), io::stdin().lock(), io::stdout().lock());
    served.map_err(|_| Failure::Closed)?;
    Ok(Exit::Fine)
}
