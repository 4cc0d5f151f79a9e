//! The end of a material by its date, early enough and late.

use super::world::{FIRST, SECOND, code, describe, empty_key, open, rotate, rotations, seal};
use kms_core::ErrorCode;
use kms_core::env::Timestamp;
use kms_core::key::{DAY, KeyState};
use kms_core::local::Local;
use kms_core::ops::import_key_material::Request;
use kms_core::wire::{ExpirationModel, ImportState, ImportType};
use std::time::Duration;

const MICROSECOND: Duration = Duration::from_micros(1);

fn until(at: Timestamp, request: Request) -> Request {
    Request { expiration_model: None, valid_to: Some(at), ..request }
}

#[test]
fn the_date_and_the_model_must_agree_and_a_year_is_the_most() {
    use ExpirationModel::{DoesNotExpire, Expires};
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    let now = local.now();
    let (year, past) = (now.after(365 * DAY), Timestamp::from_seconds(1));
    for (model, valid_to, fits) in [
        (None, None, false),
        (Some(Expires), None, false),
        (Some(Expires), Some(past), false),
        (Some(Expires), Some(now), false),
        (Some(Expires), Some(now.after(MICROSECOND)), true),
        (None, Some(year), true),
        (None, Some(year.after(MICROSECOND)), false),
        (Some(DoesNotExpire), Some(year), false),
        (Some(DoesNotExpire), None, true),
    ] {
        let request = Request { expiration_model: model, valid_to, ..parameters.wrap(&FIRST) };
        match local.import(key, request) {
            Ok(_) => assert!(fits, "{model:?} {valid_to:?}"),
            refused => {
                assert_eq!(code(refused), ErrorCode::Validation);
                assert!(!fits, "{model:?} {valid_to:?}");
            }
        }
    }
}

#[test]
fn a_material_is_gone_at_its_date_and_comes_back() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let end = local.now().after(DAY / 2);
    let parameters = local.parameters(key).unwrap();
    let id = local.import(key, until(end, parameters.wrap(&FIRST))).unwrap();
    let described = describe(&mut local, key);
    assert_eq!(described.expiration_model, Some(ExpirationModel::Expires));
    assert_eq!(described.valid_to, Some(end));
    let blob = seal(&mut local, key, "kept").unwrap();

    local.advance(DAY / 2 - MICROSECOND);
    assert_eq!(open(&mut local, key.region, &blob).unwrap(), "kept");
    local.advance(MICROSECOND);
    assert_eq!(describe(&mut local, key).key_state, KeyState::PendingImport);
    assert_eq!(describe(&mut local, key).valid_to, None);
    assert!(local.journal().tokens().is_empty());
    let [entry] = &rotations(&mut local, key)[..] else { panic!("one material") };
    assert_eq!(entry.key_material_id, id);
    assert_eq!(entry.import_state, Some(ImportState::PendingImport));
    assert_eq!((entry.expiration_model, entry.valid_to), (None, None));

    local.import(key, parameters.wrap(&FIRST)).unwrap();
    local.advance(400 * DAY);
    assert_eq!(open(&mut local, key.region, &blob).unwrap(), "kept");
}

#[test]
fn only_another_import_moves_the_date() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    let (soon, later) = (local.now().after(DAY / 4), local.now().after(3 * DAY));
    local.import(key, until(soon, parameters.wrap(&FIRST))).unwrap();
    local.import(key, until(later, parameters.wrap(&FIRST))).unwrap();
    local.advance(DAY);
    assert_eq!(describe(&mut local, key).key_state, KeyState::Enabled);
    assert_eq!(describe(&mut local, key).valid_to, Some(later));
    local.advance(2 * DAY);
    assert_eq!(describe(&mut local, key).key_state, KeyState::PendingImport);
}

#[test]
fn a_date_that_passed_unnoticed_is_kept_as_soon_as_somebody_looks() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    let end = local.now().after(DAY / 2);
    local.import(key, until(end, parameters.wrap(&FIRST))).unwrap();
    local.set_time(end.after(100 * DAY));
    local.advance(Duration::ZERO);
    assert_eq!(describe(&mut local, key).key_state, KeyState::PendingImport);
    let entries = local.journal().head();
    local.advance(Duration::from_secs(3600));
    let expired = |local: &Local| local.key(key).materials[0].token;
    assert_eq!(expired(&local), None);
    assert!(local.journal().head() <= entries + 10, "it expires once");
}

#[test]
fn what_has_expired_opens_nothing_however_late_it_is_erased() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    let end = local.now().after(DAY / 2);
    local.import(key, until(end, parameters.wrap(&FIRST))).unwrap();
    let blob = seal(&mut local, key, "kept").unwrap();
    local.set_time(end);
    assert_eq!(code(open(&mut local, key.region, &blob)), ErrorCode::KmsInvalidState);
    let described = describe(&mut local, key);
    assert_eq!((described.key_state, described.enabled), (KeyState::PendingImport, false));
    assert_eq!(local.journal().tokens().len(), 1, "it is still here");
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    assert_eq!(open(&mut local, key.region, &blob).unwrap(), "kept");
}

#[test]
fn the_first_of_several_dates_counts() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    let (soon, later) = (local.now().after(DAY / 4), local.now().after(DAY / 2));
    local.import(key, until(later, parameters.wrap(&FIRST))).unwrap();
    let second =
        Request { import_type: Some(ImportType::New), ..until(soon, parameters.wrap(&SECOND)) };
    local.import(key, second).unwrap();
    assert_eq!(describe(&mut local, key).valid_to, Some(later), "the second does not belong yet");
    rotate(&mut local, key).unwrap();
    assert_eq!(describe(&mut local, key).valid_to, Some(soon));
    local.advance(DAY / 4);
    assert_eq!(describe(&mut local, key).key_state, KeyState::PendingImport);
    assert_eq!(describe(&mut local, key).valid_to, Some(later));
    local.advance(DAY / 4);
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    assert_eq!(describe(&mut local, key).key_state, KeyState::PendingImport, "one is missing");
    local.import(key, parameters.wrap(&SECOND)).unwrap();
    assert_eq!(describe(&mut local, key).key_state, KeyState::Enabled);
}

#[test]
fn a_material_that_awaited_its_rotation_ends_without_a_trace() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    let soon = local.now().after(DAY / 4);
    let second =
        Request { import_type: Some(ImportType::New), ..until(soon, parameters.wrap(&SECOND)) };
    local.import(key, second).unwrap();
    local.advance(DAY / 4);
    assert_eq!(describe(&mut local, key).key_state, KeyState::Enabled);
    assert_eq!(rotations(&mut local, key).len(), 1);
    assert_eq!(local.journal().tokens().len(), 1);
}
