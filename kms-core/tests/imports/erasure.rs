//! Deletion is erasure: once a key or an imported material is gone, nothing that its Region holds in
//! memory, in its journal or in its token store has a byte of the key token, and nothing ever had a
//! byte of the material.

use super::world::{FIRST, SECOND, delete, empty_key, rotate, seal};
use kms_core::key::DAY;
use kms_core::local::Local;
use kms_core::name::KeyArn;
use kms_core::ops::import_key_material::Request;
use kms_core::ops::{rotate_key_on_demand, schedule_key_deletion};
use kms_core::token::KeyToken;
use kms_core::wire::ImportType;
use std::fmt::Write;
use std::sync::Arc;

/// Everything the home Region holds: what a journal would put on a disk, what a token store would, and
/// whatever any of it prints.
fn everything(local: &Local) -> Vec<u8> {
    let journal = local.journal();
    let mut printed = format!("{journal:#?} {:#?}", journal.state());
    for entry in journal.entries_after(0) {
        write!(printed, "{entry:#?}").expect("no refusal");
    }
    for key in journal.state().keys_after(None) {
        write!(printed, "{key:#?} {:#?} {:#?}", key.materials, key.awaiting).expect("no refusal");
    }
    let mut held = printed.into_bytes();
    for token in journal.tokens().iter() {
        write_token(&mut held, token);
    }
    held
}

fn write_token(held: &mut Vec<u8>, token: &Arc<KeyToken>) {
    held.extend_from_slice(format!("{token:#?}").as_bytes());
    held.extend_from_slice(&token.iv);
    held.extend_from_slice(&token.sealed);
}

/// Whether bytes, or a text form of them, are among what is held.
fn holds(held: &[u8], bytes: &[u8]) -> bool {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = format!("{bytes:?}");
    let inner = list.trim_matches(['[', ']']);
    [bytes, hex.as_bytes(), inner.as_bytes()]
        .iter()
        .any(|needle| held.windows(needle.len()).any(|window| window == *needle))
}

/// The sealed bytes of every key token of a key.
fn sealed(local: &Local, key: KeyArn) -> Vec<Vec<u8>> {
    let tokens = local.journal().tokens().iter().filter(|token| token.key == key.id);
    tokens.map(|token| token.sealed.to_vec()).collect()
}

fn assert_held(local: &Local, tokens: &[Vec<u8>]) {
    let held = everything(local);
    assert!(tokens.iter().all(|token| holds(&held, token)), "they can be found at all");
}

fn assert_gone(local: &Local, tokens: &[Vec<u8>]) {
    let held = everything(local);
    for token in tokens {
        // The tag is no part of the ciphertext, and neither may be left.
        let (ciphertext, tag) = token.split_at(token.len() - 16);
        assert!(!holds(&held, ciphertext) && !holds(&held, tag));
    }
}

fn bury(local: &mut Local, key: KeyArn) {
    let pending_window_in_days = Some(kms_core::wire::PendingWindowInDays(7));
    let request = schedule_key_deletion::Request { key_id: key.into(), pending_window_in_days };
    local.call(request).expect("no refusal");
}

#[test]
fn a_deleted_key_leaves_nothing_of_any_of_its_materials() {
    let mut local = Local::single_region();
    let key = local.create_key();
    let other = local.create_key();
    for _ in 0..3 {
        local.call(rotate_key_on_demand::Request { key_id: key.into() }).unwrap();
    }
    seal(&mut local, key, "used").unwrap();
    bury(&mut local, key);
    local.advance(7 * DAY);
    let tokens = sealed(&local, key);
    assert_eq!(tokens.len(), 4);
    assert_held(&local, &tokens);
    local.advance(DAY / 2);
    assert!(sealed(&local, key).is_empty());
    assert_gone(&local, &tokens);
    assert_eq!(sealed(&local, other).len(), 1);
}

#[test]
fn a_deleted_key_leaves_nothing_of_what_was_imported_into_it() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    let second = Request { import_type: Some(ImportType::New), ..parameters.wrap(&SECOND) };
    local.import(key, second).unwrap();
    bury(&mut local, key);
    local.advance(7 * DAY);
    let tokens = sealed(&local, key);
    assert_eq!(tokens.len(), 2, "the current one, and the one that awaits rotation");
    assert_held(&local, &tokens);
    local.advance(DAY / 2);
    assert_gone(&local, &tokens);
    assert!(local.journal().tokens().is_empty(), "no wrapping key was ever stored");
}

#[test]
fn deletion_and_expiry_erase_imported_material() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    let second = Request { import_type: Some(ImportType::New), ..parameters.wrap(&SECOND) };
    let end = local.now().after(DAY / 4);
    let second = Request { expiration_model: None, valid_to: Some(end), ..second };
    local.import(key, second).unwrap();
    rotate(&mut local, key).unwrap();
    let tokens = sealed(&local, key);
    let first = local.key(key).materials[0].id;
    delete(&mut local, key, Some(first)).unwrap();
    let kept = sealed(&local, key);
    let gone: Vec<_> = tokens.iter().filter(|token| !kept.contains(token)).cloned().collect();
    assert_eq!((gone.len(), kept.len()), (1, 1));
    assert_gone(&local, &gone);
    assert_held(&local, &kept);
    local.advance(DAY / 4);
    assert_gone(&local, &tokens);
}

#[test]
fn what_takes_the_place_of_a_token_erases_it() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    let before = sealed(&local, key);
    local.import(key, parameters.wrap(&FIRST)).unwrap();
    assert_gone(&local, &before);
    let before = sealed(&local, key);
    local.advance(2 * DAY);
    assert_eq!(sealed(&local, key).len(), 1);
    assert_gone(&local, &before);
}

#[test]
fn no_material_is_ever_held_in_the_clear() {
    let mut local = Local::single_region();
    let key = empty_key(&mut local);
    let parameters = local.parameters(key).unwrap();
    let material: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7 + 3).unwrap());
    let request = parameters.wrap(&material);
    let printed = format!("{request:#?} {:#?}", parameters.response());
    local.import(key, request).unwrap();
    assert!(!holds(&everything(&local), &material));
    assert!(!holds(printed.as_bytes(), &material));
}
