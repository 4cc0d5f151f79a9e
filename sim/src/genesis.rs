//! What exists before the run begins: domains, keys, aliases, grants, made by the KMS itself.
//!
//! The requests go through the smallest shell of the core, an hour before time zero and without
//! quotas, and the history records them like any others, so that a judge needs to know nothing else.

use crate::client::Principals;
use crate::clock::START_MICROS;
use crate::history::{Facts, History};
use crate::keys::{KeyMaker, Service};
use crate::node::NamedRandom;
use crate::place::{NodeId, Role, Topology};
use crate::random::Seed;
use crate::rehearsal::Rehearsal;
use kms_core::crypto::CryptoBackend;
use kms_core::env::{RequestId, Timestamp};
use kms_core::hsm::{Founded, HsmDevice, HsmIdentity, Mandate};
use kms_core::key::Origin;
use kms_core::key_store::model::Backends;
use kms_core::kms::Settings;
use kms_core::local::{Local, proxy_endpoint};
use kms_core::name::{AccountId, KeyArn, RegionName};
use kms_core::ops::{self, Request, Response};
use kms_core::state::LogEntry;
use kms_core::token::TokenStore;

use scenarios::{KeyBook, KeyGroup, Scenario, Who};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long before time zero the world is made.
const BEFORE: Duration = Duration::from_secs(3600);
/// How long replicas have to register and synchronise.
const SETTLING: Duration = Duration::from_secs(60);

/// A Region at time zero.
pub struct Beginning {
    /// Its log.
    pub log: Vec<Arc<LogEntry>>,
    /// Its key tokens.
    pub tokens: TokenStore,
    /// Its HSMs, not joined yet.
    pub hsms: Vec<HsmIdentity>,
    /// Its domain, with the keys of those who command it.
    pub domain: Founded,
    /// The endpoints of the proxies in it.
    pub proxies: Vec<Arc<str>>,
}

/// The world at time zero.
pub struct Genesis {
    /// Each Region's beginning.
    pub regions: BTreeMap<RegionName, Beginning>,
    /// What is behind the custom key stores, wherever it is.
    pub key_stores: Backends,
    /// The keys that exist, by the names scenarios give them.
    pub book: Arc<KeyBook>,
}

/// The accounts of a scenario.
pub fn accounts(scenario: &Scenario) -> Vec<AccountId> {
    (0..u64::from(scenario.accounts)).map(|n| AccountId::new(111_122_220_000 + n)).collect()
}

/// What is to be made.
pub struct Order<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The run.
    pub seed: Seed,
    /// The Regions, in the topology's order.
    pub regions: &'a [RegionName],
    /// How the KMS is set up.
    pub settings: &'a Settings,
}

/// What was made, still in the shell that made it.
pub struct Made {
    /// The shell, in which the keys are.
    pub local: Local,
    /// The keys that exist, by the names scenarios give them.
    pub book: KeyBook,
    hsms: Vec<(RegionName, Vec<HsmIdentity>)>,
    proxies: BTreeMap<RegionName, Vec<Arc<str>>>,
}

/// Makes the world, and records in the history how.
///
/// # Errors
/// When a request of the set-up is refused: the scenario wants what the service does not allow.
pub fn begin(
    order: &Order<'_>,
    topology: &Topology,
    principals: &Principals,
    backend: &Arc<dyn CryptoBackend>,
    history: &mut History,
) -> Result<Genesis, String> {
    let Made { local, book, hsms, mut proxies } =
        make(order, topology, principals, backend, history)?;
    let regions = hsms.into_iter().map(|(region, hsms)| {
        let (journal, domain) = (local.journal_of(region), local.domain_of(region).clone());
        let log = journal.entries_after(0).to_vec();
        let (tokens, proxies) =
            (journal.tokens().clone(), proxies.remove(&region).unwrap_or_default());
        (region, Beginning { log, tokens, hsms, domain, proxies })
    });
    let (regions, key_stores) = (regions.collect(), local.into_backends());
    Ok(Genesis { regions, key_stores, book: Arc::new(book) })
}

/// Makes the keys in the smallest shell, and records in the history how.
///
/// # Errors
/// As [`begin`].
pub fn make(
    order: &Order<'_>,
    topology: &Topology,
    principals: &Principals,
    backend: &Arc<dyn CryptoBackend>,
    history: &mut History,
) -> Result<Made, String> {
    let Order { scenario, seed, regions, settings } = *order;
    let maker = NodeId(u16::MAX);
    let mut random = NamedRandom::new(seed, maker, RequestId(0), 0);
    let mut identities = |_: &RegionName| -> Vec<HsmIdentity> {
        (0..scenario.topology.hsms)
            .map(|_| HsmIdentity::generate(backend.as_ref(), &mut random))
            .collect()
    };
    let hsms: Vec<_> = regions.iter().map(|region| (*region, identities(region))).collect();
    let draws = Box::new(NamedRandom::new(seed, maker, RequestId(1), 0));
    let start = Timestamp::from_micros(START_MICROS - micros(BEFORE));
    let mut local = Local::founded(&hsms, backend, draws, start);
    for region in regions {
        *local.settings_of_mut(*region) = settings.clone();
    }
    let book = KeyBook::new(regions.to_vec(), accounts(scenario));
    let journals = journals(regions, topology);
    let rehearsal = Rehearsal::new(local, Facts::new(seed), principals, journals, history);
    let mut maker = Maker { keys: KeyMaker::new(rehearsal, book), proxies: BTreeMap::new() };
    maker.stores(scenario, regions, settings.key_store_times.connect_external);
    maker.make(scenario, regions);
    let Maker { keys, proxies } = maker;
    let (Rehearsal { local, .. }, book) = keys.made()?;
    Ok(Made { local, book, hsms, proxies })
}

/// The journal of each Region.
pub(crate) fn journals(
    regions: &[RegionName],
    topology: &Topology,
) -> BTreeMap<RegionName, NodeId> {
    let journals = regions.iter().enumerate().filter_map(|(index, region)| {
        let index = crate::place::RegionIndex(u8::try_from(index).ok()?);
        Some((*region, topology.of_role(index, Role::Journal).next()?))
    });
    journals.collect()
}

/// An HSM of a Region at time zero: a member that has joined.
pub fn joined(
    identity: &HsmIdentity,
    beginning: &Beginning,
    backend: &Arc<dyn CryptoBackend>,
) -> HsmDevice {
    let mut device = HsmDevice::new(identity.clone(), backend.clone());
    let (domain, join) = (&beginning.domain, beginning.domain.join());
    let none = &mut kms_core::local::SeededRandom::new(0);
    let mandate = Mandate::new(&join, &domain.token, [domain.host()], none);
    let joined = device.manage(&join, &mandate, none);
    debug_assert!(joined.is_ok(), "a member joins its own domain");
    device
}

struct Maker<'a> {
    keys: KeyMaker<Rehearsal<'a>>,
    proxies: BTreeMap<RegionName, Vec<Arc<str>>>,
}

impl Maker<'_> {
    /// An external key store for each account in each Region, connected, where the scenario has keys
    /// for it.
    fn stores(&mut self, scenario: &Scenario, regions: &[RegionName], takes: Duration) {
        if scenario.keys.count(KeyGroup::External) == 0 {
            return;
        }
        for region in regions {
            for account in accounts(scenario) {
                self.store(*region, account);
            }
        }
        self.keys.service.advance(takes);
    }

    fn store(&mut self, region: RegionName, account: AccountId) {
        let name = format!("{region}-{account}");
        let request = self.keys.service.local.proxy_and_request(&name);
        self.proxies.entry(region).or_default().push(proxy_endpoint(&name).into());
        let made = self.keys.service.prepare(region, account, &request.into());
        if let Ok(Response::CreateCustomKeyStore(made)) = made {
            let custom_key_store_id = made.custom_key_store_id.into();
            let request = ops::connect_custom_key_store::Request { custom_key_store_id };
            let begun = self.keys.service.prepare(region, account, &request.into());
            debug_assert!(begun.is_ok(), "a new store can be connected");
        }
    }

    /// The external key store of an account in a Region.
    fn store_of(&self, region: RegionName, account: AccountId) -> Option<String> {
        let mut stores = self.keys.service.local.journal_of(region).state().key_stores_after(None);
        stores.find(|store| store.account == account).map(|store| store.id.to_string())
    }

    fn external(&mut self, region: RegionName, number: u32) -> Option<KeyArn> {
        let account = self.keys.book.owner(number);
        let store = self.store_of(region, account)?;
        let external = format!("external-{number}");
        self.keys.service.local.add_external_key(&format!("{region}-{account}"), &external);
        let request = ops::create_key::Request {
            origin: Some(Origin::ExternalKeyStore),
            custom_key_store_id: Some(store.into()),
            xks_key_id: Some(external.into()),
            ..Default::default()
        };
        match self.keys.call(region, number, request)? {
            Response::CreateKey(response) => Some(response.key_metadata.arn),
            _ => None,
        }
    }

    fn make(&mut self, scenario: &Scenario, regions: &[RegionName]) {
        self.keys.plain(scenario, regions);
        for number in 0..scenario.keys.count(KeyGroup::External) {
            for region in regions {
                if let Some(key) = self.external(*region, number) {
                    self.keys.book.add_key(KeyGroup::External, number, key);
                }
            }
        }
        self.keys.declared_and_aliases(scenario, regions);
    }
}

impl Service for Rehearsal<'_> {
    fn call(
        &mut self,
        region: RegionName,
        account: AccountId,
        request: &Request,
    ) -> kms_core::Result<Response> {
        Rehearsal::call(self, region, account, Who::Admin, request)
    }

    fn settle(&mut self) {
        self.advance(SETTLING);
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use crate::random::Seed;
    use crate::world::World;
    use std::sync::Arc;

    fn made(keys: &str) -> Result<(), String> {
        let text = format!(
            "schema = 1\ndescription = 'x'\ntopology.regions = ['us-east-1']\n[keys]\n{keys}\n\
             [[phase]]\nname = 'a'\nduration = '1s'\n[[phase.workload]]\nkind = 'key-creation'\n\
             arrivals = {{ kind = 'poisson', per_second = 1 }}\n"
        );
        let vocabulary = crate::vocabulary::vocabulary();
        let scenario = scenarios::Scenario::parse("x.toml", &text, &[], &vocabulary).unwrap();
        let backend = Arc::new(kms_core::crypto::RustCrypto);
        World::new(&scenario, Seed(1), backend, &mut Default::default()).map(drop)
    }

    #[test]
    fn a_set_up_that_the_service_refuses_is_no_world() {
        assert_eq!(made("symmetric = 1\naliases = 50"), Ok(()));
        let refused = made("symmetric = 1\naliases = 51").unwrap_err();
        assert!(refused.contains("us-east-1 for CreateAlias"), "{refused}");
        assert!(refused.contains("LimitExceeded"), "{refused}");
    }
}
