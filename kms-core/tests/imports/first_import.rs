//! A key without material, its first import, its deletion and its return.

use super::world::{FIRST, SECOND, code, delete, describe, empty_key, open, seal};
use kms_core::ErrorCode;
use kms_core::key::{KeySpec, KeyState, Origin};
use kms_core::local::Local;
use kms_core::name::MaterialId;
use kms_core::ops::{
    cancel_key_deletion, create_key, delete_imported_key_material, disable_key,
    schedule_key_deletion,
};
use kms_core::wire::ExpirationModel;

#[test]
fn a_key_begins_without_material_and_works_with_it() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let empty = describe(&mut local, key);
    assert_eq!((empty.key_state, empty.enabled), (KeyState::PendingImport, false));
    assert_eq!((empty.origin, empty.expiration_model), (Origin::External, None));
    assert_eq!(empty.current_key_material_id, None);
    assert_eq!(code(seal(&mut local, key, "early")), ErrorCode::KmsInvalidState);

    let parameters = local.parameters(key).unwrap();
    assert_eq!(parameters.response().key_id, key);
    let id = local.import(key, parameters.wrap(&FIRST)).unwrap();
    let full = describe(&mut local, key);
    assert_eq!((full.key_state, full.enabled), (KeyState::Enabled, true));
    assert_eq!(full.current_key_material_id, Some(id));
    assert_eq!(full.expiration_model, Some(ExpirationModel::DoesNotExpire));
    assert_eq!(full.valid_to, None);
    let blob = seal(&mut local, key, "now").unwrap();
    assert_eq!(open(&mut local, key.region, &blob).unwrap(), "now");
}

#[test]
fn the_same_bytes_come_back_under_the_same_id_and_others_do_not_come() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    let id = local.import(key, parameters.wrap(&FIRST)).unwrap();
    let blob = seal(&mut local, key, "kept").unwrap();

    assert_eq!(delete(&mut local, key, None), Ok(Some(id)));
    assert_eq!(describe(&mut local, key).key_state, KeyState::PendingImport);
    assert_eq!(code(open(&mut local, key.region, &blob)), ErrorCode::KmsInvalidState);
    let other = local.import(key, parameters.wrap(&SECOND));
    assert_eq!(code(other), ErrorCode::IncorrectKeyMaterial);

    assert_eq!(local.import(key, parameters.wrap(&FIRST)), Ok(id));
    assert_eq!(describe(&mut local, key).key_state, KeyState::Enabled);
    assert_eq!(open(&mut local, key.region, &blob).unwrap(), "kept");
    assert_eq!(local.import(key, parameters.wrap(&FIRST)), Ok(id), "while it is there, too");
    assert_eq!(local.journal().tokens().len(), 1, "the token before is erased");
}

#[test]
fn the_same_bytes_have_another_id_in_another_key() {
    let mut local = Local::single_region();
    let ids: Vec<MaterialId> = (0..2)
        .map(|_| {
            let key = empty_key(&mut local);
            let parameters = local.parameters(key).unwrap();
            local.import(key, parameters.wrap(&FIRST)).unwrap()
        })
        .collect();
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn what_is_deleted_already_may_be_deleted_again_and_what_never_was_may_not() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    assert_eq!(delete(&mut local, key, None), Ok(None), "nothing to delete");
    let parameters = local.parameters(key).unwrap();
    let id = local.import(key, parameters.wrap(&FIRST)).unwrap();
    for _ in 0..2 {
        assert_eq!(delete(&mut local, key, Some(id)), Ok(Some(id)));
    }
    let unknown = delete(&mut local, key, Some(MaterialId([9; 32])));
    assert_eq!(code(unknown), ErrorCode::NotFound);
}

#[test]
fn a_key_of_aws_kms_takes_no_part_in_imports() {
    let mut local = Local::single_region();
    let key = local.create_key();
    assert_eq!(code(local.parameters(key)), ErrorCode::UnsupportedOperation);
    assert_eq!(code(delete(&mut local, key, None)), ErrorCode::UnsupportedOperation);
    let empty = empty_key(&mut local);
    let request = local.parameters(empty).unwrap().wrap(&FIRST);
    let elsewhere = kms_core::ops::import_key_material::Request { key_id: key.into(), ..request };
    assert_eq!(code(local.import(key, elsewhere)), ErrorCode::UnsupportedOperation);
}

#[test]
fn a_disabled_key_that_lost_its_material_is_enabled_by_its_return() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    local.call(disable_key::Request { key_id: key.into() }).unwrap();
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    assert_eq!(describe(&mut local, key).key_state, KeyState::Disabled, "it lacked nothing");
    delete(&mut local, key, None).unwrap();
    assert_eq!(describe(&mut local, key).key_state, KeyState::PendingImport);
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    assert_eq!(describe(&mut local, key).key_state, KeyState::Enabled);
}

#[test]
fn a_dying_key_loses_material_and_goes_on_dying() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    let deletion =
        schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
    local.call(deletion).unwrap();
    delete(&mut local, key, None).unwrap();
    assert_eq!(describe(&mut local, key).key_state, KeyState::PendingDeletion);
    let refused = local.import(key, parameters.wrap(&FIRST));
    assert_eq!(code(refused), ErrorCode::KmsInvalidState);
    local.call(cancel_key_deletion::Request { key_id: key.into() }).unwrap();
    assert_eq!(describe(&mut local, key).key_state, KeyState::Disabled);
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    assert_eq!(describe(&mut local, key).key_state, KeyState::Enabled);
}

#[test]
fn lattice_keys_are_not_made_for_imports() {
    let mut local = Local::single_region();
    for spec in KeySpec::ALL.iter().copied().filter(|spec| !spec.is_importable()) {
        let request = create_key::Request {
            key_spec: Some(spec),
            key_usage: spec.usages().first().copied(),
            origin: Some(Origin::External),
            ..Default::default()
        };
        assert_eq!(code(local.call(request)), ErrorCode::UnsupportedOperation, "{spec}");
    }
}

#[test]
fn imports_name_keys_by_id_and_arn_that_exist() {
    let mut local = Local::single_region();
    let missing = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let request = delete_imported_key_material::Request::new(kms_core::wire::KeyRef::new(missing));
    assert_eq!(code(local.call(request)), ErrorCode::NotFound);
    let malformed = kms_core::wire::KeyRef::new("arn:aws:kms:nowhere");
    let request = delete_imported_key_material::Request::new(malformed);
    assert_eq!(code(local.call(request)), ErrorCode::InvalidArn);
}
