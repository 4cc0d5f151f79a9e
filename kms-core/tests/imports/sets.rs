//! Imported material in the Regions of a set: each is given it for itself, and the primary says which.

use super::world::{
    FIRST, SECOND, THIRD, code, delete, describe, open, region, rotate, rotations, seal, states,
};
use kms_core::ErrorCode;
use kms_core::key::KeyState;
use kms_core::local::Local;
use kms_core::name::KeyArn;
use kms_core::ops::import_key_material::Request;
use kms_core::ops::{replicate_key, update_primary_region};
use kms_core::wire::{ImportState, ImportType, KeyMaterialDescription, KeyMaterialState};
use std::time::Duration;

use KeyMaterialState::{
    Current, NonCurrent, PendingMultiRegionImportAndRotation as PendingEverywhere, PendingRotation,
};

const A_WHILE: Duration = Duration::from_secs(10);

struct Set {
    local: Local,
    primary: KeyArn,
    replicas: Vec<KeyArn>,
}

impl Set {
    /// A primary with its first material, and two replicas without.
    fn new() -> Set {
        let mut local = Local::regions(&["us-east-1", "eu-west-1", "ap-northeast-1"]);
        let primary = local.create_primary_to_import();
        let mut set = Set { local, primary, replicas: Vec::new() };
        set.give(primary, &FIRST);
        for name in ["eu-west-1", "ap-northeast-1"] {
            let there = region(name);
            set.local.call(replicate_key::Request::new(primary, there)).expect("no refusal");
            set.replicas.push(KeyArn { region: there, ..primary });
        }
        set.settle();
        set
    }

    fn settle(&mut self) {
        self.local.advance(A_WHILE);
    }

    fn give(&mut self, key: KeyArn, material: &[u8]) {
        let request = self.local.parameters(key).expect("no refusal").wrap(material);
        self.local.import(key, request).expect("no refusal");
    }

    fn give_all(&mut self, material: &[u8]) {
        for replica in self.replicas.clone() {
            self.give(replica, material);
        }
        self.settle();
    }

    fn announce(&mut self, material: &[u8]) {
        let key = self.primary;
        let request = self.local.parameters(key).expect("no refusal").wrap(material);
        self.local
            .import(key, Request { import_type: Some(ImportType::New), ..request })
            .expect("no refusal");
        self.settle();
    }

    fn states(&mut self, key: KeyArn) -> Vec<KeyMaterialState> {
        states(&mut self.local, key)
    }
}

#[test]
fn a_replica_begins_without_material_and_takes_only_that_of_its_primary() {
    let mut set = Set::new();
    let (primary, replica) = (set.primary, set.replicas[0]);
    let blob = seal(&mut set.local, primary, "everywhere").unwrap();
    let empty = describe(&mut set.local, replica);
    assert_eq!(empty.key_state, KeyState::PendingImport);
    let parameters = set.local.parameters(replica).unwrap();
    let other = set.local.import(replica, parameters.wrap(&SECOND));
    assert_eq!(code(other), ErrorCode::IncorrectKeyMaterial);
    let new = Request { import_type: Some(ImportType::New), ..parameters.wrap(&SECOND) };
    assert_eq!(code(set.local.import(replica, new)), ErrorCode::UnsupportedOperation);
    let described = Request {
        key_material_description: Some(KeyMaterialDescription::from("mine")),
        ..parameters.wrap(&FIRST)
    };
    assert_eq!(code(set.local.import(replica, described)), ErrorCode::UnsupportedOperation);

    let id = set.local.import(replica, parameters.wrap(&FIRST)).unwrap();
    let full = describe(&mut set.local, replica);
    assert_eq!(full.key_state, KeyState::Enabled);
    assert_eq!(full.current_key_material_id, Some(id));
    assert_eq!(open(&mut set.local, replica.region, &blob).unwrap(), "everywhere");
}

#[test]
fn no_imported_material_travels_between_regions() {
    let mut set = Set::new();
    let elsewhere = |set: &Set| -> usize {
        set.replicas.iter().map(|key| set.local.journal_of(key.region).tokens().len()).sum()
    };
    assert_eq!(elsewhere(&set), 0);
    set.announce(&SECOND);
    assert_eq!(elsewhere(&set), 0);
}

#[test]
fn a_new_material_becomes_current_once_every_region_has_it() {
    let mut set = Set::new();
    set.give_all(&FIRST);
    let (primary, replicas) = (set.primary, set.replicas.clone());
    set.announce(&SECOND);
    assert_eq!(set.states(primary), [Current, PendingEverywhere]);
    assert_eq!(set.states(replicas[0]), [Current, PendingEverywhere]);
    let waiting = rotations(&mut set.local, replicas[0]).remove(1);
    assert_eq!(waiting.import_state, Some(ImportState::PendingImport));
    assert_eq!(describe(&mut set.local, replicas[0]).key_state, KeyState::Enabled);
    assert_eq!(code(rotate(&mut set.local, primary)), ErrorCode::KmsInvalidState);

    set.give(replicas[0], &SECOND);
    set.settle();
    assert_eq!(set.states(replicas[0]), [Current, PendingRotation]);
    assert_eq!(set.states(primary), [Current, PendingEverywhere]);
    assert_eq!(code(rotate(&mut set.local, primary)), ErrorCode::KmsInvalidState);
    assert_eq!(code(rotate(&mut set.local, replicas[0])), ErrorCode::UnsupportedOperation);
    set.give(replicas[1], &SECOND);
    set.settle();
    assert_eq!(set.states(primary), [Current, PendingRotation]);

    rotate(&mut set.local, primary).unwrap();
    let sealed = seal(&mut set.local, primary, "new").unwrap();
    for replica in &replicas {
        let opened = open(&mut set.local, replica.region, &sealed);
        assert_eq!(opened.unwrap(), "new", "also before the replica has heard of the rotation");
    }
    set.settle();
    for key in [primary, replicas[0], replicas[1]] {
        assert_eq!(set.states(key), [NonCurrent, Current]);
        assert_eq!(describe(&mut set.local, key).key_state, KeyState::Enabled);
    }
}

#[test]
fn a_replica_that_loses_the_waiting_material_holds_the_rotation_up() {
    let mut set = Set::new();
    set.give_all(&FIRST);
    set.announce(&SECOND);
    set.give_all(&SECOND);
    let (primary, replica) = (set.primary, set.replicas[0]);
    let id = rotations(&mut set.local, replica)[1].key_material_id;
    delete(&mut set.local, replica, Some(id)).unwrap();
    set.settle();
    assert_eq!(set.states(replica), [Current, PendingEverywhere]);
    assert_eq!(set.states(set.replicas[1]), [Current, PendingRotation]);
    assert_eq!(set.states(primary), [Current, PendingEverywhere]);
    assert_eq!(code(rotate(&mut set.local, primary)), ErrorCode::KmsInvalidState);
    set.give(replica, &SECOND);
    set.settle();
    rotate(&mut set.local, primary).unwrap();
}

#[test]
fn deleting_the_waiting_material_of_the_primary_deletes_it_everywhere() {
    let mut set = Set::new();
    set.give_all(&FIRST);
    set.announce(&SECOND);
    set.give_all(&SECOND);
    let primary = set.primary;
    let id = rotations(&mut set.local, primary)[1].key_material_id;
    delete(&mut set.local, primary, Some(id)).unwrap();
    set.settle();
    for key in [primary, set.replicas[0], set.replicas[1]] {
        assert_eq!(set.states(key), [Current]);
        assert_eq!(set.local.journal_of(key.region).tokens().len(), 1);
        assert_eq!(describe(&mut set.local, key).key_state, KeyState::Enabled);
    }
    set.announce(&THIRD);
    assert_eq!(set.states(primary), [Current, PendingEverywhere], "old reports do not count");
}

#[test]
fn each_region_loses_its_material_for_itself() {
    let mut set = Set::new();
    set.give_all(&FIRST);
    let (primary, replicas) = (set.primary, set.replicas.clone());
    delete(&mut set.local, replicas[0], None).unwrap();
    set.settle();
    assert_eq!(describe(&mut set.local, replicas[0]).key_state, KeyState::PendingImport);
    for key in [primary, replicas[1]] {
        assert_eq!(describe(&mut set.local, key).key_state, KeyState::Enabled);
    }
    delete(&mut set.local, primary, None).unwrap();
    set.settle();
    assert_eq!(describe(&mut set.local, replicas[1]).key_state, KeyState::Enabled);
}

#[test]
fn the_waiting_goes_on_under_another_primary() {
    let mut set = Set::new();
    set.give_all(&FIRST);
    set.announce(&SECOND);
    set.give(set.replicas[1], &SECOND);
    set.settle();
    let (old, new) = (set.primary, set.replicas[0]);
    let request = update_primary_region::Request {
        key_id: old.into(),
        primary_region: new.region.as_str().into(),
    };
    set.local.call(request).unwrap();
    set.settle();
    assert_eq!(set.states(new), [Current, PendingEverywhere], "it lacks the material itself");
    set.give(new, &SECOND);
    set.settle();
    assert_eq!(set.states(new), [Current, PendingRotation]);
    rotate(&mut set.local, new).unwrap();
    set.settle();
    assert_eq!(set.states(old), [NonCurrent, Current]);
}

#[test]
fn a_replica_that_comes_late_must_be_given_everything() {
    let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
    let primary = local.create_primary_to_import();
    let early = local.call(replicate_key::Request::new(primary, region("eu-west-1")));
    assert_eq!(code(early), ErrorCode::KmsInvalidState, "nothing to replicate");
    let parameters = local.parameters(primary).unwrap();
    local.import(primary, parameters.wrap(&FIRST)).unwrap();
    let second = Request { import_type: Some(ImportType::New), ..parameters.wrap(&SECOND) };
    local.import(primary, second).unwrap();
    rotate(&mut local, primary).unwrap();
    let old = seal(&mut local, primary, "late").unwrap();
    local.call(replicate_key::Request::new(primary, region("eu-west-1"))).unwrap();
    local.advance(A_WHILE);
    let replica = KeyArn { region: region("eu-west-1"), ..primary };
    let there = local.parameters(replica).unwrap();
    local.import(replica, there.wrap(&SECOND)).unwrap();
    assert_eq!(code(open(&mut local, replica.region, &old)), ErrorCode::KmsInvalidState);
    local.import(replica, there.wrap(&FIRST)).unwrap();
    assert_eq!(open(&mut local, replica.region, &old).unwrap(), "late");
}
