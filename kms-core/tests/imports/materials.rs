//! Several materials of one key: which is which, and how one follows the other.

use super::world::{
    FIRST, SECOND, THIRD, code, delete, describe, empty_key, open, rotate, rotations, seal, states,
};
use kms_core::ErrorCode;
use kms_core::key::{KeySpec, KeyState, KeyUsage, RotationType};
use kms_core::local::{Local, Parameters};
use kms_core::name::{KeyArn, MaterialId};
use kms_core::ops::import_key_material::Request;
use kms_core::ops::{enable_key_rotation, get_key_rotation_status, list_key_rotations};
use kms_core::wire::{ExpirationModel, ImportState, ImportType, KeyMaterialState};

fn new(request: Request) -> Request {
    Request { import_type: Some(ImportType::New), ..request }
}

fn existing(request: Request) -> Request {
    Request { import_type: Some(ImportType::Existing), ..request }
}

/// A key with its first material.
fn key(local: &mut Local) -> (KeyArn, Parameters, MaterialId) {
    let key = empty_key(local);
    let parameters = local.parameters(key).expect("no refusal");
    let id = local.import(key, parameters.wrap(&FIRST)).expect("no refusal");
    (key, parameters, id)
}

#[test]
fn a_new_material_waits_for_its_rotation_and_old_ciphertexts_open_for_ever() {
    let mut local = Local::single_region();
    let (key, parameters, first) = key(&mut local);
    let old = seal(&mut local, key, "old").unwrap();
    let second = local.import(key, new(parameters.wrap(&SECOND))).unwrap();
    assert_eq!(describe(&mut local, key).current_key_material_id, Some(first));
    let [current, pending] = &rotations(&mut local, key)[..] else { panic!("two materials") };
    assert_eq!(current.key_material_state, KeyMaterialState::Current);
    assert_eq!(pending.key_material_state, KeyMaterialState::PendingRotation);
    assert_eq!((pending.key_material_id, pending.rotation_date), (second, None));
    assert_eq!(pending.import_state, Some(ImportState::Imported));
    assert_eq!(pending.expiration_model, Some(ExpirationModel::DoesNotExpire));

    rotate(&mut local, key).unwrap();
    assert_eq!(describe(&mut local, key).current_key_material_id, Some(second));
    let [before, now] = &rotations(&mut local, key)[..] else { panic!("two materials") };
    assert_eq!(before.key_material_state, KeyMaterialState::NonCurrent);
    assert_eq!(now.key_material_state, KeyMaterialState::Current);
    assert_eq!(now.rotation_type, Some(RotationType::OnDemand));
    assert_eq!(now.rotation_date, Some(local.now()));
    assert_eq!(open(&mut local, key.region, &old).unwrap(), "old");
}

#[test]
fn only_rotations_are_listed_unless_all_is_asked_for() {
    let mut local = Local::single_region();
    let (key, parameters, _) = key(&mut local);
    local.import(key, new(parameters.wrap(&SECOND))).unwrap();
    let listed = |local: &mut Local| match local.call(list_key_rotations::Request::new(key)) {
        Ok(kms_core::ops::Response::ListKeyRotations(response)) => response.rotations.0.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!(listed(&mut local), 0);
    rotate(&mut local, key).unwrap();
    assert_eq!(listed(&mut local), 1);
}

#[test]
fn one_material_at_a_time_awaits_rotation_and_another_may_take_its_place() {
    let mut local = Local::single_region();
    let (key, parameters, _) = key(&mut local);
    assert_eq!(code(rotate(&mut local, key)), ErrorCode::KmsInvalidState, "nothing to rotate to");
    let second = local.import(key, new(parameters.wrap(&SECOND))).unwrap();
    let third = local.import(key, new(parameters.wrap(&THIRD)));
    assert_eq!(code(third), ErrorCode::KmsInvalidState);
    assert_eq!(delete(&mut local, key, Some(second)), Ok(Some(second)));
    assert_eq!(describe(&mut local, key).key_state, KeyState::Enabled);
    assert_eq!(states(&mut local, key), [KeyMaterialState::Current]);
    assert_eq!(code(delete(&mut local, key, Some(second))), ErrorCode::NotFound);
    local.import(key, new(parameters.wrap(&THIRD))).unwrap();
    rotate(&mut local, key).unwrap();
    let again = local.import(key, existing(parameters.wrap(&SECOND)));
    assert_eq!(code(again), ErrorCode::IncorrectKeyMaterial, "it never belonged to the key");
}

#[test]
fn what_belongs_to_a_key_is_not_new_to_it_and_what_does_not_is_not_known() {
    let mut local = Local::single_region();
    let empty = empty_key(&mut local);
    let unknown = local.parameters(empty).unwrap().wrap(&FIRST);
    let unknown = local.import(empty, existing(unknown));
    assert_eq!(code(unknown), ErrorCode::IncorrectKeyMaterial);
    let (key, parameters, _) = key(&mut local);
    let again = local.import(key, new(parameters.wrap(&FIRST)));
    assert_eq!(code(again), ErrorCode::IncorrectKeyMaterial);
    let unknown = local.import(key, existing(parameters.wrap(&SECOND)));
    assert_eq!(code(unknown), ErrorCode::IncorrectKeyMaterial);
}

#[test]
fn a_material_can_be_named_and_must_then_be_the_one() {
    let mut local = Local::single_region();
    let (key, parameters, first) = key(&mut local);
    let named = |id, request| Request { key_material_id: Some(id), ..request };
    local.import(key, named(first, parameters.wrap(&FIRST))).unwrap();
    let other = local.import(key, named(MaterialId([5; 32]), parameters.wrap(&FIRST)));
    assert_eq!(code(other), ErrorCode::IncorrectKeyMaterial);
    let both = local.import(key, new(named(first, parameters.wrap(&SECOND))));
    assert_eq!(code(both), ErrorCode::Validation);
}

#[test]
fn an_older_material_that_is_deleted_takes_the_key_with_it() {
    let mut local = Local::single_region();
    let (key, parameters, first) = key(&mut local);
    let old = seal(&mut local, key, "old").unwrap();
    local.import(key, new(parameters.wrap(&SECOND))).unwrap();
    rotate(&mut local, key).unwrap();
    delete(&mut local, key, Some(first)).unwrap();
    assert_eq!(describe(&mut local, key).key_state, KeyState::PendingImport);
    assert_eq!(code(seal(&mut local, key, "new")), ErrorCode::KmsInvalidState);
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    assert_eq!(open(&mut local, key.region, &old).unwrap(), "old");
    let tokens = local.journal().tokens().len();
    assert_eq!(tokens, 2);
}

#[test]
fn a_description_stays_until_another_import_says_otherwise() {
    let mut local = Local::single_region();
    let (key, parameters, _) = key(&mut local);
    let described = |local: &mut Local| {
        let text = rotations(local, key).remove(0).key_material_description;
        text.map(|text| text.as_str().to_owned())
    };
    assert_eq!(described(&mut local), None);
    let says = |text: &str| Some(kms_core::wire::KeyMaterialDescription::from(text));
    for (said, shown) in [(says("of 2026"), "of 2026"), (None, "of 2026"), (says("x"), "x")] {
        let request = Request { key_material_description: said, ..parameters.wrap(&FIRST) };
        local.import(key, request).unwrap();
        assert_eq!(described(&mut local).as_deref(), Some(shown));
    }
}

#[test]
fn a_key_rotates_to_imported_material_twenty_five_times() {
    let mut local = Local::single_region();
    let (key, parameters, _) = key(&mut local);
    let first = seal(&mut local, key, "first").unwrap();
    for round in 10..35 {
        local.import(key, new(parameters.wrap(&[round; 32]))).unwrap();
        rotate(&mut local, key).unwrap();
    }
    local.import(key, new(parameters.wrap(&[99; 32]))).unwrap();
    assert_eq!(code(rotate(&mut local, key)), ErrorCode::LimitExceeded);
    assert_eq!(open(&mut local, key.region, &first).unwrap(), "first");
}

#[test]
fn imported_keys_do_not_rotate_by_themselves() {
    let mut local = Local::single_region();
    let (key, ..) = key(&mut local);
    let enabled = local.call(enable_key_rotation::Request::new(key));
    assert_eq!(code(enabled), ErrorCode::UnsupportedOperation);
    let status = local.call(get_key_rotation_status::Request { key_id: key.into() }).unwrap();
    let kms_core::ops::Response::GetKeyRotationStatus(status) = status else { panic!() };
    assert!(!status.key_rotation_enabled);
    assert_eq!(status.on_demand_rotation_start_date, None);
}

#[test]
fn other_keys_have_one_material_for_life() {
    let mut local = Local::single_region();
    let key = local.create_key_to_import(KeySpec::Hmac256, KeyUsage::GenerateVerifyMac);
    let parameters = local.parameters(key).unwrap();
    for request in [new(parameters.wrap(&FIRST)), existing(parameters.wrap(&FIRST))] {
        assert_eq!(code(local.import(key, request)), ErrorCode::UnsupportedOperation);
    }
    let id = local.import(key, parameters.wrap(&FIRST)).unwrap();
    assert_eq!(local.import(key, parameters.wrap(&FIRST)), Ok(id));
    let other = local.import(key, parameters.wrap(&SECOND));
    assert_eq!(code(other), ErrorCode::IncorrectKeyMaterial);
    assert_eq!(code(rotate(&mut local, key)), ErrorCode::UnsupportedOperation);
}
