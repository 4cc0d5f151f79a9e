//! The request quota that throttling is looked at with: the pool of symmetric cryptography, which most of
//! any load draws from, over all accounts and Regions of the load.
//!
//! Which calls draw from it is told by their operation. One that takes keys of several kinds counts as
//! symmetric, as a profile does for a call whose key it does not know.

use crate::outcome::Bar;
use kms_core::ops::Operation;
use kms_core::quota::Profile;
use scenarios::Scenario;

/// The operations that draw from a pool.
#[derive(Clone, Copy, Debug)]
pub struct Pooled([bool; Operation::ALL.len()]);

impl Pooled {
    /// No operation.
    pub const NOTHING: Pooled = Pooled([false; Operation::ALL.len()]);

    /// Whether an operation does.
    #[inline]
    pub fn has(&self, operation: Operation) -> bool {
        self.0[operation as usize]
    }
}

/// The quota of a scenario, and what draws from it.
pub fn bar(scenario: &Scenario) -> Option<(Bar, Pooled)> {
    let profile = Profile::named(&scenario.quota.profile)?;
    let pool = profile.pool(Operation::Encrypt, None)?;
    let regions = scenario.topology.regions.iter();
    let each = regions.map(|region| profile.limit(pool, &region.kms()).per_second);
    let per_second = each.sum::<f64>() * scenario.quota.scale * f64::from(scenario.accounts);
    let mut pooled = Pooled::NOTHING;
    for operation in Operation::ALL {
        pooled.0[*operation as usize] = profile.pool(*operation, None) == Some(pool);
    }
    let (profile_name, pool) = (profile.name().to_owned(), profile.pool_name(pool).to_owned());
    Some((Bar { profile: profile_name, pool, per_second }, pooled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_is_the_symmetric_pool_of_all_regions_as_scaled() {
        let text = "schema = 1\ndescription = 'x'\nquota.scale = 0.01\naccounts.count = 2\n\
            topology.regions = ['us-east-1', 'eu-west-1']\n[[phase]]\nname = 'a'\nduration = '1m'\n";
        let vocabulary = sim::vocabulary::vocabulary();
        let scenario = Scenario::parse("x.toml", text, &[], &vocabulary).unwrap();
        let (bar, pooled) = bar(&scenario).unwrap();
        // 100,000 a second in each of the two largest Regions, for each account, a hundredth of it.
        assert!((bar.per_second - 4_000.0).abs() < 1e-6, "{bar:?}");
        assert!(bar.pool.contains("symmetric"), "{bar:?}");
        let counts = [Operation::Decrypt, Operation::GenerateDataKey, Operation::GenerateRandom];
        assert!(counts.iter().all(|one| pooled.has(*one)));
        assert!(!pooled.has(Operation::CreateKey) && !pooled.has(Operation::DescribeKey));
    }
}
