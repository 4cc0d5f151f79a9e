//! The request quotas that a load is held against: which pools its calls draw from, and how much those
//! admit, over all accounts and Regions of the load.
//!
//! What kind of key a call uses is told by the algorithm that it names. A call that names none counts as
//! symmetric, as it does in a profile.

use crate::gather::Gathered;
use crate::outcome::Quota;
use kms_core::key::KeySpec;
use kms_core::ops::Request;
use kms_core::quota::{PoolId, Profile};
use scenarios::Scenario;
use std::sync::Arc;

/// How many pools a profile may have.
pub(crate) const MOST_POOLS: usize = 128;

/// The pools of a scenario's profile.
pub struct Pools {
    profile: Arc<Profile>,
    /// Calls a second, pool by pool.
    limits: Vec<f64>,
}

impl Pools {
    /// The pools of a scenario, scaled as it says.
    pub fn of(scenario: &Scenario) -> Option<Pools> {
        let profile = Profile::named(&scenario.quota.profile)?;
        let times = scenario.quota.scale * f64::from(scenario.accounts);
        let regions: Vec<_> =
            scenario.topology.regions.iter().map(scenarios::RegionName::kms).collect();
        let limit = |pool: &kms_core::quota::Pool| {
            let each = regions.iter().map(|region| pool.limit(profile.class(region)).per_second);
            each.sum::<f64>() * times
        };
        let limits = profile.pools().map(limit).collect();
        Some(Pools { profile, limits })
    }

    /// The pools that a request draws from, by their position in the profile; a ReEncrypt between keys of
    /// two kinds draws from two.
    pub fn drawn(&self, request: &Request) -> impl Iterator<Item = usize> + use<> {
        let operation = request.operation();
        let (one, other) = specs(request);
        let one = self.profile.pool(operation, one);
        let other = other.and_then(|spec| self.profile.pool(operation, Some(spec)));
        let other = other.filter(|other| Some(*other) != one);
        one.into_iter().chain(other).map(PoolId::index)
    }

    /// The pools that were drawn from, those of which the largest share was used first; `calls` is of one
    /// second, pool by pool.
    pub fn busiest(&self, calls: &[u64]) -> Vec<Quota> {
        let mut used: Vec<_> = self.used(calls).collect();
        used.sort_by(|(_, one), (_, other)| other.busiest.total_cmp(&one.busiest));
        used.into_iter().map(|(_, quota)| quota).collect()
    }

    /// The pools that a whole run drew from, in the order of the profile. Its samples keep these alone.
    pub(crate) fn sum_up(&self, gathered: &mut Gathered) -> Vec<Quota> {
        let used: Vec<_> = self.used(gathered.whole.pooled()).collect();
        for sample in &mut gathered.samples {
            sample.pooled = used.iter().map(|(pool, _)| sample.pooled[*pool]).collect();
        }
        let quotas = used.into_iter().enumerate().map(|(number, (_, mut quota))| {
            let rates = gathered
                .samples
                .iter()
                .map(|sample| sample.pooled[number] as f64 / sample.seconds / quota.per_second);
            quota.busiest = rates.fold(0.0, f64::max);
            quota
        });
        quotas.collect()
    }

    fn used(&self, calls: &[u64]) -> impl Iterator<Item = (usize, Quota)> {
        let pools = self.profile.pools().zip(&self.limits).zip(calls).enumerate();
        pools.filter(|(_, (_, calls))| **calls > 0).map(|(position, ((pool, limit), calls))| {
            let quota = Quota {
                profile: self.profile.name().to_owned(),
                pool: pool.name.to_owned(),
                per_second: *limit,
                calls: *calls,
                busiest: *calls as f64 / limit,
            };
            (position, quota)
        })
    }
}

/// A key spec of the kind that a request uses, where it says so, and a second one where it uses two keys.
fn specs(request: &Request) -> (Option<KeySpec>, Option<KeySpec>) {
    let first = |fits: &dyn Fn(KeySpec) -> bool| KeySpec::ALL.iter().copied().find(|s| fits(*s));
    let encrypts = |algorithm: Option<_>| {
        first(&|spec| algorithm.is_some_and(|one| spec.encryption_algorithms().contains(&one)))
    };
    let signs = |algorithm| first(&|spec| spec.signing_algorithms().contains(&algorithm));
    let one = match request {
        Request::Decrypt(request) => encrypts(request.encryption_algorithm),
        Request::DeriveSharedSecret(request) => first(&|spec| {
            spec.key_agreement_algorithms().contains(&request.key_agreement_algorithm)
        }),
        Request::Decapsulate(request) => first(&|spec| {
            spec.encapsulation_algorithms().contains(&request.encapsulation_algorithm)
        }),
        Request::Encapsulate(request) => first(&|spec| {
            spec.encapsulation_algorithms().contains(&request.encapsulation_algorithm)
        }),
        Request::Encrypt(request) => encrypts(request.encryption_algorithm),
        Request::GenerateDataKeyPair(request) => Some(request.key_pair_spec.key_spec()),
        Request::GenerateDataKeyPairWithoutPlaintext(request) => {
            Some(request.key_pair_spec.key_spec())
        }
        Request::ReEncrypt(request) => {
            let source = encrypts(request.source_encryption_algorithm);
            let destination = encrypts(request.destination_encryption_algorithm);
            return (source, Some(destination.unwrap_or(KeySpec::SymmetricDefault)));
        }
        Request::Sign(request) => signs(request.signing_algorithm),
        Request::Verify(request) => signs(request.signing_algorithm),
        _ => None,
    };
    (one, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Sample;
    use crate::recorder::Recorder;
    use kms_core::algorithm::{EncryptionAlgorithm, SigningAlgorithm};
    use kms_core::name::KeyId;
    use kms_core::ops::{create_key, decrypt, describe_key, re_encrypt, sign};
    use kms_core::wire::{CiphertextBlob, GrantTokens, KeyRef};

    fn pools() -> Pools {
        let text = "schema = 1\ndescription = 'x'\nquota.scale = 0.01\naccounts.count = 2\n\
            topology.regions = ['us-east-1', 'eu-west-1']\n[[phase]]\nname = 'a'\nduration = '1m'\n";
        let vocabulary = sim::vocabulary::vocabulary();
        Pools::of(&Scenario::parse("x.toml", text, &[], &vocabulary).unwrap()).unwrap()
    }

    fn key() -> KeyRef {
        KeyId::single_region([0; 16]).into()
    }

    fn blob() -> CiphertextBlob {
        CiphertextBlob(vec![1; 8].into())
    }

    /// The names of the pools that a request draws from.
    fn names(request: impl Into<Request>) -> Vec<String> {
        let pools = pools();
        let mut calls = [0; MOST_POOLS];
        pools.drawn(&request.into()).for_each(|pool| calls[pool] += 1);
        pools.used(&calls).map(|(_, quota)| quota.pool).collect()
    }

    #[test]
    fn what_a_request_names_tells_its_pool() {
        let symmetric = ["symmetric"];
        assert_eq!(names(decrypt::Request::new(blob())), symmetric);
        assert_eq!(names(create_key::Request::default()), ["CreateKey"]);
        let grant_tokens = GrantTokens::default();
        assert_eq!(names(describe_key::Request { key_id: key(), grant_tokens }), ["DescribeKey"]);
        let signed = |algorithm| names(sign::Request::new(key(), vec![1], algorithm));
        assert_eq!(signed(SigningAlgorithm::RsassaPssSha512), ["rsa"]);
        assert_eq!(signed(SigningAlgorithm::EcdsaSha256), ["ecc-and-sm2"]);
        let mut between = re_encrypt::Request::new(blob(), key());
        assert_eq!(names(between.clone()), symmetric);
        between.source_encryption_algorithm = Some(EncryptionAlgorithm::RsaesOaepSha256);
        assert_eq!(names(between), ["rsa", "symmetric"]);
    }

    #[test]
    fn every_profile_fits_and_limits_are_of_all_regions_as_scaled() {
        for name in Profile::names() {
            assert!(Profile::named(name).unwrap().pools().len() <= MOST_POOLS, "{name}");
        }
        let pools = pools();
        let mut calls = [0; MOST_POOLS];
        calls[pools.drawn(&create_key::Request::default().into()).next().unwrap()] = 2;
        calls[pools.drawn(&decrypt::Request::new(blob()).into()).next().unwrap()] = 400;
        let busiest = pools.busiest(&calls);
        assert_eq!(busiest[0].pool, "CreateKey", "it admits least: {busiest:?}");
        // 100,000 a second in each of the two largest Regions, for each account, a hundredth of it.
        assert!((busiest[1].per_second - 4_000.0).abs() < 1e-6, "{busiest:?}");
        assert!((busiest[1].busiest - 0.1).abs() < 1e-9, "{busiest:?}");
    }

    #[test]
    fn a_run_keeps_the_pools_it_drew_from_and_their_busiest_interval() {
        let pools = pools();
        let pool = pools.drawn(&create_key::Request::default().into()).next().unwrap();
        let (mut whole, mut samples) = (Recorder::new(), Vec::new());
        for (second, calls) in (0..).zip([0, 3, 1]) {
            let mut recorder = Recorder::new();
            (0..calls).for_each(|_| recorder.draw(pool));
            samples.push(Sample::of(second, 0.0, &recorder));
            whole.add(&recorder);
        }
        let mut gathered = Gathered { whole, samples };
        let [quota] = &pools.sum_up(&mut gathered)[..] else { panic!("one pool") };
        assert_eq!((quota.pool.as_str(), quota.calls), ("CreateKey", 4));
        assert!((quota.busiest - 3.0 / quota.per_second).abs() < 1e-9, "{quota:?}");
        let kept: Vec<_> = gathered.samples.iter().map(|sample| sample.pooled.clone()).collect();
        assert_eq!(kept, [[0], [3], [1]]);
    }
}
