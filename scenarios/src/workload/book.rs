//! The keys and aliases that exist from the start, as the genesis of a run writes them down and as
//! every client may read them.

use std::collections::BTreeMap;

use kms_core::name::{AccountId, AliasArn, AliasName, KeyArn, RegionName};

use crate::schema::{KeyGroup, KeyName, KeySelector};

/// What exists when the storm begins.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyBook {
    regions: Vec<RegionName>,
    accounts: Vec<AccountId>,
    /// Of each key, its ARN in every Region; of a multi-Region key, the primary first.
    keys: BTreeMap<(KeyGroup, u32), Vec<KeyArn>>,
    aliases: BTreeMap<(AccountId, RegionName), Vec<AliasName>>,
}

impl KeyBook {
    /// A book without keys.
    ///
    /// # Panics
    /// Without a Region or without an account; a scenario has at least one of each.
    pub fn new(regions: Vec<RegionName>, accounts: Vec<AccountId>) -> KeyBook {
        assert!(!regions.is_empty(), "a scenario has at least one Region");
        assert!(!accounts.is_empty(), "a scenario has at least one account");
        KeyBook { regions, accounts, keys: BTreeMap::new(), aliases: BTreeMap::new() }
    }

    /// The Regions, in the order of the topology.
    pub fn regions(&self) -> &[RegionName] {
        &self.regions
    }

    /// The accounts that share the load.
    pub fn accounts(&self) -> &[AccountId] {
        &self.accounts
    }

    /// The account that the key of this number belongs to: keys go round the accounts.
    pub fn owner(&self, number: u32) -> AccountId {
        self.accounts[number as usize % self.accounts.len()]
    }

    /// Writes down a key. The primary of a multi-Region key comes before its replicas.
    pub fn add_key(&mut self, group: KeyGroup, number: u32, arn: KeyArn) {
        self.keys.entry((group, number)).or_default().push(arn);
    }

    /// Writes down an alias.
    pub fn add_alias(&mut self, alias: AliasArn) {
        self.aliases.entry((alias.account, alias.region)).or_default().push(alias.name);
    }

    /// The key of this group and number in a Region.
    pub fn key(&self, group: KeyGroup, number: u32, region: RegionName) -> Option<KeyArn> {
        let everywhere = self.keys.get(&(group, number))?;
        everywhere.iter().find(|arn| arn.region == region).copied()
    }

    /// Every key by the name that explicit calls have for it, in each Region it is in.
    pub fn names(&self) -> impl Iterator<Item = (KeyName, KeyArn)> {
        self.keys.iter().flat_map(|((group, number), arns)| {
            arns.iter().map(|arn| (KeyName::from_the_start(*group, *number), *arn))
        })
    }

    /// The keys that selectors mean in a Region; without selectors, all.
    pub fn selected(&self, selectors: &[KeySelector], region: RegionName) -> Vec<KeyArn> {
        let meant = self.keys.iter().filter(|(name, _)| {
            selectors.is_empty() || selectors.iter().any(|selector| means(*selector, **name))
        });
        meant
            .filter_map(|(_, arns)| arns.iter().find(|arn| arn.region == region).copied())
            .collect()
    }

    /// The multi-Region keys of an account that selectors mean, each with its primary first.
    pub fn sets(&self, selectors: &[KeySelector], account: AccountId) -> Vec<Vec<KeyArn>> {
        let sets = self.keys.iter().filter(|(name, arns)| {
            let meant = selectors.is_empty() || selectors.iter().any(|one| means(*one, **name));
            meant && name.0 == KeyGroup::MultiRegion && arns.iter().all(|a| a.account == account)
        });
        sets.map(|(_, arns)| arns.clone()).collect()
    }

    /// The aliases of an account in a Region.
    pub fn aliases(&self, account: AccountId, region: RegionName) -> &[AliasName] {
        self.aliases.get(&(account, region)).map_or(&[], Vec::as_slice)
    }
}

fn means(selector: KeySelector, (group, number): (KeyGroup, u32)) -> bool {
    match selector {
        KeySelector::Group(meant) => meant == group,
        KeySelector::One(meant, one) => (meant, one) == (group, number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kms_core::name::KeyId;

    fn book() -> KeyBook {
        let regions = ["us-east-1", "eu-west-1"].map(|name| RegionName::parse(name).unwrap());
        let accounts = [AccountId::new(1), AccountId::new(2)];
        let mut book = KeyBook::new(regions.to_vec(), accounts.to_vec());
        for number in 0..3_u8 {
            let account = book.owner(number.into());
            for region in regions {
                let id = KeyId::multi_region([number; 16]);
                book.add_key(KeyGroup::MultiRegion, number.into(), KeyArn { region, account, id });
            }
        }
        book
    }

    #[test]
    fn selectors_mean_keys_of_one_region() {
        let book = book();
        let here = book.regions()[1];
        let one = [KeySelector::One(KeyGroup::MultiRegion, 2)];
        assert_eq!(book.selected(&[], here).len(), 3);
        assert_eq!(book.selected(&one, here), [book.key(KeyGroup::MultiRegion, 2, here).unwrap()]);
        assert_eq!(book.selected(&[KeySelector::Group(KeyGroup::Symmetric)], here), []);
        assert!(book.selected(&[], here).iter().all(|arn| arn.region == here));
    }

    #[test]
    fn keys_go_round_the_accounts() {
        let book = book();
        let sets = |account| book.sets(&[], AccountId::new(account));
        assert_eq!((sets(1).len(), sets(2).len()), (2, 1));
        assert!(sets(1).iter().all(|set| set[0].region == book.regions()[0]));
    }
}
