//! ListKeyRotations: the key materials a key went through, oldest first.

use super::Info;
use super::rotate_key_on_demand::NO_ROTATION;
use crate::env::Timestamp;
use crate::error::{ErrorCode, Result};
use crate::key::{Key, KeySpec, Material, RotationType};
use crate::kms::Checks;
use crate::name::MaterialId;
use crate::page::{self, PageSize};
use crate::policy::Action;
use crate::step::Next;
use crate::wire::{
    ExpirationModel, ImportState, IncludeKeyMaterial, KeyMaterialDescription, KeyMaterialState,
    KeyRef, Limit, Listed, Marker,
};

/// What the model says of it.
pub const INFO: Info = Info {
    read_only: true,
    errors: &[
        ErrorCode::NotFound,
        ErrorCode::InvalidArn,
        ErrorCode::InvalidMarker,
        ErrorCode::KmsInternal,
        ErrorCode::KmsInvalidState,
        ErrorCode::UnsupportedOperation,
    ],
};

const PAGE: PageSize = PageSize { default: 100, most: 1000 };

crate::shape! {
    /// Which key, what of it and which page.
    pub struct Request {
        /// The key, by id or ARN.
        key_id: KeyRef = "KeyId",
        /// Which materials; `ROTATIONS_ONLY` unless said.
        include_key_material: Option<IncludeKeyMaterial> = "IncludeKeyMaterial",
        /// How many.
        limit: Option<Limit> = "Limit",
        /// Where to go on.
        marker: Option<Marker> = "Marker",
    }
}

crate::shape! {
    /// A page of materials.
    pub struct Response {
        /// The materials.
        rotations: Listed<RotationsListEntry> = "Rotations",
        /// Where the next page begins.
        next_marker: Option<Marker> = "NextMarker",
        /// Whether there is a next page.
        truncated: bool = "Truncated",
    }
}

crate::shape! {
    /// A material in the list.
    pub struct RotationsListEntry {
        /// The id of the key; this answer does not give the ARN.
        key_id: String = "KeyId",
        /// The material.
        key_material_id: MaterialId = "KeyMaterialId",
        /// What the owner says of it, if it is imported.
        key_material_description: Option<KeyMaterialDescription> = "KeyMaterialDescription",
        /// Whether it is here, if it is imported.
        import_state: Option<ImportState> = "ImportState",
        /// What it is to its key.
        key_material_state: KeyMaterialState = "KeyMaterialState",
        /// Whether it expires, if it is imported and here.
        expiration_model: Option<ExpirationModel> = "ExpirationModel",
        /// When it expires, if it does.
        valid_to: Option<Timestamp> = "ValidTo",
        /// When it became current; the first and a pending material did not by a rotation.
        rotation_date: Option<Timestamp> = "RotationDate",
        /// How it became current.
        rotation_type: Option<RotationType> = "RotationType",
    }
}

impl Request {
    /// The first page of a key's rotations.
    pub fn new(key: impl Into<KeyRef>) -> Request {
        Request { key_id: key.into(), include_key_material: None, limit: None, marker: None }
    }
}

pub(crate) fn decide(mut checks: Checks<'_, '_>, request: &Request) -> Result<Next> {
    let size = page::size(request.limit, PAGE)?;
    let include = request.include_key_material.unwrap_or(IncludeKeyMaterial::RotationsOnly);
    let context = checks.context(Action::ListKeyRotations);
    let key = checks.key_by_name(&request.key_id, context)?;
    if key.spec != KeySpec::SymmetricDefault {
        return Err(ErrorCode::UnsupportedOperation.says(NO_ROTATION));
    }
    let list = format!("ListKeyRotations {} {include}", key.id());
    let entries = entries(&key, include);
    let last = |text: &str| {
        let id = MaterialId::parse(text)?;
        entries.iter().position(|entry| entry.key_material_id == id)
    };
    let after = page::position(request.marker.as_ref(), &list, last)?;
    let rest = entries.into_iter().skip(after.map_or(0, |last| last + 1));
    let page = page::take(rest, size, &list, |entry| entry.key_material_id.to_string());
    checks.pass(false)?.done(Response {
        rotations: Listed(page.items),
        truncated: page.next.is_some(),
        next_marker: page.next,
    })
}

/// The materials that rotations made, or all of them. Materials that belong to a key are never taken
/// away, and one that is not current yet keeps its place at the end when it becomes so; a page goes on
/// behind its last material.
fn entries(key: &Key, include: IncludeKeyMaterial) -> Vec<RotationsListEntry> {
    let all = include == IncludeKeyMaterial::AllKeyMaterial;
    let current = key.current_material().map(|material| material.id);
    let made = key.materials.iter().filter(|material| all || material.rotation.is_some());
    let made = made.map(|material| match Some(material.id) == current {
        true => entry(key, material, KeyMaterialState::Current),
        false => entry(key, material, KeyMaterialState::NonCurrent),
    });
    let pending = key.pending.iter().filter(|_| all).map(|pending| RotationsListEntry {
        rotation_date: None,
        rotation_type: None,
        ..entry(key, &pending.material, KeyMaterialState::PendingRotation)
    });
    let awaiting = key.awaiting.iter().filter(|_| all);
    let awaiting = awaiting.map(|material| entry(key, material, key.awaiting_state()));
    made.chain(pending).chain(awaiting).collect()
}

fn entry(key: &Key, material: &Material, state: KeyMaterialState) -> RotationsListEntry {
    let here = key.is_imported().then_some(material.token.is_some());
    RotationsListEntry {
        key_id: key.id().to_string(),
        key_material_id: material.id,
        key_material_description: material.label.clone().map(KeyMaterialDescription::from),
        import_state: here.map(|here| match here {
            true => ImportState::Imported,
            false => ImportState::PendingImport,
        }),
        key_material_state: state,
        expiration_model: (here == Some(true)).then(|| ExpirationModel::of(material.expires)),
        valid_to: material.expires,
        rotation_date: material.rotation.map(|rotation| rotation.at),
        rotation_type: material.rotation.map(|rotation| rotation.kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{DAY, PendingMaterial, Rotation};
    use crate::local::Local;
    use crate::name::{KeyArn, TokenId};
    use crate::ops::{Response as Any, enable_key_rotation};
    use crate::wire::RotationPeriodInDays;

    fn list(local: &mut Local, request: Request) -> Result<Response> {
        match local.call(request)? {
            Any::ListKeyRotations(response) => Ok(response),
            other => panic!("{other:?}"),
        }
    }

    fn all(key: KeyArn) -> Request {
        let include_key_material = Some(IncludeKeyMaterial::AllKeyMaterial);
        Request { include_key_material, ..Request::new(key) }
    }

    /// A key that has rotated that many times, and the day of the first rotation.
    fn rotated(local: &mut Local, times: u32) -> (KeyArn, Timestamp) {
        let key = local.create_key();
        let mut request = enable_key_rotation::Request::new(key);
        request.rotation_period_in_days = Some(RotationPeriodInDays(90));
        let first = local.now().after(90 * DAY);
        local.call(request).unwrap();
        for _ in 0..times {
            local.advance(90 * DAY);
        }
        (key, first)
    }

    #[test]
    fn a_key_that_never_rotated_shows_its_material_only_when_asked() {
        let mut local = Local::single_region();
        let key = local.create_key();
        assert_eq!(list(&mut local, Request::new(key)).unwrap().rotations.0, []);
        let [first] = &list(&mut local, all(key)).unwrap().rotations.0[..] else { panic!() };
        assert_eq!(first.key_id, key.id.to_string());
        assert_eq!(first.key_material_state, KeyMaterialState::Current);
        assert_eq!((first.rotation_date, first.rotation_type), (None, None));
    }

    #[test]
    fn rotations_come_oldest_first_and_the_last_one_is_current() {
        let mut local = Local::single_region();
        let (key, first) = rotated(&mut local, 2);
        let rotations = list(&mut local, Request::new(key)).unwrap().rotations.0;
        let states: Vec<_> = rotations.iter().map(|entry| entry.key_material_state).collect();
        assert_eq!(states, [KeyMaterialState::NonCurrent, KeyMaterialState::Current]);
        assert!(rotations[0].rotation_date >= Some(first));
        assert!(rotations[0].rotation_date < rotations[1].rotation_date);
        assert!(rotations.iter().all(|one| one.rotation_type == Some(RotationType::Automatic)));
        let with_first = list(&mut local, all(key)).unwrap().rotations.0;
        assert_eq!(with_first[0].rotation_date, None);
        assert_eq!(with_first[1..], rotations);
    }

    #[test]
    fn a_pending_material_shows_only_among_all() {
        let mut local = Local::single_region();
        let arn = local.create_key();
        let mut key = Key::clone(&local.key(arn));
        let rotation = Some(Rotation { at: local.now(), kind: RotationType::OnDemand });
        let made = Material::new(MaterialId([1; 32]), TokenId([1; 16]));
        let material = Material { rotation, ..made };
        key.pending = Some(PendingMaterial { material, needs: 1 });
        assert_eq!(entries(&key, IncludeKeyMaterial::RotationsOnly), []);
        let all = entries(&key, IncludeKeyMaterial::AllKeyMaterial);
        assert_eq!(all[0].key_material_state, KeyMaterialState::Current);
        assert_eq!(all[1].key_material_state, KeyMaterialState::PendingRotation);
        assert_eq!((all[1].rotation_date, all[1].rotation_type), (None, None));
    }

    #[test]
    fn pages_go_on_behind_the_last_material_whatever_rotates_in_between() {
        let mut local = Local::single_region();
        let (key, _) = rotated(&mut local, 3);
        let expected = list(&mut local, all(key)).unwrap().rotations.0;
        let first = Request { limit: Some(Limit(2)), ..all(key) };
        let first = list(&mut local, first).unwrap();
        assert!(first.truncated);
        local.advance(90 * DAY);
        let rest = list(&mut local, Request { marker: first.next_marker, ..all(key) }).unwrap();
        assert!(!rest.truncated);
        let ids = |entries: &[RotationsListEntry]| -> Vec<_> {
            entries.iter().map(|entry| entry.key_material_id).collect()
        };
        let seen = [ids(&first.rotations.0), ids(&rest.rotations.0)].concat();
        assert_eq!(seen[..4], ids(&expected));
        assert_eq!(seen.len(), 5);
    }

    #[test]
    fn a_marker_belongs_to_its_key_and_its_list() {
        let mut local = Local::single_region();
        let (key, _) = rotated(&mut local, 2);
        let other = local.create_key();
        let first = list(&mut local, Request { limit: Some(Limit(1)), ..all(key) }).unwrap();
        for wrong in [all(other), Request::new(key)] {
            let request = Request { marker: first.next_marker.clone(), ..wrong };
            assert_eq!(list(&mut local, request).unwrap_err().code, ErrorCode::InvalidMarker);
        }
    }
}
