//! How an engine comes to its Regions: founded together, or as a store has them.

use super::region;
use super::{Configuration, HSMS};
use crate::random::random;
use crate::store::{Founding, Loaded, Store, StoreError};
use kms_core::crypto::{CryptoBackend, SecretKey};
use kms_core::env::{Site, Timestamp, draw};
use kms_core::hsm::{Custody, Founded, HsmIdentity};
use kms_core::kms::Settings;
use kms_core::name::RegionName;
use kms_core::state::LogEntry;

/// New Regions with some HSMs each, and the first entry of each log.
pub(super) fn begin(
    configuration: Configuration,
    backend: &dyn CryptoBackend,
    now: Timestamp,
) -> Vec<(Loaded, LogEntry)> {
    let Configuration { regions, settings, .. } = configuration;
    let identity = |_| HsmIdentity::generate(backend, &mut random());
    let hsm = |name: &RegionName| (*name, (0..HSMS).map(identity).collect::<Vec<_>>());
    let hsms: Vec<_> = regions.iter().map(hsm).collect();
    let domains = kms_core::hsm::found(&hsms, backend, &mut random());
    let mut domains = domains.expect("the backend of production has P-384");
    let settings = Settings { regions, ..settings };
    let begun = hsms.into_iter().filter_map(|(region, hsms)| {
        let Founded { token, operators } = domains.remove(&region)?;
        let custody = Custody { hsms, operators };
        let grant_token_key = SecretKey::new(draw(&mut random(), Site::BackingKey));
        let founding = Founding { region, custody, grant_token_key, began: now };
        Some(region::begin(founding, token, &settings))
    });
    begun.collect()
}

/// New Regions, in a new store.
pub(super) fn begin_in(
    configuration: Configuration,
    store: &mut Store,
    backend: &dyn CryptoBackend,
    now: Timestamp,
) -> Result<Vec<Loaded>, StoreError> {
    let (loaded, entries): (Vec<_>, Vec<_>) =
        begin(configuration, backend, now).into_iter().unzip();
    let foundings = loaded.iter().map(|loaded: &Loaded| loaded.founding.clone());
    store.found(&foundings.zip(entries).collect::<Vec<_>>(), &mut random())?;
    Ok(loaded)
}

/// The Regions of a store.
pub(super) fn resume(
    configuration: Configuration,
    store: &Store,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Vec<Loaded>, StoreError> {
    let regions = store.regions().to_vec();
    if !configuration.regions.is_empty() && !same(&configuration.regions, &regions) {
        let found = regions.iter().map(RegionName::as_str).collect::<Vec<_>>().join(", ");
        return Err(StoreError::OtherRegions { path: store.path().to_owned(), found });
    }
    let (mut done, total) = (0, store.entries()?);
    let mut one_more = || {
        done += 1;
        progress(done, total);
    };
    let settings = Settings { regions: regions.clone(), ..configuration.settings };
    (0..regions.len()).map(|number| store.load(number, &settings, &mut one_more)).collect()
}

fn same(one: &[RegionName], other: &[RegionName]) -> bool {
    one.len() == other.len() && one.iter().all(|region| other.contains(region))
}
