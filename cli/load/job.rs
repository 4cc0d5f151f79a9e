//! A load that can be driven: the scenario, and what answers with its keys.

use super::Arguments;
use super::keep::Kept;
use super::live::Live;
use super::over::Ready;
use crate::exit::Failure;
use crate::sim::{interrupt_flag, interrupted};
use ::sim::random::Seed;
use loadgen::{Configuration, Order, Outcome, Pacer, Pools, Ran, Tool, Trace};
use scenarios::{Rate, Scenario};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

/// A load that can be driven, at one rate or at several.
pub(super) struct Job<'a> {
    pub(super) arguments: &'a Arguments,
    scenario: &'a Scenario,
    ready: Ready,
    trace: Option<Trace>,
}

impl<'a> Job<'a> {
    /// Makes the keys where they are not made with the core.
    pub(super) fn new(
        arguments: &'a Arguments,
        scenario: &'a Scenario,
    ) -> Result<Job<'a>, Failure> {
        let trace = arguments.trace.as_deref().map(trace).transpose()?;
        let shaped = arguments.shape(None).of(scenario);
        let mut live = Live::new(shaped.storm(), None);
        let ready = arguments.over.ready(&shaped, &mut live);
        live.end();
        Ok(Job { arguments, scenario, ready: ready?, trace })
    }

    /// Parts with the keys that were made for the loads.
    pub(super) fn end(&self) {
        if let Ready::Http(endpoint, _, ledger) = &self.ready {
            self.arguments.over.part(endpoint, ledger, &mut Live::new(Duration::ZERO, None));
        }
    }

    /// Drives a load, and keeps what it came to in a folder.
    pub(super) fn load(
        &self,
        rate: Option<Rate>,
        folder: Option<&Path>,
    ) -> Result<Outcome, Failure> {
        let scenario = self.arguments.shape(rate).of(self.scenario);
        let pools = Pools::of(&scenario).filter(|_| self.arguments.over.quota);
        let order = Order {
            scenario: &scenario,
            seed: Seed(self.arguments.seed),
            service: self.ready.service(),
            threads: self.arguments.threads.map_or_else(one_each, NonZeroUsize::get),
            pacer: if self.arguments.spin { Pacer::SPIN } else { Pacer::HYBRID },
            pools: pools.as_ref(),
            trace: self.trace.as_ref(),
        };
        let configuration = self.configuration(&order);
        let mut live = Live::new(scenario.storm(), pools.as_ref());
        let ran = Kept::beside(folder, |kept| {
            let mut unwritten = Ok(());
            let ran = loadgen::run(order, interrupt_flag(), &mut |moment| {
                live.show(moment);
                unwritten =
                    std::mem::replace(&mut unwritten, Ok(())).and_then(|()| kept.second(moment));
            });
            live.end();
            unwritten.and(ran.map_err(Failure::usage))
        })?;
        let outcome = outcome(configuration, &ran);
        if let Some(folder) = folder {
            super::keep::keep(folder, &outcome, &ran)?;
        }
        Ok(outcome)
    }

    fn configuration(&self, order: &Order<'_>) -> Configuration {
        let (target, backend, quota) = self.ready.about();
        Configuration {
            scenario: order.scenario.name.clone(),
            seed: self.arguments.seed,
            target,
            backend,
            clients: loadgen::clients(order.scenario),
            threads: order.threads,
            connections: self.ready.connections(),
            quota,
            seconds: order.scenario.storm().as_secs_f64(),
        }
    }
}

fn trace(path: &Path) -> Result<Trace, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let wrong = |error| Failure::usage(format!("{}: {error}", path.display()));
    Trace::parse(&text).map_err(wrong)
}

fn one_each() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn outcome(configuration: Configuration, ran: &Ran) -> Outcome {
    let tool = Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: env!("KEYQUAKE_COMMIT").to_owned(),
    };
    let mut outcome = Outcome::of(configuration, tool, ran);
    outcome.interrupted = interrupted();
    outcome
}
