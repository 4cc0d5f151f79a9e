//! Multi-Region keys: replicated, used everywhere, moved, removed.

use std::time::Duration;

use kms_core::name::{KeyArn, KeyIdentifier, RegionName};
use kms_core::ops::describe_key::KeyMetadata;
use kms_core::ops::{
    Request, Response, describe_key, replicate_key, rotate_key_on_demand, schedule_key_deletion,
    update_primary_region,
};
use kms_core::wire::GrantTokens;

use super::WorkloadKind;
use super::book::KeyBook;
use super::generator::{Draw, Generator, Moment, Planned};
use super::ring::{Ring, index};
use super::seat::{NewKey, Seat, window};
use super::weights::mix;
use super::weights::pick;
use crate::kind::DaysIn;
use crate::reader::Entry;
use crate::reader::Reader;

/// Replicate keys, use primaries and replicas, move primaries, delete replicas.
#[derive(Debug, Clone, PartialEq)]
pub struct MultiRegion {
    /// Weight: createKey of a multi-Region primary.
    pub create: u32,
    /// Weight: replicateKey.
    pub replicate: u32,
    /// Weight: updatePrimaryRegion.
    pub update_primary: u32,
    /// Weight: scheduleKeyDeletion of a replica.
    pub delete_replica: u32,
    /// Weight: scheduleKeyDeletion of a primary.
    pub delete_primary: u32,
    /// Weight: describeKey, which shows who changed a set.
    pub describe: u32,
    /// Weight: encrypt in one Region.
    pub encrypt: u32,
    /// Weight: decrypt in another.
    pub decrypt: u32,
    /// Weight: rotateKeyOnDemand of a primary.
    pub rotate: u32,
    /// The waiting period of scheduled deletions.
    pub window: Duration,
}

pub(super) const INFO: Entry<WorkloadKind> = Entry {
    name: "multi-region",
    doc: "Replicate keys, use primaries and replicas, move primaries, delete replicas.",
    read: |reader| WorkloadKind::MultiRegion(MultiRegion::read(reader)),
};

impl MultiRegion {
    fn read(reader: &mut Reader<'_, '_>) -> Self {
        let [
            create,
            replicate,
            update_primary,
            delete_replica,
            delete_primary,
            describe,
            encrypt,
            decrypt,
            rotate,
        ] = mix(
            reader,
            [
                ("create", 1, "CreateKey of a multi-Region primary."),
                ("replicate", 2, "ReplicateKey."),
                ("update_primary", 1, "UpdatePrimaryRegion."),
                ("delete_replica", 1, "ScheduleKeyDeletion of a replica."),
                ("delete_primary", 0, "ScheduleKeyDeletion of a primary."),
                ("describe", 1, "DescribeKey, which shows who changed a set."),
                ("encrypt", 4, "Encrypt in one Region."),
                ("decrypt", 4, "Decrypt in another."),
                ("rotate", 0, "RotateKeyOnDemand of a primary."),
            ],
        );
        Self {
            create,
            replicate,
            update_primary,
            delete_replica,
            delete_primary,
            describe,
            encrypt,
            decrypt,
            rotate,
            window: reader.or(
                "window",
                &DaysIn { min: 7, max: 30 },
                "7d",
                "The waiting period of scheduled deletions.",
            ),
        }
    }
}

/// The plaintexts are short: it is where they are encrypted that matters.
const PLAINTEXT: usize = 32;

/// One client.
pub(super) struct Client {
    parameters: MultiRegion,
    seat: Seat,
    sets: Ring<Set>,
}

/// A set of multi-Region keys, as far as the client knows: others may have changed it.
#[derive(Debug, Clone, PartialEq)]
struct Set {
    primary: KeyArn,
    replicas: Vec<RegionName>,
}

impl Set {
    fn replica(&self, draw: &mut dyn Draw) -> Option<KeyArn> {
        let region = *self.replicas.get(index(self.replicas.len(), draw))?;
        Some(KeyArn { region, ..self.primary })
    }

    /// A Region where the set has no key yet.
    fn free_region(&self, book: &KeyBook, draw: &mut dyn Draw) -> Option<RegionName> {
        let has = |region| region == self.primary.region || self.replicas.contains(&region);
        let free: Vec<_> = book.regions().iter().filter(|region| !has(**region)).collect();
        free.get(index(free.len(), draw)).map(|region| **region)
    }

    fn of(metadata: &KeyMetadata) -> Option<Set> {
        let set = metadata.multi_region_configuration.as_ref()?;
        let replicas = set.replica_keys.0.iter().map(|replica| replica.arn.region);
        Some(Set { primary: set.primary_key.arn, replicas: replicas.collect() })
    }
}

impl Client {
    pub(super) fn new(parameters: &MultiRegion, seat: Seat, sets: Vec<Vec<KeyArn>>) -> Client {
        let mut client = Client { parameters: parameters.clone(), seat, sets: Ring::default() };
        for set in sets {
            if let [primary, replicas @ ..] = &set[..] {
                let replicas = replicas.iter().map(|arn| arn.region).collect();
                client.sets.push(Set { primary: *primary, replicas });
            }
        }
        client
    }

    fn weights(&self) -> [u32; 9] {
        let p = &self.parameters;
        [
            p.create,
            p.decrypt,
            p.encrypt,
            p.describe,
            p.replicate,
            p.update_primary,
            p.delete_replica,
            p.delete_primary,
            p.rotate,
        ]
    }

    /// The call that an action comes to for a set; nothing when the set has no key for it.
    fn act(&self, action: usize, set: &Set, moment: &mut Moment<'_>) -> Option<Planned> {
        let primary = set.primary;
        Some(match action {
            4 => {
                let region = set.free_region(moment.book, moment.draw)?;
                let request = replicate_key::Request::new(primary, region);
                self.seat.admin_in(primary.region, request)
            }
            5 => {
                let primary_region = set.replica(moment.draw)?.region.as_str().into();
                let key_id = primary.into();
                let request = update_primary_region::Request { key_id, primary_region };
                self.seat.admin_in(primary.region, request)
            }
            6 => self.delete(set.replica(moment.draw)?),
            7 => self.delete(primary),
            8 => {
                let request = rotate_key_on_demand::Request { key_id: primary.into() };
                self.seat.admin_in(primary.region, request)
            }
            _ => return None,
        })
    }

    fn delete(&self, key: KeyArn) -> Planned {
        let (key_id, pending_window_in_days) = (key.into(), window(self.parameters.window));
        let request = schedule_key_deletion::Request { key_id, pending_window_in_days };
        self.seat.admin_in(key.region, request)
    }

    /// Encrypts with any key of the set, or looks at it.
    fn use_any(&self, action: usize, set: &Set, draw: &mut dyn Draw) -> Planned {
        let replicas = draw.below(set.replicas.len() as u64 + 1) > 0;
        let replica = if replicas { set.replica(draw) } else { None };
        let key = replica.unwrap_or(set.primary);
        if action == 3 {
            let (key_id, grant_tokens) = (key.into(), GrantTokens::default());
            return self.seat.admin_in(key.region, describe_key::Request { key_id, grant_tokens });
        }
        self.seat.admin_in(key.region, self.seat.encrypt(key, PLAINTEXT, draw))
    }

    /// The primary of a set has moved, and a replica is where it was.
    fn moved(&mut self, request: &update_primary_region::Request) {
        let Ok(KeyIdentifier::Arn(key)) = request.key_id.parse() else { return };
        let Some(to) = RegionName::parse(request.primary_region.as_str()) else { return };
        self.update(key, |set| {
            let from = std::mem::replace(&mut set.primary.region, to);
            set.replicas.retain(|region| *region != to);
            set.replicas.push(from);
        });
    }

    /// Corrects what the client knows of a set.
    fn update(&mut self, key: KeyArn, change: impl FnOnce(&mut Set)) {
        if let Some(set) = self.sets.iter_mut().find(|set| set.primary.id == key.id) {
            change(set);
        }
    }
}

impl Generator for Client {
    fn next(&mut self, moment: &mut Moment<'_>) -> Planned {
        let action = pick(self.weights(), moment.draw);
        if action == 1
            && let Some(planned) = self.seat.decrypt(1.0, moment.draw)
        {
            return planned;
        }
        let Some(set) = self.sets.pick(moment.draw).filter(|_| action > 0) else {
            return self.seat.create_key(NewKey::MultiRegion);
        };
        self.act(action, set, moment).unwrap_or_else(|| self.use_any(action, set, moment.draw))
    }

    fn kept(&self) -> Vec<Planned> {
        self.seat.kept()
    }

    fn learn(&mut self, planned: &Planned, result: &kms_core::Result<Response>) {
        self.seat.learn(planned, result);
        match (&*planned.request, result) {
            (_, Ok(Response::CreateKey(response))) => {
                let primary = response.key_metadata.arn;
                self.sets.push(Set { primary, replicas: Vec::new() });
            }
            (_, Ok(Response::DescribeKey(response))) => {
                if let Some(seen) = Set::of(&response.key_metadata) {
                    self.update(seen.primary, |set| *set = seen.clone());
                }
            }
            (_, Ok(Response::ReplicateKey(response))) => {
                let replica = response.replica_key_metadata.arn;
                self.update(replica, |set| {
                    if !set.replicas.contains(&replica.region) {
                        set.replicas.push(replica.region);
                    }
                });
            }
            (Request::UpdatePrimaryRegion(request), Ok(_)) => self.moved(request),
            (Request::ScheduleKeyDeletion(_), Ok(Response::ScheduleKeyDeletion(response))) => {
                let key = response.key_id;
                self.update(key, |set| set.replicas.retain(|region| *region != key.region));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Run;
    use kms_core::ops::Operation;

    #[test]
    fn sets_are_made_extended_moved_used_and_reduced() {
        let run = Run::of("multi-region", "", 300);
        run.uses(&[
            "CreateKey",
            "Decrypt",
            "DescribeKey",
            "Encrypt",
            "ReplicateKey",
            "ScheduleKeyDeletion",
            "UpdatePrimaryRegion",
        ]);
        let regions: std::collections::BTreeSet<_> =
            run.calls.iter().map(|(planned, _)| planned.region).collect();
        assert_eq!(regions.len(), 2);
    }

    #[test]
    fn a_primary_that_has_moved_is_moved_on_from_where_it_is() {
        let only = "mix = { create = 0, replicate = 0, delete_replica = 0, describe = 0, encrypt = 0, decrypt = 0 }";
        let run = Run::of("multi-region", only, 40);
        let moves = run.calls.iter().filter(|(_, result)| result.is_ok());
        let from: Vec<_> = moves.map(|(planned, _)| planned.region.as_str()).collect();
        assert!(from.len() > 9, "{from:?}");
        assert!(from.windows(2).all(|two| two[0] != two[1]), "{from:?}");
    }

    #[test]
    fn primaries_rotate_if_asked_for() {
        let run = Run::of("multi-region", "mix = { rotate = 4 }", 300);
        assert!(run.operations().contains(&Operation::RotateKeyOnDemand));
        assert!(run.succeeds(Operation::RotateKeyOnDemand));
    }

    #[test]
    fn primaries_are_deleted_only_if_asked_for() {
        let settings = "mix = { delete_replica = 0, encrypt = 0, decrypt = 0 }";
        let run = Run::of("multi-region", settings, 100);
        assert!(run.operations().iter().all(|operation| operation.name() != "ScheduleKeyDeletion"));
    }
}
