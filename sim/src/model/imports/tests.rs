//! Imported material, request by request: what the model lets pass and what it objects to.

use super::*;
use crate::history::{Changed, Got, Target};
use crate::oracle::scene::{Scene, arn, key_id};

const FIRST: MaterialId = MaterialId([1; 32]);
const SECOND: MaterialId = MaterialId([2; 32]);

fn key() -> Target {
    Target::Key { region: None, id: key_id() }
}

fn here(material: MaterialId) -> Held {
    Held { material, here: true, expires: None }
}

/// The key of the scene, with these materials.
fn with(belonging: &[Held], awaiting: Option<Held>) -> Changed {
    let imports = Imports { belonging: belonging.to_vec(), awaiting };
    Changed::Key {
        id: key_id(),
        state: if imports.lack() { KeyState::PendingImport } else { KeyState::Enabled },
        material: imports.current(),
        role: None,
        pending: false,
        rotation_days: None,
        deletion: None,
        imports: Some(Arc::new(imports)),
    }
}

fn import(wrapped: u64, expires: Option<Timestamp>, new: Option<bool>) -> Wanted {
    let (token, wrapped, stays) = (Digest(1), Digest(wrapped), expires.is_none());
    Wanted::ImportKeyMaterial { key: key(), token, wrapped, stays, expires, new, material: None }
}

fn complaints(scene: &Scene) -> usize {
    scene.complaints("reference-model")
}

/// How many more complaints there are when a request is answered so.
fn answered(scene: &mut Scene, id: u128, wanted: Wanted, error: Option<ErrorCode>) -> usize {
    let before = complaints(scene);
    scene.call(id, wanted);
    scene.answer(id, error);
    complaints(scene) - before
}

/// A request that changes the key of the scene.
fn done(scene: &mut Scene, id: u128, wanted: Wanted, changed: Changed, got: Got) {
    scene.call(id, wanted);
    scene.commit(id, vec![changed]);
    scene.answer_at(id, u64::try_from(id).unwrap() - 1, None);
    scene.returned(id, got);
}

/// A key to import into, and an import token for it; requests 1 and 2.
fn world() -> Scene {
    let mut scene = Scene::new();
    let create = Wanted::CreateKeyToImport { multi_region: false };
    done(scene.at(1), 1, create, with(&[], None), Got::Created { key: arn() });
    scene.call(100, Wanted::GetParametersForImport { key: key(), fits: true });
    scene.answer(100, None);
    let until = token_end(scene.context().wall(crate::clock::SimTime::from_millis(1)));
    scene.returned(100, Got::ImportParameters { key: arn(), token: Digest(1), until });
    scene
}

fn imported(scene: &mut Scene, id: u128, held: Held) {
    let material = Some(held.material);
    let got = Got::OfMaterial { key: arn(), material };
    done(scene, id, import(7, held.expires, None), with(&[held], None), got);
    assert_eq!(complaints(scene), 0);
}

fn encrypt() -> Wanted {
    Wanted::Encrypt { key: key(), plaintext: Digest(1), context: Digest(1) }
}

const WITHOUT: Option<ErrorCode> = Some(ErrorCode::KmsInvalidState);

#[test]
fn a_key_works_while_its_material_is_here() {
    let mut scene = world();
    assert_eq!(answered(&mut scene, 10, encrypt(), WITHOUT), 0);
    assert_eq!(answered(&mut scene, 11, encrypt(), None), 1, "nothing is imported");
    let mut scene = world();
    imported(&mut scene, 2, here(FIRST));
    assert_eq!(answered(&mut scene, 12, encrypt(), None), 0);
    let delete = Wanted::DeleteImportedKeyMaterial { key: key(), material: None };
    let gone = with(&[Held { here: false, ..here(FIRST) }], None);
    let got = Got::OfMaterial { key: arn(), material: Some(FIRST) };
    done(&mut scene, 3, delete, gone, got);
    assert_eq!(complaints(&scene), 0);
    assert_eq!(answered(&mut scene, 13, encrypt(), WITHOUT), 0);
    assert_eq!(answered(&mut scene, 14, encrypt(), None), 1, "it was deleted");
}

#[test]
fn what_has_expired_is_missing_before_it_is_erased_and_is_erased_not_before() {
    let mut scene = world();
    let end = scene.context().wall(crate::clock::SimTime::from_millis(60_000));
    imported(&mut scene, 2, Held { expires: Some(end), ..here(FIRST) });
    let mut early = world();
    imported(&mut early, 2, Held { expires: Some(end), ..here(FIRST) });
    early.at(30_000).task(vec![with(&[Held { here: false, ..here(FIRST) }], None)]);
    assert_eq!(complaints(&early), 1);
    scene.at(59_000);
    assert_eq!(answered(&mut scene, 10, encrypt(), None), 0);
    scene.at(60_000);
    assert_eq!(answered(&mut scene, 11, encrypt(), WITHOUT), 0);
    assert_eq!(answered(&mut scene, 12, encrypt(), None), 1);
    scene.at(90_000).task(vec![with(&[Held { here: false, ..here(FIRST) }], None)]);
    assert_eq!(complaints(&scene), 1, "that is right");
}

#[test]
fn the_same_bytes_are_the_same_material() {
    let mut scene = world();
    imported(&mut scene, 2, here(FIRST));
    let incorrect = Some(ErrorCode::IncorrectKeyMaterial);
    assert_eq!(answered(&mut scene, 10, import(7, None, None), None), 0);
    assert_eq!(answered(&mut scene, 11, import(7, None, None), incorrect), 1);
    assert_eq!(answered(&mut scene, 12, import(7, None, Some(true)), incorrect), 0);
    assert_eq!(answered(&mut scene, 13, import(8, None, None), incorrect), 0, "who knows");
    let other = with(&[here(FIRST)], Some(here(SECOND)));
    let got = || Got::OfMaterial { key: arn(), material: Some(SECOND) };
    done(&mut scene, 3, import(7, None, Some(true)), other.clone(), got());
    assert!(complaints(&scene) >= 2, "the same bytes were another material before");
    let mut scene = world();
    imported(&mut scene, 2, here(FIRST));
    done(&mut scene, 3, import(8, None, Some(true)), other, got());
    assert_eq!(complaints(&scene), 0);
    let rotate = Wanted::RotateKeyOnDemand { key: key() };
    done(&mut scene, 4, rotate, with(&[here(FIRST), here(SECOND)], None), Got::Done);
    assert_eq!(complaints(&scene), 0);
}

#[test]
fn a_token_is_lost_with_the_domain_key_its_wrapping_key_is_under() {
    let mut scene = world();
    imported(&mut scene, 2, here(FIRST));
    let invalid = Some(ErrorCode::InvalidImportToken);
    // Request 2 made entry 2; each of the next ones is a rotation.
    for (id, position, complaint) in [(10, 3, 1), (11, 4, 1), (12, 5, 0), (13, 6, 0)] {
        let active = DomainEpoch(u32::try_from(position).unwrap() - 1);
        scene.task(vec![Changed::Domain(active)]);
        let before = complaints(&scene);
        scene.call(id, import(7, None, None));
        scene.answer_at(id, position, invalid);
        assert_eq!(complaints(&scene) - before, complaint, "with {active:?}");
    }
}

#[test]
fn a_token_is_good_for_its_key_and_a_day() {
    let mut scene = world();
    let foreign = match import(7, None, None) {
        Wanted::ImportKeyMaterial { key, wrapped, stays, expires, new, material, .. } => {
            let token = Digest(2);
            Wanted::ImportKeyMaterial { key, token, wrapped, stays, expires, new, material }
        }
        other => other,
    };
    let invalid = Some(ErrorCode::InvalidImportToken);
    assert_eq!(answered(&mut scene, 10, foreign.clone(), invalid), 0);
    assert_eq!(answered(&mut scene, 11, foreign, None), 1);
    scene.at(86_400_001);
    let expired = Some(ErrorCode::ExpiredImportToken);
    assert_eq!(answered(&mut scene, 12, import(7, None, None), expired), 0);
    assert_eq!(answered(&mut scene, 13, import(7, None, None), None), 1);
}

/// The key of the scene in another state, and when it ends.
fn in_state(changed: Changed, now: KeyState, end: Option<Timestamp>) -> Changed {
    match changed {
        Changed::Key { id, material, role, pending, rotation_days, imports, .. } => {
            let (state, deletion) = (now, end);
            Changed::Key { id, state, material, role, pending, rotation_days, deletion, imports }
        }
        other => other,
    }
}

/// Complaints about a key with these materials that is saved from deletion, and then imported into.
fn saved(scene: &mut Scene, first: u128, before: &[Held], after: &[Held]) -> [usize; 2] {
    let now = scene.context().wall(crate::clock::SimTime::from_millis(1));
    let end = Some(now.after(Duration::from_secs(7 * 86_400)));
    scene.call(first, Wanted::ScheduleKeyDeletion { key: key(), days: 7 });
    scene.commit(first, vec![in_state(with(before, None), KeyState::PendingDeletion, end)]);
    scene.call(first + 1, Wanted::CancelKeyDeletion { key: key() });
    scene.commit(first + 1, vec![in_state(with(after, None), KeyState::Disabled, None)]);
    let complained = complaints(scene);
    scene.call(first + 2, import(7, None, None));
    scene.commit(first + 2, vec![with(&[here(FIRST)], None)]);
    [complained, complaints(scene)]
}

#[test]
fn a_saved_key_is_off_with_and_without_its_material_and_on_when_that_is_complete() {
    assert_eq!(saved(&mut world(), 2, &[], &[]), [0, 0]);
    let lost = Held { here: false, ..here(FIRST) };
    let mut scene = world();
    imported(&mut scene, 2, here(FIRST));
    scene.call(3, Wanted::DeleteImportedKeyMaterial { key: key(), material: None });
    scene.commit(3, vec![with(&[lost], None)]);
    assert_eq!(saved(&mut scene, 4, &[lost], &[lost]), [0, 0]);
}

#[test]
fn a_saved_key_that_lacked_nothing_stays_off() {
    let mut scene = world();
    imported(&mut scene, 2, here(FIRST));
    assert_eq!(saved(&mut scene, 3, &[here(FIRST)], &[here(FIRST)]), [0, 1]);
}

#[test]
fn saving_a_key_takes_no_material_away_that_has_not_expired() {
    let end = world().context().wall(crate::clock::SimTime::from_millis(60_000));
    let (held, lost) =
        (Held { expires: Some(end), ..here(FIRST) }, Held { here: false, ..here(FIRST) });
    for (at, complained) in [(1_000, 1), (90_000, 0)] {
        let mut scene = world();
        imported(&mut scene, 2, held);
        scene.at(at);
        let date = scene.context().wall(crate::clock::SimTime::from_millis(at));
        let date = Some(date.after(Duration::from_secs(7 * 86_400)));
        scene.call(3, Wanted::ScheduleKeyDeletion { key: key(), days: 7 });
        scene.commit(3, vec![in_state(with(&[held], None), KeyState::PendingDeletion, date)]);
        scene.call(4, Wanted::CancelKeyDeletion { key: key() });
        scene.commit(4, vec![in_state(with(&[lost], None), KeyState::Disabled, None)]);
        assert_eq!(complaints(&scene), complained, "at {at}");
    }
}
