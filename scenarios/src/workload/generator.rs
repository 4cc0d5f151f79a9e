//! What a client asks for next, and what it learns from the answers.
//!
//! A generator is one client's part of a workload. It knows the keys that exist from the start and
//! what its own answers told it, nothing else, so that the simulator and the load generator can both
//! drive it: they bring the moment, the randomness and the service.

use std::sync::Arc;
use std::time::Duration;

use kms_core::crypto::CryptoBackend;
use kms_core::env::CallingService;
use kms_core::integration::Integration;
use kms_core::name::{AccountId, KeyArn, KeyIdentifier, PrincipalArn, RegionName};
use kms_core::ops::{Request, Response};
use kms_core::wire::KeyRef;

use super::book::KeyBook;

/// How many workers each account has, numbered from 0: roles without a policy of their own.
pub const WORKERS: u32 = 16;

/// Where a generator's randomness comes from.
pub trait Draw {
    /// A number below `n`, each equally likely; 0 when `n` is 0.
    fn below(&mut self, n: u64) -> u64;

    /// A number in [0, 1).
    fn unit(&mut self) -> f64;

    /// Fills the bytes.
    fn fill(&mut self, bytes: &mut [u8]);

    /// True with this probability.
    fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// The account's administrator, whom an identity policy allows everything.
    Admin,
    /// A worker of this number, who may do what a key policy or a grant allows.
    Worker(u32),
    /// The service principal of an AWS service in a Region, by its name in the table of
    /// integrations; it may do what a key policy allows.
    Service(&'static str, RegionName),
}

impl Who {
    /// The ARN of that role in an account, or the host name of the service.
    pub fn arn(self, account: AccountId) -> String {
        match self {
            Who::Admin => format!("arn:aws:iam::{account}:role/admin"),
            Who::Worker(number) => format!("arn:aws:iam::{account}:role/worker-{number}"),
            Who::Service(name, region) => {
                Integration::named(name).map(|service| service.host(region)).unwrap_or_default()
            }
        }
    }

    /// The principal.
    pub fn principal(self, account: AccountId) -> PrincipalArn {
        let text = self.arn(account);
        PrincipalArn::parse(&text).unwrap_or_else(|| PrincipalArn::service(&text, account))
    }
}

/// A call that a client is going to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Where it is sent.
    pub region: RegionName,
    /// The account of the caller.
    pub account: AccountId,
    /// The caller.
    pub caller: Who,
    /// The AWS service in between, or the one that calls.
    pub service: Option<Arc<CallingService>>,
    /// What it asks; shared, because every attempt sends it.
    pub request: Arc<Request>,
}

impl Planned {
    /// The key that the request names by its ARN in a member `KeyId`.
    pub fn key(&self) -> Option<KeyArn> {
        let key = match &*self.request {
            Request::CancelKeyDeletion(request) => &request.key_id,
            Request::CreateGrant(request) => &request.key_id,
            Request::DescribeKey(request) => &request.key_id,
            Request::DisableKey(request) => &request.key_id,
            Request::EnableKey(request) => &request.key_id,
            Request::ScheduleKeyDeletion(request) => &request.key_id,
            _ => return None,
        };
        match key {
            KeyRef::Valid(KeyIdentifier::Arn(arn)) => Some(*arn),
            _ => None,
        }
    }
}

/// What surrounds the planning of a call.
pub struct Moment<'a> {
    /// The time since the run began.
    pub now: Duration,
    /// The keys that exist from the start.
    pub book: &'a KeyBook,
    /// The randomness of this one call.
    pub draw: &'a mut dyn Draw,
    /// The cryptography of the client.
    pub backend: &'a dyn CryptoBackend,
}

/// One client's part of a workload.
pub trait Generator: Send {
    /// The next call. There always is one: a client without a key begins by making one.
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned;

    /// How a planned call ended. Calls overlap, so answers come in any order. A call that was given
    /// up without an answer ends in `DependencyTimeout`.
    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>);

    /// Whether more calls may be asked for than are due, as when traffic surges. A list of calls that
    /// somebody wrote down stays what it is.
    fn repeats(&self) -> bool {
        true
    }

    /// A Decrypt call for every ciphertext that the client still keeps.
    fn kept(&self) -> Vec<Planned> {
        Vec::new()
    }
}
