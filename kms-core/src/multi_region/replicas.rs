//! The replicas of a set, as their primary knows them.
//!
//! News of a replica may arrive long after it is gone, when its Region has another one. Between the
//! two lies a deletion window, seven days at least (AWS KMS API Reference, `ScheduleKeyDeletion`), far
//! more than any two clocks differ by; so the time of its creation says which replica is meant.

use crate::env::Timestamp;
use crate::key::{Key, MultiRegion, Primary};
use crate::name::RegionName;
use crate::record::record;
use std::collections::BTreeMap;

/// A replica, as its primary knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replica {
    /// When it was created, by the clock of its own Region.
    pub created: Timestamp,
    /// The last shared version it acknowledged.
    pub version: u64,
}

/// The replicas of a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    present: BTreeMap<RegionName, Replica>,
    /// When the last replica was created that a Region had and has no more.
    departed: BTreeMap<RegionName, Timestamp>,
}

record!(struct Replica { created, version });
record!(struct Replicas { present, departed });

impl Replicas {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.present.is_empty()
    }

    /// The replica in a Region.
    pub fn get(&self, region: RegionName) -> Option<Replica> {
        self.present.get(&region).copied()
    }

    /// Where they are, by name.
    pub fn regions(&self) -> impl Iterator<Item = RegionName> + '_ {
        self.present.keys().copied()
    }

    /// Where and which, by name of the Region.
    pub fn iter(&self) -> impl Iterator<Item = (RegionName, Replica)> + '_ {
        self.present.iter().map(|(region, replica)| (*region, *replica))
    }

    /// Notes a replica; whether that is news. One that is gone already stays gone.
    pub fn register(&mut self, region: RegionName, replica: Replica) -> bool {
        let known = self.present.get(&region).map(|known| known.created);
        let newest = known.max(self.departed.get(&region).copied());
        let news = newest.is_none_or(|newest| newest < replica.created);
        if news {
            self.present.insert(region, replica);
        }
        news
    }

    /// Notes that a replica is gone; whether that is news.
    pub fn forget(&mut self, region: RegionName, created: Timestamp) -> bool {
        let departed = self.departed.entry(region).or_insert(created);
        *departed = created.max(*departed);
        let meant = |known: &Replica| known.created <= created;
        let news = self.present.get(&region).is_some_and(meant);
        if news {
            self.present.remove(&region);
        }
        news
    }

    /// Notes what that very replica has taken over; whether it is still there.
    pub fn acknowledge(&mut self, region: RegionName, told: Replica) -> bool {
        let known = self.present.get_mut(&region).filter(|known| known.created == told.created);
        let there = known.is_some();
        if let Some(known) = known {
            known.version = known.version.max(told.version);
        }
        there
    }

    /// As the successor will know them: without itself, with the primary that hands over.
    pub fn handed_over(
        &self,
        successor: RegionName,
        here: RegionName,
        primary: Replica,
    ) -> Replicas {
        let mut replicas = self.clone();
        replicas.present.remove(&successor);
        replicas.present.insert(here, primary);
        replicas
    }
}

impl Primary {
    /// Notes a replica, of which every other one is to hear; whether that is news.
    pub(crate) fn register(&mut self, region: RegionName, replica: Replica) -> bool {
        let news = self.replicas.register(region, replica);
        self.shared_version += u64::from(news);
        news
    }

    /// Notes that a replica is gone, of which every other one is to hear; whether that is news.
    pub(crate) fn forget(&mut self, region: RegionName, created: Timestamp) -> bool {
        let news = self.replicas.forget(region, created);
        if news {
            self.holdings.remove(&region);
            self.shared_version += 1;
        }
        news
    }
}

impl Key {
    /// Hears, as a replica, that the primary is elsewhere by now: the two have changed places. Whether
    /// that is news; of its own promotion it hears in another way.
    pub(crate) fn follow(&mut self, to: RegionName) -> bool {
        let Some(MultiRegion::Replica { primary, replicas, .. }) = &mut self.multi_region else {
            return false;
        };
        let news = *primary != to && self.arn.region != to;
        if news {
            let before = std::mem::replace(primary, to);
            if replicas.remove(&to) {
                replicas.insert(before);
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::Local;

    fn europe() -> RegionName {
        RegionName::parse("eu-west-1").unwrap()
    }

    fn replica(created: u64, version: u64) -> Replica {
        Replica { created: Timestamp::from_seconds(created), version }
    }

    fn one(created: u64, version: u64) -> Replicas {
        let mut replicas = Replicas::default();
        assert!(replicas.register(europe(), replica(created, version)));
        replicas
    }

    #[test]
    fn late_news_of_a_departure_spares_the_next_replica() {
        let mut replicas = one(10, 1);
        assert!(replicas.register(europe(), replica(20, 2)));
        assert!(!replicas.forget(europe(), Timestamp::from_seconds(10)));
        assert_eq!(replicas.get(europe()), Some(replica(20, 2)));
        assert!(replicas.forget(europe(), Timestamp::from_seconds(20)));
        assert!(replicas.is_empty());
    }

    #[test]
    fn a_replica_that_is_gone_does_not_come_back_by_an_old_message() {
        let mut replicas = one(10, 1);
        assert!(replicas.forget(europe(), Timestamp::from_seconds(10)));
        assert!(!replicas.register(europe(), replica(10, 1)));
        assert!(replicas.is_empty());
        assert!(replicas.register(europe(), replica(20, 1)));
    }

    #[test]
    fn a_departure_may_be_heard_of_before_the_arrival() {
        let mut replicas = Replicas::default();
        assert!(!replicas.forget(europe(), Timestamp::from_seconds(10)));
        assert!(!replicas.register(europe(), replica(10, 1)));
        assert!(replicas.is_empty());
    }

    #[test]
    fn only_the_replica_that_took_it_over_is_said_to_have_it() {
        let mut replicas = one(10, 1);
        assert!(replicas.acknowledge(europe(), replica(10, 4)));
        assert!(replicas.acknowledge(europe(), replica(10, 3)));
        assert_eq!(replicas.get(europe()), Some(replica(10, 4)));
        assert!(replicas.register(europe(), replica(20, 2)));
        assert!(!replicas.acknowledge(europe(), replica(10, 5)));
        assert_eq!(replicas.get(europe()), Some(replica(20, 2)));
    }

    #[test]
    fn comings_and_goings_are_shared_once() {
        let mut primary = Primary::default();
        for _ in 0..2 {
            primary.register(europe(), replica(10, 0));
            assert_eq!(primary.shared_version, 1);
        }
        for _ in 0..2 {
            primary.forget(europe(), Timestamp::from_seconds(10));
            assert_eq!(primary.shared_version, 2);
        }
    }

    #[test]
    fn a_replica_that_hears_of_another_primary_swaps_the_two() {
        let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
        let key = local.create_key();
        let mut key = Key::clone(&local.key(key));
        let [old, new] = ["eu-central-1", "eu-west-1"].map(|name| RegionName::parse(name).unwrap());
        assert!(!key.follow(new), "it is no replica");
        key.multi_region = Some(MultiRegion::Replica {
            primary: old,
            shared_version: 0,
            owes_report: false,
            replicas: [new, key.arn.region].into(),
        });
        let before = key.clone();
        assert!(!key.follow(old) && !key.follow(key.arn.region));
        assert!(key == before);
        assert!(key.follow(new));
        let Some(MultiRegion::Replica { primary, replicas, .. }) = &key.multi_region else {
            panic!()
        };
        assert_eq!((*primary, replicas), (new, &[old, key.arn.region].into()));
    }
}
