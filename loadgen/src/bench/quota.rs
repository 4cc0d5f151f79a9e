//! Results against the documented request quotas: how many times one core does what a Region admits.

use super::case::{Case, Deed, Layer};
use super::saved::Saved;
use kms_core::ops::Operation;
use kms_core::quota::{Profile, RegionClass};
use serde::Serialize;

/// The classes of Regions, by the names that are shown.
const CLASSES: [(&str, RegionClass); 4] = [
    ("large", RegionClass::Large),
    ("medium", RegionClass::Medium),
    ("small", RegionClass::Small),
    ("china", RegionClass::China),
];

/// What one core does of the requests of a pool, by the slowest of its operations that was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Capacity {
    /// The pool.
    pub pool: String,
    /// Whether AWS does not document its limit.
    pub assumed: bool,
    /// The backend.
    pub backend: String,
    /// `library` or `request`.
    pub layer: &'static str,
    /// The slowest operation.
    pub operation: String,
    /// How many of them one core does in a second.
    pub per_second: f64,
    /// The limit in each class of Regions.
    pub limits: Vec<Limit>,
}

/// The limit of a pool in a class of Regions.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Limit {
    /// The class.
    pub class: &'static str,
    /// Requests a second that an account may make.
    pub per_second: f64,
    /// How many times as many one core does.
    pub times: f64,
}

/// Every pool of a profile that something was measured for, in the order of the profile.
pub fn capacities(saved: &Saved, profile: &Profile) -> Vec<Capacity> {
    let mut all: Vec<(usize, Capacity)> = Vec::new();
    for case in Case::all() {
        let Some(pool) = operation(&case).and_then(|operation| profile.pool(operation, case.spec))
        else {
            continue;
        };
        let name = case.to_string();
        for timings in saved.results.iter().filter(|timings| timings.operation == name) {
            let Some(nanos) = timings.median() else { continue };
            let capacity = Capacity {
                pool: profile.pool_name(pool).to_owned(),
                assumed: false,
                backend: timings.backend.clone(),
                layer: layer(case.layer),
                operation: name.clone(),
                per_second: 1e9 / nanos,
                limits: Vec::new(),
            };
            match all.iter_mut().find(|(_, other)| is_of_the_same(&capacity, other)) {
                Some((_, other)) if other.per_second <= capacity.per_second => {}
                Some((_, other)) => *other = capacity,
                None => all.push((pool.index(), capacity)),
            }
        }
    }
    all.sort_by(|(pool, one), (other_pool, other)| {
        (pool, one.layer, &one.backend).cmp(&(other_pool, other.layer, &other.backend))
    });
    let limited = |(pool, capacity)| with_limits(profile, pool, capacity);
    all.into_iter().map(limited).collect()
}

fn is_of_the_same(one: &Capacity, other: &Capacity) -> bool {
    (&one.pool, &one.backend, one.layer) == (&other.pool, &other.backend, other.layer)
}

fn with_limits(profile: &Profile, pool: usize, capacity: Capacity) -> Capacity {
    let Some(pool) = profile.pools().nth(pool) else { return capacity };
    let limits = CLASSES.map(|(class, of)| {
        let per_second = pool.limit(of).per_second;
        Limit { class, per_second, times: capacity.per_second / per_second }
    });
    Capacity { assumed: pool.because.is_some(), limits: limits.into(), ..capacity }
}

fn layer(layer: Layer) -> &'static str {
    match layer {
        Layer::Library => "library",
        Layer::Request => "request",
    }
}

/// The operation that an account is charged for.
fn operation(case: &Case) -> Option<Operation> {
    Some(match case.deed {
        Deed::Encrypt => Operation::Encrypt,
        Deed::Decrypt => Operation::Decrypt,
        Deed::Sign => Operation::Sign,
        Deed::Verify => Operation::Verify,
        Deed::Mac => Operation::GenerateMac,
        Deed::Agree => Operation::DeriveSharedSecret,
        Deed::Encapsulate => Operation::Encapsulate,
        Deed::Decapsulate => Operation::Decapsulate,
        Deed::Random => Operation::GenerateRandom,
        Deed::Generate if case.pair().is_some() => Operation::GenerateDataKeyPair,
        Deed::Generate if case.has_request() => Operation::GenerateDataKey,
        Deed::Generate => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Build;
    use super::super::rounds::{Measured, Plan};
    use super::super::saved::Timings;
    use super::*;
    use std::time::Duration;

    fn capacities_in(profile: &str) -> Vec<Capacity> {
        let plan = Plan { duration: Duration::ZERO, block: Duration::ZERO, seed: 1 };
        let timings = |(operation, nanos): (&str, f64)| Timings {
            operation: operation.to_owned(),
            backend: "a".to_owned(),
            nanos: vec![nanos; 3],
            ..Timings::default()
        };
        let results = [
            ("encrypt/SYMMETRIC_DEFAULT/32B", 1_000.0),
            ("decrypt/SYMMETRIC_DEFAULT/4096B", 10_000.0),
            ("request/encrypt/SYMMETRIC_DEFAULT/32B", 20_000.0),
            ("sign/RSA_2048/RSASSA_PSS_SHA_256/RAW", 500_000.0),
            ("generate/RSA_2048", 1e8),
            ("generate/HMAC_256", 100.0),
        ];
        let results = results.map(timings).into();
        let saved =
            Saved { results, ..Saved::of(&Measured::default(), plan, &[], Build::default()) };
        capacities(&saved, &Profile::named(profile).unwrap())
    }

    #[test]
    fn the_slowest_operation_of_a_pool_is_what_counts() {
        let all = capacities_in("aws-2026");
        let of = |pool: &str, layer: &str| {
            let found = all.iter().find(|one| one.pool == pool && one.layer == layer);
            found.unwrap_or_else(|| panic!("{pool}: {all:?}"))
        };
        let symmetric = of("symmetric", "library");
        assert_eq!(symmetric.operation, "decrypt/SYMMETRIC_DEFAULT/4096B");
        let medium = &symmetric.limits[1];
        assert_eq!((medium.class, medium.per_second, medium.times), ("medium", 20_000.0, 5.0));
        assert_eq!(of("symmetric", "request").limits[0].times, 0.5);
        assert_eq!(of("rsa", "library").limits[0].times, 2.0);
        assert_eq!(of("GenerateDataKeyPair RSA_2048", "library").per_second, 10.0);
        assert_eq!(all.len(), 4, "{all:?}");
    }

    #[test]
    fn every_profile_has_pools_of_its_own() {
        let seed = capacities_in("seed");
        let pools: Vec<&str> = seed.iter().map(|one| one.pool.as_str()).collect();
        assert!(pools.contains(&"symmetric-decrypt") && pools.contains(&"asymmetric"), "{pools:?}");
    }
}
