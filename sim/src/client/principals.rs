//! Who calls: the roles of every account, made once and shared by all requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use kms_core::env::Caller;
use kms_core::integration::Integration;
use kms_core::name::{AccountId, RegionName};
use kms_core::ops::Request;
use kms_core::policy::{Policy, PolicyKind};
use scenarios::{WORKERS, Who};

use crate::history::{CallFacts, Facts};

/// The identity policy of administrators.
const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;

/// A caller, as the service and as a judge know it.
#[derive(Clone, Debug)]
pub struct Principal {
    /// What the service knows.
    pub caller: Arc<Caller>,
    arn: Arc<str>,
    administrator: bool,
}

/// Every caller of a run.
#[derive(Clone, Debug)]
pub struct Principals {
    all: BTreeMap<(AccountId, Who), Principal>,
}

impl Principals {
    /// The administrator and the workers of these accounts, and the AWS services of these Regions.
    pub fn of(accounts: &[AccountId], regions: &[RegionName]) -> Principals {
        let policy = Policy::parse(ALLOW_ALL, PolicyKind::Identity).expect("a valid policy");
        let policy = Arc::new(policy);
        let everybody = accounts.iter().flat_map(|account| {
            let workers = (0..WORKERS).map(Who::Worker);
            let services = regions.iter().flat_map(|region| {
                Integration::all().iter().map(|service| Who::Service(&service.name, *region))
            });
            let all = std::iter::once(Who::Admin).chain(workers).chain(services);
            all.map(|who| (*account, who))
        });
        let all =
            everybody.map(|(account, who)| ((account, who), principal(account, who, &policy)));
        Principals { all: all.collect() }
    }

    /// A caller.
    ///
    /// # Panics
    /// When the account is not one of the run, or its worker has a number of [`WORKERS`] or more,
    /// which no generator names.
    pub fn get(&self, account: AccountId, who: Who) -> &Principal {
        self.all.get(&(account, who)).expect("generators call as callers of the run")
    }
}

impl Principal {
    /// A request of this caller, as a judge sees it.
    pub fn asks(&self, facts: Facts, request: &Request) -> Arc<CallFacts> {
        Arc::new(CallFacts {
            principal: self.arn.clone(),
            account: self.caller.account(),
            administrator: self.administrator,
            dry_run: request.is_dry_run(),
            wanted: facts.wanted(request),
        })
    }
}

fn principal(account: AccountId, who: Who, policy: &Arc<Policy>) -> Principal {
    let arn: Arc<str> = who.arn(account).into();
    let caller = Caller::new(who.principal(account));
    let administrator = who == Who::Admin;
    let caller = if administrator { caller.with_policy(policy.clone()) } else { caller };
    Principal { caller: Arc::new(caller), arn, administrator }
}
