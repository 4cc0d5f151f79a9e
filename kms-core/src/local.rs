//! The smallest shell: a few Regions in memory, one host and one HSM each, no network and no delay.
//!
//! It is what the core needs at least around it, written once: tests of operations, the proptest
//! state machine, benches and in-process load all run it. A request is answered before the call
//! returns; tasks run when [`Local::advance`] moves the clock.

mod import;
mod key_stores;
mod owner;
mod region;
mod seeded;
mod thrift;
mod trouble;
mod uses;

pub use import::Parameters;
pub use key_stores::{PROXY_SECRET, cluster_id, proxy_endpoint};
use region::Region;
pub use seeded::SeededRandom;
pub use trouble::Trouble;

use crate::crypto::{CryptoBackend, Production};
use crate::env::{Call, Caller, CallingService, NetworkPath, Random, RequestId, Timestamp};
use crate::error::{ErrorCode, Result};
use crate::hsm::{self, Founded, HsmIdentity};
use crate::journal::Journal;
use crate::key::{Key, KeySpec, KeyUsage};
use crate::key_store::model::Backends;
use crate::kms::Settings;
use crate::multi_region::{RegionCommand, RegionReply};
use crate::name::{AccountId, KeyArn, PrincipalArn, RegionName};
use crate::ops::{Request, Response, create_key};
use crate::quota::Meter;
use crate::step::{Answers, Ask, Conflict, Outcome, Reply, Step, Then};
use crate::task::Task;
use crate::usage::FLUSH_INTERVAL;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often a decision is taken again after a conflict.
const MOST_DECISIONS: u8 = 5;

/// Some Regions, with a clock and an owner who may do everything.
pub struct Local {
    home: RegionName,
    regions: BTreeMap<RegionName, Region>,
    key_stores: Backends,
    random: Box<dyn Random + Send>,
    owner: Arc<Caller>,
    service: Arc<Caller>,
    now: Timestamp,
    started: Timestamp,
    flushed: Timestamp,
    trouble: Option<Trouble>,
    requests: u128,
    entries: Vec<(RegionName, u64)>,
    /// The AWS service that makes the current request, or forwards it.
    between: Option<CallingService>,
}

impl Local {
    /// `us-east-1` alone.
    pub fn single_region() -> Local {
        Local::regions(&["us-east-1"])
    }

    /// These Regions; requests go to the first unless said.
    ///
    /// # Panics
    /// Without a Region, or when a name is none.
    pub fn regions(names: &[&str]) -> Local {
        let names = names.iter().map(|name| RegionName::parse(name).expect("a Region's name"));
        let backend: Arc<dyn CryptoBackend> = Arc::new(Production::default());
        Local::new(&names.collect::<Vec<_>>(), &backend, Box::new(SeededRandom::new(1)))
    }

    /// These Regions with one HSM each, on a backend, with random bytes from a source.
    ///
    /// # Panics
    /// Without a Region.
    pub fn new(
        names: &[RegionName],
        backend: &Arc<dyn CryptoBackend>,
        mut random: Box<dyn Random + Send>,
    ) -> Local {
        let mut hsm = |name: &RegionName| {
            (*name, vec![HsmIdentity::generate(backend.as_ref(), random.as_mut())])
        };
        let regions: Vec<_> = names.iter().map(&mut hsm).collect();
        Local::founded(&regions, backend, random, Timestamp::from_seconds(1_767_225_600))
    }

    /// These Regions, whose domains have these HSMs as members; the first of each executes the
    /// commands. This is how a larger world is given its first keys.
    ///
    /// # Panics
    /// Without a Region, or when one has no HSM.
    pub fn founded(
        hsms: &[(RegionName, Vec<HsmIdentity>)],
        backend: &Arc<dyn CryptoBackend>,
        mut random: Box<dyn Random + Send>,
        now: Timestamp,
    ) -> Local {
        let names = hsms.iter().map(|(name, _)| *name).collect();
        let settings = Settings { regions: names, ..Settings::default() };
        let mut domains = hsm::found(hsms, backend.as_ref(), random.as_mut()).expect("sound ones");
        let regions = hsms.iter().map(|(name, hsms)| {
            let domain = domains.remove(name).expect("a domain of every Region");
            (*name, Region::new(*name, &hsms[0], domain, &settings, backend, now))
        });
        let regions = regions.collect();
        Local {
            between: None,
            home: hsms.first().expect("at least one Region").0,
            regions,
            key_stores: Backends::new(backend.clone()),
            owner: Arc::new(owner::owner()),
            service: Arc::new(Caller::new(PrincipalArn::service(
                "kms.amazonaws.com",
                AccountId::new(0),
            ))),
            random,
            now,
            started: now,
            flushed: now,
            trouble: None,
            requests: 0,
            entries: hsms.iter().map(|(name, _)| (*name, 1)).collect(),
        }
    }

    /// The clock.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the clock without letting anything happen.
    pub fn set_time(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Draws random bytes from another source from now on.
    pub fn set_random(&mut self, random: Box<dyn Random + Send>) {
        self.random = random;
    }

    /// A principal that may do everything in account 111122223333.
    pub fn owner(&self) -> Arc<Caller> {
        self.owner.clone()
    }

    /// How a Region is set up.
    ///
    /// # Panics
    /// When there is no such Region.
    pub fn settings_of_mut(&mut self, region: RegionName) -> &mut Settings {
        self.region_mut(region).kms.settings_mut()
    }

    /// The settings of the first Region.
    pub fn settings_mut(&mut self) -> &mut Settings {
        let home = self.home;
        self.region_mut(home).kms.settings_mut()
    }

    /// Lets something go wrong with every request from now on, or nothing any more.
    pub fn set_trouble(&mut self, trouble: Option<Trouble>) {
        self.trouble = trouble;
    }

    /// Puts request quotas in force in a Region.
    pub fn set_meter(&mut self, region: RegionName, meter: Meter) {
        self.region_mut(region).meter = meter;
    }

    /// The journal of the first Region.
    pub fn journal(&self) -> &Journal {
        &self.regions[&self.home].journal
    }

    /// The journal of a Region.
    ///
    /// # Panics
    /// When there is no such Region.
    pub fn journal_of(&self, region: RegionName) -> &Journal {
        &self.regions[&region].journal
    }

    /// The domain of a Region as it was founded, with the keys of its operators.
    ///
    /// # Panics
    /// When there is no such Region.
    pub fn domain_of(&self, region: RegionName) -> &Founded {
        &self.regions[&region].domain
    }

    /// Every log entry of every Region, in the order they were made.
    pub fn entries(&self) -> &[(RegionName, u64)] {
        &self.entries
    }

    /// The record of a key.
    ///
    /// # Panics
    /// When there is none.
    pub fn key(&self, arn: KeyArn) -> Arc<Key> {
        let (key, _) = self.regions[&arn.region].journal.state().key(arn.id).expect("the key");
        key.clone()
    }

    /// A new symmetric key of the owner's.
    ///
    /// # Panics
    /// When that fails.
    pub fn create_key(&mut self) -> KeyArn {
        match self.call(create_key::Request::default()) {
            Ok(Response::CreateKey(response)) => response.key_metadata.arn,
            other => panic!("CreateKey answered {other:?}"),
        }
    }

    /// A new key of the owner's, of any kind.
    ///
    /// # Panics
    /// When that fails.
    pub fn create_key_of(&mut self, spec: KeySpec, usage: KeyUsage) -> KeyArn {
        match self.call(create_key::Request::of(spec, usage)) {
            Ok(Response::CreateKey(response)) => response.key_metadata.arn,
            other => panic!("CreateKey answered {other:?}"),
        }
    }

    /// A request of the owner's to the first Region.
    ///
    /// # Errors
    /// What the service answers.
    pub fn call(&mut self, request: impl Into<Request>) -> Result<Response> {
        self.call_in(self.home, request)
    }

    /// A request of the owner's to a Region.
    ///
    /// # Errors
    /// What the service answers.
    pub fn call_in(&mut self, region: RegionName, request: impl Into<Request>) -> Result<Response> {
        let owner = self.owner();
        self.outcome(region, &owner, &request.into()).result
    }

    /// A request of anybody's to the first Region.
    ///
    /// # Errors
    /// What the service answers.
    pub fn call_as(
        &mut self,
        caller: &Arc<Caller>,
        request: impl Into<Request>,
    ) -> Result<Response> {
        self.outcome(self.home, caller, &request.into()).result
    }

    /// Everything a request comes to, the audit record included.
    pub fn outcome(
        &mut self,
        region: RegionName,
        caller: &Arc<Caller>,
        request: &Request,
    ) -> Outcome {
        self.run(region, caller.clone(), &Work::Request(request))
    }

    /// Everything a request comes to that an AWS service makes or forwards.
    pub fn outcome_through(
        &mut self,
        region: RegionName,
        caller: &Arc<Caller>,
        service: Option<CallingService>,
        request: &Request,
    ) -> Outcome {
        self.between = service;
        let outcome = self.outcome(region, caller, request);
        self.between = None;
        outcome
    }

    /// Moves the clock, and lets what falls due happen, in every Region and in order.
    pub fn advance(&mut self, by: Duration) {
        let end = self.now.after(by);
        loop {
            let next = self.regions.values().filter_map(|region| region.kms.next_due()).min();
            let Some(at) = next.map(|due| due.at).filter(|at| *at <= end) else { break };
            self.now = self.now.max(at);
            if !self.run_due() {
                // What is left cannot be done yet; look again a second later.
                self.now = self.now.after(Duration::from_secs(1));
                if self.now >= end {
                    break;
                }
            }
        }
        self.now = self.now.max(end);
        if self.now.since(self.flushed) >= FLUSH_INTERVAL {
            self.flush_uses();
        }
    }

    /// Carries out what is due; whether anything changed.
    fn run_due(&mut self) -> bool {
        let mut progress = false;
        for region in self.regions.keys().copied().collect::<Vec<_>>() {
            for task in self.regions[&region].kms.advance(self.now) {
                let outcome = self.run(region, self.service.clone(), &Work::Task(&task));
                progress |= outcome.append.is_some() && outcome.result.is_ok();
            }
        }
        progress
    }

    fn region_mut(&mut self, region: RegionName) -> &mut Region {
        self.regions.get_mut(&region).expect("a Region of this shell")
    }

    fn run(&mut self, region: RegionName, caller: Arc<Caller>, work: &Work<'_>) -> Outcome {
        let outcome = self.conclude(region, caller, work);
        self.region_mut(region).uses.note(&outcome);
        outcome
    }

    /// Takes work from its decision to its append; a conflict means deciding again.
    fn conclude(&mut self, region: RegionName, caller: Arc<Caller>, work: &Work<'_>) -> Outcome {
        let mut call = self.new_call(caller);
        let mut answers = Answers::default();
        loop {
            let mut outcome = self.decide(region, &mut call, work, &mut answers);
            let Some(append) = outcome.append.as_ref().filter(|_| outcome.result.is_ok()) else {
                return outcome;
            };
            match self.append(region, &call, append) {
                Ok(()) => {
                    let head = self.journal_of(region).head();
                    if !append.changes.is_empty() {
                        self.entries.push((region, head));
                    }
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

    /// The id of one more request, for a shell that refuses it before it is one.
    pub fn next_request_id(&mut self) -> RequestId {
        self.requests += 1;
        RequestId(self.requests)
    }

    fn new_call(&mut self, caller: Arc<Caller>) -> Call {
        Call {
            request_id: self.next_request_id(),
            caller,
            service: self.between.clone(),
            network: NetworkPath::default(),
            now: self.now,
            monotonic: self.now.since(self.started),
            decision: 0,
            caught_up: false,
        }
    }

    fn decide(
        &mut self,
        region: RegionName,
        call: &mut Call,
        work: &Work<'_>,
        answers: &mut Answers,
    ) -> Outcome {
        let mut step = self.first_step(region, call, work);
        loop {
            step = match step {
                Step::Done(outcome) => return *outcome,
                Step::CatchUp => {
                    call.caught_up = true;
                    self.first_step(region, call, work)
                }
                Step::Ask(ask, then) => {
                    let reply = self.answer(region, call, &ask, answers);
                    self.next_step(region, call, then, reply)
                }
            };
        }
    }

    fn first_step(&mut self, region: RegionName, call: &Call, work: &Work<'_>) -> Step {
        let Region { kms, meter, .. } = self.regions.get_mut(&region).expect("a Region");
        let random = self.random.as_mut();
        match work {
            Work::Request(request) => kms.decide(call, request, meter, random),
            Work::Command(command) => kms.serve(call, command, meter, random),
            Work::Task(task) => kms.carry_out(call, task, random),
        }
    }

    fn next_step(&mut self, region: RegionName, call: &Call, then: Then, reply: Reply) -> Step {
        let kms = &self.regions[&region].kms;
        then.resume(reply, kms, call, self.random.as_mut())
    }

    /// The answer of a peer, or the one it gave to the same question before.
    fn answer(
        &mut self,
        region: RegionName,
        call: &Call,
        ask: &Ask,
        answers: &mut Answers,
    ) -> Reply {
        let active = self.region_mut(region).kms.state().active_domain_key();
        if let Some(reply) = answers.to(ask, active) {
            return reply.clone();
        }
        if let Some(reply) = self.trouble.and_then(Trouble::reply) {
            return reply;
        }
        let reply = match ask {
            Ask::Hsm { command, tokens } => {
                let here = self.regions.get_mut(&region).expect("a Region");
                match here.execute(command, tokens, self.now, self.random.as_mut()) {
                    Ok(reply) => {
                        self.region_mut(region).follow_domain();
                        Reply::Hsm(reply)
                    }
                    Err(fault) => Reply::HsmFault(fault),
                }
            }
            Ask::Region { region, command } => self.ask_region(*region, call, command),
            Ask::KeyStore { command, .. } => {
                Reply::KeyStore(self.key_stores.execute(command, self.random.as_mut()))
            }
        };
        answers.keep(ask.clone(), reply.clone());
        reply
    }

    fn ask_region(&mut self, region: RegionName, call: &Call, command: &RegionCommand) -> Reply {
        if !self.regions.contains_key(&region) {
            return Reply::TimedOut;
        }
        let outcome = self.run(region, call.caller.clone(), &Work::Command(command));
        Reply::Region(outcome.result.and_then(region_reply))
    }
}

/// What there is to decide.
enum Work<'w> {
    Request(&'w Request),
    Command(&'w RegionCommand),
    Task(&'w Task),
}

fn region_reply(response: Response) -> Result<RegionReply> {
    match response {
        Response::Region(reply) => Ok(reply),
        _ => Err(ErrorCode::KmsInternal.silent()),
    }
}
