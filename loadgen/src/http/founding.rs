//! What a scenario begins with, made on an endpoint: the same requests that make it in a simulation,
//! one after another, and the keys that came of them.

use super::client::Client;
use super::endpoint::Endpoint;
use super::ledger::Ledger;
use kms_core::key::KeyState;
use kms_core::name::{AccountId, KeyArn, KeyId, KeyIdentifier, RegionName};
use kms_core::ops::{Request, Response, describe_key, update_alias};
use kms_core::wire::GrantTokens;
use kms_core::{ErrorCode, Result};
use scenarios::{KeyBook, KeyGroup, Scenario, WorkloadKind};
use sim::genesis::accounts;
use sim::keys::{KeyMaker, Service};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a replica may be in the making.
const REPLICATION: Duration = Duration::from_secs(120);
/// How often a replica is looked at.
const GLANCE: Duration = Duration::from_millis(100);

/// Makes the keys, grants and aliases of a scenario on an endpoint, and writes the keys down. `each` hears
/// how many requests were made.
///
/// # Errors
/// When the endpoint cannot be reached or refuses a request, when `stop` is set, and when the scenario
/// wants what no client can do.
pub fn found(
    scenario: &Scenario,
    (endpoint, ledger): (&Endpoint, &Ledger),
    stop: &AtomicBool,
    each: &mut dyn FnMut(u64),
) -> std::result::Result<KeyBook, String> {
    check(scenario)?;
    let regions: Vec<RegionName> =
        scenario.topology.regions.iter().map(scenarios::RegionName::kms).collect();
    let mut remote = Remote {
        client: Client::new(endpoint)?,
        ledger,
        stop,
        each,
        asked: 0,
        replicas: Vec::new(),
    };
    remote.client.reach().map_err(|why| format!("{endpoint}: {why}"))?;
    let accounts = remote.accounts(scenario, regions[0])?;
    let mut maker = KeyMaker::new(remote, KeyBook::new(regions.clone(), accounts));
    maker.plain(scenario, &regions);
    maker.declared_and_aliases(scenario, &regions);
    let (_, book) = maker.made().map_err(|why| format!("{endpoint}: {why}"))?;
    Ok(book)
}

/// What only the other side of the wire can do.
fn check(scenario: &Scenario) -> std::result::Result<(), String> {
    let name = &scenario.name;
    if scenario.keys.count(KeyGroup::External) > 0 {
        return Err(format!(
            "{name}: keys in external key stores need proxies, which a load over HTTP does not have; \
             --set keys.external=0 leaves them out"
        ));
    }
    let mut workloads = scenario.phases.iter().flat_map(|phase| &phase.workloads);
    if workloads.any(|workload| matches!(workload.kind, WorkloadKind::AwsService(_))) {
        return Err(format!(
            "{name}: the workload aws-service calls as AWS services do, which no client over HTTP can"
        ));
    }
    Ok(())
}

/// A service at the other end of one connection.
struct Remote<'e> {
    client: Client<'e>,
    ledger: &'e Ledger,
    stop: &'e AtomicBool,
    each: &'e mut dyn FnMut(u64),
    asked: u64,
    /// Replicas that may still be in the making.
    replicas: Vec<KeyArn>,
}

impl Remote<'_> {
    fn ask(
        &mut self,
        region: RegionName,
        account: AccountId,
        request: &Request,
    ) -> Result<Response> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(ErrorCode::DependencyTimeout.says("broken off"));
        }
        self.asked += 1;
        (self.each)(self.asked);
        let answer = self.client.ask(region, account, request);
        answer.iter().for_each(|response| self.ledger.note(response));
        answer
    }

    /// The accounts behind the credentials, in the order of the scenario's; where several are one, once.
    fn accounts(
        &mut self,
        scenario: &Scenario,
        region: RegionName,
    ) -> std::result::Result<Vec<AccountId>, String> {
        let mut found = Vec::new();
        for account in accounts(scenario) {
            let real = self.account(account, region)?;
            if !found.contains(&real) {
                found.push(real);
            }
        }
        Ok(found)
    }

    /// The account in which a credential acts, as the service tells whoever asks for a key that is
    /// not there; the scenario's own where it does not tell.
    fn account(
        &mut self,
        account: AccountId,
        region: RegionName,
    ) -> std::result::Result<AccountId, String> {
        let nobody = KeyId::single_region([0; 16]);
        let request =
            describe_key::Request { key_id: nobody.into(), grant_tokens: GrantTokens::default() };
        let error = match self.ask(region, account, &request.into()) {
            Ok(_) => return Ok(account),
            Err(error) if error.code == ErrorCode::NotFound => error,
            Err(error) => {
                return Err(format!("{region} is asked for DescribeKey, and says {error}"));
            }
        };
        let words = error.message.as_deref().unwrap_or_default().split(['\'', ' ', '"']);
        let arn = words.filter_map(|word| match KeyIdentifier::parse(word) {
            Ok(KeyIdentifier::Arn(arn)) => Some(arn.account),
            _ => None,
        });
        Ok(arn.into_iter().next().unwrap_or(account))
    }
}

impl Service for Remote<'_> {
    fn call(
        &mut self,
        region: RegionName,
        account: AccountId,
        request: &Request,
    ) -> Result<Response> {
        let answer = self.ask(region, account, request);
        match (request, &answer) {
            (_, Ok(Response::ReplicateKey(made))) => {
                self.replicas.push(made.replica_key_metadata.arn);
            }
            // An endpoint that has seen a load before has its aliases: they move to the new keys.
            (Request::CreateAlias(alias), Err(error)) if error.code == ErrorCode::AlreadyExists => {
                let (name, key) = (alias.alias_name.clone(), alias.target_key_id.clone());
                let moved = update_alias::Request { alias_name: name, target_key_id: key };
                return self.ask(region, account, &moved.into());
            }
            _ => {}
        }
        answer
    }

    fn settle(&mut self) {
        let until = Instant::now() + REPLICATION;
        for replica in std::mem::take(&mut self.replicas) {
            let request = describe_key::Request {
                key_id: replica.into(),
                grant_tokens: GrantTokens::default(),
            };
            let request = Request::from(request);
            while Instant::now() < until && !self.stop.load(Ordering::Relaxed) {
                match self.ask(replica.region, replica.account, &request) {
                    Ok(Response::DescribeKey(key))
                        if key.key_metadata.key_state == KeyState::Creating => {}
                    // Whether it is usable shows when it is used.
                    Ok(_) => break,
                    Err(_) => {}
                }
                std::thread::sleep(GLANCE);
            }
        }
    }
}
