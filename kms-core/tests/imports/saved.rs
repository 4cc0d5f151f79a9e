//! Keys that were saved from deletion: disabled, whether or not their material is here.

use super::world::{FIRST, SECOND, delete, describe, empty_key, seal};
use kms_core::env::Timestamp;
use kms_core::key::{DAY, KeyState};
use kms_core::local::Local;
use kms_core::name::KeyArn;
use kms_core::ops::{
    cancel_key_deletion, disable_key, enable_key, import_key_material, schedule_key_deletion,
};
use kms_core::wire::ImportType;

fn schedule(local: &mut Local, key: KeyArn) {
    let request =
        schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days: None };
    local.call(request).expect("a scheduled deletion");
}

fn save(local: &mut Local, key: KeyArn) {
    local.call(cancel_key_deletion::Request { key_id: key.into() }).expect("a key to save");
    assert_eq!(state(local, key), KeyState::Disabled);
}

fn state(local: &mut Local, key: KeyArn) -> KeyState {
    describe(local, key).key_state
}

fn full_key(local: &mut Local, until: Option<Timestamp>) -> KeyArn {
    let key = empty_key(local);
    let request = local.parameters(key).expect("parameters").wrap(&FIRST);
    let model = request.expiration_model.filter(|_| until.is_none());
    let request =
        import_key_material::Request { expiration_model: model, valid_to: until, ..request };
    local.import(key, request).expect("an import");
    key
}

#[test]
fn a_key_that_never_had_material_is_disabled_until_its_first_import() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    schedule(&mut local, key);
    save(&mut local, key);
    local.call(disable_key::Request { key_id: key.into() }).unwrap();
    assert_eq!(state(&mut local, key), KeyState::Disabled, "it was already");
    let parameters = local.parameters(key).unwrap();
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    assert_eq!(state(&mut local, key), KeyState::Enabled);
    seal(&mut local, key, "now").unwrap();
}

#[test]
fn enabling_it_shows_what_it_lacks() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    schedule(&mut local, key);
    save(&mut local, key);
    local.call(enable_key::Request { key_id: key.into() }).unwrap();
    assert_eq!(state(&mut local, key), KeyState::PendingImport);
}

#[test]
fn losing_material_afterwards_is_as_for_every_other_key() {
    let mut local = Local::single_region();
    let end = local.now().after(2 * DAY);
    let keys = [full_key(&mut local, None), full_key(&mut local, Some(end))];
    for key in keys {
        schedule(&mut local, key);
        save(&mut local, key);
    }
    delete(&mut local, keys[0], None).unwrap();
    local.advance(2 * DAY);
    for key in keys {
        assert_eq!(state(&mut local, key), KeyState::PendingImport);
        let parameters = local.parameters(key).unwrap();
        local.import(key, parameters.wrap(&FIRST)).unwrap();
        assert_eq!(state(&mut local, key), KeyState::Enabled);
    }
}

#[test]
fn what_expired_unnoticed_while_the_key_was_dying_does_not_show() {
    let mut local = Local::single_region();
    let end = local.now().after(2 * DAY);
    let key = full_key(&mut local, Some(end));
    schedule(&mut local, key);
    local.set_time(end);
    assert_eq!(local.journal().tokens().len(), 1, "nobody has noticed");
    save(&mut local, key);
    assert!(local.journal().tokens().is_empty());
    local.advance(DAY);
    assert_eq!(state(&mut local, key), KeyState::Disabled);
}

#[test]
fn an_import_that_completes_nothing_does_not_enable() {
    let mut local = Local::single_region();
    let key = full_key(&mut local, None);
    schedule(&mut local, key);
    save(&mut local, key);
    let parameters = local.parameters(key).unwrap();
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    assert_eq!(state(&mut local, key), KeyState::Disabled);
    let second = import_key_material::Request {
        import_type: Some(ImportType::New),
        ..parameters.wrap(&SECOND)
    };
    local.import(key, second).unwrap();
    assert_eq!(state(&mut local, key), KeyState::Disabled);
}
