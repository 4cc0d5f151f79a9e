//! Request quotas: which pool a request draws from, how much a pool admits, and the counting.
//!
//! AWS counts per account and Region in one-second intervals (AWS KMS Developer Guide, Request
//! quotas). How the hosts of a Region share a pool is not documented; here every host owns a fixed
//! share of each interval, so that the hosts together admit exactly the quota without talking.

mod profile;

pub use profile::{Pool, PoolId, PoolLimit, Profile, RegionClass};

use crate::key::KeySpec;
use crate::key_store::KeyStoreId;
use crate::name::{AccountId, RegionName};
use crate::ops::Operation;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Resource quotas: how many of something there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Customer managed keys of an account in a Region.
    pub keys: u64,
    /// Aliases of a key.
    pub aliases_per_key: u64,
    /// Grants on a key.
    pub grants_per_key: u64,
    /// Rotations on demand in a key's life.
    pub on_demand_rotations: u32,
    /// Bytes of a key policy.
    pub policy_bytes: usize,
    /// Custom key stores of an account in a Region, of both kinds and in any state.
    pub custom_key_stores: u64,
    /// Bytes of an encryption context, keys and values together. AWS KMS documents no such limit; the
    /// default is what is commonly said of it, unverified. So a profile may leave it out.
    #[serde(default = "encryption_context_bytes")]
    pub encryption_context_bytes: usize,
}

fn encryption_context_bytes() -> usize {
    8_192
}

impl Default for Limits {
    /// The documented quotas of 2026, and what stands for the one that is not documented.
    fn default() -> Limits {
        Limits {
            keys: 100_000,
            aliases_per_key: 50,
            grants_per_key: 50_000,
            on_demand_rotations: 25,
            policy_bytes: 32_768,
            custom_key_stores: 10,
            encryption_context_bytes: encryption_context_bytes(),
        }
    }
}

/// What a request draws from a quota, known once its key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The account that sent the request, whoever owns the key.
    pub account: AccountId,
    /// The operation.
    pub operation: Operation,
    /// The spec of the key, which decides between the shared pools; for a data key pair, the spec of
    /// the pair, for each has a pool of its own.
    pub key_spec: Option<KeySpec>,
}

/// How much: so many in each interval. Less than one a second is one in several seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Admitted in each interval; at least one.
    pub count: u64,
    /// The interval.
    pub interval: Duration,
}

impl Rate {
    /// The rate that admits `per_second` requests a second, counted in whole requests.
    pub fn per_second(per_second: f64) -> Rate {
        let second = Duration::from_secs(1);
        if per_second >= 1.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "positive"
            )]
            return Rate { count: (per_second + 1e-9) as u64, interval: second };
        }
        Rate { count: 1, interval: second.div_f64(per_second.max(1e-6)) }
    }

    /// So many times as much in each interval, and at least one.
    #[must_use]
    pub fn times(self, factor: f64) -> Rate {
        if factor == 1.0 {
            return self;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive")]
        let count = (self.count as f64 * factor + 1e-9) as u64;
        Rate { count: count.max(1), ..self }
    }

    /// Requests a second.
    pub fn to_per_second(self) -> f64 {
        self.count as f64 / self.interval.as_secs_f64()
    }
}

/// A host's share of its Region's quotas: the `index`th of `of` hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which host, from 0.
    pub index: u64,
    /// How many hosts.
    pub of: u64,
}

impl Share {
    /// The whole quota, for a single host.
    pub const ALL: Share = Share { index: 0, of: 1 };

    /// How many of `count` requests are this host's in an interval. The requests of all intervals are
    /// numbered through and dealt to the hosts in turn: the shares of an interval add up to `count`,
    /// and over time every host gets the same.
    fn in_interval(self, interval: u64, count: u64) -> u64 {
        let first = (interval % self.of) * (count % self.of) % self.of;
        let mine = (self.index + self.of - first) % self.of;
        if mine < count { 1 + (count - 1 - mine) / self.of } else { 0 }
    }
}

/// What was admitted in the interval that last had a request.
#[derive(Clone, Copy, Default)]
struct Counted {
    interval: u64,
    admitted: u64,
}

impl Counted {
    /// Counts one more in an interval, if it is within the share.
    fn admit(&mut self, interval: u64, share: u64) -> bool {
        if self.interval != interval {
            *self = Counted { interval, admitted: 0 };
        }
        let fits = self.admitted < share;
        self.admitted += u64::from(fits);
        fits
    }
}

/// Counts what a host admits, in volatile memory.
#[derive(Clone)]
pub struct Meter {
    profile: Option<Arc<Profile>>,
    scale: f64,
    share: Share,
    /// The rates of the pools in this Region, by [`PoolId::index`].
    rates: Box<[Rate]>,
    /// What they are multiplied by for the time being.
    factor: f64,
    /// The rate of each custom key store.
    key_store_rate: Option<Rate>,
    /// One count a custom key store.
    key_stores: BTreeMap<KeyStoreId, Counted>,
    /// When this host last restarted and forgot what it had admitted.
    restarted: Option<Duration>,
    /// One count a pool, so that only an account's first request allocates.
    counted: BTreeMap<AccountId, Box<[Counted]>>,
    /// What was admitted since the shell last asked.
    admitted: Vec<(AccountId, PoolId)>,
    refused: Option<Refused>,
}

impl Meter {
    /// No request quota at all.
    pub fn off() -> Meter {
        Meter {
            profile: None,
            scale: 1.0,
            share: Share::ALL,
            rates: Box::default(),
            factor: 1.0,
            key_store_rate: None,
            key_stores: BTreeMap::new(),
            restarted: None,
            counted: BTreeMap::new(),
            admitted: Vec::new(),
            refused: None,
        }
    }

    /// The quotas of a profile, multiplied by `scale`, of which this host has a share.
    pub fn new(profile: Arc<Profile>, region: RegionName, scale: f64, share: Share) -> Meter {
        let class = profile.class(&region);
        let limits = profile.pools().map(|pool| pool.limit(class).per_second * scale);
        let rates = limits.map(Rate::per_second).collect();
        let key_store_rate = Some(Rate::per_second(profile.key_store_per_second() * scale));
        let profile = Some(profile);
        Meter { profile, scale, share, rates, key_store_rate, ..Meter::off() }
    }

    /// Forgets everything, as a restart does. What was admitted in the running interval is unknown,
    /// so each pool starts with its next interval.
    pub fn restart(&mut self, monotonic: Duration) {
        self.counted.clear();
        self.key_stores.clear();
        self.restarted = Some(monotonic);
    }

    /// The pool a charge draws from; none is unlimited.
    pub fn pool(&self, charge: &Charge) -> Option<PoolId> {
        self.profile.as_ref()?.pool(charge.operation, charge.key_spec)
    }

    /// How much a pool admits in this Region, all hosts together.
    pub fn rate(&self, pool: PoolId) -> Option<Rate> {
        self.rates.get(pool.index()).map(|rate| rate.times(self.factor))
    }

    /// The quotas are so many times what they were at first, from now on. What was admitted counts on.
    pub fn multiply(&mut self, factor: f64) {
        self.factor = factor;
    }

    /// Whether one more request of the charge's account fits the running interval, and counts it.
    pub fn admit(&mut self, charge: &Charge, pool: PoolId, monotonic: Duration) -> bool {
        let Some(rate) = self.rate(pool) else {
            return true;
        };
        let Some((interval, share)) = self.share_at(rate, monotonic) else {
            self.refused = Some(Refused::Pool(pool));
            return false;
        };
        let pools = self.rates.len();
        let counted = self.counted.entry(charge.account);
        let counted = counted.or_insert_with(|| vec![Counted::default(); pools].into());
        let fits = counted[pool.index()].admit(interval, share);
        match fits {
            true => self.admitted.push((charge.account, pool)),
            false => self.refused = Some(Refused::Pool(pool)),
        }
        fits
    }

    /// Whether one more request of anybody fits the running interval of a custom key store, and counts
    /// it.
    pub fn admit_key_store(&mut self, store: KeyStoreId, monotonic: Duration) -> bool {
        let Some(rate) = self.key_store_rate else { return true };
        let share = self.share_at(rate, monotonic);
        let counted = self.key_stores.entry(store).or_default();
        let fits = share.is_some_and(|(interval, share)| counted.admit(interval, share));
        if !fits {
            self.refused = Some(Refused::KeyStore);
        }
        fits
    }

    /// The running interval of a rate and this host's share of it; none in the interval of a restart.
    fn share_at(&self, rate: Rate, monotonic: Duration) -> Option<(u64, u64)> {
        let interval = interval_at(monotonic, rate.interval);
        let lost = self.restarted.is_some_and(|at| interval <= interval_at(at, rate.interval));
        (!lost).then(|| (interval, self.share.in_interval(interval, rate.count)))
    }

    /// The requests admitted since the last time this was asked, by account and pool.
    pub fn take_admitted(&mut self) -> Vec<(AccountId, &'static str)> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let admitted = self.admitted.drain(..);
        admitted.map(|(account, pool)| (account, profile.pool_name(pool))).collect()
    }

    /// What refused a request last: a pool by its name, or `key-store` for the rate of a custom one.
    pub fn last_refused(&self) -> Option<&'static str> {
        match self.refused? {
            Refused::Pool(pool) => Some(self.profile.as_ref()?.pool_name(pool)),
            Refused::KeyStore => Some("key-store"),
        }
    }
}

/// What refused a request.
#[derive(Clone, Copy, Debug)]
enum Refused {
    Pool(PoolId),
    KeyStore,
}

/// The number of the interval a moment falls into.
pub fn interval_at(monotonic: Duration, interval: Duration) -> u64 {
    u64::try_from(monotonic.as_nanos() / interval.as_nanos().max(1)).unwrap_or(u64::MAX)
}

impl std::fmt::Debug for Meter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Meter(×{}, {:?})", self.scale, self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_in_every_interval_and_even_out() {
        for (count, of) in [(1, 2), (5, 2), (3, 4), (1000, 7)] {
            let mut totals = [0; 7];
            for interval in 0..700 {
                let shares: Vec<u64> =
                    (0..of).map(|index| Share { index, of }.in_interval(interval, count)).collect();
                assert_eq!(shares.iter().sum::<u64>(), count);
                for (total, share) in totals.iter_mut().zip(shares) {
                    *total += share;
                }
            }
            let used = &totals[..usize::try_from(of).unwrap()];
            assert!(used.iter().max().unwrap() - used.iter().min().unwrap() <= 1, "{used:?}");
        }
    }

    #[test]
    fn shares_of_extreme_counts_do_not_overflow() {
        let share = |interval, count| Share { index: 1, of: 3 }.in_interval(interval, count);
        assert_eq!(share(u64::MAX, u64::MAX), u64::MAX / 3);
        assert_eq!(share(u64::MAX, 1) + share(1, 1), 1);
    }

    #[test]
    fn fractions_are_one_request_in_several_seconds() {
        assert_eq!(Rate::per_second(0.25), Rate { count: 1, interval: Duration::from_secs(4) });
        assert_eq!(Rate::per_second(0.29 * 100.0).count, 29);
    }

    /// The operation of that name. One that this build lacks is stood in for by `instead`, which has
    /// to draw from the same pool.
    fn operation(name: &str, instead: Operation) -> Operation {
        Operation::parse(name).unwrap_or(instead)
    }

    fn meter(profile: &str, region: &str) -> Meter {
        let region = RegionName::parse(region).unwrap();
        Meter::new(Profile::named(profile).unwrap(), region, 1.0, Share::ALL)
    }

    /// How many of `count` requests are admitted at that moment.
    fn admitted(
        meter: &mut Meter,
        (operation, key_spec): (Operation, Option<KeySpec>),
        count: u64,
        milliseconds: u64,
    ) -> u64 {
        let charge = Charge { account: AccountId::new(111_122_223_333), operation, key_spec };
        let pool = meter.pool(&charge).unwrap();
        let now = Duration::from_millis(milliseconds);
        (0..count).map(|_| u64::from(meter.admit(&charge, pool, now))).sum()
    }

    const AES: Option<KeySpec> = Some(KeySpec::SymmetricDefault);
    const RSA: Option<KeySpec> = Some(KeySpec::Rsa2048);

    #[test]
    fn symmetric_operations_share_one_pool() {
        let mut small = meter("aws-2026", "eu-north-1");
        assert_eq!(admitted(&mut small, (Operation::GenerateDataKey, AES), 7000, 0), 7000);
        assert_eq!(admitted(&mut small, (Operation::Decrypt, AES), 2000, 999), 2000);
        assert_eq!(admitted(&mut small, (Operation::GenerateDataKey, AES), 9500, 1000), 9500);
        assert_eq!(admitted(&mut small, (Operation::Encrypt, AES), 1000, 1999), 500);
        assert_eq!(admitted(&mut small, (Operation::GenerateRandom, None), 1, 1999), 0);
        assert_eq!(admitted(&mut small, (Operation::GenerateRandom, None), 1, 2000), 1);
    }

    #[test]
    fn rsa_operations_share_another_pool_up_to_exactly_its_quota() {
        let sign = operation("Sign", Operation::Encrypt);
        let verify = operation("Verify", Operation::Encrypt);
        for (profile, counts) in
            [("aws-2026", [400, 200, 250, 150]), ("aws-2023", [200, 100, 50, 150])]
        {
            let mut meter = meter(profile, "eu-north-1");
            let operations = [Operation::Encrypt, Operation::Decrypt, sign, verify];
            for (operation, count) in operations.into_iter().zip(counts) {
                assert_eq!(admitted(&mut meter, (operation, RSA), count, 500), count);
            }
            assert_eq!(admitted(&mut meter, (verify, RSA), 1, 500), 0, "{profile}");
            assert_eq!(admitted(&mut meter, (Operation::Encrypt, AES), 1, 500), 1, "{profile}");
        }
    }

    #[test]
    fn quotas_are_independent_of_each_other() {
        let mut meter = meter("aws-2026", "us-east-1");
        assert_eq!(admitted(&mut meter, (Operation::CreateAlias, AES), 9, 0), 5);
        assert_eq!(admitted(&mut meter, (Operation::CreateKey, None), 9, 0), 5);
        assert_eq!(admitted(&mut meter, (Operation::Encrypt, AES), 100_001, 0), 100_000);
        assert_eq!(admitted(&mut meter, (Operation::EnableKey, AES), 9, 0), 5);
        let other = Charge {
            account: AccountId::new(444_455_556_666),
            operation: Operation::CreateAlias,
            key_spec: AES,
        };
        let pool = meter.pool(&other).unwrap();
        assert!(meter.admit(&other, pool, Duration::ZERO), "each account has its own count");
    }

    #[test]
    fn a_restarted_host_waits_for_the_next_interval_of_each_pool() {
        let mut meter = meter("aws-2026", "us-east-1");
        assert_eq!(admitted(&mut meter, (Operation::CreateKey, None), 3, 1500), 3);
        meter.restart(Duration::from_millis(1600));
        assert_eq!(admitted(&mut meter, (Operation::CreateKey, None), 1, 1999), 0);
        assert_eq!(admitted(&mut meter, (Operation::CreateKey, None), 9, 2000), 5);
        meter.restart(Duration::ZERO);
        assert_eq!(admitted(&mut meter, (Operation::CreateKey, None), 1, 999), 0);
    }

    #[test]
    fn slow_pools_restart_with_their_own_interval() {
        let region = RegionName::parse("us-east-1").unwrap();
        let profile = Profile::named("aws-2026").unwrap();
        let mut meter = Meter::new(profile, region, 0.02, Share::ALL);
        assert_eq!(admitted(&mut meter, (Operation::CreateKey, None), 9, 0), 1);
        meter.restart(Duration::from_secs(1));
        assert_eq!(admitted(&mut meter, (Operation::CreateKey, None), 9, 9_999), 0);
        assert_eq!(admitted(&mut meter, (Operation::CreateKey, None), 9, 10_000), 1);
    }

    #[test]
    fn hosts_together_admit_exactly_the_quota() {
        let region = RegionName::parse("us-east-1").unwrap();
        let profile = Profile::named("aws-2026").unwrap();
        let hosts = (0..3).map(|index| Share { index, of: 3 });
        let each = hosts.map(|share| {
            let mut meter = Meter::new(profile.clone(), region, 1.0, share);
            admitted(&mut meter, (Operation::CreateKey, None), 9, 7_000)
        });
        assert_eq!(each.sum::<u64>(), 5);
    }

    #[test]
    fn each_custom_key_store_has_a_count_of_its_own() {
        let mut meter = meter("aws-2026", "us-east-1");
        let (one, other) = (KeyStoreId::new([1; 9]), KeyStoreId::new([2; 9]));
        let mut admitted = |store, millis| {
            let at = Duration::from_millis(millis);
            (0..2000).filter(|_| meter.admit_key_store(store, at)).count()
        };
        assert_eq!([admitted(one, 0), admitted(other, 0)], [1800, 1800]);
        assert_eq!([admitted(one, 999), admitted(one, 1000)], [0, 1800]);
        assert!(Meter::off().admit_key_store(one, Duration::ZERO));
    }

    #[test]
    fn without_a_profile_nothing_is_counted() {
        let charge =
            Charge { account: AccountId::new(1), operation: Operation::CreateKey, key_spec: None };
        assert_eq!(Meter::off().pool(&charge), None);
    }
}
