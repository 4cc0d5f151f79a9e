//! Import tokens: how long they are good, for what, and what becomes of the wrong ones.

use super::world::{FIRST, code, empty_key, region};
use kms_core::ErrorCode;
use kms_core::key::DAY;
use kms_core::local::Local;
use kms_core::ops::{create_key, import_key_material, replicate_key};
use kms_core::wire::{EncryptedKeyMaterial, ImportTokenBlob};
use std::time::Duration;

const MICROSECOND: Duration = Duration::from_micros(1);

#[test]
fn parameters_are_good_for_a_day_whatever_becomes_of_the_domain_key() {
    let mut local = Local::single_region();
    local.advance(DAY / 2);
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    assert_eq!(parameters.response().parameters_valid_to, local.now().after(DAY));
    let active = |local: &Local| local.journal().state().domain().unwrap().0.token.active;
    let before = active(&local);
    local.advance(DAY - MICROSECOND);
    assert!(active(&local) > before, "the domain key was rotated meanwhile");
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    local.advance(MICROSECOND);
    let late = local.import(key, parameters.wrap(&FIRST));
    assert_eq!(code(late), ErrorCode::ExpiredImportToken);
}

#[test]
fn a_token_is_for_one_key() {
    let mut local = Local::single_region();
    let (one, other) = (empty_key(&mut local), empty_key(&mut local));
    let request = local.parameters(one).unwrap().wrap(&FIRST);
    let elsewhere = import_key_material::Request { key_id: other.into(), ..request };
    assert_eq!(code(local.import(other, elsewhere)), ErrorCode::InvalidImportToken);
}

#[test]
fn a_token_is_for_one_region() {
    let mut local = Local::regions(&["us-east-1", "eu-west-1"]);
    let key = local.create_primary_to_import();
    let request = local.parameters(key).unwrap().wrap(&FIRST);
    local.import(key, request.clone()).unwrap();
    let there = region("eu-west-1");
    local.call(replicate_key::Request::new(key, there)).unwrap();
    local.advance(Duration::from_secs(5));
    let replica = kms_core::name::KeyArn { region: there, ..key };
    let elsewhere = import_key_material::Request { key_id: replica.into(), ..request };
    assert_eq!(code(local.import(replica, elsewhere)), ErrorCode::InvalidImportToken);
}

#[test]
fn a_token_and_a_wrapping_key_belong_together() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let (one, other) = (local.parameters(key).unwrap(), local.parameters(key).unwrap());
    let mixed = import_key_material::Request {
        import_token: other.response().import_token.clone(),
        ..one.wrap(&FIRST)
    };
    assert_eq!(code(local.import(key, mixed)), ErrorCode::InvalidCiphertext);
}

#[test]
fn no_byte_of_a_token_can_be_changed() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let request = local.parameters(key).unwrap().wrap(&FIRST);
    let genuine = request.import_token.0.to_vec();
    let header = 8 + 4 + 17 + 2 + 8 + 12;
    let last = genuine.len() - 1;
    for at in (0..header).chain([header, last]) {
        let mut changed = genuine.clone();
        changed[at] ^= 1;
        let import_token = ImportTokenBlob(changed.into());
        let request = import_key_material::Request { import_token, ..request.clone() };
        let refused = code(local.import(key, request));
        // An earlier end is looked at before anybody knows that it is not true.
        let early = refused == ErrorCode::ExpiredImportToken && (31..39).contains(&at);
        assert!(early || refused == ErrorCode::InvalidImportToken, "byte {at}: {refused}");
    }
    local.import(key, request).unwrap();
}

#[test]
fn what_does_not_unwrap_is_an_invalid_ciphertext() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let request = local.parameters(key).unwrap().wrap(&FIRST);
    for wrapped in [vec![0; 256], vec![1], vec![7; 6144]] {
        let encrypted_key_material = EncryptedKeyMaterial(wrapped.into());
        let request = import_key_material::Request { encrypted_key_material, ..request.clone() };
        assert_eq!(code(local.import(key, request)), ErrorCode::InvalidCiphertext);
    }
}

#[test]
fn asking_for_parameters_changes_nothing() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let (head, tokens) = (local.journal().head(), local.journal().tokens().len());
    local.parameters(key).unwrap();
    assert_eq!((local.journal().head(), local.journal().tokens().len()), (head, tokens));
    local.call(create_key::Request::default()).unwrap();
    assert!(local.journal().head() > head);
}
