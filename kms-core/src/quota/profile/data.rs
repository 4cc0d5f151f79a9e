//! The quota file as it is written, and how a profile grows out of it.
//!
//! A profile names its own pools and inherits what is left of another's; groups of operations and key
//! specs are spelled out here, and every mistake in the file is one error that names the place.

use super::{COLUMNS, Cell, Pool, PoolId, Profile, RegionClass, column};
use crate::key::KeySpec;
use crate::ops::Operation;
use crate::quota::Limits;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Every profile of a file, in its order.
pub(super) fn load(text: &str) -> Result<Vec<Arc<Profile>>, String> {
    let data: Data = toml::from_str(text).map_err(|error| error.to_string())?;
    let classes = data.regions.iter();
    let classes =
        classes.flat_map(|(class, names)| names.iter().map(|name| (name.clone(), *class)));
    let regions = Arc::new(classes.collect());
    let mut profiles: Vec<Arc<Profile>> = Vec::new();
    for written in &data.profile {
        let pools = expand(&data, written, &profiles)
            .map_err(|problem| format!("profile {}: {problem}", written.name))?;
        profiles.push(Arc::new(build(written, pools, &regions)));
    }
    Ok(profiles)
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    sources: BTreeMap<String, String>,
    regions: BTreeMap<RegionClass, Vec<String>>,
    operations: BTreeMap<String, Vec<String>>,
    specs: BTreeMap<String, Vec<String>>,
    pools: BTreeMap<String, Vec<Members>>,
    profile: Vec<ProfileData>,
}

/// Every operation with every spec; either list may name a group.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    operations: Vec<String>,
    specs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileData {
    name: String,
    summary: String,
    note: String,
    source: String,
    inherits: Option<String>,
    /// Why what is inherited is assumed; without it, what is inherited is as good as it was.
    inherited: Option<String>,
    resources: Limits,
    /// Requests a second of each custom key store.
    key_store: f64,
    pools: BTreeMap<String, PoolData>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PoolData {
    Everywhere(f64),
    Detailed(Box<PoolDetails>),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolDetails {
    limit: Option<f64>,
    small: Option<f64>,
    medium: Option<f64>,
    large: Option<f64>,
    china: Option<f64>,
    source: Option<String>,
    #[serde(default)]
    assumed: bool,
    because: Option<String>,
    note: Option<String>,
}

fn build(
    written: &ProfileData,
    pools: Vec<Pool>,
    regions: &Arc<BTreeMap<String, RegionClass>>,
) -> Profile {
    let mut table = vec![None; Operation::ALL.len() * COLUMNS];
    for (id, pool) in (0..).map(PoolId).zip(&pools) {
        for (name, column) in &pool.cells {
            if let Some(operation) = Operation::parse(name) {
                table[operation as usize * COLUMNS + column] = Some(id);
            }
        }
    }
    Profile {
        name: written.name.clone(),
        summary: written.summary.clone(),
        note: written.note.clone(),
        limits: written.resources,
        key_store_per_second: written.key_store,
        regions: Arc::clone(regions),
        pools,
        table,
    }
}

/// The profile's own pools, then what is left of those it inherits.
fn expand(data: &Data, written: &ProfileData, above: &[Arc<Profile>]) -> Result<Vec<Pool>, String> {
    let mut pools = Vec::new();
    let mut claimed = BTreeSet::new();
    for (name, figures) in &written.pools {
        let pool = own_pool(data, written, name, figures)
            .map_err(|problem| format!("pool {name}: {problem}"))?;
        if let Some((operation, _)) = pool.cells.iter().find(|cell| claimed.contains(*cell)) {
            return Err(format!("pool {name}: {operation} already draws from another pool"));
        }
        claimed.extend(pool.cells.iter().cloned());
        pools.push(pool);
    }
    let Some(parent) = &written.inherits else {
        return Ok(pools);
    };
    let parent = above
        .iter()
        .find(|profile| profile.name == *parent)
        .ok_or_else(|| format!("inherits {parent}, which is not a profile above it"))?;
    let inherited = parent.pools.iter().map(|pool| inherit(pool, &claimed, &written.inherited));
    pools.extend(inherited.filter(|pool| !pool.cells.is_empty()));
    pools.sort_by(|one, other| one.name.cmp(other.name));
    Ok(pools)
}

/// A pool of the profile above, without what has been claimed. A reason it already has stays.
fn inherit(pool: &Pool, claimed: &BTreeSet<Cell>, because: &Option<String>) -> Pool {
    let mut pool = pool.clone();
    pool.cells.retain(|cell| !claimed.contains(cell));
    pool.because = pool.because.or_else(|| because.clone());
    pool
}

fn own_pool(
    data: &Data,
    written: &ProfileData,
    name: &str,
    figures: &PoolData,
) -> Result<Pool, String> {
    let plain;
    let details = match figures {
        PoolData::Detailed(details) => &**details,
        PoolData::Everywhere(limit) => {
            plain = PoolDetails { limit: Some(*limit), ..PoolDetails::default() };
            &plain
        }
    };
    if details.assumed != details.because.is_some() {
        return Err("`assumed = true` and `because` go together".to_owned());
    }
    let source = details.source.as_ref().unwrap_or(&written.source);
    Ok(Pool {
        name: leaked(name),
        source: data.sources.get(source).ok_or(format!("no source {source}"))?.clone(),
        because: details.because.clone(),
        note: details.note.clone(),
        per_second: by_class(details)?,
        cells: cells(data, name)?,
    })
}

/// A name that lives as long as the process. Only the embedded profiles are loaded, once, so there are
/// as many of these as pools in the file, and a counted request carries its pool's name for free.
fn leaked(name: &str) -> &'static str {
    Box::leak(name.to_owned().into_boxed_str())
}

fn by_class(details: &PoolDetails) -> Result<[f64; 4], String> {
    let PoolDetails { limit, small, medium, large, china, .. } = details;
    let small = small.or(*limit);
    let figures = [small, medium.or(*limit), large.or(*limit), china.or(small)];
    let mut per_second = [0.0; 4];
    for (to, figure) in per_second.iter_mut().zip(figures) {
        *to = figure.filter(|figure| figure.is_finite() && *figure > 0.0).ok_or_else(|| {
            "needs a positive `limit`, or `small`, `medium` and `large`".to_owned()
        })?;
    }
    Ok(per_second)
}

fn cells(data: &Data, pool: &str) -> Result<BTreeSet<Cell>, String> {
    let Some(members) = data.pools.get(pool) else {
        return Ok((0..COLUMNS).map(|column| (pool.to_owned(), column)).collect());
    };
    let mut cells = BTreeSet::new();
    for member in members {
        for spec in ungroup(&data.specs, &member.specs) {
            let column = parse_column(spec).ok_or_else(|| format!("no key spec {spec}"))?;
            let operations = ungroup(&data.operations, &member.operations);
            cells.extend(operations.map(|operation| (operation.clone(), column)));
        }
    }
    Ok(cells)
}

fn parse_column(spec: &str) -> Option<usize> {
    match spec {
        "none" => Some(column(None)),
        spec => KeySpec::parse(spec).map(|spec| column(Some(spec))),
    }
}

/// The names, groups replaced by their members.
fn ungroup<'a>(
    groups: &'a BTreeMap<String, Vec<String>>,
    names: &'a [String],
) -> impl Iterator<Item = &'a String> {
    names.iter().flat_map(|name| match groups.get(name) {
        Some(group) => group.iter(),
        None => std::slice::from_ref(name).iter(),
    })
}
