//! Quota profiles: which pool an operation draws from, and what AWS admitted when.
//!
//! The figures are data (`data/quotas.toml`), each with its source, and a figure that AWS does not
//! document says so. A profile is expanded once into a table over operation and key spec, so that
//! finding the pool of a request is one index, and so that no operation is unlimited by omission.

mod data;

use super::Limits;
use crate::key::KeySpec;
use crate::name::RegionName;
use crate::ops::Operation;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

/// The key specs, and before them the column of requests without one.
const COLUMNS: usize = 1 + KeySpec::ALL.len();

/// Names a pool of one profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PoolId(u16);

impl PoolId {
    /// The pool's position in [`Profile::pools`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// How much a pool admits in a Region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PoolLimit {
    /// Requests a second; less than one is one request in several seconds.
    pub per_second: f64,
    /// Whether AWS does not document the figure.
    pub assumed: bool,
}

/// The classes of Regions whose quotas differ (AWS KMS Developer Guide, Request quotas).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegionClass {
    /// Every Region that is in no other class.
    Small,
    /// Six commercial Regions.
    Medium,
    /// The three busiest Regions.
    Large,
    /// The China Regions.
    China,
}

/// A number of requests a second that certain requests of an account share.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// `symmetric`, `CreateKey`, `GenerateDataKeyPair RSA_2048`.
    pub name: &'static str,
    /// The document the figure is from.
    pub source: String,
    /// Why the figure is assumed, if it is.
    pub because: Option<String>,
    /// What else one should know.
    pub note: Option<String>,
    /// Requests a second, by Region class in declaration order.
    per_second: [f64; 4],
    /// Every operation and column that draws from the pool, operations this build lacks included.
    cells: BTreeSet<Cell>,
}

/// The name of an operation and a column of the table.
type Cell = (String, usize);

impl Pool {
    /// How much the pool admits in Regions of that class.
    pub fn limit(&self, class: RegionClass) -> PoolLimit {
        PoolLimit { per_second: self.per_second[class as usize], assumed: self.because.is_some() }
    }

    /// The names of the operations that draw from the pool with at least one kind of key.
    pub fn operations(&self) -> BTreeSet<&str> {
        self.cells.iter().map(|(operation, _)| operation.as_str()).collect()
    }
}

/// The quotas of one time, or of one set of requirements.
#[derive(Debug)]
pub struct Profile {
    name: String,
    summary: String,
    note: String,
    limits: Limits,
    key_store_per_second: f64,
    regions: Arc<BTreeMap<String, RegionClass>>,
    pools: Vec<Pool>,
    table: Vec<Option<PoolId>>,
}

impl Profile {
    /// The profile to use unless another is named.
    pub const DEFAULT: &str = "aws-2026";

    /// The profile of that name; see [`Profile::names`].
    pub fn named(name: &str) -> Option<Arc<Profile>> {
        embedded().iter().find(|profile| profile.name == name).cloned()
    }

    /// The names of all profiles, the default first.
    pub fn names() -> &'static [&'static str] {
        static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
        NAMES.get_or_init(|| embedded().iter().map(|profile| profile.name()).collect())
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, in one line.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// Where its sources disagree or fall short.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// The resource quotas of the same time.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// How many cryptographic requests a second each custom key store takes, from all accounts
    /// together and beside their own quotas.
    pub fn key_store_per_second(&self) -> f64 {
        self.key_store_per_second
    }

    /// The account's pool that an operation draws from. `spec` is the key's, for a data key pair the
    /// pair's; without one, a cryptographic operation counts as symmetric. There is a pool for every
    /// operation of the API.
    pub fn pool(&self, operation: Operation, spec: Option<KeySpec>) -> Option<PoolId> {
        self.table[operation as usize * COLUMNS + column(spec)]
    }

    /// How much a pool of this profile admits in a Region.
    pub fn limit(&self, pool: PoolId, region: &RegionName) -> PoolLimit {
        self.pools[pool.index()].limit(self.class(region))
    }

    /// The class of a Region; one that AWS does not list is small.
    pub fn class(&self, region: &RegionName) -> RegionClass {
        self.regions.get(region.as_str()).copied().unwrap_or(RegionClass::Small)
    }

    /// The name of a pool of this profile.
    pub fn pool_name(&self, pool: PoolId) -> &'static str {
        self.pools[pool.index()].name
    }

    /// Every pool, by [`PoolId::index`].
    pub fn pools(&self) -> impl ExactSizeIterator<Item = &Pool> {
        self.pools.iter()
    }
}

fn column(spec: Option<KeySpec>) -> usize {
    spec.map_or(0, |spec| spec as usize + 1)
}

fn embedded() -> &'static [Arc<Profile>] {
    static PROFILES: OnceLock<Vec<Arc<Profile>>> = OnceLock::new();
    PROFILES.get_or_init(|| {
        data::load(include_str!("../../data/quotas.toml"))
            .expect("the embedded quotas are part of the build, and the tests load them")
    })
}

#[cfg(test)]
mod tests {
    use super::data::load;
    use super::*;

    fn profile(name: &str) -> Arc<Profile> {
        Profile::named(name).unwrap()
    }

    fn per_second(profile: &Profile, pool: &str, region: &str) -> f64 {
        let region = RegionName::parse(region).unwrap();
        let pool = profile.pools().find(|candidate| candidate.name == pool).unwrap();
        pool.limit(profile.class(&region)).per_second
    }

    #[test]
    fn every_operation_with_every_key_draws_from_exactly_one_pool() {
        for name in Profile::names() {
            let profile = profile(name);
            let cells: Vec<&Cell> = profile.pools().flat_map(|pool| &pool.cells).collect();
            let distinct: BTreeSet<&Cell> = cells.iter().copied().collect();
            let operations: BTreeSet<&String> = distinct.iter().map(|cell| &cell.0).collect();
            assert_eq!((operations.len(), distinct.len()), (56, 56 * COLUMNS), "{name}");
            assert_eq!(cells.len(), distinct.len(), "{name}");
            assert!(profile.table.iter().all(Option::is_some), "{name}");
            let names: BTreeSet<&str> = profile.pools().map(|pool| pool.name).collect();
            assert_eq!(names.len(), profile.pools().len(), "{name}");
        }
    }

    #[test]
    fn the_key_decides_between_the_shared_pools() {
        let profile = profile(Profile::DEFAULT);
        let name = |operation, spec| profile.pool_name(profile.pool(operation, spec).unwrap());
        for (spec, pool) in [
            (None, "symmetric"),
            (Some(KeySpec::Hmac384), "symmetric"),
            (Some(KeySpec::Rsa4096), "rsa"),
            (Some(KeySpec::EccNistEdwards25519), "ecc-and-sm2"),
            (Some(KeySpec::Sm2), "ecc-and-sm2"),
            (Some(KeySpec::MlDsa87), "ml-dsa"),
            (Some(KeySpec::MlKem512), "ml-kem"),
        ] {
            assert_eq!(name(Operation::Decrypt, spec), pool);
            assert_eq!(name(Operation::CreateKey, spec), "CreateKey");
        }
        assert_eq!(name(Operation::GenerateRandom, None), "symmetric");
    }

    #[test]
    fn regions_have_classes() {
        let now = profile("aws-2026");
        for (pool, region, expected) in [
            ("symmetric", "us-east-1", 100_000.0),
            ("symmetric", "eu-west-2", 20_000.0),
            ("symmetric", "eu-north-1", 10_000.0),
            ("symmetric", "cn-north-1", 10_000.0),
            ("symmetric", "mars-north-1", 10_000.0),
            ("GenerateDataKeyPair RSA_4096", "us-east-1", 1.0),
            ("GenerateDataKeyPair RSA_4096", "cn-northwest-1", 0.1),
            ("GenerateDataKeyPair ECC_NIST_P256", "cn-north-1", 100.0),
        ] {
            assert!((per_second(&now, pool, region) - expected).abs() < 1e-9, "{pool} {region}");
        }
    }

    #[test]
    fn the_seed_profile_has_its_rates_to_the_digit() {
        let seed = profile("seed");
        let shared = seed.pools().filter(|pool| pool.because.is_none());
        let shared: Vec<_> =
            shared.map(|pool| format!("{} {}", pool.name, pool.per_second[0])).collect();
        let expected = "asymmetric 500, generate-data-key 5500, rsa-decrypt 15000, \
                        rsa-encrypt 10000, symmetric-decrypt 10000, symmetric-encrypt 5500";
        assert_eq!(shared.join(", "), expected);
        assert!(!seed.pools().any(|pool| ["symmetric", "rsa"].contains(&pool.name)));
        assert!(seed.note().contains("match no table"));
    }

    #[test]
    fn what_2024_inherits_without_a_mark_is_the_same_before_and_after() {
        let [before, then, after] = ["aws-2023", "aws-2024-07", "aws-2026"].map(profile);
        let source = |pool: &&Pool| pool.because.is_none() && pool.source.contains("2023-05");
        for pool in then.pools().filter(source) {
            for other in [&before, &after] {
                let same = other.pools().find(|candidate| candidate.name == pool.name).unwrap();
                assert_eq!(same.per_second, pool.per_second, "{} {}", other.name, pool.name);
            }
        }
    }

    #[test]
    fn resource_quotas_are_those_of_the_time() {
        assert_eq!(Profile::names().first(), Some(&Profile::DEFAULT));
        assert_eq!(profile(Profile::DEFAULT).limits(), Limits::default());
        assert_eq!(profile("aws-2019-12").limits().keys, 10_000);
        assert_eq!(profile("aws-2017-11").limits().grants_per_key, 2_500);
    }

    #[test]
    fn costs_beyond_one_request_are_noted() {
        let now = profile(Profile::DEFAULT);
        let replicate = now.pools().find(|pool| pool.name == "ReplicateKey").unwrap();
        assert!(replicate.note.as_ref().unwrap().contains("two CreateKey"));
    }

    /// To be reviewed when it changes: how much of each profile AWS does not document, and which
    /// pools those are where they are few, which are not where they are many.
    const ASSUMED: &str = "\
aws-2026: 4 of 58 assumed: pair ML_KEM_1024, pair ML_KEM_512, pair ML_KEM_768, ml-kem
aws-2023: 9 of 59 assumed: pair ECC_NIST_EDWARDS25519, pair ML_KEM_1024, pair ML_KEM_512, \
pair ML_KEM_768, GetKeyLastUsage, ListKeyRotations, RotateKeyOnDemand, ml-dsa, ml-kem
aws-2024-07: 19 of 58 assumed: pair ECC_NIST_EDWARDS25519, pair ECC_NIST_P256, pair \
ECC_NIST_P384, pair ECC_NIST_P521, pair ECC_SECG_P256K1, pair ML_KEM_1024, pair ML_KEM_512, \
pair ML_KEM_768, pair RSA_2048, pair RSA_3072, pair RSA_4096, GetKeyLastUsage, \
GetParametersForImport, ListKeyRotations, RetireGrant, RevokeGrant, RotateKeyOnDemand, \
ml-dsa, ml-kem
aws-2019-12: 13 of 59 assumed: pair ECC_NIST_EDWARDS25519, pair ML_KEM_1024, pair \
ML_KEM_512, pair ML_KEM_768, pair SM2, GetKeyLastUsage, ListKeyRotations, ReplicateKey, \
RotateKeyOnDemand, UpdatePrimaryRegion, ml-dsa, ml-kem, sm2
aws-2018-08: 55 of 59 assumed, not DescribeKey, RetireGrant, RevokeGrant, symmetric
aws-2017-11: 58 of 59 assumed, not symmetric
seed: 53 of 59 assumed, not asymmetric, generate-data-key, rsa-decrypt, rsa-encrypt, \
symmetric-decrypt, symmetric-encrypt
";

    #[test]
    fn the_assumed_figures_are_these() {
        let mut review = String::new();
        for name in Profile::names() {
            let profile = profile(name);
            let (assumed, documented): (Vec<&Pool>, Vec<&Pool>) =
                profile.pools().partition(|pool| pool.because.is_some());
            review += &format!("{name}: {} of {} assumed", assumed.len(), profile.pools().len());
            let few = assumed.len() <= documented.len();
            let (word, listed) = if few { (":", assumed) } else { (", not", documented) };
            let listed: Vec<_> = listed.iter().map(|pool| pool.name).collect();
            review += &format!("{word} {}\n", listed.join(", "));
        }
        assert_eq!(review.replace("GenerateDataKeyPair", "pair"), ASSUMED);
    }

    #[test]
    fn a_broken_file_is_one_clear_error() {
        let good = include_str!("../../data/quotas.toml");
        for (from, to, complaint) in [
            ("CreateKey = 5\n", "CreateKey = 0\n", "profile aws-2026: pool CreateKey: needs"),
            ("CreateKey = 5\n", "CreateKey = 5\nrsa-encrypt = 1\n", "already draws from"),
            ("source = \"2023\"\n", "source = \"2022\"\n", "no source 2022"),
            ("\"ML_DSA_87\"", "\"ML_DSA_88\"", "no key spec ML_DSA_88"),
            ("inherits = \"aws-2026\"", "inherits = \"seed\"", "not a profile above it"),
            ("assumed = true, ", "", "go together"),
            ("[sources]", "[source]", "unknown field `source`"),
        ] {
            assert!(good.contains(from), "{from}");
            let error = load(&good.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(complaint), "{error}");
        }
    }
}
