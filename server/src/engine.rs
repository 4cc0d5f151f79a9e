//! The engine: runs the core for real, without knowing HTTP.
//!
//! Work is decided on the newest state, its questions are answered in this process, its changes are
//! appended, and only then is it answered. No lock is held while an HSM or another Region works, so
//! anything may happen between decision and append; preconditions find out, and the work is decided
//! again with the answers that peers have given already. What is kept on disk is durable before it is
//! answered. Calls block: a server gives each a thread.

mod found;
mod hsm;
mod region;
mod worker;

pub use worker::Worker;

use crate::clock::Clock;
use crate::random::{random, request_id};
use crate::store::{Journal, Store, StoreError};
use kms_core::crypto::{CryptoBackend, Production};
use kms_core::env::{Call, Caller, CallingService, NetworkPath};
use kms_core::error::ErrorCode;
use kms_core::hsm::SESSION_VALIDITY;
use kms_core::key_store::model::Backends;
use kms_core::kms::Settings;
use kms_core::multi_region::{RegionCommand, RegionReply};
use kms_core::name::{AccountId, PrincipalArn, RegionName};
use kms_core::ops::{Request, Response};
use kms_core::step::{Answers, Ask, Conflict, Outcome, Reply, Step};
use kms_core::task::Task;
use region::Region;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a decision is taken again after a conflict.
const MOST_DECISIONS: u8 = 8;

/// How many HSMs a Region has: one for each of three zones.
const HSMS: usize = 3;

/// How an engine is set up.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// The Regions that there are. They trust each other, so they are founded together.
    pub regions: Vec<RegionName>,
    /// How the KMS of each is set up.
    pub settings: Settings,
    /// How long a session with the HSMs is good for.
    pub session_validity: Duration,
}

impl Default for Configuration {
    fn default() -> Configuration {
        let (regions, settings) = (Vec::new(), Settings::default());
        Configuration { regions, settings, session_validity: SESSION_VALIDITY }
    }
}

/// Some Regions of a KMS, with some HSMs each.
pub struct Engine {
    regions: BTreeMap<RegionName, Region>,
    key_stores: Mutex<Backends>,
    service: Arc<Caller>,
    clock: Clock,
    changed: worker::Bell,
    /// What is written on disk, if anything is.
    journal: Option<Arc<Journal>>,
}

/// Who asks, and from where.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The caller, already authenticated.
    pub caller: Arc<Caller>,
    /// The address the request came from, if over a network.
    pub source: Option<IpAddr>,
    /// The AWS service that asks for the caller. Nobody becomes one over a network.
    pub service: Option<CallingService>,
}

impl Asker {
    /// A caller in this process, for itself.
    pub fn new(caller: Arc<Caller>) -> Asker {
        Asker { caller, source: None, service: None }
    }
}

/// What there is to decide.
#[derive(Clone, Copy)]
enum Work<'w> {
    Request(&'w Request),
    Command(&'w RegionCommand),
    Task(&'w Task),
}

/// Work on its way through decisions.
struct Progress<'w> {
    work: Work<'w>,
    call: Call,
    answers: Answers,
}

impl Engine {
    /// An engine whose Regions have no keys, in memory.
    ///
    /// # Panics
    /// When the operating system has no random bytes to give.
    pub fn new(configuration: Configuration) -> Engine {
        let (backend, clock) = (production(), Clock::start());
        let validity = configuration.session_validity;
        let begun = found::begin(configuration, backend.as_ref(), clock.now());
        let regions = begun.into_iter().map(|(loaded, _)| loaded);
        let regions = regions.map(|loaded| Region::restore(loaded, &backend, None, validity));
        Engine::of(regions.collect(), backend, clock, None)
    }

    /// An engine that goes on where a store was left, or begins in a new one. `progress` is told how
    /// many entries of how many have been read.
    ///
    /// # Errors
    /// When the store is damaged, or has other Regions than the configuration names; one that names
    /// none takes those of the store.
    ///
    /// # Panics
    /// When the operating system has no random bytes to give.
    pub fn open(
        configuration: Configuration,
        mut store: Store,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Engine, StoreError> {
        let (backend, clock) = (production(), Clock::start());
        let validity = configuration.session_validity;
        let loaded = match store.regions().is_empty() {
            true => found::begin_in(configuration, &mut store, backend.as_ref(), clock.now())?,
            false => found::resume(configuration, &store, progress)?,
        };
        let journal = store.into_journal();
        let region = |loaded| Region::restore(loaded, &backend, Some(journal.clone()), validity);
        let regions = loaded.into_iter().map(region).collect();
        Ok(Engine::of(regions, backend, clock, Some(journal.clone())))
    }

    fn of(
        regions: Vec<Region>,
        backend: Arc<dyn CryptoBackend>,
        clock: Clock,
        journal: Option<Arc<Journal>>,
    ) -> Engine {
        let service = PrincipalArn::service("kms.amazonaws.com", AccountId::new(0));
        Engine {
            regions: regions.into_iter().map(|region| (region.name, region)).collect(),
            key_stores: Mutex::new(Backends::new(backend)),
            service: Arc::new(Caller::new(service)),
            clock,
            changed: worker::Bell::default(),
            journal,
        }
    }

    /// Writes everything down and closes the store, if there is one. No answer may be asked for any
    /// more.
    ///
    /// # Errors
    /// When something could not be written.
    pub fn close(&self) -> Result<(), StoreError> {
        self.journal.as_ref().map_or(Ok(()), |journal| journal.close())
    }

    /// Calls this when the store cannot be written any more, after which nothing is answered.
    pub(crate) fn on_failure(&self, call: impl FnOnce(StoreError) + Send + 'static) {
        if let Some(journal) = &self.journal {
            journal.on_failure(Box::new(call));
        }
    }

    /// A fingerprint of everything durable in each Region: the same, if they hold the same.
    pub fn fingerprint(&self) -> BTreeMap<RegionName, [u8; 32]> {
        self.regions.iter().map(|(name, region)| (*name, region.fingerprint())).collect()
    }

    /// Moves this engine's time ahead, for tests of what takes days. Signatures are not concerned.
    pub fn advance_clock(&self, by: Duration) {
        self.clock.advance(by);
        self.changed.ring();
    }

    /// Whether there is such a Region.
    pub fn has(&self, region: RegionName) -> bool {
        self.regions.contains_key(&region)
    }

    /// The Regions there are, by name.
    pub fn regions(&self) -> impl Iterator<Item = RegionName> {
        self.regions.keys().copied()
    }

    /// What is behind custom key stores: models of clusters and proxies, which who runs the engine
    /// may add to.
    pub fn backends(&self) -> MutexGuard<'_, Backends> {
        lock(&self.key_stores)
    }

    /// The time, as this engine's KMS has it.
    pub fn now(&self) -> kms_core::Timestamp {
        self.clock.now()
    }

    /// Answers a request to a Region; blocks until its changes are kept.
    ///
    /// A Region that there is not answers as a service that cannot be reached.
    pub fn answer(&self, region: RegionName, asker: Asker, request: &Request) -> Outcome {
        let network = NetworkPath { source_ip: asker.source, ..NetworkPath::default() };
        let call = Call { service: asker.service, ..self.call(asker.caller, network) };
        let outcome = self.run(region, call, Work::Request(request));
        if let Some(region) = self.regions.get(&region) {
            region.note_use(&outcome);
        }
        outcome
    }

    fn run(&self, region: RegionName, call: Call, work: Work<'_>) -> Outcome {
        let mut progress = Progress { work, call, answers: Answers::default() };
        let Some(region) = self.regions.get(&region) else { return unreachable_region(&progress) };
        let mut outcome = self.conclude(region, &mut progress);
        if region.settle().is_err() {
            outcome.result = Err(ErrorCode::KmsInternal.says("The journal cannot be written."));
        }
        outcome
    }

    fn call(&self, caller: Arc<Caller>, network: NetworkPath) -> Call {
        Call {
            request_id: request_id(),
            caller,
            service: None,
            network,
            now: self.clock.now(),
            monotonic: self.clock.monotonic(),
            decision: 0,
            caught_up: true,
        }
    }

    /// Takes work from its decision to its append; a conflict means deciding again.
    fn conclude(&self, region: &Region, progress: &mut Progress<'_>) -> Outcome {
        loop {
            let mut outcome = self.decide(region, progress);
            let Some(append) = outcome.append.as_ref().filter(|_| outcome.result.is_ok()) else {
                return outcome;
            };
            let call = &mut progress.call;
            match region.append(call.request_id, append, self.clock.now()) {
                Ok(()) => {
                    self.changed.ring();
                    return outcome;
                }
                Err(_) if call.decision < MOST_DECISIONS => call.decision += 1,
                Err(_) => {
                    outcome.result = Err(Conflict::exhausted());
                    return outcome;
                }
            }
        }
    }

    fn decide(&self, region: &Region, progress: &mut Progress<'_>) -> Outcome {
        progress.call.now = self.clock.now();
        let mut step = region.first_step(progress.work, &progress.call);
        loop {
            step = match step {
                Step::Done(outcome) => return *outcome,
                // A host that has all of the log has nothing to catch up with.
                Step::CatchUp => return region.behind(&progress.call, progress.work),
                Step::Ask(ask, then) => {
                    let reply = self.reply(region, progress, ask);
                    region.next_step(then, reply, &progress.call)
                }
            };
        }
    }

    /// The answer of a peer, or the one it gave to the same question before.
    fn reply(&self, region: &Region, progress: &mut Progress<'_>, ask: Ask) -> Reply {
        if let Some(reply) = progress.answers.to(&ask, region.active_domain_key()) {
            return reply.clone();
        }
        let reply = match &ask {
            Ask::Hsm { command, tokens } => region.ask_hsm(command, tokens, self.clock.now()),
            Ask::Region { region, command } => self.ask_region(*region, &progress.call, command),
            Ask::KeyStore { command, .. } => {
                Reply::KeyStore(self.backends().execute(command, &mut random()))
            }
        };
        progress.answers.keep(ask, reply.clone());
        reply
    }

    fn ask_region(&self, region: RegionName, call: &Call, command: &RegionCommand) -> Reply {
        if !self.has(region) {
            return Reply::TimedOut;
        }
        let (caller, network) = (call.caller.clone(), call.network.clone());
        let outcome = self.run(region, self.call(caller, network), Work::Command(command));
        Reply::Region(outcome.result.and_then(region_reply))
    }
}

/// The cryptography of production.
fn production() -> Arc<dyn CryptoBackend> {
    Arc::new(Production::default())
}

impl Work<'_> {
    fn name(&self) -> &'static str {
        match self {
            Work::Request(request) => request.operation().name(),
            Work::Command(command) => command.name(),
            Work::Task(task) => task.name(),
        }
    }
}

fn region_reply(response: Response) -> kms_core::Result<RegionReply> {
    match response {
        Response::Region(reply) => Ok(reply),
        _ => Err(ErrorCode::KmsInternal.silent()),
    }
}

fn unreachable_region(progress: &Progress<'_>) -> Outcome {
    let audit = kms_core::audit::AuditRecord::begin(&progress.call, progress.work.name());
    let result = Err(ErrorCode::DependencyTimeout.says("The Region cannot be reached."));
    Outcome { result, append: None, audit }
}

/// The guarded value, even after a panic elsewhere: what is guarded here changes in one piece.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
