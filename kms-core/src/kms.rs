//! The heart: how a request becomes a step.
//!
//! The order of security is a matter of types. An operation starts with [`Checks`]. `Checks::key`
//! resolves the key, authorizes the caller, checks the key's state and charges the quota, and is the
//! only maker of a [`UsableKey`]; only a `UsableKey` names key material to work with. `Checks::pass` ends the
//! checks and gives [`Effects`], which alone can ask a peer or record a change. A dry run ends there,
//! or in `Effects::done` when an HSM has to judge what the caller sent. What a decision read is noted
//! on the way and becomes the preconditions of the append.

mod authorize;
mod checks;
mod described;
mod effects;
mod key_stores;
mod own_key;
mod read;

pub use checks::{Checks, THROTTLED, UsableKey};
pub(crate) use described::{Described, KeyKind, Part};
pub use effects::Effects;
pub(crate) use key_stores::{check_connection, check_kind, no_such_store};
pub(crate) use own_key::OwnKey;
pub(crate) use read::no_such_key;

use crate::attestation::Fingerprint;
use crate::audit::AuditRecord;
use crate::crypto::SecretKey;
use crate::env::{Call, Random, Timestamp};
use crate::error::{Error, ErrorCode, Result};
use crate::history::Propagation;
use crate::key::KeySpec;
use crate::key_store::connection::Times;
use crate::multi_region::{self, RegionCommand};
use crate::name::RegionName;
use crate::ops::{self, Operation, Request};
use crate::quota::{Limits, Meter, PoolId};
use crate::state::{LogEntry, State};
use crate::step::{Append, MOST_ASKS, Next, Outcome, Reply, Step, Then};
use crate::task::{Due, Task};
use crate::token::{TokenChange, TokenStore};
use smallvec::SmallVec;
use std::time::Duration;

/// What can be set about a Region's KMS and is not documented by AWS as one figure.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Resource quotas.
    pub limits: Limits,
    /// How late this host sees policies, grants, aliases and tags.
    pub propagation: Propagation,
    /// How long after the waiting period a key is erased: more than clocks may differ, at most the
    /// day AWS allows itself.
    pub deletion_grace: Duration,
    /// How long a new replica stays in `Creating` at least.
    pub creating_time: Duration,
    /// How long both keys stay in `Updating` at least.
    pub updating_time: Duration,
    /// How long custom key stores take to connect and disconnect.
    pub key_store_times: Times,
    /// The Regions a key may be replicated to.
    pub regions: Vec<RegionName>,
    /// The roots that vouch for enclaves; a document of any other is refused.
    pub attestation_roots: Vec<Fingerprint>,
    /// Since when uses of keys are recorded; those before are not known.
    pub uses_tracked_since: Timestamp,
    /// The key that grant tokens of this Region are recognised by.
    pub grant_token_key: SecretKey,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            limits: Limits::default(),
            propagation: Propagation::default(),
            deletion_grace: Duration::from_secs(3600),
            creating_time: Duration::from_secs(1),
            updating_time: Duration::from_secs(1),
            key_store_times: Times::default(),
            regions: Vec::new(),
            attestation_roots: vec![Fingerprint::AWS_NITRO_ENCLAVES],
            uses_tracked_since: Timestamp::EPOCH,
            grant_token_key: SecretKey::new([0; 32]),
        }
    }
}

/// The KMS of a Region, as one host knows it.
#[derive(Debug)]
pub struct Kms {
    state: State,
    tokens: TokenStore,
    settings: Settings,
}

impl Kms {
    /// A host at the beginning of its Region's log.
    pub fn new(region: RegionName, settings: Settings) -> Kms {
        Kms { state: State::new(region), tokens: TokenStore::default(), settings }
    }

    /// The state at the position this host has reached.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The key tokens this host has.
    pub fn tokens(&self) -> &TokenStore {
        &self.tokens
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The settings, to change them between two decisions.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Decides a request of the public API.
    pub fn decide(
        &self,
        call: &Call,
        request: &Request,
        meter: &mut Meter,
        random: &mut dyn Random,
    ) -> Step {
        let operation = request.operation();
        self.run(call, operation.name(), Some(operation), meter, random, |checks| {
            ops::decide(checks, request)
        })
    }

    /// Decides a command of another Region's KMS.
    pub fn serve(
        &self,
        call: &Call,
        command: &RegionCommand,
        meter: &mut Meter,
        random: &mut dyn Random,
    ) -> Step {
        let operation = command.operation();
        self.run(call, command.name(), operation, meter, random, |checks| {
            multi_region::serve(checks, command)
        })
    }

    /// Decides a task that is due.
    pub fn carry_out(&self, call: &Call, task: &Task, random: &mut dyn Random) -> Step {
        let meter = &mut Meter::off();
        self.run(call, task.name(), None, meter, random, |checks| ops::task(checks, task))
    }

    /// Decides an operator's order to rotate the domain key now.
    pub fn rotate_domain_key(&self, call: &Call, random: &mut dyn Random) -> Step {
        let meter = &mut Meter::off();
        self.run(call, "RotateDomainKey", None, meter, random, ops::order_domain_key_rotation)
    }

    /// The work that is due at `now`, soonest first.
    pub fn advance(&self, now: Timestamp) -> Vec<Task> {
        let due = self.state.due().take_while(|due| due.at <= now);
        due.map(|due| due.task).collect()
    }

    /// When the next work falls due, which may be in the past.
    pub fn next_due(&self) -> Option<&Due> {
        self.state.due().next()
    }

    /// Keeps superseded values no longer than this; see [`State::remember`].
    pub fn remember(&mut self, superseded: Duration) {
        self.state.remember(superseded);
    }

    /// Takes over the next log entry.
    pub fn apply(&mut self, entry: &LogEntry) {
        self.state.apply(entry);
    }

    /// Takes over a change of the key tokens.
    pub fn apply_token(&mut self, change: &TokenChange) {
        self.tokens.apply(change);
    }

    fn run(
        &self,
        call: &Call,
        name: &'static str,
        operation: Option<Operation>,
        meter: &mut Meter,
        random: &mut dyn Random,
        decide: impl FnOnce(Checks<'_, '_>) -> Result<Next>,
    ) -> Step {
        let plan = Plan::new(call, name, operation);
        let mut scope = Scope { kms: self, call, meter, random, plan };
        let next = decide(Checks { scope: &mut scope });
        scope.plan.into_step(next)
    }
}

/// Goes on with an operation that had to ask.
pub(crate) fn resume(
    then: Then,
    reply: Reply,
    kms: &Kms,
    call: &Call,
    random: &mut dyn Random,
) -> Step {
    let Then { continuation, plan } = then;
    let meter = &mut Meter::off();
    let mut scope = Scope { kms, call, meter, random, plan };
    let next = continuation(reply, Effects { scope: &mut scope });
    scope.plan.into_step(next)
}

/// What an operation has gathered so far.
pub(crate) struct Plan {
    /// What it will have come to; there is no result before the end.
    pub(crate) outcome: Box<Outcome>,
    operation: Option<Operation>,
    charged: SmallVec<[PoolId; 2]>,
    /// The spec that decides the pool, when it is not the key's.
    charged_spec: Option<KeySpec>,
    asks: u8,
    /// The answer is not given: the request wants to know only whether there would be one.
    dry_run: bool,
    /// The request proves that this host has not applied all of the log.
    behind: bool,
}

impl Plan {
    fn new(call: &Call, name: &'static str, operation: Option<Operation>) -> Plan {
        Plan {
            outcome: Box::new(Outcome {
                result: Err(ErrorCode::KmsInternal.silent()),
                append: None,
                audit: AuditRecord::begin(call, name),
            }),
            operation,
            charged: SmallVec::new(),
            charged_spec: None,
            asks: 0,
            dry_run: false,
            behind: false,
        }
    }

    fn append(&mut self) -> &mut Append {
        self.outcome.append.get_or_insert_default()
    }

    fn into_step(mut self, next: Result<Next>) -> Step {
        if self.behind {
            return Step::CatchUp;
        }
        let result = match next {
            Ok(Next::Ask(_, _)) if self.asks > MOST_ASKS => {
                Err(ErrorCode::KmsInternal.says("The operation asked too many questions."))
            }
            Ok(Next::Ask(ask, continuation)) => {
                return Step::Ask(ask, Then { continuation, plan: self });
            }
            Ok(Next::Done(response)) => Ok(response),
            Err(error) => Err(error),
        };
        let outcome = &mut self.outcome;
        outcome.audit.error = result.as_ref().err().map(|error| error.code);
        if result.is_err() || outcome.append.as_ref().is_some_and(Append::is_empty) {
            outcome.append = None;
        }
        outcome.result = result;
        Step::Done(self.outcome)
    }
}

pub(crate) struct Scope<'a> {
    kms: &'a Kms,
    call: &'a Call,
    meter: &'a mut Meter,
    random: &'a mut dyn Random,
    plan: Plan,
}

/// An answer of a kind the question does not have, or a record that must be there and is not.
pub(crate) fn internal() -> Error {
    ErrorCode::KmsInternal.says("The request failed because of an internal error. Try again.")
}
